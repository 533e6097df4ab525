"""Does the ledger add up: the account against its entries, and what is reserved against the runs."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.credits import ledger
from app.credits.settling import CREDITS, USED
from app.credits.tables import AccountRow, EntryRow
from app.pipeline.tables import EffectRow, RunRow, RunStatus
from app.store.keys import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """Credits that nobody will settle: the run has ended without owing it, or is gone (None)."""

    run_id: UUID
    attempt: int
    credit_count: int
    status: RunStatus | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the account says beside what its entries add up to."""

    entry_count: int
    available: int
    available_by_entries: int
    reserved: int
    reserved_by_entries: int
    strays: tuple[Stray, ...]

    @property
    def available_difference(self) -> int:
        return self.available - self.available_by_entries

    @property
    def reserved_difference(self) -> int:
        return self.reserved - self.reserved_by_entries

    @property
    def holds(self) -> bool:
        return not (self.available_difference or self.reserved_difference or self.strays)


async def verify(session: AsyncSession, tenant_id: TenantId) -> Verification:
    """Add up all entries anew. Work may go on meanwhile: what is compared was true at one moment."""
    row = (
        await session.execute(
            select(
                func.count(EntryRow.id),
                func.coalesce(func.max(AccountRow.available), 0),
                func.coalesce(func.sum(EntryRow.available_delta), 0),
                func.coalesce(func.max(AccountRow.reserved), 0),
                func.coalesce(func.sum(EntryRow.reserved_delta), 0),
            )
            .select_from(AccountRow)
            .outerjoin(EntryRow, EntryRow.tenant_id == AccountRow.tenant_id)
            .where(AccountRow.tenant_id == tenant_id)
        )
    ).one()
    count, available, available_by_entries, reserved, reserved_by_entries = map(int, row)
    return Verification(
        entry_count=count,
        available=available,
        available_by_entries=available_by_entries,
        reserved=reserved,
        reserved_by_entries=reserved_by_entries,
        strays=await _strays(session, tenant_id),
    )


async def settle_strays(session: AsyncSession, verified: Verification) -> int:
    """Settle them by how their runs ended; returns how many credits that were."""
    return sum(
        [
            await ledger.settle(
                session, stray.run_id, attempt=stray.attempt, used=stray.status in USED
            )
            for stray in verified.strays
        ]
    )


async def _strays(session: AsyncSession, tenant_id: TenantId) -> tuple[Stray, ...]:
    owed = exists().where(
        EffectRow.run_id == EntryRow.run_id,
        EffectRow.kind == CREDITS,
        EffectRow.done_at.is_(None),
    )
    ended = RunRow.status.not_in([RunStatus.QUEUED, RunStatus.RUNNING])
    rows = await session.execute(
        ledger.open_reservations()
        .add_columns(RunRow.status)
        .outerjoin(RunRow, RunRow.id == EntryRow.run_id)
        .where(EntryRow.tenant_id == tenant_id, or_(RunRow.id.is_(None), and_(ended, ~owed)))
        .order_by(EntryRow.id)
    )
    return tuple(
        Stray(
            run_id=entry.run_id,
            attempt=entry.attempt,
            credit_count=entry.reserved_delta,
            status=RunStatus(status) if status else None,
        )
        for entry, status in rows
        if entry.run_id is not None and entry.attempt is not None
    )
