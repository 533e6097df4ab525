"""The ledger: entries are only added, and an account is the sum of its entries at any time.

The caller's transaction commits. Each change locks the account first, so that what is checked still
holds when it is written: of many who want the last credit, one gets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.credits.tables import AccountRow, EntryKind, EntryRow
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.store.keys import TenantId

MAX_CREDITS_AT_ONCE = 1_000_000_000_000
"""In one entry; so many of them never pass what the database can count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a tenant has; `reserved` is held by runs that have not ended."""

    unlimited: bool
    available: int = 0
    reserved: int = 0


UNLIMITED = Balance(unlimited=True)
"""Of a tenant without an account."""


async def balance(session: AsyncSession, tenant_id: TenantId) -> Balance:
    """What it has now; another transaction may be changing it."""
    return _balance(await session.get(AccountRow, tenant_id, populate_existing=True))


async def check(session: AsyncSession, tenant_id: TenantId, credit_count: int) -> None:
    """Raise INSUFFICIENT_CREDITS when `reserve` would now. It may still, later."""
    _check(await balance(session, tenant_id), credit_count)


async def reserve(
    session: AsyncSession, tenant_id: TenantId, run_id: UUID, *, attempt: int, credit_count: int
) -> bool:
    """Hold credits for a run; False when it needs none: nothing is written then.

    `attempt` is the run's now. A second time does nothing. Raises INSUFFICIENT_CREDITS.
    """
    account = await _lock(session, tenant_id)
    if account is None or account.unlimited or not credit_count:
        return False
    entry = EntryRow(
        kind=EntryKind.RESERVE,
        run_id=run_id,
        attempt=attempt,
        available_delta=-credit_count,
        reserved_delta=credit_count,
    )
    if not await _is_there(session, entry):
        _check(_balance(account), credit_count)
        await _write(session, account, entry)
    return True


async def settle(session: AsyncSession, run_id: UUID, *, attempt: int, used: bool) -> int:
    """End what the run holds: `used`, or given back; returns how many credits that were.

    All that was reserved up to this attempt. What is settled already stays as it is.
    """
    tenant_id = await session.scalar(
        select(EntryRow.tenant_id).where(
            EntryRow.run_id == run_id, EntryRow.kind == EntryKind.RESERVE
        )
    )
    account = None if tenant_id is None else await _lock(session, TenantId(tenant_id))
    if account is None:
        return 0
    held = await session.scalars(open_reservations().where(EntryRow.run_id == run_id))
    settled = 0
    for reservation in held.all():
        if reservation.attempt is None or reservation.attempt > attempt:
            continue
        entry = EntryRow(
            kind=EntryKind.COMMIT if used else EntryKind.RELEASE,
            run_id=run_id,
            attempt=reservation.attempt,
            available_delta=0 if used else reservation.reserved_delta,
            reserved_delta=-reservation.reserved_delta,
        )
        await _write(session, account, entry)
        settled += reservation.reserved_delta
    return settled


async def grant(
    session: AsyncSession,
    tenant_id: TenantId,
    credit_count: int,
    *,
    note: str,
    made_by: str,
    idempotency_key: str | None = None,
) -> Balance:
    """Give credits; from the first time on the tenant's are limited.

    The same key does it once. Raises IDEMPOTENCY_CONFLICT for a key that came with another number,
    VALIDATION_ERROR for a number that makes no sense.
    """
    if not 0 < credit_count <= MAX_CREDITS_AT_ONCE:
        raise _senseless(f"1 to {MAX_CREDITS_AT_ONCE:,}")
    entry = EntryRow(
        kind=EntryKind.GRANT,
        available_delta=credit_count,
        reserved_delta=0,
        note=note,
        made_by=made_by,
        idempotency_key=idempotency_key,
    )
    return await _change(session, tenant_id, entry)


async def adjust(
    session: AsyncSession,
    tenant_id: TenantId,
    credit_count: int,
    *,
    note: str,
    made_by: str,
    idempotency_key: str | None = None,
) -> Balance:
    """Put right what is available, up or down; otherwise as `grant`.

    Raises VALIDATION_ERROR, too, when less than nothing would be left.
    """
    if not 0 < abs(credit_count) <= MAX_CREDITS_AT_ONCE:
        raise _senseless(f"1 to {MAX_CREDITS_AT_ONCE:,}, or as many below zero")
    entry = EntryRow(
        kind=EntryKind.ADJUST,
        available_delta=credit_count,
        reserved_delta=0,
        note=note,
        made_by=made_by,
        idempotency_key=idempotency_key,
    )
    return await _change(session, tenant_id, entry)


async def lift(session: AsyncSession, tenant_id: TenantId, *, note: str, made_by: str) -> Balance:
    """Let the tenant submit without limit from now on; what it has is kept for a later grant."""
    account = await _lock(session, tenant_id)
    if account is None:
        return UNLIMITED
    if not account.unlimited:
        account.unlimited = True
        entry = EntryRow(
            kind=EntryKind.ADJUST,
            available_delta=0,
            reserved_delta=0,
            note=f"unlimited: {note}" if note else "unlimited",
            made_by=made_by,
        )
        await _write(session, account, entry)
    return _balance(account)


async def entries(
    session: AsyncSession, tenant_id: TenantId, *, top_k: int, before: int | None = None
) -> Sequence[EntryRow]:
    """Newest first; `before` is the id of the last one that was seen."""
    query = select(EntryRow).where(EntryRow.tenant_id == tenant_id)
    if before is not None:
        query = query.where(EntryRow.id < before)
    return (await session.scalars(query.order_by(EntryRow.id.desc()).limit(top_k))).all()


def open_reservations() -> Select[EntryRow]:
    """Reservations that are neither used nor given back."""
    settled = aliased(EntryRow)
    return select(EntryRow).where(
        EntryRow.kind == EntryKind.RESERVE,
        ~exists().where(
            settled.run_id == EntryRow.run_id,
            settled.attempt == EntryRow.attempt,
            settled.kind.in_([EntryKind.COMMIT, EntryKind.RELEASE]),
        ),
    )


async def _lock(session: AsyncSession, tenant_id: TenantId) -> AccountRow | None:
    return await session.get(AccountRow, tenant_id, with_for_update=True, populate_existing=True)


async def _open(session: AsyncSession, tenant_id: TenantId) -> AccountRow:
    new = upsert(AccountRow).values(tenant_id=tenant_id, available=0, reserved=0, unlimited=True)
    await session.execute(new.on_conflict_do_nothing())
    return await session.get_one(
        AccountRow, tenant_id, with_for_update=True, populate_existing=True
    )


async def _write(session: AsyncSession, account: AccountRow, entry: EntryRow) -> None:
    entry.tenant_id = account.tenant_id
    account.available += entry.available_delta
    account.reserved += entry.reserved_delta
    session.add(entry)
    await session.flush()


async def _change(session: AsyncSession, tenant_id: TenantId, entry: EntryRow) -> Balance:
    """Write what somebody decided, once; from now on the tenant's credits are limited."""
    account = await _open(session, tenant_id)
    if await _is_known(session, account, entry):
        return _balance(account)
    if account.available + entry.available_delta < 0:
        raise PermanentError(
            ErrorCode.VALIDATION_ERROR,
            Message.CREDITS_BELOW_ZERO,
            details={"available": account.available, "asked": -entry.available_delta},
        )
    account.unlimited = False
    await _write(session, account, entry)
    return _balance(account)


