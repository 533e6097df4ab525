"""Serve until asked to stop."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import uvicorn

from app.api.app import create_app
from app.bootstrap import Runtime, open_runtime
from app.embedded import embedded_servers
from app.jobs import worker
from app.queue.inspection import watch
from app.queue.interpreter import settle
from app.queue.worker import Stop
from app.settings import InvalidSettings, Settings

_LISTEN_BACKLOG = 128
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


def listen(settings: Settings, port: int | None) -> socket.socket:
    """A listening socket.

    A port that was asked for and is taken stops the start. The default one gives way to any free
    port in development; the URL that is printed says so.
    """
    asked = settings.api.port if port is None else port
    try:
        return _bind(settings.api.host, asked)
    except OSError as error:
        if port is None and settings.env == "development":
            return _bind(settings.api.host, 0)
        raise InvalidSettings(
            [f"API__PORT: cannot listen on {settings.api.host}:{asked} ({error.strerror})"]
        ) from None


def url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://{host}:{port}"


@asynccontextmanager
async def api_server(runtime: Runtime, listening: socket.socket) -> AsyncGenerator[None]:
    """The API on `listening` while the block lasts; open requests get 5 s at the end."""
    server = _Server(
        uvicorn.Config(
            create_app(runtime),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]))
        watching = group.create_task(watch(runtime.producer))  # for who reads /metrics
        try:
            yield
        finally:
            watching.cancel()
            server.should_exit = True


async def serve_all(settings: Settings, *, port: int | None) -> None:
    """API and worker in one process."""
    with stop_signals() as stop:
        async with connected(settings, migrate_first=True) as runtime:
            listening = listen(settings, port)
            print(f"Naru serves at {url_of(listening)} (Ctrl-C stops it)", file=sys.stderr)
            async with api_server(runtime, listening):
                await worker.serve(runtime, stop)


async def serve_api(settings: Settings, *, port: int | None) -> None:
    with stop_signals() as stop:
        async with connected(settings) as runtime:
            listening = listen(settings, port)
            print(f"The API serves at {url_of(listening)}", file=sys.stderr)
            async with api_server(runtime, listening):
                await stop.asked.wait()


async def serve_worker(settings: Settings) -> None:
    with stop_signals() as stop:
        async with connected(settings) as runtime:
            settle()
            await worker.serve(runtime, stop)


async def run_migrations(settings: Settings) -> None:
    async with connected(settings, migrate_first=True):
        print("The schema is up to date.", file=sys.stderr)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are ours: they stop the worker too, in order."""
        yield


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by connections; without it an answer's body waits 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((host, port))
        listening.listen(_LISTEN_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
