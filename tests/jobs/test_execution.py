"""What a worker tells of its runs while it has them; tests/flows has the rest of its work."""

import asyncio
from typing import Any, NoReturn

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update

from app.bootstrap import Runtime, open_runtime
from app.errors import ErrorCode, PermanentError, RetryableError
from app.jobs.execution import Execution
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import effects_of, job_id_of, next_attempt
from app.pipeline.flow import Flow
from app.pipeline.run import Run
from app.pipeline.tables import RunId, RunRow
from app.queue.delivery import Ended
from app.queue.envelope import Priority
from app.queue.events import RunEvent
from app.settings import Settings
from app.settings.groups import DatabaseSettings
from tests.fakes.wire import wires_to
from tests.queue.fleet import commands

LIMIT_S = 30


@pytest.fixture
async def run(runtime: Runtime) -> RunRow:
    """A queued run of the flow `test`."""
    accepted = new_run(runtime.keyring, runtime.tenant_id, "test", priority=Priority.BULK)
    async with runtime.database.begin() as session:
        await accept(session, accepted, deadline_s=600)
    return accepted.run


async def carry(runtime: Runtime, run: RunRow, **flows: Flow) -> Ended:
    execution = Execution(runtime, flows, {}, worker="worker")
    return await execution.run({}, **next_attempt(run).kwargs)


async def told(runtime: Runtime, run: RunRow) -> list[tuple[str, int, bool, str | None]]:
    await runtime.events.all_told(within_s=LIMIT_S)
    return [
        (event.told.status, event.told.attempt, event.told.ended, event.told.code)
        for event in await runtime.events.read(run.id, None, within_s=LIMIT_S)
        if isinstance(event.told, RunEvent)
    ]


async def state(runtime: Runtime, run: RunRow) -> tuple[str, int, int]:
    async with runtime.database.begin() as session:
        row = await session.get_one(RunRow, run.id)
    return row.status, row.attempt, row.tries


async def waits_s(runtime: Runtime, run: RunRow) -> float:
    """How long the job of the second attempt waits from now on."""
    due_ms = await runtime.producer.zscore(runtime.producer.queue_name, job_id_of(run.id, 2))
    seconds, _ = await commands(runtime.producer).time()
    assert due_ms is not None
    return due_ms / 1_000 - seconds


async def test_followers_are_told_that_it_began_and_how_it_ended(
    runtime: Runtime, run: RunRow
) -> None:
    async def call(run: Run) -> dict[str, Any]:
        return {"attempt": run.row.attempt}

    await carry(runtime, run, test=Flow(call=call))
    assert await told(runtime, run) == [
        ("running", 1, False, None),
        ("succeeded", 1, True, None),
    ]


async def test_a_run_that_a_stopping_worker_hands_back_is_told_and_queued_at_once(
    runtime: Runtime, run: RunRow
) -> None:
    begun = asyncio.Event()

    async def call(run: Run) -> dict[str, Any]:
        del run
        begun.set()
        return await asyncio.Event().wait()  # pyright: ignore[reportReturnType] - never

    carrying = asyncio.create_task(carry(runtime, run, test=Flow(call=call)))
    await begun.wait()
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    assert await told(runtime, run) == [("running", 1, False, None), ("queued", 1, False, None)]
    assert await state(runtime, run) == ("queued", 1, 0)
    assert await waits_s(runtime, run) <= 1


async def test_a_connection_that_went_silent_holds_the_renewal_of_leases_for_a_lease_at_most(
    settings: Settings, database_url: str, redis_url: str
) -> None:
    begun = asyncio.Event()

    async def call(run: Run) -> dict[str, Any]:
        del run
        begun.set()
        return await asyncio.Event().wait()  # pyright: ignore[reportReturnType] - never

    async with wires_to(database_url, redis_url) as wires:
        by_tcp = DatabaseSettings(url=SecretStr(wires.database_url))
        async with open_runtime(settings.model_copy(update={"database": by_tcp})) as runtime:
            accepted = new_run(runtime.keyring, runtime.tenant_id, "test", priority=Priority.BULK)
            async with runtime.database.begin() as session:
                await accept(session, accepted, deadline_s=600)
            execution = Execution(runtime, {"test": Flow(call=call)}, {}, worker="worker")
            carrying = asyncio.create_task(execution.run({}, **next_attempt(accepted.run).kwargs))
            await begun.wait()
            wires.database.stall()
            with pytest.raises(RetryableError) as raised:
                await execution.renew_leases()
            assert raised.value.code is ErrorCode.DB_CONNECTION
            await wires.database.cut()
            carrying.cancel()
            await asyncio.wait([carrying])


async def test_a_flow_that_ends_in_a_cancellation_of_its_own_has_failed(
    runtime: Runtime, run: RunRow
) -> None:
    async def call(run: Run) -> dict[str, Any]:
        del run
        given_up: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        given_up.cancel()
        return await given_up

    ended = await carry(runtime, run, test=Flow(call=call))
    assert (ended.outcome, ended.dead, ended.tries) == ("failed", True, 1)
    assert await told(runtime, run) == [
        ("running", 1, False, None),
        ("failed", 1, True, "WORKER_ERROR"),
    ]
    assert await state(runtime, run) == ("failed", 1, 1)


