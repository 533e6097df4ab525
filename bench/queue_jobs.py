"""What every system runs, and how a job tells that it ran: one row of 24 bytes in a file.

That costs 2 µs and is the same for all, so no result depends on what a system says of itself. Read
in both environments: the standard library alone.
"""

import asyncio
import os
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Body = Callable[..., Awaitable[None]]

CANCELLED = -1.0
"""In place of the first time: the job was cancelled at the second."""
LASTING = "hold"
"""The one job that lasts for longer than a measurement."""
_HELD_S = 600
_ROW = struct.Struct("<ddq")
_POLL_S = 0.002


def now_s() -> float:
    """The clock of every process here: it is the machine's, and nobody sets it."""
    return time.monotonic()


def bodies(rows: Path) -> Mapping[str, Body]:
    """The jobs, by name, as a worker runs them."""
    descriptor = os.open(rows, os.O_WRONLY | os.O_APPEND)
    pid = os.getpid()

    def write(first_s: float) -> None:
        os.write(descriptor, _ROW.pack(first_s, now_s(), pid))

    async def noop() -> None:
        write(0)

    async def stamp(sent_s: float) -> None:
        write(sent_s)

    async def sleep(seconds: float) -> None:
        began_s = now_s()
        await asyncio.sleep(seconds)
        write(began_s)

    async def hold() -> None:
        write(0)
        try:
            await asyncio.sleep(_HELD_S)
        except asyncio.CancelledError:
            write(CANCELLED)
            raise

    return {"noop": noop, "stamp": stamp, "sleep": sleep, LASTING: hold}


@dataclass(frozen=True, slots=True)
class Row:
    """`first_s`: when the job was sent, or when it began; 0 where neither is asked."""

    first_s: float
    second_s: float
    pid: int


class NotDoneError(Exception):
    """A measurement that did not come to its end; the text says how far it came."""


class Rows:
    """What the jobs of one measurement wrote."""

    def __init__(self, path: Path) -> None:
        path.touch()
        self.path = path

    def count(self) -> int:
        """How many there are."""
        return self.path.stat().st_size // _ROW.size

    def read(self) -> list[Row]:
        """All of them, in the order in which they were written."""
        whole = self.path.read_bytes()
        return [Row(*parts) for parts in _ROW.iter_unpack(whole)]

    async def wait(self, count: int, *, limit_s: float) -> None:
        """Return once there are `count`. Raises NotDoneError after `limit_s`."""
        end_s = now_s() + limit_s
        while self.count() < count:
            if now_s() > end_s:
                raise NotDoneError(f"{self.count():,} of {count:,} jobs in {limit_s:g} s")
            await asyncio.sleep(_POLL_S)
