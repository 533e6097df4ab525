"""The SQL of the fence: who may work on a run, and how its attempts begin and end.

All lease and waiting arithmetic uses PostgreSQL's clock, never ours. The caller's transaction
commits. A function that changes a run on behalf of an attempt compares the fence and raises
LEASE_LOST when it no longer stands.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, func, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, RetryableError
from app.pipeline.statements import BEGIN, END_ATTEMPT, END_RUN, HOLD, LOCK
from app.pipeline.tables import (
    EffectRow,
    RunId,
    RunRow,
    RunStatus,
)
from app.store.database import Statements


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A queued run after this attempt whose time came `at`, so long ago by PostgreSQL's clock."""

    run_id: RunId
    attempt: int
    at: datetime
    overdue_s: float


async def begin(
    session: Statements, run_id: RunId, *, attempt: int, worker: str, lease_s: float
) -> RunRow | None:
    """Raise the fence to `attempt` and take the run; None when that attempt is not to be had.

    It is to be had once: by the first who asks while the run is queued. When it is due is for the
    queue to know, which keeps its job until then.
    """
    taken = await session.execute(
        BEGIN, {"run_id": run_id, "attempt": attempt, "worker": worker, "lease_s": lease_s}
    )
    row = taken.mappings().one_or_none()
    return None if row is None else RunRow(**row)


async def take_over(
    session: AsyncSession, run_id: RunId, *, worker: str, lease_s: float, max_tries: int
) -> RunRow | timedelta | None:
    """Begin the next attempt of a run whose worker no longer renews its lease.

    None when there is nothing to take over; how long its lease lasts when somebody holds it.
    """
    found = (
        await session.execute(
            select(RunRow, RunRow.lease_until - func.now()).where(
                RunRow.id == run_id, RunRow.status == RunStatus.RUNNING
            )
        )
    ).one_or_none()
    if found is None or found[0].tries >= max_tries:
        return None  # one that has used its tries is for the reconciler to end
    run, left = found
    if left > timedelta():
        return left
    changed = await session.execute(
        update(RunRow)
        .where(
            RunRow.id == run_id,
            RunRow.attempt == run.attempt,
            RunRow.status == RunStatus.RUNNING,
            RunRow.lease_until <= func.now(),
        )
        .values(status=RunStatus.QUEUED, lease_until=None, next_attempt_at=RunRow.lease_until)
        .execution_options(synchronize_session=False)
    )
    if not _changed(changed):
        return None
    await _end_attempt(session, run, RunStatus.QUEUED, ErrorCode.LEASE_LOST)
    return await begin(session, run_id, attempt=run.attempt + 1, worker=worker, lease_s=lease_s)


async def reopen(session: AsyncSession, run_id: RunId, *, deadline_s: float) -> RunRow | None:
    """Queue a failed run again, with all of its tries; None when it is not failed (any more)."""
    return await session.scalar(
        update(RunRow)
        .where(RunRow.id == run_id, RunRow.status == RunStatus.FAILED)
        .values(
            status=RunStatus.QUEUED,
            attempt=RunRow.attempt + 1,  # its next end owes effects with keys of their own
            tries=0,
            code=None,
            message=None,
            details={},
            private_sealed=None,
            next_attempt_at=func.now(),
            deadline_at=func.now() + timedelta(seconds=deadline_s),
            finished_at=None,
        )
        .returning(RunRow)
    )


async def hold(session: AsyncSession, run_id: RunId, attempt: int) -> None:
    """Keep the fence from being raised until this transaction ends. Raises LEASE_LOST."""
    if await session.scalar(HOLD, {"run_id": run_id, "attempt": attempt}) is None:
        raise RetryableError(ErrorCode.LEASE_LOST)


async def lock(session: AsyncSession, run: RunRow) -> None:
    """Wait for stages that are committing, and let no other one begin to. Raises LEASE_LOST."""
    asked = {"run_id": run.id, "attempt": run.attempt, "status": run.status}
    if await session.scalar(LOCK, asked) is None:
        raise RetryableError(ErrorCode.LEASE_LOST)


async def renew_leases(
    session: AsyncSession, worker: str, held: Collection[RunId], *, lease_s: float
) -> dict[RunId, int]:
    """One statement for all runs that a worker holds. Returns the attempts that it renewed.

    A run that bears its name but is not held was begun by a commit whose answer was lost, or by
    somebody who was cancelled there: nobody works on it, so its lease must pass.

    A run that a stage is committing for is passed by, until the next time: waiting for one slow
    commit would let the leases of all the others pass.
    """
    free = (
        select(RunRow.id)
        .where(RunRow.id.in_(held), RunRow.worker == worker, RunRow.status == RunStatus.RUNNING)
        .with_for_update(skip_locked=True, key_share=True)
    )
    rows = await session.execute(
        update(RunRow)
        .where(RunRow.id.in_(free))
        .values(lease_until=func.now() + timedelta(seconds=lease_s))
        .returning(RunRow.id, RunRow.attempt)
    )
    return {RunId(run_id): attempt for run_id, attempt in rows}


