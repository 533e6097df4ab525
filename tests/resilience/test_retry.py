import asyncio
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.budget import BudgetConfig
from app.resilience.guards import CircuitBreaker
from app.resilience.policy import Policy
from app.resilience.retry import Retry
from app.resilience.scope import Deadline
from tests.resilience.calls import ATTEMPT, RETRY, Failing, network_error, plain
from tests.resilience.virtual_time import VirtualTimeLoop


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def test_a_whitelisted_code_that_fails_twice_and_then_succeeds_takes_three_calls() -> None:
    call = Failing(network_error(), network_error())
    assert await plain(RETRY).execute(call) == "answer"
    assert call.calls == 3


@pytest.mark.parametrize("code", [code for code in ErrorCode if not code.retry_in_process], ids=str)
async def test_a_code_that_is_not_on_the_list_is_called_once(code: ErrorCode) -> None:
    kind = RetryableError if code.retryable else PermanentError
    call = Failing(kind(code))
    with pytest.raises(WorkerError):
        await plain(RETRY).execute(call)
    assert call.calls == 1


async def test_a_bug_is_called_once() -> None:
    call = Failing(ValueError())
    with pytest.raises(ValueError, match=r"^$"):
        await plain(RETRY).execute(call)
    assert call.calls == 1


async def test_when_the_tries_run_out_the_last_error_is_raised_with_their_number() -> None:
    errors = [network_error(number=number) for number in range(3)]
    with pytest.raises(RetryableError) as raised:
        await plain(RETRY).execute(Failing(*errors))
    assert raised.value is errors[2]
    assert raised.value.details == {"number": 2, "tries": 3}


async def test_cancelling_during_the_wait_makes_no_further_call() -> None:
    call = Failing(network_error(retry_after=5))
    task = asyncio.create_task(plain(RETRY).execute(call))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(60)
    assert call.calls == 1


async def test_a_time_limit_around_it_is_not_taken_for_a_failure() -> None:
    call = Failing(*[network_error(retry_after=5)] * 3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await plain(RETRY).execute(call)
    assert call.calls == 1


@settings(max_examples=30)
@given(st.integers(min_value=2, max_value=200))
def test_waits_stay_between_the_first_and_the_longest_however_many_there_are(tries: int) -> None:
    async def run() -> float:
        policy = plain(Retry(tries=tries, base_wait_s=0.5, max_wait_s=8))
        call = Failing(*[network_error()] * (tries - 1))
        await policy.execute(call)
        return now_s()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        waits = tries - 1
        assert 0.5 * waits <= runner.run(run()) <= 8 * waits


async def test_the_first_wait_is_the_base_at_least_and_twice_of_it_at_most() -> None:
    policy = plain(Retry(tries=2, base_wait_s=10, max_wait_s=60))
    waits: list[float] = []
    for _ in range(2_000):
        began_s = now_s()
        await policy.execute(Failing(network_error()))
        waits.append(now_s() - began_s)
    assert mean(waits) == pytest.approx(15, abs=0.4)
    assert 10 <= min(waits) < 10.5
    assert 19.5 < max(waits) <= 20


async def test_waits_grow_from_the_base() -> None:
    policy = plain(Retry(tries=4, base_wait_s=1, max_wait_s=5))
    waits: list[float] = []
    for _ in range(500):
        began_s = now_s()
        await policy.execute(Failing(*[network_error()] * 3))
        waits.append(now_s() - began_s)
    # 1 to 2, 1 to 4, 1 to 5.
    assert mean(waits) == pytest.approx(1.5 + 2.5 + 3, abs=0.3)


async def test_what_the_dependency_asks_to_wait_is_waited() -> None:
    await plain(RETRY).execute(Failing(network_error(retry_after=8)))
    assert now_s() >= 8


async def test_a_wait_above_the_longest_is_left_to_the_job() -> None:
    call = Failing(network_error(retry_after=60))
    with pytest.raises(RetryableError) as raised:
        await plain(RETRY).execute(call)
    assert call.calls == 1
    assert raised.value.details["retry_after"] == 60


async def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    call = Failing(network_error(retry_after=8))
    with pytest.raises(RetryableError) as raised:
        await plain(Deadline(seconds=5), RETRY).execute(call)
    assert now_s() < 5
    assert raised.value.code is ErrorCode.NETWORK_ERROR


async def test_interleaved_calls_see_their_own_errors_and_all_their_tries() -> None:
    policy = plain(Retry(tries=3, budget=BudgetConfig(share_percent=100, least=50)))

    async def one(number: int) -> tuple[object, int]:
        call = Failing(*(network_error(number=number) for _ in range(3)))
        with pytest.raises(RetryableError) as raised:
            await policy.execute(call)
        return raised.value.details["number"], call.calls

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(50)]
    assert [task.result() for task in tasks] == [(number, 3) for number in range(50)]


async def test_a_circuit_that_opens_between_two_tries_ends_them_with_its_error() -> None:
    breaker = CircuitBreaker(name="test", config=BreakerConfig(minimum_calls=2, window_calls=2))
    call = Failing(*[network_error()] * 5)
    with pytest.raises(RetryableError) as raised:
        await plain(Retry(tries=5, base_wait_s=0.1), breaker).execute(call)
    assert raised.value.code is ErrorCode.CIRCUIT_OPEN
    assert call.calls == 2


async def test_a_policy_inside_another_that_retries_does_not_multiply_its_tries() -> None:
    call = Failing(*[network_error()] * 20)
    inner, outer = plain(RETRY), plain(RETRY)
    with pytest.raises(RetryableError):
        await outer.execute(lambda: inner.execute(call))
    assert call.calls == 3


async def test_a_policy_inside_another_that_does_not_retry_keeps_its_own_tries() -> None:
    call = Failing(*[network_error()] * 20)
    with pytest.raises(RetryableError):
        await plain(Retry(tries=1)).execute(lambda: plain(RETRY).execute(call))
    assert call.calls == 3


@pytest.mark.parametrize(("spent", "calls"), [(0, 3), (1, 2), (2, 1), (3, 1), (50, 1)])
async def test_tries_of_earlier_attempts_of_the_job_count(spent: int, calls: int) -> None:
    call = Failing(*[network_error()] * 20)
    with pytest.raises(RetryableError):
        await plain(RETRY).execute(call, spent=spent)
    assert call.calls == calls


async def test_when_everything_fails_at_once_the_budget_keeps_retries_few() -> None:
    policy = Policy("down", Retry(tries=3, base_wait_s=5), ATTEMPT)
    calls = 0

    async def down() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(1)
        raise network_error()

    async def one() -> None:
        with pytest.raises(RetryableError):
            await policy.execute(down)

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(one())
    # 20 of 100 may retry, twice each; without the budget it would be 300 calls.
    assert 100 + 20 <= calls <= 100 + 2 * 20


async def test_a_quiet_dependency_is_retried_whatever_its_share() -> None:
    call = Failing(network_error(), network_error())
    policy = plain(Retry(tries=3, budget=BudgetConfig(share_percent=1, least=1)))
    assert await policy.execute(call) == "answer"
