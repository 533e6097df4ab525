import asyncio
from dataclasses import dataclass
from uuid import UUID

import pytest
from pydantic import TypeAdapter
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, PermanentError, RetryableError, unwrap
from app.pipeline import fencing, records, stage_records
from app.pipeline.run import Run
from app.pipeline.stage import Stage, stage
from app.pipeline.tables import CheckpointRow, EffectRow, RunRow, StageStatus
from app.queue.events import StageEvent, Told
from app.resilience.guards import AttemptTimeout
from app.resilience.policies import FallbackName, PolicyName
from app.resilience.policy import Policy
from app.store.database import Database
from tests.pipeline.conftest import BeginRun, NewRun

SECRET = "Gaon Canary"


@dataclass(frozen=True, slots=True)
class Calls:
    """Counts how often a stage was really executed."""

    made: list[str]

    def named(self, name: str) -> Stage[[str], str]:
        @stage(name, policy=PolicyName.LOCAL)
        async def call(value: str) -> str:
            self.made.append(name)
            return value

        return call


@pytest.fixture
def calls() -> Calls:
    return Calls([])


async def abandon(database: Database, run: Run) -> None:
    """Let the lease pass, as if the worker had died."""
    async with database.begin() as session:
        await session.execute(
            text("UPDATE runs SET lease_until = now() - interval '1 s' WHERE id = :id"),
            {"id": run.id},
        )
        assert [row.id for row in await fencing.reclaim_abandoned(session, max_runs=10)] == [run.id]


async def stage_rows(database: Database, run: Run) -> list[tuple[int, str, str]]:
    async with database.begin() as session:
        return [
            (row.attempt, row.name, row.status) for row in await records.stages(session, run.id)
        ]


async def test_a_later_attempt_resumes_after_the_last_finished_stage(
    database: Database, new_run: NewRun, begin_run: BeginRun, calls: Calls
) -> None:
    run_id = await new_run()
    first, second = calls.named("first"), calls.named("second")
    run = await begin_run(run_id)
    await run.need(first, SECRET)
    await abandon(database, run)

    again = await begin_run(run_id)
    assert await again.need(first, "ignored: the saved result counts") == SECRET
    assert await again.need(second, "b") == "b"

    assert calls.made == ["first", "second"]
    assert await stage_rows(database, again) == [
        (1, "first", "succeeded"),
        (2, "second", "succeeded"),
    ]


async def test_a_checkpoint_is_not_readable_in_the_database(
    database: Database, new_run: NewRun, begin_run: BeginRun, calls: Calls
) -> None:
    run = await begin_run(await new_run())
    await run.need(calls.named("first"), SECRET)

    async with database.begin() as session:
        sealed = (await session.scalars(select(CheckpointRow.value_sealed))).one()
    assert SECRET not in sealed
    assert sealed.startswith("v1.")


async def test_a_new_version_of_a_stage_is_computed_anew(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run_id = await new_run()

    @stage("work", policy=PolicyName.LOCAL)
    async def old() -> str:
        return "old"

    @stage("work", policy=PolicyName.LOCAL, version=2)
    async def new() -> str:
        return "new"

    run = await begin_run(run_id)
    await run.need(old)
    await abandon(database, run)
    assert await (await begin_run(run_id)).need(new) == "new"


async def test_an_overtaken_attempt_commits_nothing_more(
    database: Database, new_run: NewRun, begin_run: BeginRun, calls: Calls
) -> None:
    run_id = await new_run()
    stale = await begin_run(run_id)
    await abandon(database, stale)
    fresh = await begin_run(run_id)

    @stage("write", policy=PolicyName.LOCAL)
    async def write(session: AsyncSession) -> str:
        await session.execute(text("INSERT INTO tenants (id) VALUES (NULL)"))
        return "written"

    for attempt in (stale.need(calls.named("late"), "x"), stale.commit(write)):
        with pytest.raises(RetryableError) as raised:
            await attempt
        assert raised.value.code is ErrorCode.LEASE_LOST
    async with database.begin() as session:
        with pytest.raises(RetryableError):
            await fencing.end(session, stale.row, fencing.End(status=fresh.row.status))  # pyright: ignore[reportArgumentType] - any state
    assert await stage_rows(database, fresh) == []


async def test_only_one_worker_begins_an_attempt(database: Database, new_run: NewRun) -> None:
    run_id = await new_run()

    async def begin(worker: str) -> bool:
        async with database.begin() as session:
            row = await fencing.begin(session, run_id, attempt=1, worker=worker, lease_s=30)
            return row is not None

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(begin(f"w{number}")) for number in range(8)]
    assert sum(task.result() for task in tasks) == 1


