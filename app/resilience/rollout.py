"""One new code path beside an old one: off → shadow → 10 → 50 → 100 %, and back in a moment.

Nothing here asks a server. How far a rollout goes is read from memory at each decision;
`app.coordination.rollouts` keeps that in step with PostgreSQL.
"""

import asyncio
import contextvars
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping
from enum import StrEnum
from functools import partial
from hashlib import blake2b
from types import TracebackType
from typing import TypeVar

from app.errors import ErrorCode, WorkerError
from app.resilience.rollout_config import EVERYONE_BP, OFF, Extent, RolloutSpec
from app.resilience.rollout_guard import Guard, Result, Verdict
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_comparison
from app.telemetry.spans import current_trace_id

log = get_logger(__name__)

T = TypeVar("T")

Comparable = Mapping[str, Hashable]
"""What of a result must be equal: name of a field → value. Names are logged, values never."""

_CLOSE_LIMIT_S = 5.0
_MAX_FIELDS_LOGGED = 20
_ABSENT = object()


class Path(StrEnum):
    """Which code a key takes. BOTH: the old one answers, the new one is compared with it."""

    OLD = "old"
    NEW = "new"
    BOTH = "both"


def bucket(name: str, key: str) -> int:
    """Where a key stands, from 0 to 9,999; the same in every process and release.

    A key is in when this is below the share, so one that is in stays in as the share grows.
    The name is part of it: the first 10 % of one rollout are not those of the next.
    """
    # surrogatepass: a key that came from a file name may hold what UTF-8 has no bytes for.
    salted = f"{name}:{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(salted, digest_size=8).digest(), "big") % EVERYONE_BP


def differing(old: Comparable, new: Comparable) -> list[str]:
    """Names of the fields that are not equal, or that only one of the two has."""
    names = old.keys() | new.keys()
    return sorted(name for name in names if old.get(name, _ABSENT) != new.get(name, _ABSENT))