async def overtaken(session: AsyncSession, held: Mapping[RunId, int]) -> list[RunId]:
    """Those of the held attempts that no longer stand.

    One that has just ended stands: its worker is about to let go of it. One that was cancelled does
    not: its worker may have missed the word.
    """
    if not held:
        return []
    rows = await session.execute(
        select(RunRow.id, RunRow.attempt, RunRow.status).where(RunRow.id.in_(held))
    )
    return [
        RunId(run_id)
        for run_id, attempt, status in rows
        if attempt != held[RunId(run_id)] or status in {RunStatus.QUEUED, RunStatus.CANCELLED}
    ]


async def end(session: Statements, run: RunRow, how: End) -> None:
    """Write the final state and its effects.

    Raises LEASE_LOST when the run is no longer at the attempt and in the state of `run`.
    """
    effects = (*how.effects, *owed(run, how.status, how.code))
    told = {
        "run_id": run.id,
        "attempt": run.attempt,
        "status": run.status,
        "outcome": how.status,
        "code": how.code,
        "why": how.code or ErrorCode.CANCELLED,
        "partial_codes": list(how.partial_codes),
        "message": how.message,
        "details": json.dumps(how.details),
        "private_sealed": how.private_sealed,
        "result": None if how.result is None else json.dumps(how.result),
        "drop": not how.keep_checkpoints,
        "effects": json.dumps([asdict(effect) for effect in effects]),
    }
    if await session.scalar(END_RUN, told) is None:
        raise RetryableError(ErrorCode.LEASE_LOST)


def owed(run: RunRow, status: RunStatus, code: ErrorCode | None) -> Iterator[Effect]:
    """What the run owes at any end. A run that is opened again owes it anew at its next end."""
    told = {"run_id": str(run.id), "status": status, "code": code}
    for kind in run.owes:
        yield Effect(kind=kind, key=f"{kind}:{run.id}:{run.attempt}", payload=told)


async def owe(session: AsyncSession, run: RunRow, effects: Iterable[Effect]) -> None:
    """Write effects beside the final state; one that is written already is left as it is."""
    for effect in effects:
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


async def due(
    session: AsyncSession, *, max_runs: int, for_s: float = 0, after: Due | None = None
) -> Sequence[Due]:
    """Queued runs past `next_attempt_at` for so long, oldest first, from behind `after` on."""
    place = tuple_(RunRow.next_attempt_at, RunRow.id)
    rows = await session.execute(
        select(
            RunRow.id,
            RunRow.attempt,
            RunRow.next_attempt_at,
            func.extract("epoch", func.now() - RunRow.next_attempt_at),
        )
        .where(
            RunRow.status == RunStatus.QUEUED,
            RunRow.next_attempt_at <= func.now() - timedelta(seconds=for_s),
            place > (after.at, after.run_id) if after else true(),
        )
        .order_by(RunRow.next_attempt_at, RunRow.id)
        .limit(max_runs)
    )
    return [
        Due(run_id=RunId(run_id), attempt=attempt, at=at, overdue_s=float(overdue_s))
        for run_id, attempt, at, overdue_s in rows
    ]


async def still_due(session: AsyncSession, run_ids: Collection[UUID]) -> Sequence[RunRow]:
    """Those of the runs that are queued and past `next_attempt_at`, oldest first."""
    rows = await session.scalars(
        select(RunRow)
        .where(
            RunRow.id.in_(run_ids),
            RunRow.status == RunStatus.QUEUED,
            RunRow.next_attempt_at <= func.now(),
        )
        .order_by(RunRow.next_attempt_at)
    )
    return rows.all()


async def spent(session: AsyncSession, *, max_tries: int, max_runs: int) -> Sequence[RunRow]:
    """Queued runs that have used their tries: each began and never ended (a poison document)."""
    rows = await session.scalars(
        select(RunRow)
        .where(RunRow.status == RunStatus.QUEUED, RunRow.tries >= max_tries)
        .limit(max_runs)
    )
    return rows.all()


async def now(session: AsyncSession) -> datetime:
    """PostgreSQL's clock."""
    return await session.scalar(select(func.now()))  # pyright: ignore[reportReturnType] - never null


async def _end_attempt(
    session: AsyncSession, run: RunRow, outcome: RunStatus, code: ErrorCode | None
) -> None:
    told = {"run_id": run.id, "attempt": run.attempt, "outcome": outcome, "code": code}
    await session.execute(END_ATTEMPT, {**told, "why": code or ErrorCode.CANCELLED})


def _changed(result: object) -> int:
    return cast(CursorResult[Any], result).rowcount
