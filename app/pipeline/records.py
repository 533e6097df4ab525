"""The SQL of runs: what they are, what they did, what they owe. The caller's transaction commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode
from app.pipeline.tables import (
    AttemptRow,
    CheckpointRow,
    EffectRow,
    RunId,
    RunRow,
    RunStatus,
    StageRow,
    StageStatus,
)
from app.store.keys import DataKeyRow, TenantId


async def find(session: AsyncSession, tenant_id: TenantId, run_id: UUID) -> RunRow | None:
    return await session.scalar(
        select(RunRow).where(RunRow.tenant_id == tenant_id, RunRow.id == run_id)
    )


async def find_by_idempotency_key(
    session: AsyncSession, tenant_id: TenantId, key: str
) -> RunRow | None:
    return await session.scalar(
        select(RunRow).where(RunRow.tenant_id == tenant_id, RunRow.idempotency_key == key)
    )


async def latest(session: AsyncSession, tenant_id: TenantId, *, top_k: int) -> Sequence[RunRow]:
    """Newest first."""
    rows = await session.scalars(
        select(RunRow)
        .where(RunRow.tenant_id == tenant_id)
        .order_by(RunRow.created_at.desc(), RunRow.id)
        .limit(top_k)
    )
    return rows.all()


async def attempts(session: AsyncSession, run_id: UUID) -> Sequence[AttemptRow]:
    rows = await session.scalars(
        select(AttemptRow).where(AttemptRow.run_id == run_id).order_by(AttemptRow.attempt)
    )
    return rows.all()


async def stages(session: AsyncSession, run_id: UUID) -> Sequence[StageRow]:
    """Every stage of every attempt, oldest first."""
    rows = await session.scalars(
        select(StageRow)
        .where(StageRow.run_id == run_id)
        .order_by(StageRow.attempt, StageRow.started_at)
    )
    return rows.all()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """`finished` counts the stages that have ended; `current` names those under way."""

    run_id: UUID
    status: RunStatus
    tries: int
    code: str | None
    finished: int
    current: tuple[str, ...]


async def progress(session: AsyncSession, run_ids: Sequence[UUID]) -> list[RunProgress]:
    """How far these runs are, in two statements."""
    runs = await session.scalars(select(RunRow).where(RunRow.id.in_(run_ids)))
    rows = await session.execute(
        select(StageRow.run_id, StageRow.name, StageRow.status)
        .where(StageRow.run_id.in_(run_ids))
        .order_by(StageRow.attempt)
    )
    stages: dict[UUID, dict[str, str]] = {}
    for run_id, name, status in rows:
        stages.setdefault(run_id, {})[name] = status
    return [
        RunProgress(
            run_id=run.id,
            status=RunStatus(run.status),
            tries=run.tries,
            code=run.code,
            finished=sum(
                status != StageStatus.RUNNING for status in stages.get(run.id, {}).values()
            ),
            current=tuple(
                name
                for name, status in stages.get(run.id, {}).items()
                if status == StageStatus.RUNNING
            ),
        )
        for run in runs
    ]


async def start_stage(session: AsyncSession, run: RunRow, name: str) -> None:
    await session.execute(
        upsert(StageRow)
        .values(
            run_id=run.id,
            attempt=run.attempt,
            name=name,
            tenant_id=run.tenant_id,
            status=StageStatus.RUNNING,
        )
        # The answer to an earlier commit was lost on the way, and the statement came again.
        .on_conflict_do_nothing()
    )


async def end_stage(
    session: AsyncSession,
    run: RunRow,
    name: str,
    status: StageStatus,
    *,
    code: ErrorCode | None = None,
    tries: int = 1,
) -> None:
    await session.execute(
        update(StageRow)
        .where(StageRow.run_id == run.id, StageRow.attempt == run.attempt, StageRow.name == name)
        .values(status=status, code=code, tries=tries, ended_at=func.clock_timestamp())
    )


async def save_checkpoint(
    session: AsyncSession, run: RunRow, stage: str, item: str, version: int, sealed: str
) -> None:
    await session.execute(
        upsert(CheckpointRow)
        .values(
            run_id=run.id,
            stage=stage,
            item=item,
            version=version,
            tenant_id=run.tenant_id,
            attempt=run.attempt,
            value_sealed=sealed,
        )
        .on_conflict_do_update(
            index_elements=["run_id", "stage", "item", "version"],
            set_={"value_sealed": sealed, "attempt": run.attempt},
        )
    )


async def checkpoints(session: AsyncSession, run_id: RunId) -> dict[tuple[str, str, int], str]:
    """All sealed results of a run by (stage, item, version)."""
    rows = await session.execute(
        select(
            CheckpointRow.stage,
            CheckpointRow.item,
            CheckpointRow.version,
            CheckpointRow.value_sealed,
        ).where(CheckpointRow.run_id == run_id)
    )
    return {(stage, item, version): sealed for stage, item, version, sealed in rows}


async def tries_spent(session: AsyncSession, run_id: RunId) -> dict[str, int]:
    """How often each stage's dependency was called by the attempts so far, and failed."""
    rows = await session.execute(
        select(StageRow.name, func.sum(StageRow.tries))
        .where(
            StageRow.run_id == run_id,
            StageRow.code.in_([code for code in ErrorCode if code.retry_in_process]),
        )
        .group_by(StageRow.name)
    )
    return {name: int(tries) for name, tries in rows}


async def drop_old_checkpoints(session: AsyncSession, *, older_than_days: int) -> int:
    """Drop the checkpoints of runs that ended long enough ago; returns how many."""
    ended = select(RunRow.id).where(
        RunRow.finished_at < func.now() - timedelta(days=older_than_days)
    )
    dropped = await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id.in_(ended)))
    return cast(CursorResult[Any], dropped).rowcount


async def drop_old_runs(session: AsyncSession, flow: str, *, older_than_days: int) -> int:
    """Drop the runs of a flow that ended long enough ago, and their keys; returns how many.

    Nothing but the run may be sealed with its key. A run that owes an effect is kept.
    """
    owing = select(EffectRow.run_id).where(EffectRow.done_at.is_(None))
    dropped = await session.execute(
        delete(RunRow)
        .where(
            RunRow.flow == flow,
            RunRow.finished_at < func.now() - timedelta(days=older_than_days),
            RunRow.id.not_in(owing),
        )
        .returning(RunRow.data_key_id)
    )
    keys = dropped.scalars().all()
    await session.execute(delete(DataKeyRow).where(DataKeyRow.id.in_(keys)))
    return len(keys)


async def open_effects(
    session: AsyncSession, *, max_effects: int, run_id: UUID | None = None
) -> Sequence[EffectRow]:
    """Effects that are due and not done, locked for this transaction."""
    condition = and_(EffectRow.done_at.is_(None), EffectRow.next_attempt_at <= func.now())
    if run_id is not None:
        condition = and_(condition, EffectRow.run_id == run_id)
    rows = await session.scalars(
        select(EffectRow)
        .where(condition)
        .order_by(EffectRow.created_at)
        .limit(max_effects)
        .with_for_update(skip_locked=True)
    )
    return rows.all()


async def runs_with_open_effects(
    session: AsyncSession, *, max_runs: int
) -> Sequence[tuple[UUID, UUID]]:
    """Run and tenant of each run that has effects to be carried out now."""
    rows = await session.execute(
        select(EffectRow.run_id, EffectRow.tenant_id)
        .where(EffectRow.done_at.is_(None), EffectRow.next_attempt_at <= func.now())
        .distinct()
        .limit(max_runs)
    )
    return [(run_id, tenant_id) for run_id, tenant_id in rows]
