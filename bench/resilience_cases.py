"""What is timed of asyncio and of ours, each beside what it is measured by."""

import asyncio
from collections.abc import Awaitable, Callable

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from app.errors import ErrorCode, RetryableError, WorkerError
from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.bulkhead import Bulkhead
from app.resilience.fallback import Fallbacks
from app.resilience.guards import AttemptTimeout, CircuitBreaker, RateLimit, Slots
from app.resilience.layers import Call, Layer, Step
from app.resilience.limits import Rate, RateLimiter
from app.resilience.ordering import KeyedLock
from app.resilience.policy import FailMode, Policy
from app.resilience.registry import registry
from app.resilience.retry import Retry
from app.resilience.scope import Deadline, SessionOrder
from app.telemetry import metrics, spans
from app.telemetry.spans import RecordedSpan
from bench.resilience_peers import failure
from bench.resilience_timing import (
    BARE,
    Case,
    Loop,
    Work,
    called,
    decorated,
    inside,
    inside_new,
    nothing,
    rejected,
)

LOCK = "asyncio.Lock"
TIMEOUT = "asyncio.timeout"
BREAKER_100 = "naru breaker, last 100 calls"
BREAKER_10_000 = "naru breaker, last 10,000 calls"
BREAKER_60_S = "naru breaker, last 60 s"
REJECTION = "naru breaker, open"
RETRY = "naru retry layer"
KEYED_LOCK = "naru keyed lock"
PIPELINE = "naru policy, every layer"
PIPELINE_TRACED = "naru policy, every layer, telemetry on"

CLOSED = "breaker, closed"
REJECTED = "rejection"
RETRIES = "retry, first attempt succeeds"
LIMITS = "order and limits"
PIPELINES = "pipeline with two time limits"
GROUPS = (CLOSED, REJECTED, RETRIES, LIMITS, PIPELINES)

_STEP = "a policy's innermost step"
_AMPLE = Rate(amount=1e9, period_s=1, burst=1e9)
"""So much that nobody ever waits."""


async def our_cases() -> list[Case]:
    """Made inside the loop in which they run."""
    small = BreakerConfig(window_calls=100, minimum_calls=10)
    large = BreakerConfig(window_calls=10_000, minimum_calls=10)
    timed = BreakerConfig(window_s=60, minimum_calls=10)
    policy, short = _policy(), Policy("short", *_short_stack())
    return [
        Case(name=BARE, group="asyncio", run=decorated(nothing)),
        Case(name=LOCK, group="asyncio", run=inside(asyncio.Lock())),
        Case(name="asyncio.Semaphore", group="asyncio", run=inside(asyncio.Semaphore(20))),
        Case(name=TIMEOUT, group="asyncio", run=inside_new(asyncio.timeout, 60)),
        _breaker(BREAKER_100, small),
        _breaker(BREAKER_10_000, large),
        _breaker(BREAKER_60_S, timed),
        Case(name=REJECTION, group=REJECTED, run=rejected(await _open_one(), RetryableError)),
        Case(name=_STEP, group=RETRIES, run=_walking(_innermost)),
        Case(name=RETRY, group=RETRIES, run=_retrying(), less=_STEP),
        Case(name=KEYED_LOCK, group=LIMITS, run=_holding(KeyedLock())),
        Case(name="naru bulkhead", group=LIMITS, run=_entering()),
        Case(name="naru rate limiter", group=LIMITS, run=_acquiring()),
        Case(
            name="naru policy, five layers",
            group=PIPELINES,
            run=called(short.execute),
        ),
        Case(name=PIPELINE, group=PIPELINES, run=_executing(policy)),
        Case(
            name=PIPELINE_TRACED,
            group=PIPELINES,
            run=_recorded(_executing(policy)),
        ),
    ]


def _breaker(name: str, config: BreakerConfig) -> Case:
    # Warm until the window is full: only then does every call push out an older one.
    run, warm = called(Breaker(name, config).call), config.window_calls
    return Case(name=name, group=CLOSED, run=run, warm=warm)


async def _open_one() -> Callable[[Work], Awaitable[object]]:
    """A breaker that has opened by itself and will stay so."""
    breaker = Breaker("open", BreakerConfig(minimum_calls=1, open_s=86_400, open_max_s=86_400))

    async def fail() -> None:
        raise failure()

    try:
        await breaker.call(fail)
    except RetryableError:
        return breaker.call
    raise AssertionError("the call was to fail")


def _short_stack() -> tuple[Layer, ...]:
    """What the peers' pipelines have, and a deadline around it."""
    return (
        Deadline(seconds=60),
        Retry(tries=3),
        Slots(slots=20, queue=50),
        CircuitBreaker(name="short", config=BreakerConfig(window_calls=100, minimum_calls=10)),
        AttemptTimeout(timeout_s=10, code=ErrorCode.LLM_TIMEOUT),
    )


def _policy() -> Policy:
    return Policy(
        "whole",
        Deadline(seconds=60),
        SessionOrder(wait_s=60),
        Fallbacks(names=("spare",)),
        Retry(tries=3),
        Slots(slots=20, queue=50),
        RateLimit(rates=(("requests", _AMPLE),)),
        CircuitBreaker(name="whole", config=BreakerConfig(window_calls=100, minimum_calls=10)),
        AttemptTimeout(timeout_s=10, code=ErrorCode.LLM_TIMEOUT),
        fail_mode=FailMode.FAIL_FALLBACK,
    )


async def _spare(error: WorkerError) -> None:
    raise AssertionError("no fallback is taken here") from error


def _executing(policy: Policy) -> Loop:
    fallbacks = {"spare": _spare}

    async def run(count: int) -> None:
        for _ in range(count):
            await policy.execute(nothing, key="session", fallbacks=fallbacks)

    return run


async def _innermost(call: Call) -> object:
    call.tries += 1
    return await call.target()


def _walking(step: Step) -> Loop:
    call = Call(nothing, None, None, None, 0)

    async def run(count: int) -> None:
        for _ in range(count):
            await step(call)

    return run


def _retrying() -> Loop:
    return _walking(Retry(tries=3).bind("retried", registry.here(), _innermost))


def _holding(lock: KeyedLock) -> Loop:
    async def run(count: int) -> None:
        for _ in range(count):
            async with lock.hold("session", timeout_s=60):
                await nothing()

    return run


def _entering() -> Loop:
    bulkhead = Bulkhead("timed", slots=20, queue=50)

    async def run(count: int) -> None:
        for _ in range(count):
            await bulkhead.enter()
            try:
                await nothing()
            finally:
                bulkhead.leave()

    return run


def _acquiring() -> Loop:
    limiter = RateLimiter({"requests": _AMPLE})
    cost = {"requests": 1.0}

    async def run(count: int) -> None:
        for _ in range(count):
            await limiter.acquire(cost, max_wait_s=0)
            await nothing()

    return run


def _recorded(loop: Loop) -> Loop:
    """Every span recorded and every metric counted; a collector's time is not ours."""
    meter = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False).get_meter("bench")

    async def run(count: int) -> None:
        spans_before, meter_before = spans.install(_dropped), metrics.install(meter, None)
        try:
            await loop(count)
        finally:
            spans.install(spans_before)
            metrics.restore(meter_before)

    return run


def _dropped(span: RecordedSpan) -> None:
    del span
