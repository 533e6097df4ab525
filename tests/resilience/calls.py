"""Calls to make, and policies to make them under."""

from app.errors import ErrorCode, RetryableError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.fallback import Fallbacks
from app.resilience.guards import AttemptTimeout, CircuitBreaker, RateLimit, Slots
from app.resilience.layers import Layer
from app.resilience.limits import Rate
from app.resilience.policy import Policy
from app.resilience.registry import registry
from app.resilience.retry import Retry
from app.resilience.scope import Deadline, SessionOrder
from app.settings.resilience import FailMode

ATTEMPT = AttemptTimeout(timeout_s=10, code=ErrorCode.LLM_TIMEOUT)
RETRY = Retry(tries=3, base_wait_s=1, max_wait_s=10)


class Failing:
    """Fails as often as it is told, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def network_error(**details: object) -> RetryableError:
    return RetryableError(ErrorCode.NETWORK_ERROR, details=details)


def whole(name: str, *, tries: int = 3, slots: int = 4, queue: int = 100) -> Policy:
    """A policy with every layer."""
    return Policy(
        name,
        Deadline(seconds=120),
        SessionOrder(wait_s=60),
        Fallbacks(names=("rules",), reserve_s=5),
        Retry(tries=tries, base_wait_s=0.1, max_wait_s=1),
        Slots(slots=slots, queue=queue),
        RateLimit(rates=(("requests", Rate(amount=1_000, period_s=1, burst=1_000)),)),
        CircuitBreaker(name=name, config=BreakerConfig(open_s=1, open_max_s=2)),
        ATTEMPT,
        fail_mode=FailMode.FAIL_FALLBACK,
    )


def plain(*layers: Layer) -> Policy:
    """A policy with these layers around an attempt of at most 10 s."""
    return Policy("test", *layers, ATTEMPT)


def idle() -> bool:
    """No slot, waiter, permit, key or retry of this loop is in use."""
    here = registry.here()
    return (
        all(bulkhead.in_use == bulkhead.waiting == 0 for bulkhead in here.bulkheads())
        and all(breaker.snapshot().in_flight_probes == 0 for breaker in here.breakers())
        and all(lock.held == lock.waiting == 0 for lock in here.orders())
        and all(budget.under_way == budget.retrying == 0 for budget in here.budgets())
    )