async def test_an_unwanted_failure_is_recorded_as_partial_and_the_run_goes_on(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    tries: list[int] = []

    @stage("embed", policy=PolicyName.EMBEDDING, partial=ErrorCode.EMBEDDING_PARTIAL)
    async def embed() -> str:
        tries.append(1)
        raise RetryableError(ErrorCode.EMBEDDING_TIMEOUT)

    assert await run.want(embed) is None
    assert len(tries) == 2  # retried first; partial only when the tries are spent
    assert run.partial_codes == [ErrorCode.EMBEDDING_PARTIAL]
    assert await stage_rows(database, run) == [(1, "embed", "partial")]


async def test_a_bug_in_a_wanted_stage_is_not_hidden_as_partial(
    new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())

    @stage("embed", policy=PolicyName.EMBEDDING, partial=ErrorCode.EMBEDDING_PARTIAL)
    async def embed() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run.want(embed)


async def test_a_fallback_is_really_awaited_and_has_its_own_status(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())

    async def by_rules(text: str) -> str:
        return f"rules: {text}"

    @stage("analyze", policy=PolicyName.ANALYSIS)
    async def by_model(text: str) -> str:
        assert text == "cv"
        raise PermanentError(ErrorCode.LLM_PARSE_ERROR)

    assert (
        await run.need(by_model.falling_back_to(FallbackName.RULES, by_rules), "cv") == "rules: cv"
    )
    assert await stage_rows(database, run) == [(1, "analyze", StageStatus.FALLBACK_SUCCESS)]


async def test_a_stage_that_runs_too_long_fails_with_the_code_of_its_policy(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())

    @stage("slow", policy=PolicyName.LLM)
    async def slow() -> str:
        await asyncio.Event().wait()
        return "never"

    with pytest.raises(RetryableError) as raised:
        await run.need(slow)
    assert raised.value.code is ErrorCode.LLM_TIMEOUT
    assert await stage_rows(database, run) == [(1, "slow", "failed")]


async def test_what_a_committing_stage_writes_is_written_with_its_checkpoint_or_not_at_all(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    insert = text(
        "INSERT INTO effects (id, run_id, tenant_id, kind, idempotency_key, payload, tries) "
        "VALUES (gen_random_uuid(), :run, :tenant, 'test', :key, '{}', 0)"
    )
    values = {"run": run.id, "tenant": run.tenant_id, "key": "only one"}

    @stage("write", policy=PolicyName.LOCAL)
    async def write(session: AsyncSession, *, fail: bool) -> str:
        await session.execute(insert, values)
        if fail:
            raise PermanentError(ErrorCode.VALIDATION_ERROR)
        return "written"

    async def written() -> tuple[int | None, int | None]:
        async with database.begin() as session:
            effects = await session.scalar(select(func.count()).select_from(EffectRow))
            saved = await session.scalar(select(func.count()).select_from(CheckpointRow))
            return effects, saved

    with pytest.raises(PermanentError):
        await run.commit(write, fail=True)
    assert await written() == (0, 0)
    assert await run.commit(write, fail=False) == "written"
    assert await written() == (1, 1)


async def test_a_stage_that_writes_for_too_long_is_cut_off_and_done_again_by_a_later_attempt(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    """What was cut off may have committed: so it is no verdict, and another attempt finds out."""
    run = await begin_run(await new_run())
    limit = AttemptTimeout(timeout_s=0.2, code=ErrorCode.DEADLINE_EXCEEDED)
    run.policies = {**run.policies, PolicyName.LOCAL: Policy("test-short", limit, traced=False)}

    @stage("write", policy=PolicyName.LOCAL)
    async def write(session: AsyncSession, *, held: bool) -> str:
        await session.execute(text("SELECT 1"))
        if held:
            await asyncio.Event().wait()
        return "written"

    with pytest.raises(RetryableError) as cut_off:
        await run.commit(write, held=True)
    assert cut_off.value.code is ErrorCode.DB_CONNECTION
    await abandon(database, run)
    again = await begin_run(run.id)
    assert await again.commit(write, held=False) == "written"


async def test_an_answer_that_was_paid_for_is_not_asked_for_again(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run_id = await new_run()
    asked: list[str] = []

    async def ask() -> str:
        asked.append("asked")
        return SECRET

    answer = TypeAdapter(str)
    run = await begin_run(run_id)
    assert await run.once("analyze", "prompt-hash", answer, ask) == SECRET
    await abandon(database, run)
    again = await begin_run(run_id)
    assert await again.once("analyze", "prompt-hash", answer, ask) == SECRET
    assert asked == ["asked"]
    await again.once("analyze", "another prompt", answer, ask)
    assert asked == ["asked", "asked"]


async def test_what_an_abandoned_attempt_left_open_is_closed_with_the_reason(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as session:
        await stage_records.start_stage(session, run.row, "extract")
    await abandon(database, run)

    async with database.begin() as session:
        (row,) = await records.stages(session, run.id)
        (attempt,) = await records.attempts(session, run.id)
        state = await session.get_one(RunRow, run.id)
    assert (row.status, row.code) == ("failed", "LEASE_LOST")
    assert (attempt.outcome, attempt.code) == ("queued", "LEASE_LOST")
    assert (state.status, state.tries) == ("queued", 1)


@pytest.mark.parametrize("permanent_first", [True, False])
def test_of_concurrent_errors_a_permanent_one_wins(permanent_first: bool) -> None:
    permanent = PermanentError(ErrorCode.INVALID_FILE)
    retryable = RetryableError(ErrorCode.NETWORK_ERROR)
    both: list[Exception] = [permanent, retryable] if permanent_first else [retryable, permanent]
    nested = ExceptionGroup("outer", [ExceptionGroup("inner", both)])
    assert unwrap(nested) is permanent
    assert unwrap(retryable) is retryable
    bug = ZeroDivisionError()
    assert unwrap(ExceptionGroup("group", [permanent, bug])) is bug


async def test_stages_tell_how_they_begin_and_end_once_it_is_stored(
    database: Database, new_run: NewRun, begin_run: BeginRun, calls: Calls
) -> None:
    run = await begin_run(await new_run())
    told: list[tuple[str, str, str | None]] = []

    def tell(run_id: UUID, event: Told) -> None:
        assert run_id == run.id
        assert isinstance(event, StageEvent)
        assert event.attempt == 1
        told.append((event.stage, event.status, event.code))

    @stage("picture", policy=PolicyName.LOCAL, partial=ErrorCode.VISUAL_PARTIAL)
    async def picture() -> str:
        raise PermanentError(ErrorCode.INVALID_FILE)

    @stage("broken", policy=PolicyName.LOCAL)
    async def broken() -> str:
        raise PermanentError(ErrorCode.INVALID_FILE)

    @stage("save", policy=PolicyName.LOCAL)
    async def save(session: AsyncSession) -> str:
        return str(await session.scalar(text("SELECT 'saved'")))

    run.tell = tell
    await run.need(calls.named("first"), SECRET)
    await run.want(picture)
    await run.skip("visual")
    await run.commit(save)
    with pytest.raises(PermanentError):
        await run.need(broken)

    assert told == [
        ("first", "running", None),
        ("first", "succeeded", None),
        ("picture", "running", None),
        ("picture", "partial", "INVALID_FILE"),
        ("visual", "skipped", None),
        ("save", "running", None),
        ("save", "succeeded", None),
        ("broken", "running", None),
        ("broken", "failed", "INVALID_FILE"),
    ]
    ended = {name: status for name, status, _ in told}
    assert {(name, status) for _, name, status in await stage_rows(database, run)} == set(
        ended.items()
    )