class Rollout:
    """One rollout in this process: its extent, its shadows, its counts.

    Belongs to one event loop. `tripped` is called with the extent before when the guard
    has switched it off here: once, and again only after another switch.
    """

    def __init__(self, spec: RolloutSpec, tripped: Callable[[Extent, Verdict], None]) -> None:
        self.spec = spec
        self.extent = spec.default
        self._tripped = tripped
        # Made anew by each switch: late results of an earlier extent are held by the old one.
        self._guard = Guard(spec.limits)
        self._counts: Counter[Result] = Counter()
        self._shadows: set[asyncio.Task[list[str]]] = set()
        self._closed = False

    @property
    def counts(self) -> Mapping[Result, int]:
        """What was seen in this process since it started."""
        return dict(self._counts)

    @property
    def shadows(self) -> int:
        """How many shadows are under way."""
        return len(self._shadows)

    def choose(self, key: str) -> Path:
        """Which path this key takes now, for those who run it themselves. Takes about 1 µs."""
        extent = self.extent
        if extent.share_bp and bucket(self.spec.name, key) < extent.share_bp:
            return Path.NEW
        return Path.BOTH if extent.shadow else Path.OLD

    async def run(
        self,
        key: str,
        *,
        old: Callable[[], Awaitable[T]],
        new: Callable[[], Awaitable[T]],
        comparable: Callable[[T], Comparable],
    ) -> T:
        """The answer of the path that this key takes; errors are those of that path."""
        match self.choose(key):
            case Path.OLD:
                return await old()
            case Path.NEW:
                with self.observing():
                    return await new()
            case Path.BOTH:
                with _Observation(self._counter(), failed=Result.ERROR_OLD):
                    value = await old()
                self.shadow(value, new, comparable)
                return value

    def observing(self) -> "_Observation":
        """Count how the new path ends inside a `with`; its error passes on.

        A cancellation and the codes of `input_codes` are not counted.
        """
        return _Observation(
            self._counter(),
            failed=Result.ERROR_NEW,
            ended=Result.SERVED,
            uncounted=self.spec.input_codes,
        )

    def report(self, result: Result) -> None:
        """Count one use of the new path by one who ran it; ERROR_NEW also if a fallback answered."""
        self._count(result, self._guard)

    def compare(self, old: Comparable, new: Comparable) -> bool:
        """Count whether two answers at hand are equal; returns it."""
        fields = differing(old, new)
        self._compared(fields, self._guard, current_trace_id())
        return not fields

    def shadow(
        self,
        old_value: T,
        new: Callable[[], Awaitable[T]],
        comparable: Callable[[T], Comparable],
    ) -> None:
        """Run `new` on the side and compare; returns at once, and nothing of it ever reaches the caller.

        `new` must have no effects, and `old_value` must not be changed later. It runs in an empty
        context: no deadline, span or log id of the caller is its own. Does nothing once the
        rollout is no shadow any more.
        """
        if not self.extent.shadow or self._closed:
            return
        limits = self.spec.limits
        if len(self._shadows) >= limits.shadows_at_once:
            self._count(Result.DROPPED, self._guard)
            return

        async def answer() -> Comparable:
            return comparable(await new())

        shadow = _Shadow(partial(comparable, old_value), answer)
        context = contextvars.Context()
        task = asyncio.get_running_loop().create_task(
            shadow.compare(limits.shadow_timeout_s),
            name=f"rollout-shadow-{self.spec.name}",
            context=context,
        )
        self._shadows.add(task)
        ended = partial(self._shadow_ended, shadow, self._guard, current_trace_id())
        task.add_done_callback(ended, context=context)

    def switch(self, extent: Extent) -> None:
        """Go this far from now on; the guard starts anew. Shadows end if there are to be none."""
        self.extent = extent
        self._guard = Guard(self.spec.limits)
        if not extent.shadow:
            self._cancel_shadows()

    async def close(self) -> None:
        """Cancel the shadows and wait until they have ended, 5 s at most."""
        self._closed = True
        self._cancel_shadows()
        if self._shadows:
            _, lingering = await asyncio.wait(set(self._shadows), timeout=_CLOSE_LIMIT_S)
            if lingering:
                log.error("rollout_shadow_lingers", rollout=self.spec.name, count=len(lingering))

    def _cancel_shadows(self) -> None:
        for task in self._shadows:
            task.cancel()

    def _shadow_ended(
        self,
        shadow: "_Shadow",
        guard: Guard,
        trace_id: str | None,
        task: asyncio.Task[list[str]],
    ) -> None:
        self._shadows.discard(task)
        if task.cancelled():
            # By a switch or the end; by itself, it failed like any other.
            if guard is self._guard and not self._closed:
                self._count(Result.ERROR_NEW, guard)
        elif (error := task.exception()) is None:
            self._compared(task.result(), guard, trace_id)
        else:
            result = Result.ERROR_NEW if shadow.old_is_comparable else Result.ERROR_OLD
            log.warning(
                "rollout_shadow_failed",
                rollout=self.spec.name,
                result=result.value,
                error_type=_kind(error),
                **_traced(trace_id),
            )
            self._count(result, guard)

    def _compared(self, fields: list[str], guard: Guard, trace_id: str | None) -> None:
        result = Result.MISMATCH if fields else Result.MATCH
        if fields:
            log.warning(
                "rollout_mismatch",
                rollout=self.spec.name,
                fields=fields[:_MAX_FIELDS_LOGGED],
                differing=len(fields),
                mismatches=self._counts[Result.MISMATCH] + 1,
                matches=self._counts[Result.MATCH],
                **_traced(trace_id),
            )
        self._count(result, guard)

    def _counter(self) -> Callable[[Result], None]:
        return partial(self._count, guard=self._guard)

    def _count(self, result: Result, guard: Guard) -> None:
        self._counts[result] += 1
        if result is not Result.SERVED:
            record_comparison(self.spec.name, result)
        if guard is not self._guard or self.extent == OFF:
            return
        if verdict := guard.judge(result):
            before = self.extent
            self.switch(OFF)
            self._tripped(before, verdict)


class _Observation:
    # A class, not a generator: the exception is seen without an except clause.
    __slots__ = ("_count", "_ended", "_failed", "_uncounted")

    def __init__(
        self,
        count: Callable[[Result], None],
        *,
        failed: Result,
        ended: Result | None = None,
        uncounted: frozenset[ErrorCode] = frozenset(),
    ) -> None:
        self._count = count
        self._failed = failed
        self._ended = ended
        self._uncounted = uncounted

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        if error is None:
            if self._ended is not None:
                self._count(self._ended)
            return
        # CancelledError and KeyboardInterrupt are no Exception: a stop says nothing of a path.
        expected = isinstance(error, WorkerError) and error.code in self._uncounted
        if isinstance(error, Exception) and not expected:
            self._count(self._failed)


class _Shadow:
    """One run of the new path for the sake of comparison."""

    __slots__ = ("_expected", "_new", "old_is_comparable")

    def __init__(
        self, expected: Callable[[], Comparable], new: Callable[[], Awaitable[Comparable]]
    ) -> None:
        self._expected = expected
        self._new = new
        self.old_is_comparable = False

    async def compare(self, timeout_s: float) -> list[str]:
        # Before anything is awaited: the caller goes on with its value meanwhile.
        expected = self._expected()
        self.old_is_comparable = True
        async with asyncio.timeout(timeout_s):
            answered = await self._new()
        return differing(expected, answered)


def _kind(error: BaseException) -> str:
    return error.code.value if isinstance(error, WorkerError) else type(error).__qualname__


def _traced(trace_id: str | None) -> dict[str, str]:
    return {} if trace_id is None else {"trace_id": trace_id}
