import asyncio

import pytest

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.fallback import NEVER_ABSORBED, Fallbacks
from app.resilience.guards import CircuitBreaker, Slots
from app.resilience.layers import Layer, Status
from app.resilience.policy import Policy
from app.resilience.registry import registry
from app.resilience.retry import Retry
from app.resilience.scope import Deadline
from app.settings.resilience import FailMode
from tests.resilience.calls import ATTEMPT, Failing, network_error

TWO = Fallbacks(names=("second", "third"), reserve_s=2)


def falling_back(*layers: Layer) -> Policy:
    return Policy("test", *layers, ATTEMPT, fail_mode=FailMode.FAIL_FALLBACK)


class Answering:
    """A fallback that answers, and keeps what it was given."""

    def __init__(self, answer: str, *, takes_s: float = 0) -> None:
        self.errors: list[WorkerError] = []
        self._answer = answer
        self._takes_s = takes_s

    async def __call__(self, error: WorkerError) -> str:
        self.errors.append(error)
        await asyncio.sleep(self._takes_s)
        return self._answer


async def raising(error: WorkerError) -> str:
    del error
    raise PermanentError(ErrorCode.LLM_PARSE_ERROR)


async def crashing(error: WorkerError) -> str:
    raise ZeroDivisionError(str(error))


async def test_a_fallback_runs_once_gets_the_error_and_its_answer_is_marked() -> None:
    second, third = Answering("second"), Answering("third")
    error = PermanentError(ErrorCode.QUOTA_EXCEEDED)
    outcome = await falling_back(TWO).outcome(
        Failing(error), fallbacks={"second": second, "third": third}
    )
    assert (outcome.value, outcome.status, outcome.error) == (
        "second",
        Status.FALLBACK_SUCCESS,
        error,
    )
    assert (second.errors, third.errors) == ([error], [])


async def test_without_a_failure_no_fallback_runs() -> None:
    second = Answering("second")
    outcome = await falling_back(TWO).outcome(
        Failing(), fallbacks={"second": second, "third": second}
    )
    assert (outcome.value, outcome.status, outcome.error) == ("answer", Status.SUCCEEDED, None)
    assert second.errors == []


@pytest.mark.parametrize("broken", [raising, crashing])
async def test_a_fallback_that_fails_itself_is_passed_over(broken: Answering) -> None:
    third = Answering("third")
    answer = await falling_back(TWO).execute(
        Failing(network_error()), fallbacks={"second": broken, "third": third}
    )
    assert answer == "third"


@pytest.mark.parametrize("broken", [raising, crashing])
async def test_when_all_fail_the_error_of_the_call_itself_is_raised(broken: Answering) -> None:
    error = network_error()
    with pytest.raises(RetryableError) as raised:
        await falling_back(TWO).execute(
            Failing(error), fallbacks={"second": broken, "third": broken}
        )
    assert raised.value is error


async def test_cancellation_and_bugs_do_not_fall_back() -> None:
    second = Answering("second")
    for error in (asyncio.CancelledError(), ValueError()):
        with pytest.raises(type(error)):
            await falling_back(TWO).execute(
                Failing(error), fallbacks={"second": second, "third": second}
            )
    assert second.errors == []


@pytest.mark.parametrize("code", sorted(NEVER_ABSORBED), ids=str)
async def test_what_is_about_the_run_does_not_fall_back(code: ErrorCode) -> None:
    second = Answering("second")
    kind = RetryableError if code.retryable else PermanentError
    with pytest.raises(WorkerError):
        await falling_back(TWO).execute(
            Failing(kind(code)), fallbacks={"second": second, "third": second}
        )
    assert second.errors == []


async def test_three_failing_tries_are_three_failures_for_the_breaker_and_one_fallback() -> None:
    second = Answering("second")
    policy = falling_back(
        TWO, Retry(tries=3), CircuitBreaker(name="test", config=BreakerConfig(minimum_calls=10))
    )
    call = Failing(*[network_error()] * 3)
    answer = await policy.execute(call, fallbacks={"second": second, "third": second})
    (breaker,) = registry.here().breakers()
    assert (answer, call.calls, len(second.errors)) == ("second", 3, 1)
    assert breaker.snapshot().failures == 3


async def test_a_call_that_is_turned_away_falls_back() -> None:
    second = Answering("second")
    policy = falling_back(TWO, Slots(slots=1, queue=0))
    held = asyncio.create_task(
        policy.execute(lambda: asyncio.sleep(5), fallbacks={"second": second, "third": second})
    )
    await asyncio.sleep(1)
    outcome = await policy.outcome(Failing(), fallbacks={"second": second, "third": second})
    assert outcome.status is Status.FALLBACK_SUCCESS
    assert outcome.error is not None
    assert outcome.error.code is ErrorCode.BULKHEAD_FULL
    assert outcome.tries == 0
    await held


async def test_time_is_kept_back_for_the_fallback() -> None:
    second = Answering("second", takes_s=1.5)
    policy = falling_back(Deadline(seconds=8), TWO)
    answer = await policy.execute(
        lambda: asyncio.sleep(60, "late"), fallbacks={"second": second, "third": second}
    )
    assert answer == "second"
    assert second.errors[0].code is ErrorCode.LLM_TIMEOUT
    assert asyncio.get_running_loop().time() <= 8


async def test_a_fallback_past_the_deadline_is_cut_off_and_the_first_error_raised() -> None:
    slow = Answering("slow", takes_s=60)
    policy = falling_back(Deadline(seconds=8), TWO)
    error = network_error()
    with pytest.raises(RetryableError) as raised:
        await policy.execute(Failing(error), fallbacks={"second": slow, "third": slow})
    assert raised.value is error
    assert asyncio.get_running_loop().time() == pytest.approx(8, abs=0.1)


async def test_a_fallback_that_was_not_brought_along_is_told_at_the_first_call() -> None:
    with pytest.raises(ValueError, match="names the fallback second"):
        await falling_back(TWO).execute(Failing())
