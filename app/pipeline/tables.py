"""The tables of runs. A run is a row here, a job in the queue, and a trace."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base

RunId = NewType("RunId", UUID)


class RunStatus(StrEnum):
    """`queued → running → succeeded | partial | failed | cancelled`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self not in (RunStatus.QUEUED, RunStatus.RUNNING)


class StageStatus(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FALLBACK_SUCCESS = "fallback_success"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunRow(Base):
    """`attempt` is the fence: every commit of the run compares it.

    It is raised when a worker begins, and when the run is opened again. `tries` counts the attempts
    that were spent; an attempt that a stopping worker handed back is not. `priority` and `limit_key`
    are those of its jobs. `owes` are the kinds of effect that follow from its end, whatever that
    is. `details` are safe to show, `private_sealed` is personal data under the run's data key.
    """

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_runs_tenant_id_idempotency_key"),
        Index("ix_runs_due", "status", "next_attempt_at", "lease_until"),
        Index("ix_runs_tenant_id_created_at", "tenant_id", "created_at"),
        Index("ix_runs_tenant_id_fingerprint", "tenant_id", "fingerprint"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    flow: Mapped[str]
    status: Mapped[str] = mapped_column(default=RunStatus.QUEUED)
    attempt: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    priority: Mapped[str] = mapped_column(default="ingestion", server_default="ingestion")
    limit_key: Mapped[str] = mapped_column(default="", server_default="")
    owes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    data_key_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("data_keys.id", ondelete="SET NULL")
    )
    input: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    code: Mapped[str | None]
    partial_codes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    message: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    private_sealed: Mapped[str | None]
    idempotency_key: Mapped[str | None]
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    traceparent: Mapped[str | None]
    worker: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lease_until: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AttemptRow(Base):
    """One time a worker had the run: how long it waited, how it ended."""

    __tablename__ = "run_attempts"

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    worker: Mapped[str]
    due_at: Mapped[datetime]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    code: Mapped[str | None]


class StageRow(Base):
    """One stage of one attempt. `tries` counts the calls within the attempt."""

    __tablename__ = "run_stages"

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    attempt: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    status: Mapped[str]
    code: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=1)
    started_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]


class CheckpointRow(Base):
    """The sealed result of a finished stage (`item` empty) or of one answered model call."""

    __tablename__ = "checkpoints"

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    stage: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    attempt: Mapped[int]
    value_sealed: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ModelCallRow(Base):
    """One answered model call: tokens, and their cost in millionths of the prices' currency.

    Checkpoints go when the run ends; what it cost stays with it.
    """

    __tablename__ = "model_calls"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    attempt: Mapped[int]
    model: Mapped[str]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    cost_micros: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EffectRow(Base):
    """Something the world outside must be told once the run has ended; written with its end."""

    __tablename__ = "effects"
    __table_args__ = (Index("ix_effects_open", "done_at", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[UUID]
    kind: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]]
    tries: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]


class ScheduleRow(Base):
    """When a schedule of the code is due next, by this expression in this time zone.

    `last_due_at` is the latest due time that was dealt with: by `last_run_id`, or, when that run
    had not ended yet, by nothing (`last_skipped_at` is the same then).
    """

    __tablename__ = "schedules"

    name: Mapped[str] = mapped_column(primary_key=True)
    flow: Mapped[str]
    cron: Mapped[str]
    timezone: Mapped[str]
    next_due_at: Mapped[datetime]
    last_due_at: Mapped[datetime | None]
    last_skipped_at: Mapped[datetime | None]
    last_run_id: Mapped[UUID | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
