"""The tables of credits: an account for each limited tenant, and the ledger that explains it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base


class EntryKind(StrEnum):
    """What happened to credits. The database refuses an entry whose signs do not fit its kind."""

    GRANT = "grant"
    """Given to the tenant: available grows."""
    ADJUST = "adjust"
    """An operator put something right: available changes, either way."""
    RESERVE = "reserve"
    """A run was accepted, or opened again: from available to reserved."""
    COMMIT = "commit"
    """It ended with something to show: what was reserved is used."""
    RELEASE = "release"
    """It ended with nothing: what was reserved is available again."""


class AccountRow(Base):
    """The sums of a tenant's entries, kept so that they need not be added up. No row: unlimited.

    Every change locks it first, and writes an entry in the same transaction. An `unlimited` account
    reserves nothing more; what was reserved before is still settled.
    """

    __tablename__ = "credit_accounts"
    __table_args__ = (
        CheckConstraint("available >= 0", name="available"),
        CheckConstraint("reserved >= 0", name="reserved"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    available: Mapped[int]
    reserved: Mapped[int]
    unlimited: Mapped[bool]


class EntryRow(Base):
    """A line of the ledger; never changed, never deleted. It outlives the run that it names.

    `attempt` is the run's when the credits were reserved: 0 for one that was just accepted.
    """

    __tablename__ = "credit_entries"
    __table_args__ = (
        UniqueConstraint("run_id", "kind", "attempt"),
        UniqueConstraint("tenant_id", "idempotency_key"),
        Index(None, "tenant_id", "id"),
        Index(
            "uq_credit_entries_settled",
            "run_id",
            "attempt",
            unique=True,
            postgresql_where=text("kind IN ('commit', 'release')"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("credit_accounts.tenant_id"))
    kind: Mapped[str]
    available_delta: Mapped[int]
    reserved_delta: Mapped[int]
    run_id: Mapped[UUID | None]
    attempt: Mapped[int | None]
    note: Mapped[str] = mapped_column(default="")
    made_by: Mapped[str] = mapped_column(default="")
    idempotency_key: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
