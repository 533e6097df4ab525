"""The tables of webhooks: who is told, and what became of each message."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.store.database import Base

EndpointId = NewType("EndpointId", UUID)
DeliveryId = NewType("DeliveryId", UUID)


class EventType(StrEnum):
    """What a message tells: the final state of a run, or nothing but that it arrives."""

    SUCCEEDED = "run.succeeded"
    PARTIAL = "run.partial"
    FAILED = "run.failed"
    CANCELLED = "run.cancelled"
    TEST = "webhook.test"


RUN_EVENTS = tuple(event for event in EventType if event is not EventType.TEST)
"""What an endpoint can ask for."""


class EndpointState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class EndpointRow(Base):
    """URL and secrets are sealed under the tenant's data key: both let somebody in.

    `disabled_by` says who did it: `operator`, or `receiver` by answering 410. The previous secret
    signs beside the new one until its time has passed.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(index=True)
    url_sealed: Mapped[str]
    secret_sealed: Mapped[str]
    previous_secret_sealed: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    state: Mapped[str] = mapped_column(default=EndpointState.ACTIVE)
    disabled_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DeliveryRow(Base):
    """One message to one endpoint. `body` holds ids and codes alone, as it is sent and signed.

    `event_key` is that of the effect that made it: carried out again, it makes no second row.
    `run_id` is the run that the message tells of, `carrier_id` the one that delivers it. `tries`,
    `http_status` and `code` are of the current round; sending it again begins a new one.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint(
            "endpoint_id", "event_key", name="uq_webhook_deliveries_endpoint_id_event_key"
        ),
        Index("ix_webhook_deliveries_tenant_id_created_at", "tenant_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    endpoint_id: Mapped[UUID] = mapped_column(
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE")
    )
    event_key: Mapped[str]
    message_id: Mapped[str]
    event: Mapped[str]
    body: Mapped[str]
    run_id: Mapped[UUID | None]
    carrier_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("runs.id", ondelete="SET NULL"), index=True
    )
    status: Mapped[str] = mapped_column(default=DeliveryStatus.PENDING)
    tries: Mapped[int] = mapped_column(default=0)
    http_status: Mapped[int | None]
    code: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_tried_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
