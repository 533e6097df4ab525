"""POLICIES: the one table of how each dependency is called, with the figures of the settings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.errors import ErrorCode
from app.resilience.breaker_config import BreakerConfig
from app.resilience.fallback import Fallbacks
from app.resilience.guards import (
    REQUESTS,
    TOKENS,
    AttemptTimeout,
    CircuitBreaker,
    RateLimit,
    Slots,
)
from app.resilience.layers import Layer
from app.resilience.limits import Rate
from app.resilience.policy import InvalidPolicy, Policy
from app.resilience.retry import Retry
from app.resilience.scope import Deadline
from app.settings import InvalidSettings, Settings
from app.settings.groups import RetrySettings
from app.settings.resilience import BreakerSettings, FailMode, PolicySettings


class PolicyName(StrEnum):
    """What a stage or a node depends on."""

    STORAGE = "storage"
    """The store of originals and pictures."""
    LLM = "llm"
    """One call of one model; each model of the chain has a breaker, slots and rates of its own."""
    ANALYSIS = "analysis"
    """The reading of a résumé: the models in their order, then the rules."""
    EMBEDDING = "embedding"
    """Vectors for chunks."""
    QUERY = "query"
    """The vector of a search; the words are searched without it."""
    WEBHOOK = "webhook"
    """One webhook; each host that receives some has a breaker and slots of its own."""
    DELIVERY = "delivery"
    """The delivery of one webhook, its tries inside."""
    BROWSER = "browser"
    """A picture of a web page, by a browser that keeps limits of its own and is killed then."""
    PARSER = "parser"
    """The parser processes, which keep time limits of their own and kill what overruns them."""
    RETENTION = "retention"
    """A pass over all that is kept, batch by batch; it ends before its run would be stopped."""
    LOCAL = "local"
    """Our own work."""


class FallbackName(StrEnum):
    """What can stand in; a stage that uses a policy with a fallback brings the real one."""

    RULES = "rules"
    """The rule-based analyst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the code knows of a dependency.

    `retry` and `attempt_s` read its figures from `RETRY__…`. Without `retry` it is called once;
    without `attempt_s` the callee or the deadline limits an attempt. `fallbacks` are those that its
    callers bring along.
    """

    timeout_code: ErrorCode
    retry: Callable[[RetrySettings], Retry] | None = None
    attempt_s: Callable[[RetrySettings], float] | None = None
    traced: bool = False
    fallbacks: frozenset[FallbackName] = frozenset()


# A stage is the span of its own policy; other calls have one made for them.
POLICIES: Mapping[PolicyName, Row] = {
    PolicyName.STORAGE: Row(
        timeout_code=ErrorCode.STORAGE_ERROR,
        retry=lambda retry: Retry(tries=retry.storage_max),
        attempt_s=lambda retry: retry.storage_timeout,
    ),
    PolicyName.LLM: Row(
        timeout_code=ErrorCode.LLM_TIMEOUT,
        retry=lambda retry: Retry(tries=retry.llm_max, base_wait_s=1),
        attempt_s=lambda retry: retry.llm_timeout,
        traced=True,
    ),
    PolicyName.ANALYSIS: Row(
        timeout_code=ErrorCode.LLM_TIMEOUT, fallbacks=frozenset({FallbackName.RULES})
    ),
    PolicyName.EMBEDDING: Row(
        timeout_code=ErrorCode.EMBEDDING_TIMEOUT,
        retry=lambda retry: Retry(
            tries=retry.embedding_max,
            base_wait_s=retry.embedding_base_wait,
            max_wait_s=retry.embedding_max_wait,
        ),
        attempt_s=lambda retry: retry.embedding_timeout,
    ),
    PolicyName.QUERY: Row(timeout_code=ErrorCode.EMBEDDING_TIMEOUT, traced=True),
    PolicyName.WEBHOOK: Row(
        timeout_code=ErrorCode.NETWORK_ERROR,
        retry=lambda retry: Retry(
            tries=retry.webhook_max,
            base_wait_s=retry.webhook_retry_delay,
            # A receiver that asks for more is asked again by a later attempt of the job.
            max_wait_s=10 * retry.webhook_retry_delay,
        ),
        attempt_s=lambda retry: retry.webhook_timeout,
        traced=True,
    ),
    PolicyName.DELIVERY: Row(timeout_code=ErrorCode.NETWORK_ERROR),
    # One that does not start may do so at once; what a page does wrong is not tried again.
    PolicyName.BROWSER: Row(
        timeout_code=ErrorCode.DEADLINE_EXCEEDED, retry=lambda _: Retry(tries=2, base_wait_s=1)
    ),
    PolicyName.PARSER: Row(timeout_code=ErrorCode.DEADLINE_EXCEEDED),
    PolicyName.RETENTION: Row(timeout_code=ErrorCode.DEADLINE_EXCEEDED),
    PolicyName.LOCAL: Row(timeout_code=ErrorCode.DEADLINE_EXCEEDED, attempt_s=lambda _: 60),
}

_MODEL_IS_DOWN = frozenset({ErrorCode.NETWORK_ERROR, ErrorCode.QUOTA_EXCEEDED})

BREAKERS: Mapping[str, frozenset[ErrorCode]] = {
    "storage": frozenset({ErrorCode.STORAGE_ERROR}),
    "llm": _MODEL_IS_DOWN | {ErrorCode.LLM_TIMEOUT, ErrorCode.LLM_RATE_LIMIT},
    # It does not start; what pages do wrong has other codes.
    "browser": frozenset({ErrorCode.NETWORK_ERROR}),
    "embedding": _MODEL_IS_DOWN | {ErrorCode.EMBEDDING_TIMEOUT},
    "webhook": frozenset({ErrorCode.NETWORK_ERROR}),
}
"""The codes that each breaker counts as failures of its dependency."""

Policies = Mapping[PolicyName, Policy]


def build_policies(settings: Settings) -> Policies:
    """Every policy. Raises InvalidSettings with one line for each thing that makes no sense."""
    built: dict[PolicyName, Policy] = {}
    lines: list[str] = []
    for name in PolicyName:
        try:
            built[name] = make_policy(name, settings)
        except InvalidPolicy as error:
            lines += error.lines
    if lines:
        raise InvalidSettings(list(dict.fromkeys(lines)))
    return built


def make_policy(name: PolicyName, settings: Settings, *, dependency: str | None = None) -> Policy:
    """One row of the table; as `dependency`, with a breaker, slots and rates of its own.

    Raises InvalidPolicy.
    """
    row = POLICIES[name]
    figures: PolicySettings = getattr(settings.policies, name)
    if unknown := list(_unknown(row, figures)):
        raise InvalidPolicy([f"POLICIES__{name.upper()}__{line}" for line in unknown])
    attempt_s = row.attempt_s(settings.retry) if row.attempt_s else None
    layers = (
        *_scope(figures),
        *([row.retry(settings.retry)] if row.retry else ()),
        *_admission(figures),
        *_circuit(figures, settings, dependency),
        AttemptTimeout(timeout_s=attempt_s, code=row.timeout_code),
    )
    return Policy(dependency or name.value, *layers, fail_mode=figures.fail_mode, traced=row.traced)


def breaker_config(name: str, settings: Settings) -> BreakerConfig:
    """The numbers of one of BREAKERS."""
    figures: BreakerSettings = getattr(settings.breakers, name)
    return BreakerConfig(
        window_calls=figures.window_calls,
        window_s=figures.window,
        minimum_calls=figures.minimum_calls,
        failure_percent=figures.failure_percent,
        slow_percent=figures.slow_percent,
        slow_call_s=figures.slow_call,
        open_s=figures.open,
        open_growth=figures.open_growth,
        open_max_s=figures.open_max,
        half_open_calls=figures.half_open_calls,
        half_open_wait_s=figures.half_open_wait,
        record=BREAKERS[name],
    )


def _unknown(row: Row, figures: PolicySettings) -> Iterator[str]:
    if figures.breaker is not None and figures.breaker not in BREAKERS:
        yield f"BREAKER names {figures.breaker}; known are {', '.join(BREAKERS)}"
    known = ", ".join(sorted(row.fallbacks)) or "none"
    for name in figures.fallbacks:
        if name not in row.fallbacks:
            yield f"FALLBACKS names {name}; known here: {known}"


def _scope(figures: PolicySettings) -> Iterator[Layer]:
    if figures.deadline is not None:
        yield Deadline(seconds=figures.deadline)
    # They stay in the settings while another fail mode is tried.
    if figures.fallbacks and figures.fail_mode is FailMode.FAIL_FALLBACK:
        yield Fallbacks(names=figures.fallbacks, reserve_s=figures.fallback_reserve)


def _admission(figures: PolicySettings) -> Iterator[Layer]:
    if figures.concurrent is not None:
        yield Slots(slots=figures.concurrent, queue=figures.queued)
    asked = ((REQUESTS, figures.requests_per_minute), (TOKENS, figures.tokens_per_minute))
    rates = tuple(
        (name, Rate(amount=amount, period_s=60, burst=amount)) for name, amount in asked if amount
    )
    if rates:
        yield RateLimit(rates=rates, max_wait_s=figures.rate_wait)


def _circuit(
    figures: PolicySettings, settings: Settings, dependency: str | None
) -> Iterator[Layer]:
    if figures.breaker is not None:
        yield CircuitBreaker(
            name=dependency or figures.breaker, config=breaker_config(figures.breaker, settings)
        )
