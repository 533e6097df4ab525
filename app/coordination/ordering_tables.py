"""The tables of ordered work. A key is one line of waiting: one conversation, for example.

What the accepting side writes (the number, the item) and what the working side writes (the claim)
are rows of their own: neither waits for the other, and no deadlock can join them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base


class ItemState(StrEnum):
    """`waiting → done | failed | expired`; an item that is being handled still waits for its end."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class OrderedKeyRow(Base):
    """Gives the numbers. Its lock makes the order of commits the order of numbers."""

    __tablename__ = "ordered_keys"

    topic: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    next_seq: Mapped[int]


class OrderedClaimRow(Base):
    """Who works on a key. `fence` grows with each claim; every write of a holder compares it."""

    __tablename__ = "ordered_claims"

    topic: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fence: Mapped[int] = mapped_column(default=0)
    holder: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class OrderedItemRow(Base):
    """One message in its line. `payload` holds ids only.

    `starts` counts the starts in a row of which nothing was heard again: three, and the item is
    taken for what kills its worker. `tries` counts the failures that were to be tried again.
    """

    __tablename__ = "ordered_items"
    __table_args__ = (
        Index(
            "ix_ordered_items_waiting",
            "topic",
            "tenant_id",
            "key",
            "seq",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    topic: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    payload: Mapped[dict[str, Any]]
    traceparent: Mapped[str | None]
    accepted_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    start_by: Mapped[datetime]
    not_before: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    state: Mapped[str] = mapped_column(default=ItemState.WAITING)
    starts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    code: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
