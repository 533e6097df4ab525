"""Partial runs made whole later, through real servers."""

import asyncio
import json
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text, update

from app.bootstrap import Runtime
from app.candidates.tables import CandidateRow, ChunkRow, FileRow
from app.cli.repair import run_repair
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.demo.samples import SAMPLES
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.pipeline import records
from app.pipeline.tables import CheckpointRow, EffectRow, RunRow, StageStatus
from app.settings import Settings
from tests.flows.conftest import EndedRuns, WorkerProcess, held_runs, hold_checkpoint, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

KOREAN = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")


@pytest.fixture
async def partial(here: Runtime, provider: ScriptedProvider, ended: EndedRuns) -> RunRow:
    """A run whose candidate has no vectors; embedding works again."""
    provider.fail_with(FaultKind.STATUS, endpoint="embeddings")
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    (run,) = await ended([accepted.run_id])
    assert (run.status, run.code) == ("partial", "EMBEDDING_PARTIAL")
    provider.clear_faults()
    await here.breakers.reset("embedding", reason="it is well", by="test")
    return run


async def models_of_chunks(runtime: Runtime) -> set[str | None]:
    async with runtime.database.begin() as session:
        return set((await session.scalars(select(ChunkRow.embedding_model))).all())


async def run_of(runtime: Runtime, run_id: UUID) -> RunRow:
    async with runtime.database.begin() as session:
        run = await records.find(session, runtime.tenant_id, run_id)
    assert run is not None
    return run


async def execute(runtime: Runtime, *statements: str) -> None:
    async with runtime.database.begin() as session:
        for statement in statements:
            await session.execute(text(statement))


async def refusal_of(runtime: Runtime, run_id: UUID) -> Message | None:
    with pytest.raises(PermanentError) as refused:
        await runtime.repairs.ask(run_id)
    assert refused.value.code is ErrorCode.NOT_REPAIRABLE
    return refused.value.message


async def test_missing_vectors_are_written_and_the_run_has_succeeded(
    here: Runtime, partial: RunRow, ended: EndedRuns, provider: ScriptedProvider
) -> None:
    before = len(provider.calls)

    asked = await here.repairs.ask(partial.id)
    (repair,) = await ended([asked.run.id])

    assert (repair.status, repair.result and repair.result["repaired"]) == ("succeeded", ["embed"])
    assert await models_of_chunks(here) == {here.embedder.model}
    repaired = await run_of(here, partial.id)
    assert (repaired.status, repaired.code, repaired.partial_codes) == ("succeeded", None, [])
    assert repaired.result == partial.result
    assert {call.endpoint for call in list(provider.calls)[before:]} == {"embeddings"}
    async with here.database.begin() as session:
        stages = await records.stages(session, partial.id)
        attempts = await records.attempts(session, partial.id)
        kept = await session.scalar(
            select(func.count())
            .select_from(CheckpointRow)
            .where(CheckpointRow.run_id == partial.id)
        )
    tried = [(row.attempt, row.status) for row in stages if row.name == "embed"]
    assert tried == [(1, StageStatus.PARTIAL), (2, StageStatus.SUCCEEDED)]
    assert [attempt.outcome for attempt in attempts] == ["partial", "succeeded"]
    assert kept == 0


async def test_what_fails_again_leaves_the_run_partial_and_repairable(
    here: Runtime, partial: RunRow, ended: EndedRuns, provider: ScriptedProvider
) -> None:
    provider.fail_with(FaultKind.STATUS, endpoint="embeddings")
    (repair,) = await ended([(await here.repairs.ask(partial.id)).run.id])
    assert (repair.status, repair.code) == ("partial", "EMBEDDING_PARTIAL")
    still = await run_of(here, partial.id)
    assert (still.status, still.partial_codes) == ("partial", ["EMBEDDING_PARTIAL"])

    provider.clear_faults()
    await here.breakers.reset("embedding", reason="it is well", by="test")
    (again,) = await ended([(await here.repairs.ask(partial.id)).run.id])
    assert again.status == "succeeded"
    assert (await run_of(here, partial.id)).status == "succeeded"


