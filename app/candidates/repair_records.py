"""The SQL of repair: what is lacking, and writing it later. The caller's transaction commits."""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.tables import CandidateRow, ChunkRow, VersionRow
from app.pipeline.tables import AttemptRow, CheckpointRow, RunRow, RunStatus, StageRow, StageStatus
from app.store.keys import TenantId

Row = TypeVar("Row", RunRow, CandidateRow)


class Piece(NamedTuple):
    """The masked text of a live chunk, and where it stands."""

    candidate_id: UUID
    version: int
    position: int
    text: str


class Vector(NamedTuple):
    """What belongs to such a place. A version's text never changes, so it may come later."""

    candidate_id: UUID
    version: int
    position: int
    numbers: list[float]


class Vectors(NamedTuple):
    """Of one model: by the time that they are written, the settings may name another."""

    model: str
    each: list[Vector]


async def find(
    session: AsyncSession, row: type[Row], tenant_id: TenantId, row_id: UUID, *, lock: bool
) -> Row | None:
    """A run or a candidate; with `lock`, nobody else changes it until this transaction ends."""
    wanted = select(row).where(row.tenant_id == tenant_id, row.id == row_id)
    return await session.scalar(wanted.with_for_update(key_share=True) if lock else wanted)


async def candidate_of_run(session: AsyncSession, tenant_id: TenantId, run_id: UUID) -> UUID | None:
    """The candidate that this run saved a version of."""
    return await session.scalar(
        select(VersionRow.candidate_id).where(
            VersionRow.tenant_id == tenant_id, VersionRow.run_id == run_id
        )
    )


async def under_way(
    session: AsyncSession, tenant_id: TenantId, flow: str, run_id: UUID
) -> RunRow | None:
    """The run of this flow that repairs `run_id` and has not ended, if there is one."""
    return await session.scalar(
        select(RunRow)
        .where(
            RunRow.tenant_id == tenant_id,
            RunRow.flow == flow,
            RunRow.status.in_([RunStatus.QUEUED, RunStatus.RUNNING]),
            RunRow.input["run_id"].astext == str(run_id),
        )
        .limit(1)
    )


async def partial_runs(
    session: AsyncSession, tenant_id: TenantId, flow: str, *, after: UUID | None, max_runs: int
) -> Sequence[UUID]:
    """Partial runs of a flow by their id, from behind `after` on."""
    rows = await session.scalars(
        select(RunRow.id)
        .where(
            RunRow.tenant_id == tenant_id,
            RunRow.flow == flow,
            RunRow.status == RunStatus.PARTIAL,
            RunRow.id > after if after else RunRow.id.is_not(None),
        )
        .order_by(RunRow.id)
        .limit(max_runs)
    )
    return rows.all()


async def partial_stages(
    session: AsyncSession, run_id: UUID, *, before_attempt: int | None = None
) -> frozenset[str]:
    """The stages that ended partial when they were last executed."""
    rows = await session.execute(
        select(StageRow.name, StageRow.status)
        .where(
            StageRow.run_id == run_id,
            StageRow.attempt < before_attempt if before_attempt else StageRow.attempt > 0,
            StageRow.status != StageStatus.RUNNING,
        )
        .order_by(StageRow.attempt)
    )
    last: dict[str, str] = {row.name: row.status for row in rows}
    return frozenset(name for name, status in last.items() if status == StageStatus.PARTIAL)


async def live_pieces(
    session: AsyncSession, tenant_id: TenantId, candidate_ids: Sequence[UUID]
) -> list[Piece]:
    """The chunks of the live versions of these candidates."""
    rows = await session.execute(
        select(ChunkRow.candidate_id, ChunkRow.version, ChunkRow.position, ChunkRow.text)
        .join(
            CandidateRow,
            (CandidateRow.id == ChunkRow.candidate_id) & (CandidateRow.version == ChunkRow.version),
        )
        .where(ChunkRow.tenant_id == tenant_id, ChunkRow.candidate_id.in_(candidate_ids))
        .order_by(ChunkRow.candidate_id, ChunkRow.position)
    )
    return [Piece(*row) for row in rows]