async def _is_there(session: AsyncSession, entry: EntryRow) -> bool:
    found = await session.scalar(
        select(EntryRow.id).where(
            EntryRow.run_id == entry.run_id,
            EntryRow.kind == entry.kind,
            EntryRow.attempt == entry.attempt,
        )
    )
    return found is not None


async def _is_known(session: AsyncSession, account: AccountRow, entry: EntryRow) -> bool:
    if entry.idempotency_key is None:
        return False
    found = await session.scalar(
        select(EntryRow).where(
            EntryRow.tenant_id == account.tenant_id,
            EntryRow.idempotency_key == entry.idempotency_key,
        )
    )
    if found is None:
        return False
    if (found.kind, found.available_delta) != (entry.kind, entry.available_delta):
        raise PermanentError(ErrorCode.IDEMPOTENCY_CONFLICT)
    return True


def _balance(account: AccountRow | None) -> Balance:
    if account is None:
        return UNLIMITED
    return Balance(
        unlimited=account.unlimited, available=account.available, reserved=account.reserved
    )


def _check(left: Balance, credit_count: int) -> None:
    if not left.unlimited and left.available < credit_count:
        raise PermanentError(
            ErrorCode.INSUFFICIENT_CREDITS,
            Message.CREDITS_TOO_FEW,
            details={"needed": credit_count, "available": left.available},
        )


def _senseless(allowed: str) -> PermanentError:
    return PermanentError(
        ErrorCode.VALIDATION_ERROR, Message.CREDITS_COUNT_WRONG, details={"allowed": allowed}
    )
