"""The groups of settings for `POLICIES__<NAME>__…` and `BREAKERS__<NAME>__…`.

Tries, attempt time limits and waits of a dependency are in `RETRY__…`, by the names that R13 fixes.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.settings.groups import Count, Group, Seconds

Percent = Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)]


class FailMode(StrEnum):
    """What becomes of a call that failed for good (R17)."""

    FAIL_CLOSE = "fail_close"
    """Its error is raised."""
    FAIL_OPEN = "fail_open"
    """The work goes on without its value."""
    FAIL_FALLBACK = "fail_fallback"
    """Its fallbacks are asked; its error is raised when none answers."""


class PolicySettings(Group):
    """How one dependency is called. A layer whose numbers are not set is left out."""

    deadline: Seconds | None = Field(
        default=None, description="Seconds for a whole call, retries and fallback included."
    )
    fail_mode: FailMode = Field(
        default=FailMode.FAIL_CLOSE,
        description="`fail_close`, `fail_open` or `fail_fallback`, once tries are spent.",
    )
    fallbacks: tuple[str, ...] = Field(
        default=(), description="Fallbacks in their order, as a JSON list."
    )
    fallback_reserve: Seconds = Field(
        default=5, description="Seconds of the deadline that are kept for the fallback."
    )
    breaker: str | None = Field(default=None, description="Name of its circuit breaker.")
    concurrent: Count | None = Field(default=None, description="Calls at the same time.")
    queued: int = Field(
        default=0, ge=0, description="Calls that may wait for one of these; more are rejected."
    )
    requests_per_minute: Count | None = Field(default=None, description="Calls in a minute.")
    tokens_per_minute: Count | None = Field(default=None, description="Model tokens in a minute.")
    rate_wait: Seconds = Field(
        default=30, description="Longest wait in seconds for a place in these rates."
    )


class PoliciesSettings(Group):
    """One policy per dependency; the defaults are the table of docs/resilience.md."""

    storage: PolicySettings = PolicySettings(breaker="storage", concurrent=32, queued=1_000)
    llm: PolicySettings = PolicySettings(breaker="llm", concurrent=16, queued=1_000)
    analysis: PolicySettings = PolicySettings(
        deadline=540,
        fail_mode=FailMode.FAIL_FALLBACK,
        fallbacks=("rules",),
        fallback_reserve=30,
    )
    embedding: PolicySettings = PolicySettings(breaker="embedding", concurrent=8, queued=1_000)
    query: PolicySettings = PolicySettings(
        breaker="embedding", deadline=10, fail_mode=FailMode.FAIL_OPEN
    )
    webhook: PolicySettings = PolicySettings(breaker="webhook", concurrent=4, queued=1_000)
    delivery: PolicySettings = PolicySettings()
    browser: PolicySettings = PolicySettings(breaker="browser", concurrent=2, queued=1_000)
    parser: PolicySettings = PolicySettings()
    retention: PolicySettings = PolicySettings()
    local: PolicySettings = PolicySettings()


class BreakerSettings(Group):
    """When a circuit opens, for how long, and what it takes to close."""

    window_calls: Count = Field(default=20, description="Calls that are looked at.")
    window: Seconds | None = Field(
        default=None, description="Look at the calls of so many seconds instead."
    )
    minimum_calls: Count = Field(default=5, description="Calls below which it does not judge.")
    failure_percent: Percent = Field(default=50, description="Failures at which it opens.")
    slow_call: Seconds | None = Field(
        default=None, description="Seconds from which a call is slow; not set: never."
    )
    slow_percent: Percent = Field(default=100, description="Slow calls at which it opens.")
    open: Seconds = Field(default=10, description="Seconds that it stays open.")
    open_growth: float = Field(
        default=2, ge=1, le=100, description="Times longer after each failed look."
    )
    open_max: Seconds = Field(default=120, description="Longest time in seconds.")
    half_open_calls: Count = Field(default=2, description="Calls that find out whether it is well.")
    half_open_wait: Seconds = Field(
        default=150,
        description="Seconds after which it opens again when these have not ended; longer than one "
        "attempt may take.",
    )


class BreakersSettings(Group):
    """One breaker per dependency; `llm` is one per model (`llm:<model>`), `webhook` one per host."""

    storage: BreakerSettings = BreakerSettings(open=5, open_max=60, half_open_wait=60)
    llm: BreakerSettings = BreakerSettings()
    embedding: BreakerSettings = BreakerSettings(half_open_wait=90)
    browser: BreakerSettings = BreakerSettings(half_open_wait=60)
    webhook: BreakerSettings = BreakerSettings(half_open_wait=60)
