"""The SQL of stages: how they begin and end, and what is saved of them.

Whatever an attempt writes is written only while its fence stands, in the same statement: LEASE_LOST
otherwise. Each of these is all that its transaction needs to do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, RetryableError
from app.pipeline.statements import END_STAGE, SAVE_ANSWER, START_STAGE
from app.pipeline.tables import CheckpointRow, RunId, RunRow, StageRow, StageStatus
from app.resilience.spending import Payment
from app.store.database import Statements

ANSWER_VERSION = 1
"""Of the results within a stage: `item` tells apart what asks in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEnd:
    """How a stage ended that began `ago_s` ago. `sealed` is its result, of this `version`."""

    name: str
    status: StageStatus
    ago_s: float = 0
    code: ErrorCode | None = None
    tries: int = 1
    version: int = 1
    sealed: str | None = None


async def start_stage(session: Statements, run: RunRow, name: str, *, ago_s: float = 0) -> None:
    """Say that a stage has begun, so long ago; one that has ended meanwhile stays as it is."""
    told = {"run_id": run.id, "attempt": run.attempt, "stage": name, "ago_s": ago_s}
    await session.execute(START_STAGE, told)


async def end_stage(session: Statements, run: RunRow, how: StageEnd) -> None:
    """Say how a stage has ended, and save its result, if it has one."""
    told = {
        "stage": how.name,
        "status": how.status,
        "code": how.code,
        "tries": how.tries,
        "ago_s": how.ago_s,
        "version": how.version,
        "value_sealed": how.sealed,
    }
    await _fenced(session, END_STAGE, run, told)


async def save_answer(
    session: Statements,
    run: RunRow,
    stage: str,
    item: str,
    sealed: str,
    payments: Sequence[Payment] = (),
) -> None:
    """Save one of several results of a stage, and put the calls that it took on the run's account.

    A call that is there already is left as it is.
    """
    paid = [
        {
            "id": str(payment.id),
            "model": payment.model,
            "input_tokens": payment.spend.input_tokens,
            "output_tokens": payment.spend.output_tokens,
            "cost_micros": payment.spend.cost_micros,
        }
        for payment in payments
    ]
    told = {
        "stage": stage,
        "item": item,
        "version": ANSWER_VERSION,
        "value_sealed": sealed,
        "payments": json.dumps(paid),
    }
    await _fenced(session, SAVE_ANSWER, run, told)


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


async def _fenced(
    session: Statements, statement: TextClause, run: RunRow, told: Mapping[str, Any]
) -> None:
    held = {"run_id": run.id, "attempt": run.attempt}
    if await session.scalar(statement, {**held, **told}) is None:
        raise RetryableError(ErrorCode.LEASE_LOST)
