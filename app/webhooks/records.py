"""The SQL of webhooks. The caller's transaction commits; what users ask for is of one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.store.crypto import DataKey, Keyring, Place
from app.store.database import Statements
from app.store.keys import TenantId, TenantRow, load_data_key
from app.webhooks.tables import (
    DeliveryRow,
    DeliveryStatus,
    EndpointRow,
    EndpointState,
    EventType,
)


async def tenant_key(
    session: AsyncSession, keyring: Keyring, tenant_id: TenantId, *, alone: bool = False
) -> DataKey:
    """The key that seals URLs and secrets; `alone` keeps others out until the transaction ends."""
    wanted = select(TenantRow.data_key_id).where(TenantRow.id == tenant_id)
    key_id = await session.scalar(wanted.with_for_update() if alone else wanted)
    return await load_data_key(session, keyring, cast(UUID, key_id))


async def endpoints(session: AsyncSession, tenant_id: TenantId) -> Sequence[EndpointRow]:
    """Oldest first."""
    rows = await session.scalars(
        select(EndpointRow)
        .where(EndpointRow.tenant_id == tenant_id)
        .order_by(EndpointRow.created_at, EndpointRow.id)
    )
    return rows.all()


_ASKED: Final = text(
    """
    SELECT EXISTS (
        SELECT FROM webhook_endpoints AS endpoint JOIN runs ON runs.tenant_id = endpoint.tenant_id
        WHERE runs.id = :run_id AND endpoint.state = 'active'
            AND CAST(:event AS text) = ANY(endpoint.events)
    )
    """
)


async def is_asked_for(session: Statements, run_id: UUID, event: EventType) -> bool:
    """Whether any active endpoint of the run's tenant asked for this."""
    return bool(await session.scalar(_ASKED, {"run_id": run_id, "event": event}))


async def endpoints_for(
    session: AsyncSession, tenant_id: TenantId, event: EventType
) -> Sequence[UUID]:
    """The active ones that asked for this."""
    rows = await session.scalars(
        select(EndpointRow.id)
        .where(
            EndpointRow.tenant_id == tenant_id,
            EndpointRow.state == EndpointState.ACTIVE,
            EndpointRow.events.contains([event]),
        )
        .order_by(EndpointRow.id)
    )
    return rows.all()


async def endpoint(
    session: AsyncSession, tenant_id: TenantId, endpoint_id: UUID, *, to_change: bool = False
) -> EndpointRow | None:
    """One of the tenant; locked until the transaction ends when it is `to_change`."""
    wanted = select(EndpointRow).where(
        EndpointRow.tenant_id == tenant_id, EndpointRow.id == endpoint_id
    )
    return await session.scalar(wanted.with_for_update() if to_change else wanted)


async def remove_endpoint(session: AsyncSession, tenant_id: TenantId, endpoint_id: UUID) -> bool:
    """Forget it with its secrets and deliveries; False when there is none."""
    removed = await session.execute(
        delete(EndpointRow).where(EndpointRow.tenant_id == tenant_id, EndpointRow.id == endpoint_id)
    )
    return bool(_changed(removed))


async def disable_endpoint(
    session: AsyncSession, tenant_id: TenantId, endpoint_id: UUID, *, by: str
) -> None:
    await session.execute(
        update(EndpointRow)
        .where(
            EndpointRow.tenant_id == tenant_id,
            EndpointRow.id == endpoint_id,
            EndpointRow.state == EndpointState.ACTIVE,
        )
        .values(state=EndpointState.DISABLED, disabled_by=by)
    )


async def known_endpoints(session: AsyncSession, tenant_id: TenantId, event_key: str) -> set[UUID]:
    """Those that an event has a delivery for already."""
    rows = await session.scalars(
        select(DeliveryRow.endpoint_id).where(
            DeliveryRow.tenant_id == tenant_id, DeliveryRow.event_key == event_key
        )
    )
    return set(rows)


async def insert_delivery(session: AsyncSession, **values: object) -> None:
    """Write one; one that an event has made already is left as it is."""
    await session.execute(
        upsert(DeliveryRow)
        .values(values)
        .on_conflict_do_nothing(index_elements=["endpoint_id", "event_key"])
    )


