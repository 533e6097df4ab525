"""Files in, candidates or clear refusals out, through real servers."""

import asyncio
import json

import pytest
from sqlalchemy import func, select, text

from app.bootstrap import Runtime, open_runtime
from app.candidates import records as candidates
from app.candidates.search import Hit, search
from app.candidates.tables import CandidateRow, ChunkRow, FileRow, LookupRow
from app.candidates.views import open_profile, view_run
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.demo.samples import SAMPLES, Sample
from app.documents.ocr import ocr_available
from app.errors import ErrorCode
from app.messages import Language
from app.pipeline import records
from app.pipeline.tables import CheckpointRow, EffectRow, RunRow
from app.resilience.policies import PolicyName
from app.settings import Settings
from tests.flows.conftest import EndedRuns, redis_keys, with_model, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

KOREAN = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
async def test_each_shipped_sample_ends_as_it_should(
    sample: Sample, here: Runtime, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept(sample.file, sample.path.read_bytes())
    (run,) = await ended([accepted.run_id])
    async with here.database.begin() as session:
        view = await view_run(session, here.keyring, run, language=Language.ENGLISH, reveal=True)
        stored = await session.scalar(select(func.count()).select_from(CandidateRow))
    if sample.needs_ocr and not await ocr_available():
        assert (view.status, view.code) == ("failed", ErrorCode.OCR_UNAVAILABLE)
        assert "tesseract-ocr-kor" in (view.message or "")
    elif sample.code:
        assert (view.status, view.code) == ("failed", sample.code)
        assert stored == 0
        assert set(sample.names) <= set(view.details.get("names", []))
        assert not any(name in (view.message or "") for name in sample.names)
    else:
        assert (view.status, view.code, stored) == ("succeeded", None, 1)
        assert view.profile is not None
        assert view.profile.name == sample.name
        assert set(view.profile.emails) == set(sample.emails)


async def test_a_refused_file_leaves_nothing_behind(here: Runtime, ended: EndedRuns) -> None:
    accepted = await here.intake.accept("cv.pdf", b"%PDF-1.7 canary")
    (run,) = await ended([accepted.run_id])
    async with asyncio.timeout(10):
        while not await _discarded(here):
            await asyncio.sleep(0.05)

    assert (run.status, run.code) == ("failed", "INVALID_FILE")
    async with here.database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(CheckpointRow)) == 0
        kinds = set(await session.scalars(select(EffectRow.kind)))
    assert kinds == {"discard_original", "webhook"}
    blobs = here.settings.data.folder / "blobs"
    assert [path for path in blobs.rglob("*") if path.is_file()] == []


