"""Data keys and tenants: who may decrypt what.

Every candidate, every run and every tenant has a data key of its own, stored wrapped by
ENCRYPTION_KEY. Deleting the row makes all that the key sealed unreadable.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import NewType
from uuid import UUID, uuid4

from sqlalchemy import Computed, ForeignKey, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.errors import ErrorCode, PermanentError
from app.store.crypto import BlindIndex, DataKey, Keyring, Place, new_index_secret
from app.store.database import Base, Statements

TenantId = NewType("TenantId", UUID)

DEFAULT_TENANT = "default"
_KEY_ID = re.compile(r"[0-9a-f]{8}")
# Its own recursion, since PostgreSQL has no skip scan: DISTINCT would read every row.
_WRAPPING_KEYS = """
    WITH RECURSIVE found AS (
        SELECT min(wrapped_with) AS id FROM data_keys
        UNION ALL
        SELECT (SELECT min(wrapped_with) FROM data_keys WHERE wrapped_with > found.id)
        FROM found WHERE found.id IS NOT NULL
    )
    SELECT id FROM found WHERE id IS NOT NULL
"""
_FIRST_TENANT_LOCK = 0x6E617275_01  # any constant of our own; "naru" and a number


class DataKeyRow(Base):
    """`wrapped_with` is the id of the key of the ring that wraps it, read out of `wrapped`."""

    __tablename__ = "data_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(index=True)
    wrapped: Mapped[str]
    wrapped_with: Mapped[str] = mapped_column(
        Computed("split_part(wrapped, '.'::text, 2)", persisted=True), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TenantRow(Base):
    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    data_key_id: Mapped[UUID] = mapped_column(ForeignKey("data_keys.id"))
    index_secret_sealed: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def new_data_key(keyring: Keyring, tenant_id: TenantId) -> tuple[DataKey, DataKeyRow]:
    """A fresh key to seal with now, and its row to store with what it sealed."""
    key_id = uuid4()
    key, wrapped = keyring.new_data_key(key_id)
    return key, DataKeyRow(id=key_id, tenant_id=tenant_id, wrapped=wrapped)


async def load_data_key(session: Statements, keyring: Keyring, key_id: UUID) -> DataKey:
    """Raises ENCRYPTION_ERROR when the key was destroyed or another ENCRYPTION_KEY wraps it."""
    wrapped = await session.scalar(select(DataKeyRow.wrapped).where(DataKeyRow.id == key_id))
    if wrapped is None:
        raise PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": "data key destroyed"})
    return keyring.unwrap(key_id, wrapped)


async def wrapping_keys(session: AsyncSession) -> frozenset[str]:
    """The ids of all keys that wrap anything: one look at the index for each, however many rows."""
    ids = await session.scalars(text(_WRAPPING_KEYS))
    return frozenset(ids)


async def keys_in_use(session: AsyncSession) -> dict[str, int]:
    """How many data keys each key wraps, by its id. Reads them all: 35 ms for 100,000."""
    rows = await session.execute(
        select(DataKeyRow.wrapped_with, func.count().label("data_keys")).group_by(
            DataKeyRow.wrapped_with
        )
    )
    return {row.wrapped_with: row.data_keys for row in rows}


def missing_keys(keyring: Keyring, in_use: Iterable[str]) -> list[str]:
    """Keys that are needed and not in the ring; what they wrap cannot be read.

    What is no id of a key stands in a damaged row, which no key opens.
    """
    return sorted(key_id for key_id in set(in_use) - set(keyring.ids) if _KEY_ID.fullmatch(key_id))


async def ensure_default_tenant(session: AsyncSession, keyring: Keyring) -> TenantId:
    """The id of the tenant of a fresh install; made once, however many processes start."""
    known = select(TenantRow.id).where(TenantRow.name == DEFAULT_TENANT)
    if (tenant := await session.scalar(known)) is not None:
        return TenantId(tenant)
    await session.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _FIRST_TENANT_LOCK})
    if (tenant := await session.scalar(known)) is not None:
        return TenantId(tenant)
    tenant_id = TenantId(uuid4())
    key, key_row = new_data_key(keyring, tenant_id)
    session.add(key_row)
    await session.flush()
    session.add(
        TenantRow(
            id=tenant_id,
            name=DEFAULT_TENANT,
            data_key_id=key.id,
            index_secret_sealed=key.seal(new_index_secret().hex(), _secret_place(tenant_id)),
        )
    )
    await session.flush()
    return tenant_id


async def load_blind_index(
    session: AsyncSession, keyring: Keyring, tenant_id: TenantId
) -> BlindIndex:
    """The tenant's look-up index. Its secret is stored, so rotating ENCRYPTION_KEY keeps it."""
    row = await session.get_one(TenantRow, tenant_id)
    key = await load_data_key(session, keyring, row.data_key_id)
    return BlindIndex(bytes.fromhex(key.open(row.index_secret_sealed, _secret_place(tenant_id))))


def _secret_place(tenant_id: TenantId) -> Place:
    return Place(table="tenants", column="index_secret", row=str(tenant_id))
