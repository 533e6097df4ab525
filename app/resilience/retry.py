"""The one way to retry: tenacity, entered only after a first failure (R12)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from app.errors import RetryableError
from app.resilience.policies import Policy

T = TypeVar("T")


def worth_retrying(error: BaseException, policy: Policy) -> bool:
    """Whether the code is on the whitelist and the wait that was asked for is one to sit out.

    A `retry_after` above the policy's longest wait is left to the run: it comes back later instead
    of holding a slot asleep.
    """
    return (
        isinstance(error, RetryableError)
        and error.code.retry_in_process
        and retry_after_s(error) <= policy.max_wait_s
    )


def retry_after_s(error: RetryableError) -> float:
    """Seconds the provider asked to wait; 0 when it did not."""
    value = error.details.get("retry_after", 0)
    return float(value) if isinstance(value, int | float) else 0


async def retry(policy: Policy, call: Callable[[], Awaitable[T]], first: RetryableError) -> T:
    """Call again after `first`, up to the policy's tries; raises the last error.

    Built per call: one shared AsyncRetrying mixes the outcomes of concurrent tasks (tenacity#93).
    """
    backoff = wait_random_exponential(multiplier=policy.base_wait_s, max=policy.max_wait_s)
    pending: RetryableError | None = first

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = retry_after_s(error) if isinstance(error, RetryableError) else 0
        return max(asked, backoff(state))

    async def attempt() -> T:
        nonlocal pending
        if pending is not None:
            error, pending = pending, None
            raise error
        return await call()

    retrying = AsyncRetrying(
        stop=stop_after_attempt(policy.tries),
        wait=wait,
        retry=retry_if_exception(lambda error: worth_retrying(error, policy)),
        reraise=True,
    )
    return await retrying(attempt)
