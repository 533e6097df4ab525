"""A bulkhead: so many calls at once, so many waiting, the rest rejected at once."""

from app.errors import ErrorCode, RetryableError
from app.resilience.deadline import DEADLINE, LEAST_ATTEMPT_S
from app.resilience.turns import Turns


class Bulkhead:
    """First come, first served: a slot that is freed goes to whoever waits longest.

    For one event loop.
    """

    def __init__(self, name: str, *, slots: int, queue: int) -> None:
        self.name = name
        self._slots = slots
        self._queue = queue
        self._in_use = 0
        self._turns = Turns()

    @property
    def in_use(self) -> int:
        """Slots taken."""
        return self._in_use

    @property
    def waiting(self) -> int:
        """Callers in the queue."""
        return len(self._turns)

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
        if len(self._turns) >= self._queue:
            raise self._full()
        deadline = DEADLINE.get()
        until_s = None if deadline is None else deadline - LEAST_ATTEMPT_S
        if not await self._turns.wait(until_s, self.leave):
            raise self._full()

    def leave(self) -> None:
        """Give a slot back."""
        if not self._turns.hand_over():  # else it changes hands and stays in use
            self._in_use -= 1

    def _full(self) -> RetryableError:
        return RetryableError(
            ErrorCode.BULKHEAD_FULL, details={"dependency": self.name, "slots": self._slots}
        )
