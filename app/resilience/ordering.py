"""Who comes first goes first: a lock per key, for the tasks of one event loop.

Across processes the numbered rows of `app.coordination.ordering` do this; here only one loop's
tasks queue.
"""

import asyncio
import math
from collections.abc import Hashable
from types import TracebackType

from app.errors import ErrorCode, RetryableError
from app.resilience.turns import Turns


class KeyedLock:
    """One FIFO lock per key; a key that nobody holds takes no memory.

    A holder hands the lock directly to the longest waiter: nobody can slip in between. To be used
    by the tasks of one loop. Not reentrant: a task that asks again for a key that it holds waits
    for itself until its limit. Keys appear in no metric, log or error.
    """

    __slots__ = ("_held", "_waiting")

    def __init__(self) -> None:
        # None: held, and nobody waits. That is the usual case, and it allocates nothing.
        self._held: dict[Hashable, Turns | None] = {}
        self._waiting = 0

    def hold(self, key: Hashable, *, timeout_s: float | None = None) -> "_Hold":
        """Hold `key` inside an `async with`.

        Waits in arrival order, at most `timeout_s` (None: without limit). Raises SESSION_BUSY past
        it, with `waited_s` in the details.
        """
        if timeout_s is not None and not 0 <= timeout_s < math.inf:
            raise ValueError(f"timeout_s must be zero or a positive number, not {timeout_s}")
        return _Hold(self, key, timeout_s)

    @property
    def held(self) -> int:
        """Keys that somebody holds."""
        return len(self._held)

    @property
    def waiting(self) -> int:
        """Tasks that wait for a key."""
        return self._waiting

    def take(self, key: Hashable) -> bool:
        """Take a free key; False when it is held. Meant for `_Hold`."""
        if key in self._held:
            return False
        self._held[key] = None
        return True

    def release(self, key: Hashable) -> None:
        """Hand the key to the longest waiter, or forget it. Meant for `_Hold`."""
        turns = self._held[key]
        if not turns or not turns.hand_over():
            del self._held[key]

    async def wait(self, key: Hashable, timeout_s: float | None) -> None:
        """Queue for a key that is held; returns as its holder. Meant for `_Hold`."""
        turns = self._held[key]
        if turns is None:
            turns = self._held[key] = Turns()
        began_s = asyncio.get_running_loop().time()
        until_s = None if timeout_s is None else began_s + timeout_s
        self._waiting += 1
        try:
            came = await turns.wait(until_s, lambda: self.release(key))
        finally:
            self._waiting -= 1
        if not came:
            waited_s = round(asyncio.get_running_loop().time() - began_s, 3)
            raise RetryableError(ErrorCode.SESSION_BUSY, details={"waited_s": waited_s})


class _Hold:
    # A class, not a generator: a third of the cost (a wait is rare, an entry is not).
    __slots__ = ("_key", "_lock", "_timeout_s")

    def __init__(self, lock: KeyedLock, key: Hashable, timeout_s: float | None) -> None:
        self._lock = lock
        self._key = key
        self._timeout_s = timeout_s

    async def __aenter__(self) -> None:
        if not self._lock.take(self._key):
            await self._lock.wait(self._key, self._timeout_s)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self._lock.release(self._key)
