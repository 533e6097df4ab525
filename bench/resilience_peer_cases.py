"""What is timed of the peers, each in the ways that its documentation shows."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from tenacity import (
    AsyncRetrying,
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from bench.resilience_cases import CLOSED, LIMITS, PIPELINES, REJECTED, RETRIES
from bench.resilience_peers import Guard, failure, load
from bench.resilience_timing import Case, Loop, Work, called, decorated, inside, nothing, rejected

_OPEN_S = 86_400


async def peer_cases() -> list[Case]:
    """Made inside the loop in which they run."""
    return [
        *await _purgatory(),
        *await _interlock(),
        *await _fluxgate(),
        *await _smaller_breakers(),
        *_retries(),
        *_limits(),
        *_pipelines(),
    ]


async def _purgatory() -> list[Case]:
    factory = load("purgatory").AsyncCircuitBreakerFactory()
    fetched = await factory.get_breaker("fetched")
    # Its rejections are not timed: each makes the next one larger (probe f).
    return [
        Case(name="purgatory, async with", group=CLOSED, run=inside(fetched)),
        Case(name="purgatory, decorator", group=CLOSED, run=decorated(factory("named")(nothing))),
    ]


async def _interlock() -> list[Case]:
    interlock = load("interlock")
    closed = interlock.CircuitBreaker(name="closed")
    config = interlock.Config(minimum_number_of_calls=1, wait_duration_in_open=_OPEN_S)
    opened = interlock.CircuitBreaker(name="open", config=config)
    return [
        Case(name="interlock-cb, call_async", group=CLOSED, run=called(closed.call_async)),
        Case(name="interlock-cb, decorator", group=CLOSED, run=decorated(closed(nothing))),
        await _open("interlock-cb", opened.call_async, interlock.CircuitOpenError),
    ]


async def _fluxgate() -> list[Case]:
    fluxgate, trippers = load("fluxgate"), load("fluxgate.trippers")
    opened = fluxgate.AsyncCircuitBreaker(
        tripper=trippers.FailureRate(0.5), retry=load("fluxgate.retries").Cooldown(_OPEN_S)
    )
    return [
        Case(name="fluxgate", group=CLOSED, run=called(fluxgate.AsyncCircuitBreaker().call)),
        await _open("fluxgate", opened.call, fluxgate.CallNotPermittedError),
    ]


async def _smaller_breakers() -> list[Case]:
    """Those that count failures in a row only."""
    aiobreaker, pybreaker = load("aiobreaker"), load("pybreaker")
    hyx, circuitbreaker = load("hyx.circuitbreaker"), load("circuitbreaker")
    pyresilience = load("pyresilience")
    open_config = pyresilience.CircuitBreakerConfig(failure_threshold=1, recovery_timeout=_OPEN_S)
    day = timedelta(seconds=_OPEN_S)
    return [
        Case(name="aiobreaker", group=CLOSED, run=called(aiobreaker.CircuitBreaker().call_async)),
        Case(name="pybreaker", group=CLOSED, run=called(pybreaker.CircuitBreaker().call_async)),
        Case(name="hyx", group=CLOSED, run=inside(hyx.consecutive_breaker())),
        Case(
            name="circuitbreaker",
            group=CLOSED,
            run=decorated(circuitbreaker.CircuitBreaker(name="closed")(nothing)),
        ),
        Case(
            name="pyresilience",
            group=CLOSED,
            run=decorated(
                pyresilience.resilient(circuit_breaker=pyresilience.CircuitBreakerConfig())(nothing)
            ),
        ),
        await _open(
            "aiobreaker",
            aiobreaker.CircuitBreaker(fail_max=1, timeout_duration=day).call_async,
            aiobreaker.CircuitBreakerError,
        ),
        await _open(
            "hyx",
            hyx.consecutive_breaker(failure_threshold=1, recovery_time_secs=_OPEN_S)(_run),
            load("hyx.circuitbreaker.exceptions").BreakerFailing,
        ),
        await _open(
            "circuitbreaker",
            circuitbreaker.CircuitBreaker(1, _OPEN_S, name="open")(_run),
            circuitbreaker.CircuitBreakerError,
        ),
        await _open(
            "pyresilience",
            pyresilience.resilient(circuit_breaker=open_config)(_run),
            pyresilience.CircuitOpenError,
        ),
    ]


async def _open(name: str, guard: Guard, error: type[Exception]) -> Case:
    """The rejections of a breaker that opens at its first failure."""

    async def fail() -> None:
        raise failure()

    try:
        await guard(fail)
    except (type(failure()), error):
        return Case(name=f"{name}, open", group=REJECTED, run=rejected(guard, error))
    raise AssertionError(f"{name} was to fail")


def _retries() -> list[Case]:
    strategy = AsyncRetrying(
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(max=10),
        retry=retry_if_exception_type(OSError),
        reraise=True,
    )
    policy = retry(
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(max=10),
        retry=retry_if_exception_type(OSError),
        reraise=True,
    )
    hyx = load("hyx.retry").retry(on=OSError, attempts=3)
    return [
        Case(name="tenacity, AsyncRetrying per call", group=RETRIES, run=called(_retry_anew)),
        Case(name="tenacity, copy() per call", group=RETRIES, run=_copying(strategy)),
        Case(name="tenacity, @retry", group=RETRIES, run=decorated(policy(nothing))),
        Case(name="hyx, @retry", group=RETRIES, run=decorated(hyx(nothing))),
    ]


async def _retry_anew(work: Work) -> object:
    return await AsyncRetrying(
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(max=10),
        retry=retry_if_exception_type(OSError),
        reraise=True,
    )(work)


def _copying(strategy: AsyncRetrying) -> Loop:
    async def run(count: int) -> None:
        for _ in range(count):
            await strategy.copy()(nothing)

    return run


def _limits() -> list[Case]:
    bulkhead = load("hyx.bulkhead").bulkhead(max_concurrency=20, max_capacity=50)
    return [Case(name="hyx bulkhead", group=LIMITS, run=inside(bulkhead))]


def _pipelines() -> list[Case]:
    """Retry, breaker, bulkhead and time limit; interlock-cb's with a second one around."""
    interlock, pyresilience = load("interlock"), load("pyresilience")
    pipeline = (
        interlock.Pipeline.builder()
        .timeout(60)
        .retry(attempts=3)
        .circuit_breaker(interlock.CircuitBreaker(name="pipeline"))
        .bulkhead(20)
        .timeout(10)
        .build()
    )
    resilient = pyresilience.resilient(
        retry=pyresilience.RetryConfig(),
        timeout=pyresilience.TimeoutConfig(seconds=10),
        circuit_breaker=pyresilience.CircuitBreakerConfig(),
        bulkhead=pyresilience.BulkheadConfig(max_concurrent=20),
    )
    return [
        Case(name="interlock-cb, five layers", group=PIPELINES, run=called(pipeline.call)),
        Case(
            name="pyresilience, four layers, one time limit",
            group=PIPELINES,
            run=decorated(resilient(nothing)),
        ),
    ]


async def _run(work: Callable[[], Awaitable[object]]) -> object:
    return await work()
