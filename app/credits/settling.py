"""Credits of runs: what is reserved when one is accepted, and what becomes of it at its end."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.credits import ledger
from app.pipeline.effects import EffectHandler
from app.pipeline.tables import RunRow, RunStatus
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger

CREDITS = "credits"
"""The kind of effect that settles what a run holds."""

USED = frozenset({RunStatus.SUCCEEDED, RunStatus.PARTIAL})
"""A run that ends so has made something. After any other end its credits are given back."""

log = get_logger(__name__)


async def reserve_for(session: AsyncSession, run: RunRow, credit_count: int) -> None:
    """Reserve for a run that is being accepted, in its transaction; its end then owes the rest.

    Raises INSUFFICIENT_CREDITS: the transaction must not commit.
    """
    tenant_id = TenantId(run.tenant_id)
    owes = run.owes or []  # it is None before it is stored
    if (
        await ledger.reserve(
            session, tenant_id, run.id, attempt=run.attempt, credit_count=credit_count
        )
        and CREDITS not in owes
    ):
        run.owes = [*owes, CREDITS]


async def reserve_again(session: AsyncSession, run: RunRow, credit_count: int) -> None:
    """Reserve for a failed run that is being opened again, as `reserve_for`.

    What its failure gives back counts as available, also when that was not carried out yet.
    """
    await ledger.settle(session, run.id, attempt=run.attempt - 1, used=False)
    await reserve_for(session, run, credit_count)


def settle_credits(database: Database) -> EffectHandler:
    """Use or give back what an ended run holds. Safe to repeat."""

    async def handle(payload: dict[str, Any], key: str) -> None:
        run_id = UUID(payload["run_id"])
        used = payload["status"] in USED
        # The attempt at that end. Credits of a run that was opened again since are not its.
        attempt = int(key.rpartition(":")[2])
        async with database.begin() as session:
            settled = await ledger.settle(session, run_id, attempt=attempt, used=used)
        if settled:
            log.info("credits_settled", run_id=str(run_id), count=settled, used=used)

    return handle
