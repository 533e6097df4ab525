"""Webhooks as they are shown: the same by the API and by `--json`."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from app.webhooks.endpoints import Endpoint, WithSecret
from app.webhooks.outbox import Page
from app.webhooks.tables import DeliveryRow, DeliveryStatus, EndpointState, EventType


class EndpointView(BaseModel):
    """Whom your tenant wants to be told."""

    id: UUID
    url: str
    events: tuple[EventType, ...]
    state: EndpointState
    disabled_by: str | None = Field(
        description="`operator`, or `receiver`, which answered 410 Gone."
    )
    old_secret_until: datetime | None = Field(
        description="So long the secret before the last rotation signs too."
    )
    created_at: datetime


class EndpointList(BaseModel):
    webhooks: list[EndpointView]


class EndpointWithSecret(EndpointView):
    """The one time that the secret is shown."""

    secret: str


class DeliveryView(BaseModel):
    """One message to one endpoint. `run_id` is the run that it tells of."""

    id: UUID
    webhook_id: UUID
    message_id: str = Field(description="The `webhook-id` of each try, also when sent again.")
    event: EventType
    run_id: UUID | None
    status: DeliveryStatus
    tries: int
    http_status: int | None = Field(description="Of the last answer, if there was one.")
    code: str | None
    created_at: datetime
    last_tried_at: datetime | None
    delivered_at: datetime | None


class DeliveryPage(BaseModel):
    """The newest first. `next_cursor` asks for the next page; null on the last one."""

    deliveries: list[DeliveryView]
    next_cursor: UUID | None


def view_endpoint(endpoint: Endpoint) -> EndpointView:
    return EndpointView(
        id=endpoint.id,
        url=endpoint.url,
        events=endpoint.events,
        state=endpoint.state,
        disabled_by=endpoint.disabled_by,
        old_secret_until=endpoint.old_secret_until,
        created_at=endpoint.created_at,
    )


def view_with_secret(made: WithSecret) -> EndpointWithSecret:
    return EndpointWithSecret(**view_endpoint(made.endpoint).model_dump(), secret=made.secret)


def view_delivery(row: DeliveryRow) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        webhook_id=row.endpoint_id,
        message_id=row.message_id,
        event=EventType(row.event),
        run_id=row.run_id,
        status=DeliveryStatus(row.status),
        tries=row.tries,
        http_status=row.http_status,
        code=row.code,
        created_at=row.created_at,
        last_tried_at=row.last_tried_at,
        delivered_at=row.delivered_at,
    )


def view_page(page: Page) -> DeliveryPage:
    return DeliveryPage(
        deliveries=[view_delivery(row) for row in page.deliveries], next_cursor=page.next_cursor
    )