async def test_a_run_that_is_postponed_is_told_with_its_code_and_spends_its_try(
    runtime: Runtime, run: RunRow
) -> None:
    async def call(run: Run) -> NoReturn:
        del run
        raise RetryableError(ErrorCode.LLM_RATE_LIMIT, details={"retry_after": 60})

    ended = await carry(runtime, run, test=Flow(call=call))
    assert (ended.outcome, ended.value["status"]) == ("retry", "queued")
    assert await told(runtime, run) == [
        ("running", 1, False, None),
        ("queued", 1, False, "LLM_RATE_LIMIT"),
    ]
    assert await state(runtime, run) == ("queued", 1, 1)


@pytest.mark.parametrize("refused", [False, True])
async def test_a_failure_that_redis_did_not_hear_of_is_told_again_to_whom_the_job_comes(
    runtime: Runtime, run: RunRow, *, refused: bool
) -> None:
    async def call(run: Run) -> NoReturn:
        del run
        raise PermanentError(ErrorCode.INVALID_FILE, details={"pages": 0})

    flow = Flow(call=call, refusals=frozenset({ErrorCode.INVALID_FILE} if refused else ()))
    first = await carry(runtime, run, test=flow)
    again = await carry(runtime, run, test=flow)
    for ended in (first, again):
        assert (ended.outcome, ended.dead, ended.tries) == ("failed", not refused, 1)
        assert ended.error is not None
        assert (ended.error.code, ended.error.details) == (ErrorCode.INVALID_FILE, {"pages": 0})
    assert await state(runtime, run) == ("failed", 1, 1)


async def test_a_job_of_a_run_that_was_opened_again_tells_nothing(
    runtime: Runtime, run: RunRow
) -> None:
    async def call(run: Run) -> NoReturn:
        del run
        raise PermanentError(ErrorCode.INVALID_FILE)

    await carry(runtime, run, test=Flow(call=call))
    async with runtime.database.begin() as session:
        await fencing.reopen(session, RunId(run.id), deadline_s=600)
    assert (await carry(runtime, run, test=Flow(call=call))).outcome == "aborted"


async def test_a_job_of_another_version_that_carries_more_begins_all_the_same(
    runtime: Runtime, run: RunRow
) -> None:
    async def call(run: Run) -> dict[str, Any]:
        return {"attempt": run.row.attempt}

    execution = Execution(runtime, {"test": Flow(call=call)}, {}, worker="worker")
    ended = await execution.run({}, **next_attempt(run).kwargs, deadline="2030-01-01T00:00:00Z")
    assert ended.outcome == "success"


async def test_a_flow_that_is_not_known_here_is_left_to_a_worker_that_knows_it(
    runtime: Runtime, run: RunRow
) -> None:
    ended = await carry(runtime, run)
    assert (ended.outcome, ended.value["code"]) == ("retry", None)
    assert await told(runtime, run) == [("running", 1, False, None), ("queued", 1, False, None)]
    assert await state(runtime, run) == ("queued", 1, 0)
    assert await waits_s(runtime, run) > 30


@pytest.mark.parametrize("fault", [None, RetryableError(ErrorCode.DB_CONNECTION), KeyError("bug")])
async def test_what_a_run_owes_is_carried_out_at_its_end_and_cannot_change_that(
    fault: Exception | None, runtime: Runtime, run: RunRow
) -> None:
    """What fails is left open for the reconciler."""
    async with runtime.database.begin() as session:
        await session.execute(
            update(RunRow).where(RunRow.id == run.id).values(owes=["one", "other"])
        )
    done: list[str] = []

    async def one(payload: dict[str, Any], key: str) -> None:
        del payload
        if fault is not None and key not in done:
            done.append(key)
            raise fault
        done.append(key)

    async def other(payload: dict[str, Any], key: str) -> None:
        del payload
        done.append(key)

    async def call(run: Run) -> dict[str, Any]:
        del run
        return {}

    handlers = {"one": one, "other": other}
    execution = Execution(runtime, {"test": Flow(call=call)}, handlers, worker="worker")
    ended = await execution.run({}, **next_attempt(run).kwargs)
    assert (ended.outcome, await state(runtime, run)) == ("success", ("succeeded", 1, 1))

    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE effects SET next_attempt_at = now()"))
    left = await execution.effects({}, **effects_of(run.id, run.tenant_id).kwargs)
    assert left.outcome == "success"
    assert set(done) == {f"one:{run.id}:1", f"other:{run.id}:1"}
    async with runtime.database.begin() as session:
        open_effects = text("SELECT count(*) FROM effects WHERE done_at IS NULL")
        assert await session.scalar(open_effects) == 0
