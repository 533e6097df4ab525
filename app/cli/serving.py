"""What a command connects to, how it is asked to stop, and the worker."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from app.bootstrap import Runtime, open_runtime
from app.embedded import embedded_servers
from app.jobs import worker
from app.queue.interpreter import settle
from app.queue.worker import Stop
from app.settings import Settings

_STOPPING = (signal.SIGINT, signal.SIGTERM)

T = TypeVar("T")


@asynccontextmanager
async def connected(settings: Settings, *, migrate_first: bool = False) -> AsyncGenerator[Runtime]:
    """A runtime on the servers of the settings, or on the embedded ones.

    The embedded database is ours alone, so its schema is always brought up to date.
    """
    ours = settings.database.url is None
    async with (
        embedded_servers(settings) as found,
        open_runtime(found, migrate_first=migrate_first or ours) as runtime,
    ):
        yield runtime


@contextmanager
def stop_signals() -> Generator[Stop]:
    """SIGINT and SIGTERM: the first asks to stop, the second to stop at once, a third ends it.

    One that comes when all that was asked for is done changes nothing any more.
    """
    stop = Stop()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        if stop.asked.is_set():
            stop.at_once.set()
            for each in _STOPPING:
                signal.signal(each, signal.SIG_DFL)
                loop.remove_signal_handler(each)
        stop.asked.set()

    for number in _STOPPING:
        loop.add_signal_handler(number, signalled)
    try:
        yield stop
    finally:
        for number in _STOPPING:
            loop.remove_signal_handler(number)
            if stop.asked.is_set() and not stop.at_once.is_set():
                # Or the exit code would say that it was killed. A mask of this thread would not
                # do: the system hands the signal to another one.
                signal.signal(number, signal.SIG_IGN)


async def unless_stopped(stopping: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`; None when a stop came first: then it was cancelled."""
    working = asyncio.create_task(work)
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait((working,))
    return None


async def serve_worker(settings: Settings) -> None:
    with stop_signals() as stop:
        async with connected(settings) as runtime:
            settle()
            await worker.serve(runtime, stop)


async def run_migrations(settings: Settings) -> None:
    async with connected(settings, migrate_first=True):
        print("The schema is up to date.", file=sys.stderr)