async def test_nothing_personal_is_readable_where_it_is_stored(
    here: Runtime, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept("윤가온.pdf", KOREAN.path.read_bytes())
    await ended([accepted.run_id])

    canaries = [KOREAN.name or "", *KOREAN.emails, *KOREAN.phones, "윤가온.pdf"]
    dump = await _everything(here)
    for canary in canaries:
        assert canary not in dump
    for path in (here.settings.data.folder / "blobs").rglob("*"):
        if path.is_file():
            assert not path.read_bytes().startswith((b"%PDF", b"\x89PNG"))
    keys = await redis_keys(here, "*")
    assert not any(canary in key for canary in canaries for key in keys)


async def test_a_person_is_found_by_mail_without_the_mail_being_stored(
    here: Runtime, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    await ended([accepted.run_id])
    async with here.database.begin() as session:
        found = await session.scalar(
            select(LookupRow.candidate_id).where(
                LookupRow.kind == "email",
                LookupRow.value == here.index.email(KOREAN.emails[0].upper()),
            )
        )
        candidate = await session.scalar(select(CandidateRow))
        assert candidate is not None
        profile = await open_profile(session, here.keyring, candidate)
    assert found == candidate.id
    assert profile.emails == KOREAN.emails


async def test_a_candidate_is_found_by_words_of_the_resume(here: Runtime, ended: EndedRuns) -> None:
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    await ended([accepted.run_id])
    hits = await _search(here, KOREAN.phrase)
    assert len(hits) == 1
    assert hits[0].keyword > 0.5
    assert hits[0].words == (KOREAN.phrase,)
    assert await _search(here, "  ") == []


async def test_a_failed_embedding_saves_the_candidate_without_vectors(
    here: Runtime, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    provider.fail_with(FaultKind.STATUS, endpoint="embeddings")
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    (run,) = await ended([accepted.run_id])
    assert (run.status, run.code) == ("partial", "EMBEDDING_PARTIAL")
    async with here.database.begin() as session:
        embedded = (await session.scalars(select(ChunkRow.embedding))).all()
        kept = await session.scalar(select(func.count()).select_from(CheckpointRow))
    assert embedded
    assert all(vector is None for vector in embedded)
    assert kept  # a repair will resume from them
    provider.clear_faults()
    hits = await _search(here, KOREAN.phrase)
    assert [hit.meaning for hit in hits] == [0.0]


async def test_the_model_reads_masked_text_and_its_profile_has_the_real_contacts(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        accepted = await runtime.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
        (run,) = await ended([accepted.run_id])
        async with runtime.database.begin() as session:
            view = await view_run(
                session, runtime.keyring, run, language=Language.ENGLISH, reveal=True
            )
            candidate = await candidates.find(session, runtime.tenant_id, view.candidate_id)  # pyright: ignore[reportArgumentType] - it succeeded
    assert candidate is not None
    assert candidate.analyst == "model"
    assert view.profile is not None
    assert view.profile.emails == KOREAN.emails
    assert view.profile.name == KOREAN.name
    asked = json.dumps([call.body for call in provider.calls], ensure_ascii=False)
    for value in (*KOREAN.emails, *KOREAN.phones):
        assert value not in asked
    assert "[EMAIL_1]" in asked


async def test_an_answer_that_does_not_parse_is_asked_for_again_and_then_the_rules_take_over(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        provider.replies("{broken", '{"name": 5}')
        accepted = await runtime.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
        (run,) = await ended([accepted.run_id])
        async with runtime.database.begin() as session:
            (analyze,) = [
                row for row in await records.stages(session, run.id) if row.name == "analyze"
            ]
            candidate = await session.scalar(select(CandidateRow))
    chats = [call for call in provider.calls if call.endpoint == "chat"]
    assert len(chats) == 2
    assert "did not parse" in json.dumps(chats[1].body)
    assert (run.status, analyze.status) == ("succeeded", "fallback_success")
    assert candidate is not None
    assert candidate.analyst == "rules"


async def test_a_run_whose_key_was_destroyed_is_unreadable(here: Runtime, ended: EndedRuns) -> None:
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    await ended([accepted.run_id])
    async with here.database.begin() as session:
        await session.execute(
            text("DELETE FROM data_keys WHERE id IN (SELECT data_key_id FROM candidates)")
        )
    async with here.database.begin() as session:
        candidate = await session.scalar(select(CandidateRow))
        assert candidate is not None
        with pytest.raises(Exception, match="could not be decrypted"):
            await open_profile(session, here.keyring, candidate)


async def test_the_same_idempotency_key_gives_the_same_run(runtime: Runtime) -> None:
    first = await runtime.intake.accept("a.txt", b"one", idempotency_key="k")
    again = await runtime.intake.accept("a.txt", b"one", idempotency_key="k")
    assert (again.run_id, again.is_new) == (first.run_id, False)
    with pytest.raises(Exception, match="used for another request"):
        await runtime.intake.accept("a.txt", b"two", idempotency_key="k")
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(runtime.intake.accept("a.txt", b"x", idempotency_key="race"))
            for _ in range(8)
        ]
    assert len({task.result().run_id for task in tasks}) == 1


async def test_a_file_above_the_size_limit_is_failed_at_once_and_not_stored(
    runtime: Runtime,
) -> None:
    accepted = await runtime.intake.accept("big.pdf", bytes(21 * 1024 * 1024))
    async with runtime.database.begin() as session:
        run = await session.get_one(RunRow, accepted.run_id)
        file = await session.get_one(FileRow, accepted.run_id)
    assert (run.status, run.code, run.message) == ("failed", "INVALID_FILE", "FILE_TOO_LARGE")
    assert file.size_bytes is None
    assert not list((runtime.settings.data.folder / "blobs").rglob("originals"))


async def _search(runtime: Runtime, query: str) -> list[Hit]:
    found = await search(
        runtime.database,
        runtime.tenant_id,
        query,
        embedder=runtime.embedder,
        policy=runtime.policies[PolicyName.QUERY],
        top_k=5,
    )
    assert found.without_meaning is None
    return found.hits


async def _discarded(runtime: Runtime) -> bool:
    async with runtime.database.begin() as session:
        owed = await session.scalar(
            select(func.count()).where(EffectRow.done_at.is_(None)).select_from(EffectRow)
        )
        return not owed and await session.scalar(select(FileRow.discarded_at)) is not None


async def _everything(runtime: Runtime) -> str:
    """Every row of every table as text."""
    async with runtime.database.begin() as session:
        tables = (
            await session.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            )
        ).all()
        parts: list[str] = []
        for table in tables:
            rows = await session.scalars(text(f'SELECT t::text FROM "{table}" t'))  # noqa: S608 - our own tables
            parts += rows.all()
    return "\n".join(parts)
