"""Add, list, test and remove webhook endpoints; list deliveries and send them again."""

from collections.abc import Sequence
from uuid import UUID

from app.bootstrap import Runtime
from app.cli.render import console, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.cli.tables import moment, plain, print_table, table
from app.settings import Settings
from app.webhooks.outbox import MAX_PAGE
from app.webhooks.tables import DeliveryRow, DeliveryStatus, EndpointState, EventType
from app.webhooks.views import (
    DeliveryPage,
    EndpointList,
    EndpointWithSecret,
    view_delivery,
    view_endpoint,
    view_with_secret,
)


async def run_add(settings: Settings, url: str, events: Sequence[str], *, as_json: bool) -> None:
    """The `webhooks add` command."""
    async with connected(settings) as runtime:
        wanted = tuple(map(EventType, events))
        made = await runtime.webhooks.endpoints.add(runtime.tenant_id, url, wanted)
    _show_secret(view_with_secret(made), as_json=as_json)


async def run_rotate(settings: Settings, webhook_id: UUID, *, as_json: bool) -> None:
    """The `webhooks secret --rotate` command."""
    async with connected(settings) as runtime:
        made = await runtime.webhooks.endpoints.rotate(runtime.tenant_id, webhook_id)
    _show_secret(view_with_secret(made), as_json=as_json)


async def run_list(settings: Settings, *, as_json: bool) -> None:
    """The `webhooks ls` command."""
    async with connected(settings) as runtime:
        found = await runtime.webhooks.endpoints.all(runtime.tenant_id)
    if as_json:
        print_json(EndpointList(webhooks=[view_endpoint(endpoint) for endpoint in found]))
        return
    if not found:
        console().print("No webhook; `./run webhooks add URL` makes one.")
        return
    rows = table("id", "state", "events", "since", "url")
    for endpoint in found:
        state = endpoint.state.value
        if endpoint.disabled_by:
            state += f" by {endpoint.disabled_by}"
        rows.add_row(
            str(endpoint.id),
            state,
            " ".join(event.removeprefix("run.") for event in endpoint.events),
            moment(endpoint.created_at),
            plain(endpoint.url),
        )
    print_table(console(), rows)


async def run_remove(settings: Settings, webhook_id: UUID) -> None:
    """The `webhooks rm` command."""
    async with connected(settings) as runtime:
        await runtime.webhooks.endpoints.remove(runtime.tenant_id, webhook_id)
    console().print("The webhook is forgotten, with its secrets and deliveries.")


async def run_switch(settings: Settings, webhook_id: UUID, *, on: bool, as_json: bool) -> None:
    """The `webhooks enable` and `webhooks disable` commands."""
    state = EndpointState.ACTIVE if on else EndpointState.DISABLED
    async with connected(settings) as runtime:
        changed = await runtime.webhooks.endpoints.switch(runtime.tenant_id, webhook_id, state)
    if as_json:
        print_json(view_endpoint(changed))
    else:
        console().print(f"The webhook is {changed.state.value}.")


async def run_test(settings: Settings, webhook_id: UUID, *, as_json: bool) -> Exit:
    """The `webhooks test` command; a message that did not arrive is a failure."""
    async with connected(settings) as runtime:
        row = await runtime.webhooks.courier.test(runtime.tenant_id, webhook_id)
    if as_json:
        print_json(view_delivery(row))
    else:
        answered = f"HTTP {row.http_status}" if row.http_status else "no answer"
        said = f"{row.status}: {answered}" + (f", {row.code}" if row.code else "")
        console().print(said)
    return Exit.OK if row.status == DeliveryStatus.DELIVERED else Exit.SOME_FAILED


async def run_deliveries(settings: Settings, *, failed: bool, limit: int, as_json: bool) -> None:
    """The `webhooks deliveries` command."""
    async with connected(settings) as runtime:
        found, cursor = await _deliveries(runtime, failed=failed, limit=limit)
    if as_json:
        shown = [view_delivery(row) for row in found]
        print_json(DeliveryPage(deliveries=shown, next_cursor=cursor))
        return
    if not found:
        console().print("Every message has arrived." if failed else "Nothing was sent yet.")
        return
    rows = table("id", "status", "event", "run", "tries", "http", "code", "created", "webhook")
    for row in found:
        rows.add_row(
            str(row.id),
            row.status,
            row.event,
            plain(row.run_id),
            str(row.tries),
            plain(row.http_status),
            plain(row.code),
            moment(row.created_at),
            str(row.endpoint_id),
        )
    print_table(console(), rows)
    if cursor is not None:
        console(stderr=True).print(f"There are more than {limit}; --limit shows more.")


async def run_resend(settings: Settings, delivery_id: UUID, *, as_json: bool) -> None:
    """The `webhooks resend` command."""
    async with connected(settings) as runtime:
        row = await runtime.webhooks.outbox.resend(runtime.tenant_id, delivery_id)
    if as_json:
        print_json(view_delivery(row))
    else:
        console().print(f"{row.id} waits for a worker; `./run webhooks deliveries` shows it.")


async def _deliveries(
    runtime: Runtime, *, failed: bool, limit: int
) -> tuple[list[DeliveryRow], UUID | None]:
    found: list[DeliveryRow] = []
    cursor: UUID | None = None
    while len(found) < limit:
        page = await runtime.webhooks.outbox.page(
            runtime.tenant_id,
            status=DeliveryStatus.FAILED if failed else None,
            cursor=cursor,
            top_k=min(limit - len(found), MAX_PAGE),
        )
        found += page.deliveries
        cursor = page.next_cursor
        if cursor is None:
            break
    return found, cursor


def _show_secret(made: EndpointWithSecret, *, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    out = console()
    out.print(f"webhook  {made.id}")
    out.print(f"secret   {made.secret}", markup=False)
    console(stderr=True).print(
        "Keep the secret: the receiver verifies signatures with it, and it is not shown again."
    )
