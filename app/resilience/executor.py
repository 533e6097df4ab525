"""Run one call under its policy."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import PermanentError, RetryableError
from app.resilience.policies import Policy
from app.resilience.retry import retry, worth_retrying

T = TypeVar("T")


async def execute(policy: Policy, call: Callable[[], Awaitable[T]]) -> T:
    """Each try has the policy's time limit; only whitelisted codes are tried again (R12).

    Raises the last try's error, or the policy's `timeout_code`.
    """

    async def attempt() -> T:
        limit = asyncio.timeout(policy.timeout_s)
        try:
            async with limit:
                return await call()
        except TimeoutError:
            if not limit.expired():
                raise
            kind = RetryableError if policy.timeout_code.retryable else PermanentError
            raise kind(policy.timeout_code, details={"timeout_s": policy.timeout_s}) from None

    try:
        return await attempt()
    except RetryableError as first:
        if policy.tries == 1 or not worth_retrying(first, policy):
            raise
        error = first
    return await retry(policy, attempt, error)
