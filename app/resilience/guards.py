"""The layers around one attempt: slots, rate, circuit, time limit."""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Change, Verdict
from app.resilience.deadline import DEADLINE, LEAST_ATTEMPT_S, remaining_s
from app.resilience.layers import Call, Step, Usage, retry_after_s
from app.resilience.limits import Cost, Limiter, Reservation
from app.resilience.registry import Here, Rates
from app.telemetry.conventions import Attribute, EventName
from app.telemetry.spans import AttributeValue, current_span

REQUESTS = "requests"
TOKENS = "tokens"
"""The dimensions of a model's rate limits, as the vendors name them."""


def _pass() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """At most `slots` attempts at once and `queue` waiting; more are BULKHEAD_FULL at once.

    Inside the retry: a back-off does not hold a slot.
    """

    title: ClassVar[str] = "bulkhead"

    slots: int
    queue: int

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if self.slots < 1:
            yield f"slots is {self.slots}; it must be at least 1"
        if self.queue < 0:
            yield f"queue is {self.queue}; it must not be negative"

    def bind(
        self, dependency: str, here: Here, inner: Step, *, first: Callable[[], None] = _pass
    ) -> Step:
        """The layer in one loop; the slots are shared by all policies of the dependency.

        `first` is called before anything is waited for, and may raise.
        """
        bulkhead = here.bulkhead(dependency, slots=self.slots, queue=self.queue)

        async def step(call: Call) -> object:
            first()
            if not bulkhead.admit():
                await bulkhead.enter()
            try:
                return await inner(call)
            finally:
                bulkhead.leave()

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Each attempt takes one of `requests`, and what its call says it costs of the other rates.

    A place that is not to be had within `max_wait_s`, or before the deadline, is RATE_LIMITED at
    once. What the call really cost, and what the dependency says of its own limits, corrects the
    count afterwards; its `retry_after` holds everyone back.
    """

    title: ClassVar[str] = "rate limit"

    rates: Rates
    max_wait_s: float = 30

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if not (math.isfinite(self.max_wait_s) and self.max_wait_s >= 0):
            yield f"max_wait_s is {self.max_wait_s}; it must be a finite number of seconds"
        if not self.rates:
            yield "a rate limit needs at least one rate"

    def bind(
        self, dependency: str, here: Here, inner: Step, *, first: Callable[[], None] = _pass
    ) -> Step:
        """The layer in one loop; the rates are shared by all policies of the dependency.

        `first` is called before anything is waited for, and may raise.
        """
        limiter = here.limiter(dependency, self.rates)
        known = frozenset(name for name, _ in self.rates)
        plain = {REQUESTS: 1.0} if REQUESTS in known else {}

        async def step(call: Call) -> object:
            first()
            metering = call.metering
            cost: Cost = plain
            if metering is not None:
                estimate = {n: units for n, units in metering.estimate.items() if n in known}
                cost = plain | estimate
            reserved = limiter.admit(cost)
            if reserved is None:
                left_s = remaining_s()
                wait_s = self.max_wait_s if left_s is None else min(self.max_wait_s, max(left_s, 0))
                reserved = await limiter.acquire(cost, max_wait_s=wait_s)
            tries = call.tries
            try:
                result = await inner(call)
            except WorkerError as error:
                if call.tries == tries:  # turned away before it was called: it costs nothing
                    await limiter.settle(reserved, dict.fromkeys(cost, 0))
                elif isinstance(error, RetryableError) and (asked_s := retry_after_s(error)):
                    await limiter.pause(asked_s)
                raise
            if metering is not None:
                await self._correct(limiter, reserved, metering.usage_of(result), known)
            return result

        return step

    async def _correct(
        self, limiter: Limiter, reserved: Reservation, usage: Usage, known: frozenset[str]
    ) -> None:
        actual = {name: units for name, units in usage.cost.items() if name in known}
        await limiter.settle(reserved, actual)
        for name in known & usage.remaining.keys():
            units, reset_s = usage.remaining[name]
            await limiter.observe(name, remaining=units, reset_s=reset_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitBreaker:
    """Each attempt under a permit of the breaker `name`; CIRCUIT_OPEN while it rejects.

    The permit is taken last, so a scarce one is never held while queueing, and the time in a queue
    does not make a call slow.
    """

    title: ClassVar[str] = "circuit breaker"

    name: str
    config: BreakerConfig

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        for fault in self.config.faults():
            yield f"breaker {self.name}: {fault}"

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The layer in one loop; everyone who names the breaker shares it."""
        del dependency
        breaker = here.breaker(self.name, self.config)
        monotonic = here.clock.monotonic
        looks_at_results = self.config.failed_result is not None
        success, neutral = Verdict.SUCCESS, Verdict.NEUTRAL

        async def step(call: Call) -> object:
            permit = breaker.acquire()
            verdict = neutral
            began_s = monotonic()
            try:
                result = await inner(call)
                verdict = breaker.verdict_of(None, result) if looks_at_results else success
            except WorkerError as error:
                verdict = breaker.verdict_of(error)
                raise
            else:
                return result
            finally:
                if change := breaker.record(permit, verdict, monotonic() - began_s):
                    _mark(change)

        return step


def _mark(change: Change) -> None:
    """Show the change on the span of the call that brought it about."""
    told: dict[str, AttributeValue] = {
        Attribute.BREAKER_NAME: change.name,
        Attribute.BREAKER_FROM: change.from_state.value,
        Attribute.BREAKER_TO: change.to_state.value,
        Attribute.BREAKER_REASON: change.cause.value,
    }
    current_span().event(EventName.BREAKER_STATE_CHANGE, told)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTimeout:
    """The time limit of one attempt: `timeout_s`, or what is left of the deadline.

    Innermost, so that the breaker sees it as a failure, of code `code`. With next to no time left,
    the attempt is not begun (DEADLINE_EXCEEDED). None as `timeout_s`: the callee keeps a limit of
    its own, and only the deadline counts.
    """

    title: ClassVar[str] = "attempt timeout"

    timeout_s: float | None
    code: ErrorCode

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if self.timeout_s is not None and not (
            math.isfinite(self.timeout_s) and self.timeout_s > 0
        ):
            yield f"timeout_s is {self.timeout_s}; it must be a finite number of seconds above 0"

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The layer in one loop."""
        del dependency
        monotonic = here.clock.monotonic
        timeout_s = math.inf if self.timeout_s is None else self.timeout_s

        async def step(call: Call) -> object:
            now_s = monotonic()
            at = now_s + timeout_s
            if (deadline := DEADLINE.get()) is not None:
                if deadline - now_s < LEAST_ATTEMPT_S:
                    raise PermanentError(ErrorCode.DEADLINE_EXCEEDED)
                # Just before it: the breaker is to see a failure, not a cancellation.
                at = min(at, deadline - LEAST_ATTEMPT_S / 2)
            limit = asyncio.timeout_at(at if at < math.inf else None)
            try:
                async with limit:
                    return await inner(call)
            except TimeoutError:
                if not limit.expired():
                    raise
                kind = RetryableError if self.code.retryable else PermanentError
                raise kind(self.code, details={"timeout_s": round(at - now_s, 3)}) from None

        return step
