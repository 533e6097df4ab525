"""The SQL of repair, held against rows of several tenants, versions and attempts."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from app.bootstrap import Runtime
from app.candidates import repair_records as records
from app.candidates.repair_records import Piece, Vector, Vectors
from app.candidates.tables import CandidateRow, ChunkRow, VersionRow
from app.pipeline.tables import AttemptRow, CheckpointRow, RunRow, RunStatus, StageRow, StageStatus
from app.store.keys import TenantId
from tests.candidates.known import add_person
from tests.candidates.people import towards

FLOW, REPAIR = "resume", "repair"
MODEL = "model-new"


@pytest.fixture
def stranger() -> TenantId:
    return TenantId(uuid4())


async def add_run(
    runtime: Runtime,
    status: RunStatus = RunStatus.PARTIAL,
    *,
    flow: str = FLOW,
    repairs: UUID | None = None,
    attempt: int = 1,
) -> UUID:
    row = RunRow(
        id=uuid4(),
        tenant_id=runtime.tenant_id,
        flow=flow,
        status=status,
        attempt=attempt,
        input={"run_id": str(repairs)} if repairs else {},
    )
    async with runtime.database.begin() as session:
        session.add(row)
    return row.id


async def add_stages(
    runtime: Runtime, run_id: UUID, *stages: tuple[int, str, StageStatus, str | None]
) -> None:
    """Attempt, name, status and code of each."""
    async with runtime.database.begin() as session:
        for attempt, name, status, code in stages:
            session.add(
                StageRow(
                    run_id=run_id,
                    attempt=attempt,
                    name=name,
                    tenant_id=runtime.tenant_id,
                    status=status,
                    code=code,
                )
            )


async def chunks_of(runtime: Runtime, candidate_id: UUID) -> list[tuple[int, str | None]]:
    """Position, and the model of the vector if there is one."""
    async with runtime.database.begin() as session:
        rows = await session.scalars(
            select(ChunkRow)
            .where(ChunkRow.candidate_id == candidate_id)
            .order_by(ChunkRow.version, ChunkRow.position)
        )
        found = rows.all()
    assert all((row.embedding is None) == (row.embedding_model is None) for row in found)
    return [(row.position, row.embedding_model) for row in found]


async def write(
    runtime: Runtime,
    *places: tuple[UUID, int, int],
    tenant_id: TenantId | None = None,
    model: str = MODEL,
) -> None:
    each = [Vector(*place, numbers=towards(1)) for place in places]
    async with runtime.database.begin() as session:
        vectors = Vectors(model=model, each=each)
        await records.write_vectors(session, tenant_id or runtime.tenant_id, vectors)


async def test_rows_are_found_by_their_own_tenant_and_locked_only_on_request(
    runtime: Runtime, stranger: TenantId
) -> None:
    run_id, person = await add_run(runtime), await add_person(runtime, "윤가온", ())
    async with runtime.database.begin() as session, runtime.database.begin() as other:
        assert await records.find(session, CandidateRow, runtime.tenant_id, person, lock=True)
        assert await records.find(session, RunRow, runtime.tenant_id, run_id, lock=True)
        assert not await records.find(session, CandidateRow, stranger, person, lock=False)
        assert not await records.find(session, RunRow, stranger, run_id, lock=False)
        # Not in the way of who only looks, and in that of who would change it too.
        assert await records.find(other, RunRow, runtime.tenant_id, run_id, lock=False)
        second = asyncio.create_task(
            records.find(other, RunRow, runtime.tenant_id, run_id, lock=True)
        )
        await asyncio.wait([second], timeout=0.2)
        assert not second.done()
        await session.commit()
        assert await second is not None


async def test_the_candidate_of_a_run_is_the_one_it_saved_a_version_of(
    runtime: Runtime, stranger: TenantId
) -> None:
    person = await add_person(runtime, "윤가온", ())
    await add_person(runtime, "윤가온", (), candidate_id=person, version=2)
    async with runtime.database.begin() as session:
        rows = await session.scalars(
            select(VersionRow.run_id).where(VersionRow.candidate_id == person)
        )
        for run_id in rows.all():
            mine = await records.candidate_of_run(session, runtime.tenant_id, run_id)
            assert mine == person
            assert await records.candidate_of_run(session, stranger, run_id) is None
        assert await records.candidate_of_run(session, runtime.tenant_id, uuid4()) is None


@pytest.mark.parametrize("status", RunStatus)
async def test_a_repair_is_under_way_until_it_has_ended(
    status: RunStatus, runtime: Runtime, stranger: TenantId
) -> None:
    target = await add_run(runtime)
    repair = await add_run(runtime, status, flow=REPAIR, repairs=target)
    await add_run(runtime, RunStatus.RUNNING, flow="other", repairs=target)
    await add_run(runtime, RunStatus.RUNNING, flow=REPAIR, repairs=uuid4())
    async with runtime.database.begin() as session:
        found = await records.under_way(session, runtime.tenant_id, REPAIR, target)
        assert (found.id if found else None) == (None if status.final else repair)
        assert await records.under_way(session, stranger, REPAIR, target) is None


async def test_partial_runs_come_page_by_page_and_each_once(
    runtime: Runtime, stranger: TenantId
) -> None:
    partial = sorted([await add_run(runtime) for _ in range(5)])
    for status in set(RunStatus) - {RunStatus.PARTIAL}:
        await add_run(runtime, status)
    await add_run(runtime, flow="other")
    seen: list[UUID] = []
    pages: list[int] = []
    after: UUID | None = None
    async with runtime.database.begin() as session:
        while page := await records.partial_runs(
            session, runtime.tenant_id, FLOW, after=after, max_runs=2
        ):
            pages.append(len(page))
            seen += page
            after = page[-1]
        others = await records.partial_runs(session, stranger, FLOW, after=None, max_runs=9)
    assert (seen, pages) == (partial, [2, 2, 1])
    assert list(others) == []


async def test_a_stage_is_what_it_was_when_it_was_last_executed(runtime: Runtime) -> None:
    run_id = await add_run(runtime, attempt=3)
    await add_stages(
        runtime,
        run_id,
        (1, "embed", StageStatus.PARTIAL, "EMBEDDING_TIMEOUT"),
        (1, "thumbnail", StageStatus.PARTIAL, "STORAGE_ERROR"),
        (1, "fetch", StageStatus.SUCCEEDED, None),
        (2, "thumbnail", StageStatus.SUCCEEDED, None),
        (2, "portfolio", StageStatus.PARTIAL, "NETWORK_ERROR"),
        (3, "embed", StageStatus.RUNNING, None),
        (3, "portfolio", StageStatus.SKIPPED, None),
    )
    async with runtime.database.begin() as session:
        assert await records.partial_stages(session, run_id) == {"embed"}
        before = {
            attempt: await records.partial_stages(session, run_id, before_attempt=attempt)
            for attempt in (1, 2, 3)
        }
        assert before == {
            1: frozenset(),
            2: {"embed", "thumbnail"},
            3: {"embed", "portfolio"},
        }
        assert await records.partial_stages(session, uuid4()) == frozenset()


async def test_pieces_are_those_of_live_versions(runtime: Runtime, stranger: TenantId) -> None:
    one = await add_person(runtime, "윤가온", (), chunks=["old"])
    await add_person(runtime, "윤가온", (), candidate_id=one, version=2, chunks=["a", "b"])
    two = await add_person(runtime, "한나라", (), chunks=["c"])
    unasked = await add_person(runtime, "정다솜", (), chunks=["d"])
    async with runtime.database.begin() as session:
        # What an interrupted write could have left of a version that is not live.
        session.add(
            ChunkRow(
                candidate_id=one, version=1, position=9, tenant_id=runtime.tenant_id,
                kind="raw_section", text="stale",
            )
        )  # fmt: skip
    async with runtime.database.begin() as session:
        found = await records.live_pieces(session, runtime.tenant_id, [one, two])
        assert await records.live_pieces(session, stranger, [one, two, unasked]) == []
        assert await records.live_pieces(session, runtime.tenant_id, []) == []
    pieces = {one: [Piece(one, 2, 0, "a"), Piece(one, 2, 1, "b")], two: [Piece(two, 1, 0, "c")]}
    assert found == [piece for owner in sorted(pieces) for piece in pieces[owner]]


async def test_vectors_are_written_where_they_belong_and_dropped_where_that_is_gone(
    runtime: Runtime, stranger: TenantId
) -> None:
    one = await add_person(runtime, "윤가온", (), chunks=["a", "b"])
    two = await add_person(runtime, "한나라", (), chunks=["c"])
    gone = uuid4()

    await write(runtime)
    await write(runtime, (one, 1, 0), (one, 1, 1), (two, 1, 0), tenant_id=stranger)
    assert await chunks_of(runtime, one) == [(0, None), (1, None)]

    await write(runtime, (one, 1, 1), (one, 1, 7), (one, 2, 0), (gone, 1, 0))
    assert await chunks_of(runtime, one) == [(0, None), (1, MODEL)]
    assert await chunks_of(runtime, two) == [(0, None)]
    async with runtime.database.begin() as session:
        row = await session.get_one(ChunkRow, (one, 1, 1))
        assert row.embedding is not None
        assert list(row.embedding)[:3] == towards(1)[:3]

    await add_person(runtime, "윤가온", (), candidate_id=one, version=2, chunks=["other"])
    await write(runtime, (one, 1, 0))
    assert await chunks_of(runtime, one) == [(0, None)]


async def test_a_new_version_and_late_vectors_wait_for_each_other(runtime: Runtime) -> None:
    person = await add_person(runtime, "윤가온", (), chunks=["a"])
    async with runtime.database.begin() as session:
        await session.execute(
            update(CandidateRow).where(CandidateRow.id == person).values(version=2)
        )
        late = asyncio.create_task(write(runtime, (person, 1, 0)))
        await asyncio.wait([late], timeout=0.2)
        assert not late.done()
    await late


async def of_other_models(
    runtime: Runtime,
    *,
    tenant_id: TenantId | None = None,
    among: Sequence[UUID] | None = None,
    after: UUID | None = None,
    max_candidates: int = 10,
) -> list[UUID]:
    async with runtime.database.begin() as session:
        return list(
            await records.of_other_models(
                session,
                tenant_id or runtime.tenant_id,
                MODEL,
                among=among,
                after=after,
                max_candidates=max_candidates,
            )
        )


async def test_candidates_with_vectors_of_another_model_are_told_from_those_without_any(
    runtime: Runtime, stranger: TenantId
) -> None:
    old = sorted([await add_person(runtime, None, (), chunks=["a", "b"]) for _ in range(3)])
    mixed = await add_person(runtime, None, (), chunks=["a", "b"])
    fresh = await add_person(runtime, None, (), chunks=["a"])
    await add_person(runtime, None, (), chunks=["a"])  # without vectors
    for each in old:
        await write(runtime, (each, 1, 0), (each, 1, 1), model="model-old")
    await write(runtime, (mixed, 1, 0), model="model-old")
    await write(runtime, (mixed, 1, 1), (fresh, 1, 0))

    assert await of_other_models(runtime) == sorted([*old, mixed])
    assert await of_other_models(runtime, max_candidates=2) == sorted([*old, mixed])[:2]
    assert await of_other_models(runtime, after=old[1]) == [
        each for each in sorted([*old, mixed]) if each > old[1]
    ]
    assert await of_other_models(runtime, among=[old[2], fresh]) == [old[2]]
    assert await of_other_models(runtime, among=[]) == []
    assert await of_other_models(runtime, tenant_id=stranger) == []


async def test_keys_of_pictures_are_noted_beside_the_live_version_and_none_is_taken_away(
    runtime: Runtime,
) -> None:
    person = await add_person(runtime, "윤가온", ())
    await add_person(runtime, "윤가온", (), candidate_id=person, version=2)
    for noted in ({"first_page": "f", "portfolio": None}, {"first_page": None, "portfolio": "p"}):
        async with runtime.database.begin() as session:
            candidate = await session.get_one(CandidateRow, person)
            await records.note_pictures(session, candidate, **noted)
    async with runtime.database.begin() as session:
        candidate = await session.get_one(CandidateRow, person)
        live = await session.get_one(VersionRow, (person, 2))
        earlier = await session.get_one(VersionRow, (person, 1))
        assert (candidate.thumbnail_key, live.thumbnail_key, live.portfolio_key) == ("f", "f", "p")
        assert (earlier.thumbnail_key, earlier.portfolio_key) == (None, None)


async def test_a_repair_is_an_attempt_in_the_history_of_the_run_it_repaired(
    runtime: Runtime,
) -> None:
    target = await add_run(runtime, RunStatus.SUCCEEDED, attempt=4)
    repair = await add_run(runtime, RunStatus.RUNNING, flow=REPAIR, repairs=target, attempt=2)
    await add_stages(runtime, target, (1, "embed", StageStatus.PARTIAL, "EMBEDDING_TIMEOUT"))
    await add_stages(
        runtime,
        repair,
        (1, "embed", StageStatus.FAILED, "EMBEDDING_TIMEOUT"),
        (2, "embed", StageStatus.SUCCEEDED, None),
        (1, "thumbnail", StageStatus.SUCCEEDED, None),
        (2, "fetch", StageStatus.SUCCEEDED, None),
    )
    async with runtime.database.begin() as session:
        run = await session.get_one(RunRow, target)
        by = await session.get_one(RunRow, repair)
        await records.note_repair(session, run, by, ["embed", "thumbnail"])
    async with runtime.database.begin() as session:
        attempt = await session.get_one(AttemptRow, (target, 4))
        assert (attempt.outcome, attempt.code) == ("succeeded", None)
        assert attempt.ended_at is not None
        rows = await session.scalars(
            select(StageRow).where(StageRow.run_id == target).order_by(StageRow.attempt)
        )
        assert {(row.attempt, row.name, row.status) for row in rows} == {
            (1, "embed", "partial"),
            (4, "embed", "succeeded"),
            (4, "thumbnail", "succeeded"),
        }
        assert await records.partial_stages(session, target) == frozenset()


async def test_only_the_checkpoints_of_one_run_are_dropped(runtime: Runtime) -> None:
    one, other = await add_run(runtime), await add_run(runtime)
    async with runtime.database.begin() as session:
        for run_id in (one, other):
            session.add(
                CheckpointRow(
                    run_id=run_id, stage="embed", item="", version=1, attempt=1,
                    tenant_id=runtime.tenant_id, value_sealed="v1.x",
                )
            )  # fmt: skip
    async with runtime.database.begin() as session:
        await records.drop_checkpoints(session, one)
    async with runtime.database.begin() as session:
        assert list(await session.scalars(select(CheckpointRow.run_id))) == [other]
