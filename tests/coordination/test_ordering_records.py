import asyncio
from uuid import uuid4

import pytest

from app.coordination.ordering_records import Line, accept
from app.store.database import Database
from tests.coordination.lines import (
    line,
    put,
)


async def test_two_who_accept_at_once_get_two_numbers_in_the_order_of_their_commits(
    database: Database,
) -> None:
    assert await put(database, "k") == [1]
    order: list[str] = []
    async with asyncio.TaskGroup() as group, database.begin() as first:
        assert await accept(first, line(), {}) == 2

        async def second() -> int:
            async with database.begin() as session:
                seq = await accept(session, line(), {})
                order.append("second")
                return seq

        later = group.create_task(second())
        await asyncio.sleep(0.1)
        order.append("first")
    assert order == ["first", "second"]
    assert later.result() == 3
    # Another line waits for nobody.
    async with database.begin() as busy:
        await accept(busy, line(), {})
        async with asyncio.timeout(2):
            assert await put(database, "other") == [1]


async def test_a_transaction_that_rolls_back_leaves_its_number_to_the_next(
    database: Database,
) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with database.begin() as session:
                await accept(session, line(), {})
                raise ZeroDivisionError
    assert await put(database, "k", "k") == [1, 2]


@pytest.mark.parametrize("time_limit_s", [0, -1, float("nan"), float("inf")])
async def test_a_time_limit_that_is_no_time_is_refused(
    database: Database, time_limit_s: float
) -> None:
    with pytest.raises(ValueError, match="must be a positive number"):
        await put(database, "k", time_limit_s=time_limit_s)


async def test_lines_of_two_tenants_with_one_name_are_two_lines(database: Database) -> None:
    other = Line(topic="talk", tenant_id=uuid4(), key="k")
    async with database.begin() as session:
        assert [await accept(session, one, {}) for one in (line(), other)] == [1, 1]
