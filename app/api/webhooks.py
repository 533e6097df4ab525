"""Webhooks: who is told when a run has ended, and what became of each message."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from app.api.dependencies import Context
from app.providers.addresses import MAX_URL_CHARS
from app.webhooks.outbox import MAX_PAGE
from app.webhooks.tables import DeliveryStatus, EndpointState, EventType
from app.webhooks.tools import Webhooks
from app.webhooks.views import (
    DeliveryPage,
    DeliveryView,
    EndpointList,
    EndpointView,
    EndpointWithSecret,
    view_delivery,
    view_endpoint,
    view_page,
    view_with_secret,
)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

RunEvent = Literal["run.succeeded", "run.partial", "run.failed", "run.cancelled"]
"""What an endpoint can ask for: a test goes to it unasked."""


class NewEndpoint(BaseModel):
    """Whom to tell, and of what."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        min_length=1, max_length=MAX_URL_CHARS, description="http or https, at a public address."
    )
    events: list[RunEvent] = Field(
        default=[*get_args(RunEvent)],
        min_length=1,
        max_length=len(get_args(RunEvent)),
        description="What to be told of. All of these when left out.",
    )


class EndpointChange(BaseModel):
    """Switch it on or off."""

    model_config = ConfigDict(extra="forbid")

    state: EndpointState


def _webhooks(request: Request) -> Webhooks:
    return request.app.state.runtime.webhooks


Hooks = Annotated[Webhooks, Depends(_webhooks)]


@router.get("")
async def list_webhooks(hooks: Hooks, runtime: Context) -> EndpointList:
    """Every endpoint of your tenant, the oldest first. Secrets are not shown."""
    found = await hooks.endpoints.all(runtime.tenant_id)
    return EndpointList(webhooks=[view_endpoint(endpoint) for endpoint in found])


@router.post("", status_code=201)
async def add_webhook(new: NewEndpoint, hooks: Hooks, runtime: Context) -> EndpointWithSecret:
    """Tell this URL from now on. The secret is shown this once: keep it to verify signatures."""
    events = tuple(map(EventType, new.events))
    return view_with_secret(await hooks.endpoints.add(runtime.tenant_id, new.url, events))


# Before the routes with an id: `deliveries` is none.
@router.get("/deliveries")
async def list_deliveries(
    hooks: Hooks,
    runtime: Context,
    status: DeliveryStatus | None = None,
    webhook_id: UUID | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> DeliveryPage:
    """What became of each message, the newest first; `status=failed` are those to send again."""
    page = await hooks.outbox.page(
        runtime.tenant_id, status=status, endpoint_id=webhook_id, cursor=cursor, top_k=limit
    )
    return view_page(page)


@router.post("/deliveries/{delivery_id}/resend", status_code=202)
async def resend_delivery(delivery_id: UUID, hooks: Hooks, runtime: Context) -> DeliveryView:
    """Deliver it again, with all of its tries and under the same message id."""
    return view_delivery(await hooks.outbox.resend(runtime.tenant_id, delivery_id))


@router.get("/{webhook_id}")
async def show_webhook(webhook_id: UUID, hooks: Hooks, runtime: Context) -> EndpointView:
    """One endpoint."""
    return view_endpoint(await hooks.endpoints.get(runtime.tenant_id, webhook_id))


@router.patch("/{webhook_id}")
async def switch_webhook(
    webhook_id: UUID, change: EndpointChange, hooks: Hooks, runtime: Context
) -> EndpointView:
    """Disable it, or enable it again, for example after its receiver answered 410 Gone."""
    return view_endpoint(await hooks.endpoints.switch(runtime.tenant_id, webhook_id, change.state))


@router.delete("/{webhook_id}", status_code=204)
async def remove_webhook(webhook_id: UUID, hooks: Hooks, runtime: Context) -> None:
    """Forget it with its secrets and deliveries."""
    await hooks.endpoints.remove(runtime.tenant_id, webhook_id)


@router.post("/{webhook_id}/test")
async def try_webhook(webhook_id: UUID, hooks: Hooks, runtime: Context) -> DeliveryView:
    """Send it a `webhook.test` once, now; the answer says how that went."""
    return view_delivery(await hooks.courier.test(runtime.tenant_id, webhook_id))


@router.post("/{webhook_id}/secret")
async def rotate_secret(webhook_id: UUID, hooks: Hooks, runtime: Context) -> EndpointWithSecret:
    """Make a new secret, shown this once. The old one signs beside it for a while."""
    return view_with_secret(await hooks.endpoints.rotate(runtime.tenant_id, webhook_id))
