"""How much in a time: GCRA over several dimensions at once, for the tasks of one event loop.

Each dimension (requests, tokens) is a bucket that holds `burst` units and refills at a steady rate.
It is kept as one number, the time at which it will be full again (the theoretical arrival time of
the generic cell rate algorithm, ITU-T I.371): nothing ticks, and any rate costs the same.
"""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message

Cost = Mapping[str, float]
"""Units per dimension; a dimension that is left out costs nothing."""

# A timer may fire this much early; waiting again for it would spin.
_SLACK_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`amount` units every `period_s` seconds, at most `burst` of them at once."""

    amount: float
    period_s: float
    burst: float

    def __post_init__(self) -> None:
        for name in ("amount", "period_s", "burst"):
            value: float = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} of a rate must be a positive number, not {value}")

    @property
    def unit_s(self) -> float:
        """Seconds in which one unit comes back."""
        return self.period_s / self.amount


class Reservation:
    """What one call took; to be handed back to `settle`. `marks` are the limiter's own notes."""

    __slots__ = ("cost", "marks", "settled")

    def __init__(self, cost: Cost, marks: Mapping[str, float]) -> None:
        self.cost = cost
        self.marks = marks
        self.settled = False


class Limiter(Protocol):
    """What keeps a dependency's rate limits, in this process or shared by all."""

    def admit(self, cost: Cost) -> Reservation | None:
        """Take `cost` now where nobody has to be asked or waited for; None: `acquire` it.

        Raises as `acquire` for a cost that makes no sense.
        """
        ...

    async def acquire(self, cost: Cost, *, max_wait_s: float) -> Reservation:
        """Take `cost` from all dimensions, or nothing; waits in order of arrival.

        Raises RATE_LIMITED, with `retry_after` in seconds, at once when it would take more than
        `max_wait_s`, and VALIDATION_ERROR for a cost that no waiting makes possible. A caller that
        is cancelled while it waits leaves nothing taken, as far as that is possible.
        """
        ...

    async def settle(self, reserved: Reservation, actual: Cost) -> None:
        """Correct a reservation by what the call really cost; the second time changes nothing.

        A dimension that `actual` leaves out stays as reserved. What is given back never makes a
        bucket fuller than it would be had the call cost that little from the start.
        """
        ...

    async def observe(self, dimension: str, *, remaining: float, reset_s: float) -> None:
        """Believe the provider: `remaining` units in all until `reset_s` seconds from now.

        It only ever makes the limit tighter; a later word replaces an earlier one.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Admit nobody for so long: the provider answered 429 with Retry-After."""
        ...


