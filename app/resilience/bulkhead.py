"""A bulkhead: so many calls at once, so many waiting, the rest rejected at once."""

import asyncio
from collections import deque

from app.errors import ErrorCode, RetryableError
from app.resilience.deadline import DEADLINE, LEAST_ATTEMPT_S


class Bulkhead:
    """First come, first served: a slot that is freed goes to whoever waits longest.

    For one event loop. Nothing is made until somebody has to wait.
    """

    def __init__(self, name: str, *, slots: int, queue: int) -> None:
        self.name = name
        self._slots = slots
        self._queue = queue
        self._in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def in_use(self) -> int:
        """Slots taken."""
        return self._in_use

    @property
    def waiting(self) -> int:
        """Callers in the queue."""
        return len(self._waiting)

    def admit(self) -> bool:
        """Take a slot if one is free, to be given back by `leave`."""
        if self._in_use >= self._slots:
            return False
        self._in_use += 1
        return True

    async def enter(self) -> None:
        """Take a slot, to be given back by `leave`; waits while there is time for an attempt.

        Raises BULKHEAD_FULL at once when the queue is full, or when no time is left.
        """
        if self.admit():
            return
        if len(self._waiting) >= self._queue:
            raise self._full()
        handed = asyncio.get_running_loop().create_future()
        self._waiting.append(handed)
        deadline = DEADLINE.get()
        until = None if deadline is None else deadline - LEAST_ATTEMPT_S
        try:
            async with asyncio.timeout_at(until):
                await handed
        except TimeoutError:
            self._give_up(handed)
            raise self._full() from None
        except asyncio.CancelledError:
            self._give_up(handed)
            raise

    def leave(self) -> None:
        """Give a slot back."""
        while self._waiting:
            handed = self._waiting.popleft()
            if not handed.done():
                handed.set_result(None)  # the slot changes hands and stays in use
                return
        self._in_use -= 1

    def _give_up(self, handed: asyncio.Future[None]) -> None:
        if handed.done() and not handed.cancelled():
            self.leave()  # it was handed over in the moment of giving up
        elif handed in self._waiting:
            self._waiting.remove(handed)

    def _full(self) -> RetryableError:
        return RetryableError(
            ErrorCode.BULKHEAD_FULL, details={"dependency": self.name, "slots": self._slots}
        )