async def test_a_repair_needs_no_checkpoint_of_the_run(
    here: Runtime, partial: RunRow, ended: EndedRuns
) -> None:
    await execute(here, "DELETE FROM checkpoints")
    (repair,) = await ended([(await here.repairs.ask(partial.id)).run.id])
    assert repair.status == "succeeded"
    assert await models_of_chunks(here) == {here.embedder.model}


async def test_a_worker_that_dies_between_saving_and_ending_leaves_the_run_partial(
    here: Runtime, partial: RunRow, ended: EndedRuns
) -> None:
    """The next attempt could embed; but the candidate was saved without vectors."""
    await execute(here, "UPDATE runs SET status = 'queued', code = NULL, result = NULL")
    async with here.database.begin() as session:
        await session.execute(update(RunRow).values(partial_codes=[], next_attempt_at=func.now()))
    (again,) = await ended([partial.id])
    assert (again.attempt, again.status) == (2, "partial")
    assert (again.partial_codes, again.result) == (["EMBEDDING_PARTIAL"], partial.result)
    await ended([(await here.repairs.ask(partial.id)).run.id])
    assert await models_of_chunks(here) == {here.embedder.model}


async def test_asking_twice_repairs_once(runtime: Runtime) -> None:
    """No worker: both are asked while the first one waits."""
    run_id = await _made_partial(runtime)
    first = await runtime.repairs.ask(run_id)
    second = await runtime.repairs.ask(run_id)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.run.id == second.run.id


async def test_a_repair_whose_worker_is_killed_before_its_commit_is_finished_by_another(
    runtime: Runtime, worker_process: WorkerProcess, ended: EndedRuns
) -> None:
    run_id = await _made_partial(runtime)
    await hold_checkpoint(runtime, "mend")
    asked = await runtime.repairs.ask(run_id)
    async with worker_process() as process:
        async with asyncio.timeout(60):
            while not await held_runs(runtime):
                await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
    async with working(runtime):
        (repair,) = await ended([asked.run.id])
    assert (repair.status, repair.attempt) == ("succeeded", 2)
    repaired = await run_of(runtime, run_id)
    assert (repaired.status, repaired.attempt) == ("succeeded", 2)
    assert await models_of_chunks(runtime) == {runtime.embedder.model}


async def test_a_run_that_is_not_partial_is_refused_with_the_reason(
    here: Runtime, partial: RunRow, ended: EndedRuns
) -> None:
    await ended([(await here.repairs.ask(partial.id)).run.id])
    assert await refusal_of(here, partial.id) is Message.REPAIR_NOT_PARTIAL
    with pytest.raises(PermanentError) as refused:
        await here.repairs.ask(uuid4())
    assert refused.value.code is ErrorCode.NOT_FOUND


async def test_an_erased_candidate_is_not_repaired(here: Runtime, partial: RunRow) -> None:
    async with here.database.begin() as session:
        await session.execute(update(CandidateRow).values(data_key_id=None))
    assert await refusal_of(here, partial.id) is Message.REPAIR_ERASED


async def test_a_newer_version_is_not_touched_by_a_repair_of_the_older_one(
    runtime: Runtime, ended: EndedRuns
) -> None:
    """The version came after the repair was accepted, and before it began."""
    run_id = await _made_partial(runtime)
    asked = await runtime.repairs.ask(run_id)
    await execute(
        runtime,
        "UPDATE candidates SET version = 2, run_id = (SELECT id FROM runs WHERE flow = 'repair')",
        "UPDATE candidate_versions SET version = 2",
        "UPDATE chunks SET version = 2",
    )
    async with working(runtime):
        (repair,) = await ended([asked.run.id])
    assert (repair.status, repair.message) == ("failed", Message.REPAIR_SUPERSEDED.name)
    assert await models_of_chunks(runtime) == {None}
    assert (await run_of(runtime, run_id)).status == "partial"
    assert await refusal_of(runtime, run_id) is Message.REPAIR_SUPERSEDED


async def test_a_missing_picture_is_drawn_from_the_sealed_original(
    here: Runtime, partial: RunRow, ended: EndedRuns
) -> None:
    await _lose_picture(here)
    (repair,) = await ended([(await here.repairs.ask(partial.id)).run.id])
    assert repair.result is not None
    assert repair.result["repaired"] == ["embed", "thumbnail"]
    async with here.database.begin() as session:
        key = await session.scalar(select(CandidateRow.thumbnail_key))
    assert key is not None
    assert await here.blobs.get(key)
    assert (await run_of(here, partial.id)).status == "succeeded"