class RateLimiter:
    """The limiter of one process. To be used by the tasks of one loop.

    A waiter takes nothing before its turn: one that is cancelled leaves no trace, and those behind
    it move up at once.
    """

    def __init__(
        self, rates: Mapping[str, Rate], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` counts seconds and never goes back."""
        if not rates:
            raise ValueError("a rate limiter needs at least one dimension")
        self._clock = clock
        self._buckets = _Buckets({name: _Bucket(rate) for name, rate in rates.items()})
        self._queue: OrderedDict[_Waiter, None] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._checked: Cost | None = None

    @property
    def waiting(self) -> int:
        """Callers that wait for their turn."""
        return len(self._queue)

    def admit(self, cost: Cost) -> Reservation | None:
        """See `Limiter`."""
        if self._queue:
            return None
        if cost is not self._checked:  # most calls cost the same
            self.check(cost)
            self._checked = cost
        now_s = self._clock()
        if self._buckets.ready_at_s(cost, now_s) - now_s > _SLACK_S:
            return None
        return Reservation(cost, self._buckets.take(cost, now_s))

    async def acquire(self, cost: Cost, *, max_wait_s: float) -> Reservation:
        """See `Limiter`."""
        if (taken := self.admit(cost)) is not None:
            return taken
        self.check(cost)
        now_s = self._clock()
        ready_at_s = self._planned_s(cost, now_s)
        if not ready_at_s - now_s <= max_wait_s:
            raise rate_limited(ready_at_s - now_s)
        return await self._wait(_Waiter(cost, now_s + max_wait_s))

    def count(self, cost: Cost) -> Reservation:
        """Note what was admitted elsewhere, so that it is known when this limiter must decide."""
        return Reservation(cost, self._buckets.take(cost, self._clock()))

    def check(self, cost: Cost) -> None:
        """Raise VALIDATION_ERROR for a cost above a burst, ValueError for what is no cost."""
        for dimension, units in cost.items():
            bucket = self._buckets.known(dimension)
            if not 0 <= units <= bucket.burst:
                raise _impossible(dimension, units, bucket.burst)

    async def settle(self, reserved: Reservation, actual: Cost) -> None:
        """See `Limiter`."""
        self._settle(reserved, actual)

    async def observe(self, dimension: str, *, remaining: float, reset_s: float) -> None:
        """See `Limiter`."""
        check_observation(remaining, reset_s)
        bucket = self._buckets.known(dimension)
        bucket.left = max(remaining, 0)
        bucket.left_until_s = self._clock() + reset_s
        self._look_again()

    async def pause(self, seconds: float) -> None:
        """See `Limiter`."""
        check_pause(seconds)
        buckets = self._buckets
        buckets.paused_until_s = max(buckets.paused_until_s, self._clock() + seconds)
        self._look_again()

    def _settle(self, reserved: Reservation, actual: Cost) -> None:
        now_s = self._clock()
        for dimension, units in corrections(reserved, actual).items():
            mark_s = reserved.marks.get(dimension, -math.inf)
            self._buckets.known(dimension).correct(units, mark_s, now_s)
        self._look_again()

    def _planned_s(self, cost: Cost, now_s: float) -> float:
        """When `cost` would be admitted behind all who wait."""
        if not self._queue:
            return self._buckets.ready_at_s(cost, now_s)
        plan = self._buckets.copy()
        at_s = now_s
        for waiter in self._queue:
            at_s = plan.ready_at_s(waiter.cost, at_s)
            plan.take(waiter.cost, at_s)
        return plan.ready_at_s(cost, at_s)

    async def _wait(self, waiter: "_Waiter") -> Reservation:
        self._queue[waiter] = None
        self._serve()
        answered = False
        try:
            answer = await waiter.turn
            answered = True
        finally:
            if not answered:
                self._withdraw(waiter)
        if isinstance(answer, Reservation):
            return answer
        raise rate_limited(answer)

    def _withdraw(self, waiter: "_Waiter") -> None:
        turn = waiter.turn
        if waiter in self._queue:
            del self._queue[waiter]
            self._serve()
        elif not turn.cancelled() and isinstance(taken := turn.result(), Reservation):
            # Its turn came, and it was cancelled before it could run.
            self._settle(taken, dict.fromkeys(taken.cost, 0))

    def _look_again(self) -> None:
        """After a correction: turn away who would now wait too long, admit who may go."""
        if not self._queue:
            return
        plan, now_s = self._buckets.copy(), self._clock()
        at_s = now_s
        for waiter in [*self._queue]:
            ready_at_s = plan.ready_at_s(waiter.cost, at_s)
            if ready_at_s > waiter.give_up_at_s + _SLACK_S:
                del self._queue[waiter]
                waiter.answer(ready_at_s - now_s)
            else:
                at_s = ready_at_s
                plan.take(waiter.cost, at_s)
        self._serve()

    def _serve(self) -> None:
        """Admit those whose turn has come, and wake again for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self._clock()
        while self._queue:
            waiter = next(iter(self._queue))
            wait_s = self._buckets.ready_at_s(waiter.cost, now_s) - now_s
            if wait_s > _SLACK_S:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._serve)
                return
            del self._queue[waiter]
            if not waiter.turn.done():  # else cancelled in this very tick
                waiter.turn.set_result(
                    Reservation(waiter.cost, self._buckets.take(waiter.cost, now_s))
                )


def rate_limited(wait_s: float) -> RetryableError:
    """The error for who would have to wait too long."""
    # Rounded up to a millisecond, so that coming back then is not too early.
    retry_after = math.ceil(wait_s * 1_000 - 1e-3) / 1_000
    return RetryableError(ErrorCode.RATE_LIMITED, details={"retry_after": retry_after})


def corrections(reserved: Reservation, actual: Cost) -> dict[str, float]:
    """Units to charge further per dimension; negative: to give back. Marks it as settled."""
    further: dict[str, float] = {}
    for dimension, units in actual.items():
        if not 0 <= units < math.inf:
            raise _no_cost(dimension, units)
        if more := units - reserved.cost.get(dimension, 0):
            further[dimension] = more
    if reserved.settled:
        return {}
    reserved.settled = True
    return further


def check_observation(remaining: float, reset_s: float) -> None:
    """Raise ValueError for numbers that no provider can mean."""
    if not (math.isfinite(remaining) and 0 <= reset_s < math.inf):
        raise ValueError(f"{remaining} units until {reset_s} seconds from now mean nothing")


def check_pause(seconds: float) -> None:
    """Raise ValueError for what is no time to wait."""
    if not 0 <= seconds < math.inf:
        raise ValueError(f"a pause takes zero or more seconds, not {seconds}")


def _impossible(dimension: str, units: float, burst: float) -> Exception:
    if not 0 <= units < math.inf:
        return _no_cost(dimension, units)
    return PermanentError(
        ErrorCode.VALIDATION_ERROR,
        Message.COST_ABOVE_BURST,
        details={"dimension": dimension, "cost": units, "burst": burst},
    )


def _no_cost(dimension: str, units: float) -> ValueError:
    return ValueError(f"a cost is zero or a positive number, not {units} {dimension}")


class _Waiter:
    __slots__ = ("cost", "give_up_at_s", "turn")

    def __init__(self, cost: Cost, give_up_at_s: float) -> None:
        self.cost = cost
        self.give_up_at_s = give_up_at_s
        # The seconds that it would need when it is turned away: an exception that a waiter who is
        # cancelled in the same tick never fetches would be reported as lost.
        self.turn: asyncio.Future[Reservation | float] = asyncio.get_running_loop().create_future()

    def answer(self, needed_s: float) -> None:
        if not self.turn.done():
            self.turn.set_result(needed_s)


class _Bucket:
    """The arithmetic of one dimension. Times are seconds of the limiter's clock.

    `left` units may be taken until `left_until_s`, whatever the bucket holds: the provider's word.
    """

    __slots__ = ("burst", "burst_s", "full_at_s", "left", "left_until_s", "refunded_s", "unit_s")

    def __init__(self, rate: Rate) -> None:
        self.burst = rate.burst
        self.unit_s = rate.unit_s
        self.burst_s = rate.burst * rate.unit_s
        self.full_at_s = self.left_until_s = -math.inf
        self.left = math.inf
        self.refunded_s = 0.0

    def ready_at_s(self, units: float, at_s: float) -> float:
        """The first moment from `at_s` on at which that much may be taken."""
        ready_s = self.full_at_s + units * self.unit_s - self.burst_s
        ready_s = max(ready_s, at_s)
        if units > self.left and ready_s < self.left_until_s:
            return self.left_until_s
        return ready_s

    def take(self, units: float, at_s: float) -> float:
        """Take without asking. Returns the mark that `correct` needs."""
        from_s = max(at_s, self.full_at_s)
        self.full_at_s = from_s + units * self.unit_s
        if at_s < self.left_until_s:
            self.left -= units
        return self.full_at_s + self.refunded_s

    def correct(self, units: float, mark_s: float, now_s: float) -> None:
        """Charge that much more; negative: give back.

        What was taken has partly come back by itself meanwhile, and a bucket that was full since
        has forgotten it: giving that back again would admit too much. The mark is when the bucket
        was to be full right after the taking; what is left of it, less what was given back since,
        is the most that is still owed.
        """
        if units >= 0:
            self.full_at_s = max(self.full_at_s, now_s) + units * self.unit_s
            self.left -= units
            return
        back_s = min(-units * self.unit_s, mark_s - self.refunded_s - now_s)
        if back_s > 0:
            self.full_at_s -= back_s
            self.refunded_s += back_s

    def copy(self) -> "_Bucket":
        twin = _Bucket.__new__(_Bucket)
        for name in _Bucket.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin


class _Buckets:
    """All dimensions: ready when the last of them is, taken together."""

    __slots__ = ("_by_name", "paused_until_s")

    def __init__(self, by_name: dict[str, _Bucket], paused_until_s: float = -math.inf) -> None:
        self._by_name = by_name
        self.paused_until_s = paused_until_s

    def known(self, dimension: str) -> _Bucket:
        """Raise ValueError for a dimension that was not defined."""
        bucket = self._by_name.get(dimension)
        if bucket is None:
            raise ValueError(f"{dimension} is none of {', '.join(self._by_name)}")
        return bucket

    def ready_at_s(self, cost: Cost, at_s: float) -> float:
        """The first moment from `at_s` on at which all of `cost` may be taken."""
        ready_s = max(self.paused_until_s, at_s)
        for dimension, units in cost.items():
            if units:
                ready_s = self._by_name[dimension].ready_at_s(units, ready_s)
        return ready_s

    def take(self, cost: Cost, at_s: float) -> dict[str, float]:
        """Take without asking. Returns the marks."""
        by_name = self._by_name
        return {
            dimension: by_name[dimension].take(units, at_s) for dimension, units in cost.items()
        }

    def copy(self) -> "_Buckets":
        by_name = {name: bucket.copy() for name, bucket in self._by_name.items()}
        return _Buckets(by_name, self.paused_until_s)
