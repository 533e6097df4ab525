"""Time as a parameter."""

import asyncio
import time
import weakref
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC, for people. Never for measuring: it jumps."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, for measuring."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class LoopClock:
    """The clock of one event loop: what its timers and time limits are measured by.

    Does not keep the loop alive.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        held = weakref.ref(loop)

        def ask_the_loop() -> float:
            return time.monotonic() if (loop := held()) is None else loop.time()

        plain = type(loop).time is asyncio.BaseEventLoop.time
        self.monotonic = time.monotonic if plain else ask_the_loop

    def now(self) -> datetime:
        return datetime.now(UTC)
