"""Sliding windows over the outcomes of calls: adding one costs the same whatever the window's size.

An outcome is one packed integer, `1 | failed << 32 | slow << 64`, and so is a sum of outcomes. A sum
is therefore one reference: a thread that reads it never sees half of an update.
"""

from typing import NamedTuple, Protocol

CALL = 1
FAILED = 1 << 32
SLOW = 1 << 64
_FIELD = (1 << 32) - 1

_BUCKETS = 10
"""Parts of a time window; an outcome is forgotten up to a tenth of the window too early."""


class Counts(NamedTuple):
    """Calls in the window, and how many of them failed and how many were slow."""

    calls: int
    failures: int
    slow: int


def unpack(total: int) -> Counts:
    """Split a sum of packed outcomes."""
    return Counts(total & _FIELD, total >> 32 & _FIELD, total >> 64)


class Window(Protocol):
    """Only the loop that owns it adds; any thread may call `at`."""

    def add(self, outcome: int, now_s: float) -> int:
        """Count an outcome; returns the packed sum of the window."""
        ...

    def at(self, now_s: float) -> int:
        """The packed sum of the window at a time; changes nothing."""
        ...

    def clear(self) -> None: ...


class CountWindow:
    """The last `size` calls."""

    __slots__ = ("_next", "_ring", "_total")

    def __init__(self, size: int) -> None:
        self._ring = [0] * size
        self._next = 0
        self._total = 0

    def add(self, outcome: int, now_s: float) -> int:
        del now_s
        ring, place = self._ring, self._next
        total = self._total = self._total + outcome - ring[place]
        ring[place] = outcome
        self._next = place + 1 if place + 1 < len(ring) else 0
        return total

    def at(self, now_s: float) -> int:
        del now_s
        return self._total

    def clear(self) -> None:
        self._ring = [0] * len(self._ring)
        self._next = self._total = 0


class TimeWindow:
    """The calls of the last `seconds`, in ten buckets; a gap of any length empties it in ten steps."""

    __slots__ = ("_bucket_s", "_buckets", "_newest", "_total")

    def __init__(self, seconds: float) -> None:
        self._bucket_s = seconds / _BUCKETS
        self.clear()

    def add(self, outcome: int, now_s: float) -> int:
        bucket = int(now_s / self._bucket_s)
        if bucket > self._newest:
            self._forget(bucket)
        # A bucket is replaced, never changed: a reader in another thread sees the old or the new.
        place = self._newest % _BUCKETS
        self._buckets[place] = (self._newest, self._buckets[place][1] + outcome)
        self._total += outcome
        return self._total

    def at(self, now_s: float) -> int:
        oldest = int(now_s / self._bucket_s) - _BUCKETS + 1
        return sum(total for bucket, total in tuple(self._buckets) if bucket >= oldest)

    def clear(self) -> None:
        self._buckets: list[tuple[int, int]] = [(-1, 0)] * _BUCKETS
        self._newest = -1
        self._total = 0

    def _forget(self, bucket: int) -> None:
        for passed in range(max(self._newest + 1, bucket - _BUCKETS + 1), bucket + 1):
            self._total -= self._buckets[passed % _BUCKETS][1]
            self._buckets[passed % _BUCKETS] = (passed, 0)
        self._newest = bucket
