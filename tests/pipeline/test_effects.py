import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text

from app.errors import ErrorCode, RetryableError
from app.pipeline import fencing
from app.pipeline.effects import carry_out
from app.pipeline.fencing import Effect, End
from app.pipeline.tables import EffectRow, RunId, RunStatus
from app.store.database import Database
from tests.pipeline.conftest import BeginRun, NewRun


@pytest.fixture
async def ended_run(database: Database, new_run: NewRun, begin_run: BeginRun) -> RunId:
    """A run whose end owes one effect."""
    run = await begin_run(await new_run())
    effect = Effect(kind="tell", key=f"tell:{run.id}", payload={"n": 1})
    async with database.begin() as session:
        await fencing.end(session, run.row, End(status=RunStatus.FAILED, effects=[effect]))
    return run.id


async def test_an_effect_is_carried_out_once_however_many_workers_try(
    database: Database, ended_run: RunId
) -> None:
    told: list[tuple[dict[str, Any], str]] = []

    async def tell(payload: dict[str, Any], key: str) -> None:
        await asyncio.sleep(0.05)
        told.append((payload, key))

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(carry_out(database, {"tell": tell}, ended_run))
    await carry_out(database, {"tell": tell}, ended_run)
    assert told == [({"n": 1}, f"tell:{ended_run}")]


async def test_an_effect_that_fails_comes_back_later_under_the_same_key(
    database: Database, ended_run: RunId
) -> None:
    keys: list[str] = []

    async def tell(payload: dict[str, Any], key: str) -> None:
        del payload
        keys.append(key)
        if len(keys) == 1:
            raise RetryableError(ErrorCode.NETWORK_ERROR)

    assert await carry_out(database, {"tell": tell}, ended_run) == 0
    assert await carry_out(database, {"tell": tell}, ended_run) == 0  # not before its time
    async with database.begin() as session:
        effect = (await session.scalars(select(EffectRow))).one()
        assert (effect.tries, effect.done_at) == (1, None)
        await session.execute(text("UPDATE effects SET next_attempt_at = now()"))
    assert await carry_out(database, {"tell": tell}, ended_run) == 1
    assert len(set(keys)) == 1


async def test_an_effect_whose_worker_died_is_done_again_when_its_hold_has_ended(
    database: Database, ended_run: RunId
) -> None:
    keys: list[str] = []
    begun = asyncio.Event()

    async def die(payload: dict[str, Any], key: str) -> None:
        del payload
        keys.append(key)
        begun.set()
        await asyncio.Event().wait()

    async def tell(payload: dict[str, Any], key: str) -> None:
        del payload
        keys.append(key)

    dying = asyncio.create_task(carry_out(database, {"tell": die}, ended_run, hold_s=0.3))
    await begun.wait()
    assert await carry_out(database, {"tell": tell}, ended_run) == 0  # held
    async with asyncio.timeout(20):
        while not await carry_out(database, {"tell": tell}, ended_run):
            await asyncio.sleep(0.02)
    assert len(keys) == 2
    assert len(set(keys)) == 1
    dying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dying  # what it gives back has been done
    assert await carry_out(database, {"tell": tell}, ended_run) == 0


@pytest.mark.parametrize(("wrong", "then"), [(asyncio.CancelledError(), 1), (ValueError(), 0)])
async def test_an_effect_that_is_broken_off_is_due_at_once_and_one_with_a_bug_later(
    database: Database, ended_run: RunId, wrong: BaseException, then: int
) -> None:
    async def tell(payload: dict[str, Any], key: str) -> None:
        del payload, key

    async def break_off(payload: dict[str, Any], key: str) -> None:
        del payload, key
        raise wrong

    with pytest.raises(type(wrong)):
        await carry_out(database, {"tell": break_off}, ended_run)
    assert await carry_out(database, {"tell": tell}, ended_run) == then


async def test_an_effect_of_a_kind_that_is_not_known_here_is_left_for_a_worker_that_knows_it(
    database: Database, ended_run: RunId
) -> None:
    assert await carry_out(database, {}, ended_run) == 0
    async with database.begin() as session:
        effect = (await session.scalars(select(EffectRow))).one()
    assert (effect.tries, effect.done_at) == (1, None)


async def test_the_end_of_an_overtaken_attempt_owes_nothing(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as session:
        await session.execute(text("UPDATE runs SET attempt = attempt + 1"))
    effect = Effect(kind="tell", key="k")
    with pytest.raises(RetryableError):
        async with database.begin() as session:
            await fencing.end(session, run.row, End(status=RunStatus.FAILED, effects=[effect]))
    async with database.begin() as session:
        assert (await session.scalars(select(EffectRow))).all() == []
