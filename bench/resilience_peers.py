"""The peers as they are used, by their public ways in: breakers for the probes, and what they cost."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from app.errors import ErrorCode, RetryableError
from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.guards import CircuitBreaker
from app.resilience.policy import Policy
from bench.resilience_timing import Work

Guard = Callable[[Work], Awaitable[object]]
"""Runs the work, or raises in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """Opens after `failures` in a row, probes after `open_s`, with at most `probes` calls."""

    failures: int
    open_s: float
    probes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A breaker to be probed. `package` is where it comes from; None: this project."""

    name: str
    package: str | None
    make: Callable[[Tuning], Awaitable[Guard]]


def load(module: str) -> Any:
    """A peer's module: peers are missing where types are checked, so nothing is known of it."""
    return import_module(module)


def failure() -> RetryableError:
    """The error of a call that failed; every breaker here counts it."""
    return RetryableError(ErrorCode.NETWORK_ERROR)


_numbers = itertools.count()


def our_config(tuning: Tuning) -> BreakerConfig:
    return BreakerConfig(
        window_calls=tuning.failures,
        minimum_calls=tuning.failures,
        open_s=tuning.open_s,
        half_open_calls=tuning.probes,
    )


async def _our_breaker(tuning: Tuning) -> Guard:
    return Breaker("probed", our_config(tuning)).call


async def _our_policy(tuning: Tuning) -> Guard:
    # The registry knows breakers by name: each probe needs its own.
    layer = CircuitBreaker(name=f"probed-{next(_numbers)}", config=our_config(tuning))
    return Policy("probed", layer).execute


async def _interlock(tuning: Tuning) -> Guard:
    interlock = load("interlock")
    config = interlock.Config(
        window_size=tuning.failures,
        minimum_number_of_calls=tuning.failures,
        wait_duration_in_open=tuning.open_s,
        permitted_calls_in_half_open=tuning.probes,
        max_concurrent_probes=tuning.probes,
    )
    return interlock.CircuitBreaker(name="probed", config=config).call_async


async def _purgatory(tuning: Tuning) -> Guard:
    factory = load("purgatory").AsyncCircuitBreakerFactory()
    breaker = await factory.get_breaker("probed", threshold=tuning.failures, ttl=tuning.open_s)

    async def guard(work: Work) -> object:
        async with breaker:
            return await work()

    return guard


async def _aiobreaker(tuning: Tuning) -> Guard:
    breaker = load("aiobreaker").CircuitBreaker(
        fail_max=tuning.failures, timeout_duration=timedelta(seconds=tuning.open_s)
    )
    return breaker.call_async


async def _pybreaker(tuning: Tuning) -> Guard:
    breaker = load("pybreaker").CircuitBreaker(
        fail_max=tuning.failures, reset_timeout=tuning.open_s, success_threshold=tuning.probes
    )

    async def guard(work: Work) -> object:
        return await breaker.call_async(work)

    return guard


def _hyx_breaker(tuning: Tuning) -> Any:
    return load("hyx.circuitbreaker").consecutive_breaker(
        failure_threshold=tuning.failures,
        recovery_time_secs=tuning.open_s,
        recovery_threshold=tuning.probes,
    )


async def _hyx_context(tuning: Tuning) -> Guard:
    breaker = _hyx_breaker(tuning)

    async def guard(work: Work) -> object:
        async with breaker:
            return await work()

    return guard


async def _hyx_decorator(tuning: Tuning) -> Guard:
    return _hyx_breaker(tuning)(_run)


async def _circuitbreaker(tuning: Tuning) -> Guard:
    breaker = load("circuitbreaker").CircuitBreaker(
        failure_threshold=tuning.failures,
        recovery_timeout=tuning.open_s,
        name=f"probed-{next(_numbers)}",
    )
    return breaker(_run)


async def _pyresilience(tuning: Tuning) -> Guard:
    pyresilience = load("pyresilience")
    config = pyresilience.CircuitBreakerConfig(
        failure_threshold=tuning.failures,
        recovery_timeout=tuning.open_s,
        success_threshold=tuning.probes,
    )
    return pyresilience.resilient(circuit_breaker=config)(_run)


async def _fluxgate(tuning: Tuning) -> Guard:
    trippers = load("fluxgate.trippers")
    closed = trippers.Closed() & trippers.MinRequests(tuning.failures) & trippers.FailureRate(0.5)
    breaker = load("fluxgate").AsyncCircuitBreaker(
        window=load("fluxgate.windows").CountWindow(tuning.failures),
        tripper=closed | (trippers.HalfOpened() & trippers.FailureRate(0.5)),
        retry=load("fluxgate.retries").Cooldown(tuning.open_s),
        permit=load("fluxgate.permits").All(),
        max_half_open_calls=tuning.probes,
    )
    return breaker.call


async def _run(work: Work) -> object:
    return await work()


SUBJECTS: tuple[Subject, ...] = (
    Subject(name="naru breaker", package=None, make=_our_breaker),
    Subject(name="naru policy", package=None, make=_our_policy),
    Subject(name="interlock-cb", package="interlock-cb", make=_interlock),
    Subject(name="fluxgate", package="fluxgate", make=_fluxgate),
    Subject(name="pyresilience", package="pyresilience", make=_pyresilience),
    Subject(name="aiobreaker", package="aiobreaker", make=_aiobreaker),
    Subject(name="hyx (decorator)", package="hyx", make=_hyx_decorator),
    Subject(name="hyx (async with)", package="hyx", make=_hyx_context),
    Subject(name="circuitbreaker", package="circuitbreaker", make=_circuitbreaker),
    Subject(name="pybreaker", package="pybreaker", make=_pybreaker),
    Subject(name="purgatory", package="purgatory", make=_purgatory),
)
