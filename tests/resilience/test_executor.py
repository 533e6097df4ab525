import asyncio

import pytest

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.resilience.executor import execute
from app.resilience.policies import Policy, PolicyName, build_policies
from app.settings import load_settings

QUICK = Policy(
    timeout_s=5, timeout_code=ErrorCode.LLM_TIMEOUT, tries=3, base_wait_s=0.001, max_wait_s=0.01
)


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


async def test_a_call_that_succeeds_is_made_once() -> None:
    call = Failing()
    assert await execute(QUICK, call) == "answer"
    assert call.calls == 1


async def test_a_whitelisted_code_is_tried_again_up_to_the_tries() -> None:
    errors = [RetryableError(ErrorCode.NETWORK_ERROR, details={"n": n}) for n in range(3)]
    call = Failing(*errors[:2])
    assert await execute(QUICK, call) == "answer"
    assert call.calls == 3

    spent = Failing(*errors)
    with pytest.raises(RetryableError) as raised:
        await execute(QUICK, spent)
    assert raised.value is errors[2]
    assert spent.calls == 3


@pytest.mark.parametrize("code", [code for code in ErrorCode if not code.retry_in_process], ids=str)
async def test_a_code_that_is_not_on_the_list_is_not_tried_again(code: ErrorCode) -> None:
    kind = RetryableError if code.retryable else PermanentError
    call = Failing(kind(code))
    with pytest.raises(WorkerError):
        await execute(QUICK, call)
    assert call.calls == 1


async def test_a_bug_is_not_tried_again() -> None:
    call = Failing(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        await execute(QUICK, call)
    assert call.calls == 1


async def test_a_short_retry_after_is_sat_out_and_a_long_one_is_left_to_the_run() -> None:
    asked = {"retry_after": 0.2}
    policy = Policy(
        timeout_s=5, timeout_code=ErrorCode.LLM_TIMEOUT, tries=2, base_wait_s=0.001, max_wait_s=1
    )
    call = Failing(RetryableError(ErrorCode.LLM_RATE_LIMIT, details=asked))
    started_s = asyncio.get_running_loop().time()
    await execute(policy, call)
    assert asyncio.get_running_loop().time() - started_s >= 0.2

    long = Failing(RetryableError(ErrorCode.LLM_RATE_LIMIT, details={"retry_after": 60}))
    with pytest.raises(RetryableError):
        await execute(policy, long)
    assert long.calls == 1


async def test_each_try_has_its_own_time_limit() -> None:
    calls: list[int] = []

    async def hang() -> None:
        calls.append(1)
        await asyncio.Event().wait()

    policy = Policy(
        timeout_s=0.02, timeout_code=ErrorCode.STORAGE_ERROR, tries=3, base_wait_s=0.001
    )
    with pytest.raises(RetryableError) as raised:
        await execute(policy, hang)
    assert raised.value.code is ErrorCode.STORAGE_ERROR
    assert len(calls) == 3


async def test_cancellation_passes_through_at_once() -> None:
    call = Failing(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await execute(QUICK, call)
    assert call.calls == 1


async def test_concurrent_calls_do_not_mix_their_failures() -> None:
    async def one(number: int) -> int:
        error = RetryableError(ErrorCode.NETWORK_ERROR, details={"n": number})
        try:
            await execute(QUICK, Failing(error, error, error))
        except RetryableError as raised:
            return int(str(raised.details["n"]))
        return -1

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(50)]
    assert [task.result() for task in tasks] == list(range(50))


def test_every_policy_name_has_a_row_with_the_figures_of_the_settings() -> None:
    policies = build_policies(load_settings())
    assert set(policies) == set(PolicyName)
    assert policies[PolicyName.STORAGE].tries == 3
    assert policies[PolicyName.STORAGE].timeout_s == 30
    assert policies[PolicyName.EMBEDDING].base_wait_s == 1
    assert policies[PolicyName.EMBEDDING].max_wait_s == 10