async def test_a_picture_whose_original_is_gone_is_refused_alone_and_left_out_otherwise(
    here: Runtime, partial: RunRow, ended: EndedRuns
) -> None:
    await _lose_picture(here)
    async with here.database.begin() as session:
        await session.execute(update(FileRow).values(discarded_at=func.now()))
    (repair,) = await ended([(await here.repairs.ask(partial.id)).run.id])
    assert repair.result is not None
    assert repair.result["repaired"] == ["embed"]
    left = await run_of(here, partial.id)
    assert (left.status, left.partial_codes) == ("partial", ["VISUAL_PARTIAL"])
    assert await refusal_of(here, partial.id) is Message.REPAIR_ORIGINAL_GONE


async def test_a_repaired_run_tells_its_webhooks_and_leaves_its_credits(
    here: Runtime, partial: RunRow, ended: EndedRuns
) -> None:
    async with here.database.begin() as session:
        await session.execute(update(RunRow).values(owes=["credits", "webhook"]))
    await ended([(await here.repairs.ask(partial.id)).run.id])
    async with here.database.begin() as session:
        effects = await session.scalars(select(EffectRow).where(EffectRow.run_id == partial.id))
        told = [(row.kind, row.payload["status"]) for row in effects if ":2" in row.idempotency_key]
    assert told == [("webhook", "succeeded")]


async def test_vectors_of_another_model_are_replaced_and_a_second_time_is_nothing(
    here: Runtime, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    await ended([accepted.run_id])
    await execute(here, "UPDATE chunks SET embedding_model = 'older', embedding = NULL")
    asked = await here.repairs.ask_embeddings(here.embedder.model)
    (run,) = await ended([run.id for run in asked])
    assert (run.status, run.result) == ("succeeded", {"candidates": 1})
    assert await models_of_chunks(here) == {here.embedder.model}
    async with here.database.begin() as session:
        bare = await session.scalar(
            select(func.count()).select_from(ChunkRow).where(ChunkRow.embedding.is_(None))
        )
    assert bare == 0
    assert await here.repairs.ask_embeddings(here.embedder.model) == []


async def test_the_command_repairs_all_and_says_so(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = await _made_partial(runtime)
    assert await run_repair(settings, None, embeddings=False, as_json=True) == 0
    (shown,) = json.loads(capsys.readouterr().out)["repairs"]
    assert shown["repaired_run_id"] == str(run_id)
    assert (shown["status"], shown["repaired"], shown["lacking"]) == ("succeeded", ["embed"], [])

    assert await run_repair(settings, None, embeddings=False, as_json=False) == 0
    assert "No run can be repaired." in capsys.readouterr().out


async def _made_partial(runtime: Runtime) -> UUID:
    """As if its embedding had failed: no vectors, the code, the stage. No worker is left."""
    accepted = await runtime.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    async with working(runtime):
        while (await run_of(runtime, accepted.run_id)).status != "succeeded":
            pass
    await execute(
        runtime,
        "UPDATE chunks SET embedding = NULL, embedding_model = NULL",
        "UPDATE runs SET status = 'partial', code = 'EMBEDDING_PARTIAL',"
        " partial_codes = '{EMBEDDING_PARTIAL}'",
        "UPDATE run_stages SET status = 'partial', code = 'EMBEDDING_TIMEOUT' WHERE name = 'embed'",
    )
    return accepted.run_id


async def _lose_picture(runtime: Runtime) -> None:
    async with runtime.database.begin() as session:
        key = await session.scalar(select(CandidateRow.thumbnail_key))
    assert key is not None
    await runtime.blobs.delete(key)
    await execute(
        runtime,
        "UPDATE candidates SET thumbnail_key = NULL",
        "UPDATE candidate_versions SET thumbnail_key = NULL",
        "UPDATE runs SET partial_codes = '{EMBEDDING_PARTIAL,VISUAL_PARTIAL}'",
        "UPDATE run_stages SET status = 'partial' WHERE name = 'thumbnail'",
    )
