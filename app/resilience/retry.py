"""The one way to retry: tenacity, entered only after a first failure (R12)."""

import math
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import ClassVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception
from tenacity.wait import wait_random_exponential

from app.errors import RetryableError
from app.resilience.budget import Budget, BudgetConfig
from app.resilience.deadline import LEAST_ATTEMPT_S, remaining_s
from app.resilience.layers import Call, Step, retry_after_s
from app.resilience.registry import Here
from app.telemetry.conventions import Attribute, EventName
from app.telemetry.spans import current_span

_retrying: ContextVar[bool] = ContextVar("retrying", default=False)
"""Whether a policy around this one retries already: two that do would multiply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again, within one logical call, what a code allows (`retry_in_process`).

    At most `tries` calls. Each wait is drawn from `base_wait_s` to an upper end that begins at twice
    of it and doubles up to `max_wait_s`: from 0, as full jitter has it, three tries could be over
    before what they wait for had a chance to come back. What the dependency asks to wait
    (`retry_after`) is kept; a wait above `max_wait_s`, or one that would pass the deadline, is left
    to the job: it comes back later instead of sleeping.
    The last error is raised, with `tries` in its details.
    """

    title: ClassVar[str] = "retry"

    tries: int
    base_wait_s: float = 0.5
    max_wait_s: float = 10
    budget: BudgetConfig = field(default_factory=BudgetConfig)

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if self.tries < 1:
            yield f"tries is {self.tries}; it must be at least 1"
        for name in ("base_wait_s", "max_wait_s"):
            seconds = getattr(self, name)
            if not (math.isfinite(seconds) and seconds > 0):
                yield f"{name} is {seconds}; it must be a finite number of seconds above 0"
        if self.max_wait_s < self.base_wait_s:
            yield f"max_wait_s is {self.max_wait_s}; it must be at least base_wait_s"
        yield from self.budget.faults()

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The layer in one loop; its budget is shared by all policies of the dependency."""
        budget = here.budget(dependency, self.budget)
        if self.tries == 1:
            return inner

        async def step(call: Call) -> object:
            if _retrying.get():
                return await inner(call)
            token = _retrying.set(True)
            budget.under_way += 1
            try:
                return await inner(call)
            except RetryableError as first:
                if budget.spent or not self._may_retry(call, first):
                    raise
                return await self._again(call, inner, first, budget)
            finally:
                budget.under_way -= 1
                _retrying.reset(token)

        return step

    async def _again(
        self, call: Call, inner: Step, first: RetryableError, budget: Budget
    ) -> object:
        # Built per call: one shared AsyncRetrying mixes the outcomes of its tasks (tenacity#93).
        backoff = wait_random_exponential(
            multiplier=2 * self.base_wait_s, min=self.base_wait_s, max=self.max_wait_s
        )
        pending: RetryableError | None = first

        def stop(state: RetryCallState) -> bool:
            left_s = remaining_s()
            return left_s is not None and state.upcoming_sleep + LEAST_ATTEMPT_S > left_s

        def wait(state: RetryCallState) -> float:
            return max(backoff(state), retry_after_s(_error_of(state)))

        def before_sleep(state: RetryCallState) -> None:
            call.retries += 1
            error = _error_of(state)
            current_span().event(
                EventName.RETRY_SCHEDULED,
                {
                    Attribute.RETRY_DELAY: state.upcoming_sleep,
                    Attribute.RETRY_REASON: error.code.value if error else "",
                },
            )

        async def attempt() -> object:
            nonlocal pending
            if pending is not None:
                error, pending = pending, None
                raise error
            return await inner(call)

        retrying = AsyncRetrying(
            stop=stop,
            wait=wait,
            retry=retry_if_exception(lambda error: self._may_retry(call, error)),
            before_sleep=before_sleep,
            reraise=True,
        )
        budget.retrying += 1
        try:
            return await retrying(attempt)
        finally:
            budget.retrying -= 1

    def _may_retry(self, call: Call, error: BaseException) -> bool:
        """Whether the code is on the whitelist, and tries are left.

        Tries of earlier attempts of the same job count: the job has its own, and they must not
        multiply.
        """
        if not isinstance(error, RetryableError):
            return False
        tries = call.retries + 1
        error.details["tries"] = tries
        return (
            error.code.retry_in_process
            and tries + call.spent < self.tries
            and retry_after_s(error) <= self.max_wait_s
        )


def _error_of(state: RetryCallState) -> RetryableError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, RetryableError) else None
