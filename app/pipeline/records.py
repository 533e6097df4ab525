"""The SQL of runs. All lease and waiting arithmetic uses PostgreSQL's clock, never ours.

Functions take the session of a transaction that the caller commits. A function that changes a run
on behalf of an attempt compares the fence and raises LEASE_LOST when it no longer stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, RetryableError
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
from app.store.keys import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`key` makes doing it twice harmless: the receiver, or the effect itself, knows it."""

    kind: str
    key: str
    payload: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an attempt ends its run."""

    status: RunStatus
    code: ErrorCode | None = None
    partial_codes: Sequence[ErrorCode] = ()
    message: str | None = None
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    private_sealed: str | None = None
    result: dict[str, Any] | None = None
    effects: Sequence[Effect] = ()
    keep_checkpoints: bool = False


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


async def begin(
    session: AsyncSession, run_id: RunId, *, attempt: int, worker: str, lease_s: float
) -> RunRow | None:
    """Raise the fence to `attempt` and take the run; None when that attempt is not to be had.

    It is to be had once: by the first who asks while the run is queued and due.
    """
    row = await session.scalar(
        update(RunRow)
        .where(
            RunRow.id == run_id,
            RunRow.attempt == attempt - 1,
            RunRow.status == RunStatus.QUEUED,
        )
        .values(
            status=RunStatus.RUNNING,
            attempt=attempt,
            tries=RunRow.tries + 1,
            worker=worker,
            lease_until=func.now() + timedelta(seconds=lease_s),
        )
        .returning(RunRow)
    )
    if row is not None:
        await session.execute(
            insert(AttemptRow).values(
                run_id=run_id,
                attempt=attempt,
                tenant_id=row.tenant_id,
                worker=worker,
                due_at=row.next_attempt_at,
            )
        )
    return row


async def hold(session: AsyncSession, run_id: RunId, attempt: int) -> None:
    """Keep the fence from being raised until this transaction ends. Raises LEASE_LOST."""
    stands = await session.scalar(
        select(RunRow.id)
        .where(RunRow.id == run_id, RunRow.attempt == attempt, RunRow.status == RunStatus.RUNNING)
        .with_for_update(read=True)
    )
    if stands is None:
        raise RetryableError(ErrorCode.LEASE_LOST)


async def renew_leases(session: AsyncSession, worker: str, *, lease_s: float) -> dict[RunId, int]:
    """One statement for all runs of a worker. Returns the attempts that it still holds."""
    rows = await session.execute(
        update(RunRow)
        .where(RunRow.worker == worker, RunRow.status == RunStatus.RUNNING)
        .values(lease_until=func.now() + timedelta(seconds=lease_s))
        .returning(RunRow.id, RunRow.attempt)
    )
    return {RunId(run_id): attempt for run_id, attempt in rows}


async def overtaken(session: AsyncSession, held: Mapping[RunId, int]) -> list[RunId]:
    """Those of the held attempts that no longer stand.

    One that has just ended stands: its worker is about to let go of it.
    """
    if not held:
        return []
    rows = await session.execute(
        select(RunRow.id, RunRow.attempt, RunRow.status).where(RunRow.id.in_(held))
    )
    return [
        RunId(run_id)
        for run_id, attempt, status in rows
        if attempt != held[RunId(run_id)] or status == RunStatus.QUEUED
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


async def end(session: AsyncSession, run: RunRow, how: End) -> None:
    """Write the final state and its effects.

    Raises LEASE_LOST when the run is no longer at the attempt and in the state of `run`.
    """
    ended = await session.execute(
        update(RunRow)
        .where(
            RunRow.id == run.id,
            RunRow.attempt == run.attempt,
            RunRow.status == run.status,
        )
        .values(
            status=how.status,
            code=how.code,
            partial_codes=list(how.partial_codes),
            message=how.message,
            details=how.details,
            private_sealed=how.private_sealed,
            result=how.result,
            lease_until=None,
            finished_at=func.now(),
        )
    )
    if not _changed(ended):
        raise RetryableError(ErrorCode.LEASE_LOST)
    await _end_attempt(session, run, how.status, how.code)
    if not how.keep_checkpoints:
        await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id == run.id))
    for effect in how.effects:
        await session.execute(
            upsert(EffectRow)
            .values(
                id=uuid4(),
                run_id=run.id,
                tenant_id=run.tenant_id,
                kind=effect.kind,
                idempotency_key=effect.key,
                payload=effect.payload,
            )
            .on_conflict_do_nothing(index_elements=["idempotency_key"])
        )


async def postpone(
    session: AsyncSession,
    run: RunRow,
    *,
    wait_s: float,
    code: ErrorCode | None,
    details: dict[str, Any],
    spends_try: bool = True,
) -> None:
    """Put the run back to `queued`, due in `wait_s` seconds. Raises LEASE_LOST."""
    changed = await session.execute(
        update(RunRow)
        .where(
            RunRow.id == run.id,
            RunRow.attempt == run.attempt,
            RunRow.status == RunStatus.RUNNING,
        )
        .values(
            status=RunStatus.QUEUED,
            tries=RunRow.tries - (0 if spends_try else 1),
            next_attempt_at=func.now() + timedelta(seconds=wait_s),
            lease_until=None,
            code=code,
            details=details,
        )
    )
    if not _changed(changed):
        raise RetryableError(ErrorCode.LEASE_LOST)
    await _end_attempt(session, run, RunStatus.QUEUED, code)


async def reclaim_abandoned(session: AsyncSession, *, max_runs: int) -> Sequence[RunRow]:
    """Put running runs whose lease has passed back to `queued`; returns them."""
    rows = await session.scalars(
        select(RunRow)
        .where(RunRow.status == RunStatus.RUNNING, RunRow.lease_until < func.now())
        .order_by(RunRow.lease_until)
        .limit(max_runs)
        .with_for_update(skip_locked=True)
    )
    abandoned = rows.all()
    for run in abandoned:
        run.status = RunStatus.QUEUED
        run.lease_until = None
        await _end_attempt(session, run, RunStatus.QUEUED, ErrorCode.LEASE_LOST)
    if abandoned:
        await session.execute(
            update(RunRow)
            .where(RunRow.id.in_([run.id for run in abandoned]))
            .values(next_attempt_at=func.now())
            .execution_options(synchronize_session=False)
        )
    return abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A queued run whose time has come, and how long ago that was by PostgreSQL's clock."""

    run: RunRow
    overdue_s: float