async def delivery(
    session: AsyncSession, tenant_id: TenantId, delivery_id: UUID, *, to_change: bool = False
) -> DeliveryRow | None:
    """One of the tenant; locked until the transaction ends when it is `to_change`."""
    wanted = select(DeliveryRow).where(
        DeliveryRow.tenant_id == tenant_id, DeliveryRow.id == delivery_id
    )
    return await session.scalar(wanted.with_for_update() if to_change else wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """One delivery in the hands of one run: what changes it compares both."""

    tenant_id: TenantId
    delivery_id: UUID
    carrier_id: UUID

    @property
    def here(self) -> tuple[ColumnElement[bool], ...]:
        """The row, as long as this run carries it."""
        return (
            DeliveryRow.tenant_id == self.tenant_id,
            DeliveryRow.id == self.delivery_id,
            DeliveryRow.carrier_id == self.carrier_id,
            # A try that was overtaken must not undo what another has brought about.
            DeliveryRow.status != DeliveryStatus.DELIVERED,
        )


async def carried(
    session: AsyncSession, carrying: Carrying
) -> tuple[DeliveryRow, EndpointRow] | None:
    """The delivery with its endpoint; None when it is delivered, gone, or another run's by now."""
    row = (
        await session.execute(
            select(DeliveryRow, EndpointRow)
            .join(EndpointRow, EndpointRow.id == DeliveryRow.endpoint_id)
            .where(*carrying.here)
        )
    ).one_or_none()
    return (row[0], row[1]) if row else None


async def begin_try(session: AsyncSession, carrying: Carrying) -> None:
    """Count a try before it is made: one that a crash cuts off counts too."""
    await session.execute(
        update(DeliveryRow)
        .where(*carrying.here)
        .values(tries=DeliveryRow.tries + 1, last_tried_at=func.now())
    )


async def note(
    session: AsyncSession,
    carrying: Carrying,
    *,
    status: DeliveryStatus,
    http_status: int | None,
    code: str | None,
) -> None:
    """Write how the last try went, and what that makes of the delivery."""
    done = func.now() if status is DeliveryStatus.DELIVERED else None
    await session.execute(
        update(DeliveryRow)
        .where(*carrying.here)
        .values(status=status, http_status=http_status, code=code, delivered_at=done)
    )


async def give_up(session: AsyncSession, carrier_id: UUID, *, code: str) -> UUID | None:
    """End what a run that is over still carried; returns the delivery if there was one."""
    return await session.scalar(
        update(DeliveryRow)
        .where(DeliveryRow.carrier_id == carrier_id, DeliveryRow.status == DeliveryStatus.PENDING)
        .values(status=DeliveryStatus.FAILED, code=code)
        .returning(DeliveryRow.id)
    )


async def page(
    session: AsyncSession,
    tenant_id: TenantId,
    *,
    status: DeliveryStatus | None,
    endpoint_id: UUID | None,
    after: tuple[datetime, UUID] | None,
    top_k: int,
) -> Sequence[DeliveryRow]:
    """The newest first, from the one after `after`."""
    wanted = select(DeliveryRow).where(DeliveryRow.tenant_id == tenant_id)
    if status is not None:
        wanted = wanted.where(DeliveryRow.status == status)
    if endpoint_id is not None:
        wanted = wanted.where(DeliveryRow.endpoint_id == endpoint_id)
    if after is not None:
        wanted = wanted.where(tuple_(DeliveryRow.created_at, DeliveryRow.id) < tuple_(*after))
    rows = await session.scalars(
        wanted.order_by(DeliveryRow.created_at.desc(), DeliveryRow.id.desc()).limit(top_k)
    )
    return rows.all()


async def drop_old(session: AsyncSession, *, older_than_days: int) -> int:
    """Drop the deliveries of all tenants that were settled long enough ago; returns how many."""
    dropped = await session.execute(
        delete(DeliveryRow).where(
            DeliveryRow.created_at < func.now() - timedelta(days=older_than_days),
            DeliveryRow.status != DeliveryStatus.PENDING,
        )
    )
    return _changed(dropped)


def url_place(endpoint_id: UUID) -> Place:
    return Place(table="webhook_endpoints", column="url", row=str(endpoint_id))


def secret_place(endpoint_id: UUID) -> Place:
    return Place(table="webhook_endpoints", column="secret", row=str(endpoint_id))


def _changed(result: object) -> int:
    return cast(CursorResult[Any], result).rowcount
