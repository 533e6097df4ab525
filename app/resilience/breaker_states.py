"""The words of a circuit breaker: its states, why they change, and what can be seen of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from app.resilience.windows import Counts


class State(StrEnum):
    CLOSED = "closed"
    """Calls pass and are counted."""
    OPEN = "open"
    """Calls are rejected until the open time is over."""
    HALF_OPEN = "half_open"
    """A few calls pass, to find out."""
    FORCED_OPEN = "forced_open"
    """Calls are rejected until an operator says otherwise."""
    DISABLED = "disabled"
    """Calls pass and are not counted."""
    METRICS_ONLY = "metrics_only"
    """Calls pass and are counted; it never opens."""


class Mode(StrEnum):
    """What an operator wants; AUTOMATIC is the breaker's own judgement."""

    AUTOMATIC = "automatic"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"
    METRICS_ONLY = "metrics_only"


class Verdict(Enum):
    """What the end of a call says about the dependency."""

    SUCCESS = 1
    FAILURE = 2
    NEUTRAL = 3
    """Nothing: cancelled, rejected here, or an error of our own."""


class Cause(StrEnum):
    FAILURES = "failures"
    SLOW_CALLS = "slow_calls"
    WAIT_OVER = "wait_over"
    PROBES_SUCCEEDED = "probes_succeeded"
    PROBES_FAILED = "probes_failed"
    PROBES_HUNG = "probes_hung"
    PEER = "peer"
    """Another process announced it."""
    OPERATOR = "operator"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of state. `counts` are those of the window that decided it."""

    name: str
    at: datetime
    from_state: State
    to_state: State
    cause: Cause
    counts: Counts
    open_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A breaker as it was at one moment.

    The percentages are None while the window has too few calls to say. `rejected` counts since the
    start of the process. `history` has the last 100 changes, oldest first.
    """

    name: str
    state: State
    calls: int
    failures: int
    slow: int
    failure_percent: float | None
    slow_percent: float | None
    open_for_s: float | None
    in_flight_probes: int
    rejected: int
    history: tuple[Change, ...]
