"""The SQL of runs: what they are, what they did, what they owe. The caller's transaction commits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.pipeline.statements import CLOSE_EFFECTS, PUT_BACK_EFFECTS, TAKE_EFFECTS
from app.pipeline.tables import (
    AttemptRow,
    EffectRow,
    ModelCallRow,
    RunRow,
    RunStatus,
    StageRow,
    StageStatus,
)
from app.resilience.spending import Spend
from app.store.database import Statements
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


async def page(
    session: AsyncSession,
    tenant_id: TenantId,
    *,
    flows: Collection[str] | None,
    status: RunStatus | None,
    after: tuple[datetime, UUID] | None,
    top_k: int,
) -> Sequence[RunRow]:
    """The newest first, from the one after `after`; of these flows and this status, if named."""
    wanted = select(RunRow).where(RunRow.tenant_id == tenant_id)
    if flows is not None:
        wanted = wanted.where(RunRow.flow.in_(flows))
    if status is not None:
        wanted = wanted.where(RunRow.status == status)
    if after is not None:
        wanted = wanted.where(tuple_(RunRow.created_at, RunRow.id) < tuple_(*after))
    newest = wanted.order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(top_k)
    return (await session.scalars(newest)).all()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a run has spent on one model."""

    model: str
    calls: int
    spend: Spend


async def bills(session: Statements, run_id: UUID) -> list[Bill]:
    """What a run has spent by all of its attempts, the model that was asked first at the top."""
    rows = await session.execute(
        select(
            ModelCallRow.model,
            func.count(),
            func.sum(ModelCallRow.input_tokens),
            func.sum(ModelCallRow.output_tokens),
            func.sum(ModelCallRow.cost_micros),
        )
        .where(ModelCallRow.run_id == run_id)
        .group_by(ModelCallRow.model)
        .order_by(func.min(ModelCallRow.created_at), ModelCallRow.model)
    )
    return [
        Bill(
            model=model,
            calls=calls,
            spend=Spend(
                input_tokens=int(asked), output_tokens=int(answered), cost_micros=int(cost)
            ),
        )
        for model, calls, asked, answered, cost in rows
    ]


async def drop_old_runs(session: AsyncSession, flow: str, *, older_than_days: int) -> int:
    """Drop the runs of a flow that ended long enough ago, and their keys; returns how many.

    Nothing but the run may be sealed with its key. A run that owes an effect is kept.
    """
    dropped = await session.execute(
        delete(RunRow).where(*_old(flow, older_than_days)).returning(RunRow.data_key_id)
    )
    keys = dropped.scalars().all()
    await session.execute(delete(DataKeyRow).where(DataKeyRow.id.in_(keys)))
    return len(keys)


async def count_old_runs(session: AsyncSession, flow: str, *, older_than_days: int) -> int:
    """How many `drop_old_runs` would drop."""
    found = await session.scalar(
        select(func.count()).select_from(RunRow).where(*_old(flow, older_than_days))
    )
    return found or 0


def _old(flow: str, days: int) -> tuple[ColumnElement[bool], ...]:
    owing = select(EffectRow.run_id).where(EffectRow.done_at.is_(None))
    ended = RunRow.finished_at < func.now() - timedelta(days=days)
    return RunRow.flow == flow, ended, RunRow.id.not_in(owing)


class OpenEffect(NamedTuple):
    """An effect that is not done. `tries` counts this one too."""

    id: UUID
    kind: str
    idempotency_key: str
    payload: dict[str, Any]
    tries: int


async def take_effects(
    connection: Statements, run_id: UUID, *, max_effects: int, hold_s: float
) -> list[OpenEffect]:
    """Those of a run that are due. For `hold_s` nobody else is given them."""
    rows = await connection.execute(
        TAKE_EFFECTS, {"run_id": run_id, "most": max_effects, "hold_s": hold_s}
    )
    return [OpenEffect(*row) for row in rows]


async def settle_effects(
    connection: Statements, *, done: Sequence[UUID], waits_s: Mapping[UUID, float]
) -> None:
    """Close those that were carried out; the others are due again after their wait."""
    if done:
        await connection.execute(CLOSE_EFFECTS, {"done": done})
    if waits_s:
        told = {"ids": list(waits_s), "waits_s": list(waits_s.values())}
        await connection.execute(PUT_BACK_EFFECTS, told)


async def runs_with_open_effects(
    session: AsyncSession, *, max_runs: int, after: UUID | None = None
) -> Sequence[tuple[UUID, UUID]]:
    """Run and tenant of runs that have effects to be carried out now, by id from behind `after` on."""
    rows = await session.execute(
        select(EffectRow.run_id, EffectRow.tenant_id)
        .where(
            EffectRow.done_at.is_(None),
            EffectRow.next_attempt_at <= func.now(),
            EffectRow.run_id > after if after else true(),
        )
        .distinct()
        .order_by(EffectRow.run_id)
        .limit(max_runs)
    )
    return [(run_id, tenant_id) for run_id, tenant_id in rows]
