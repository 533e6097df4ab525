import asyncio

import pytest

from app.errors import ErrorCode, PermanentError
from app.resilience.deadline import DEADLINE, Within, remaining_s


async def test_without_a_deadline_nothing_remains_to_be_told() -> None:
    assert (DEADLINE.get(), remaining_s()) == (None, None)
    async with Within(None):
        await asyncio.sleep(1_000)


async def test_work_past_its_deadline_ends_with_a_code() -> None:
    with pytest.raises(PermanentError) as raised:
        async with Within(5):
            await asyncio.sleep(1_000)
    assert raised.value.code is ErrorCode.DEADLINE_EXCEEDED
    assert asyncio.get_running_loop().time() == pytest.approx(5)
    assert DEADLINE.get() is None


async def test_an_inner_deadline_shrinks_and_never_grows() -> None:
    async with Within(10):
        async with Within(60):
            assert remaining_s() == pytest.approx(10)
        async with Within(3):
            assert remaining_s() == pytest.approx(3)
        assert remaining_s() == pytest.approx(10)


async def test_tasks_that_are_started_inside_inherit_it() -> None:
    async def look() -> float | None:
        return remaining_s()

    async with Within(10), asyncio.TaskGroup() as group:
        task = group.create_task(look())
    assert task.result() == pytest.approx(10)


async def test_errors_and_cancellation_pass_through_unchanged() -> None:
    with pytest.raises(ZeroDivisionError):
        async with Within(10):
            raise ZeroDivisionError

    async def wait() -> None:
        async with Within(10):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_of_the_work_itself_is_not_taken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        async with Within(10):
            raise TimeoutError
