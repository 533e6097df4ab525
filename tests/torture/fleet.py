"""The workers of a storm, and what can be done to them."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import unwrap
from app.settings import Settings
from tests.conftest import environment_of

END_WITHIN_S = 60
"""A bound for what hangs, not a promise: a machine may be slow."""


@dataclass(slots=True, eq=False)
class Worker:
    """`hours`: how far its clock was set off, and `off_by_s` how far it is.

    `settled` once it takes jobs, or has ended before; `code` is what it ended with.
    """

    name: str
    hours: float
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    code: int | None = None
    off_by_s: float = 0
    pid: int = 0
    has_started: bool = False
    is_told_to_end: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.hours:+.0f} h)" if self.hours else self.name


class Fleet:
    """Workers of one nursery, which is their parent and sends them their signals."""

    def __init__(self, nursery: asyncio.subprocess.Process) -> None:
        self._nursery = nursery
        self._workers: dict[str, Worker] = {}
        self.fallen: list[Worker] = []
        """Those that ended by themselves."""

    @property
    def living(self) -> list[Worker]:
        """In the order of their birth."""
        return [each for each in self._workers.values() if not each.ended.is_set()]

    async def start(self, hours: float = 0) -> Worker:
        """A new one; it takes jobs once it has settled."""
        worker = Worker(f"w{len(self._workers) + 1}", hours)
        self._workers[worker.name] = worker
        await self._order(f"fork {worker.name} {hours}")
        return worker

    async def send(self, worker: Worker, number: signal.Signals) -> None:
        """Signal it if it still lives."""
        await self._order(f"signal {worker.name} {number.value}")
        worker.is_told_to_end |= number in (signal.SIGTERM, signal.SIGKILL)

    async def _order(self, line: str) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(f"{line}\n".encode())
        await self._nursery.stdin.drain()

    async def end(self, worker: Worker, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait for its end; its exit code."""
        await self.send(worker, number)
        async with asyncio.timeout(END_WITHIN_S):
            await worker.ended.wait()
        assert worker.code is not None
        return worker.code

    async def listen(self) -> None:
        """Hear what the nursery tells, until it has ended."""
        assert self._nursery.stdout is not None
        async for line in self._nursery.stdout:
            what, name, *told = line.decode().split()
            worker = self._workers[name]
            match what:
                case "ready":
                    worker.off_by_s, worker.pid = float(told[0]) - time.time(), int(told[1])
                    worker.has_started = True
                case _:
                    worker.code = int(told[0])
                    worker.ended.set()
                    if not worker.is_told_to_end:
                        self.fallen.append(worker)
            worker.settled.set()


@asynccontextmanager
async def open_fleet(
    settings: Settings, folder: Path, *, seed: int, sink_url: str
) -> AsyncGenerator[Fleet]:
    """A nursery; at the end it and its workers are gone."""
    nursery = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.torture.nursery", str(folder), str(seed), sink_url),
        # No thread may live in a process that forks.
        env=environment_of(settings) | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    fleet = Fleet(nursery)
    with ungrouped():
        async with asyncio.TaskGroup() as group:
            group.create_task(fleet.listen())
            try:
                yield fleet
            finally:
                assert nursery.stdin is not None
                nursery.stdin.close()
                await nursery.wait()


@contextmanager
def ungrouped() -> Generator[None]:
    """Raise what one of a group has raised as itself: an assertion is to be read."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise unwrap(group) from None