async def due(session: AsyncSession, *, max_runs: int) -> Sequence[Due]:
    """Queued runs past `next_attempt_at`, oldest first."""
    rows = await session.execute(
        select(RunRow, func.extract("epoch", func.now() - RunRow.next_attempt_at))
        .where(RunRow.status == RunStatus.QUEUED, RunRow.next_attempt_at <= func.now())
        .order_by(RunRow.next_attempt_at)
        .limit(max_runs)
    )
    return [Due(run=run, overdue_s=float(overdue_s)) for run, overdue_s in rows]


async def spent(session: AsyncSession, *, max_tries: int, max_runs: int) -> Sequence[RunRow]:
    """Queued runs that have used their tries: each began and never ended (a poison document)."""
    rows = await session.scalars(
        select(RunRow)
        .where(RunRow.status == RunStatus.QUEUED, RunRow.tries >= max_tries)
        .limit(max_runs)
        .with_for_update(skip_locked=True)
    )
    return rows.all()


async def drop_old_checkpoints(session: AsyncSession, *, older_than_days: int) -> int:
    """Drop the checkpoints of runs that ended long enough ago; returns how many."""
    ended = select(RunRow.id).where(
        RunRow.finished_at < func.now() - timedelta(days=older_than_days)
    )
    dropped = await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id.in_(ended)))
    return _changed(dropped)


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


async def count_unfinished(session: AsyncSession, tenant_id: TenantId) -> int:
    condition = or_(RunRow.status == RunStatus.QUEUED, RunRow.status == RunStatus.RUNNING)
    count = await session.scalar(
        select(func.count()).select_from(RunRow).where(RunRow.tenant_id == tenant_id, condition)
    )
    return count or 0


async def _end_attempt(
    session: AsyncSession, run: RunRow, outcome: RunStatus, code: ErrorCode | None
) -> None:
    await session.execute(
        update(AttemptRow)
        .where(AttemptRow.run_id == run.id, AttemptRow.attempt == run.attempt)
        .values(ended_at=func.clock_timestamp(), outcome=outcome, code=code)
    )
    # What was under way when the attempt ended did not finish; say so, or it looks alive for ever.
    await session.execute(
        update(StageRow)
        .where(
            StageRow.run_id == run.id,
            StageRow.attempt == run.attempt,
            StageRow.status == StageStatus.RUNNING,
        )
        .values(
            status=StageStatus.FAILED,
            code=code or ErrorCode.CANCELLED,
            ended_at=func.clock_timestamp(),
        )
    )


def _changed(result: object) -> int:
    return cast(CursorResult[Any], result).rowcount


async def now(session: AsyncSession) -> datetime:
    """PostgreSQL's clock."""
    return await session.scalar(select(func.now()))  # pyright: ignore[reportReturnType] - never null