async def write_vectors(session: AsyncSession, tenant_id: TenantId, vectors: Vectors) -> None:
    """Write each to its chunk. One whose chunk was replaced or erased meanwhile is dropped."""
    if not vectors.each:
        return
    # As a new version locks it: all pieces of a candidate change together, or none (R20).
    await session.execute(
        select(CandidateRow.id)
        .where(
            CandidateRow.tenant_id == tenant_id,
            CandidateRow.id.in_({vector.candidate_id for vector in vectors.each}),
        )
        .order_by(CandidateRow.id)
        .with_for_update(read=True)
    )
    await session.execute(
        _WRITE,
        [
            {"tenant": tenant_id, "model": vectors.model, **_bound(vector)}
            for vector in vectors.each
        ],
    )


async def of_other_models(
    session: AsyncSession,
    tenant_id: TenantId,
    model: str,
    *,
    among: Sequence[UUID] | None = None,
    after: UUID | None = None,
    max_candidates: int,
) -> Sequence[UUID]:
    """Candidates whose live chunks have vectors of another model, from behind `after` on.

    What has no vectors at all is not meant: its run is partial, and repaired as such.
    """
    rows = await session.scalars(
        select(ChunkRow.candidate_id)
        .join(
            CandidateRow,
            (CandidateRow.id == ChunkRow.candidate_id) & (CandidateRow.version == ChunkRow.version),
        )
        .where(
            ChunkRow.tenant_id == tenant_id,
            ChunkRow.embedding_model != model,
            ChunkRow.candidate_id > after if after else ChunkRow.candidate_id.is_not(None),
            ChunkRow.candidate_id.in_(among) if among is not None else ChunkRow.position >= 0,
        )
        .distinct()
        .order_by(ChunkRow.candidate_id)
        .limit(max_candidates)
    )
    return rows.all()


async def note_pictures(
    session: AsyncSession, candidate: CandidateRow, *, first_page: str | None, portfolio: str | None
) -> None:
    """Keep the keys of pictures that were drawn later, beside the live version."""
    version = await session.get_one(VersionRow, (candidate.id, candidate.version))
    if first_page is not None:
        candidate.thumbnail_key = version.thumbnail_key = first_page
    if portfolio is not None:
        version.portfolio_key = portfolio
    await session.flush()


async def note_repair(
    session: AsyncSession, target: RunRow, repair: RunRow, stages: Sequence[str]
) -> None:
    """Let the history of a repaired run show what was done for it, as an attempt of its own.

    `target` is locked, ended, and already at that attempt.
    """
    await session.execute(
        upsert(AttemptRow).values(
            run_id=target.id,
            attempt=target.attempt,
            tenant_id=target.tenant_id,
            worker=repair.worker or "",
            due_at=repair.created_at,
            ended_at=func.clock_timestamp(),
            outcome=target.status,
            code=target.code,
        )
    )
    done = await session.scalars(
        select(StageRow)
        .where(StageRow.run_id == repair.id, StageRow.name.in_(stages))
        .order_by(StageRow.attempt)
    )
    for row in {row.name: row for row in done}.values():  # an earlier attempt may have done it
        session.add(
            StageRow(
                run_id=target.id,
                attempt=target.attempt,
                name=row.name,
                tenant_id=row.tenant_id,
                status=row.status,
                code=row.code,
                tries=row.tries,
                started_at=row.started_at,
                ended_at=row.ended_at,
            )
        )
    await session.flush()


async def drop_checkpoints(session: AsyncSession, run_id: UUID) -> None:
    """Forget what a run has saved: it stands where it belongs now."""
    await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id == run_id))


_CHUNKS = cast("Table", ChunkRow.__table__)
_WRITE = (
    update(_CHUNKS)
    .where(
        _CHUNKS.c.tenant_id == bindparam("tenant"),
        _CHUNKS.c.candidate_id == bindparam("of"),
        _CHUNKS.c.version == bindparam("of_version"),
        _CHUNKS.c.position == bindparam("at"),
    )
    .values(embedding=bindparam("numbers"), embedding_model=bindparam("model"))
)


def _bound(vector: Vector) -> dict[str, object]:
    return {
        "of": vector.candidate_id,
        "of_version": vector.version,
        "at": vector.position,
        "numbers": vector.numbers,
    }
