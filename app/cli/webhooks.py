"""The `webhooks` commands; `endpoints` has what they do."""

from functools import partial
from typing import Annotated
from uuid import UUID

import typer

from app.cli.running import AsJson, run_quietly

webhook_commands = typer.Typer(
    help="Tell others when a run has ended: whom, and what became of each message.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

WebhookId = Annotated[
    UUID, typer.Argument(metavar="ID", help="As `./run webhooks ls` lists it.", show_default=False)
]


@webhook_commands.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(help="https://…")],
    *,
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event", help="run.succeeded, run.partial, run.failed, run.cancelled; else all."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell this URL from now on; shows the secret, this once."""
    from app.cli.endpoints import run_add
    from app.webhooks.tables import RUN_EVENTS

    if unknown := set(events or ()) - set(RUN_EVENTS):
        known = ", ".join(RUN_EVENTS)
        raise typer.BadParameter(f"--event {', '.join(sorted(unknown))}; known: {known}")
    run_quietly(partial(run_add, url=url, events=events or RUN_EVENTS, as_json=as_json))


@webhook_commands.command("ls")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """List whom we tell."""
    from app.cli.endpoints import run_list

    run_quietly(partial(run_list, as_json=as_json))


@webhook_commands.command("rm")
def remove_webhook(webhook_id: WebhookId) -> None:
    """Forget one with its secrets and deliveries."""
    from app.cli.endpoints import run_remove

    run_quietly(partial(run_remove, webhook_id=webhook_id))


@webhook_commands.command("enable")
def enable_webhook(webhook_id: WebhookId, *, as_json: AsJson = False) -> None:
    """Tell it again, for example after its receiver answered 410 Gone."""
    from app.cli.endpoints import run_switch

    run_quietly(partial(run_switch, webhook_id=webhook_id, on=True, as_json=as_json))


@webhook_commands.command("disable")
def disable_webhook(webhook_id: WebhookId, *, as_json: AsJson = False) -> None:
    """Tell it no more."""
    from app.cli.endpoints import run_switch

    run_quietly(partial(run_switch, webhook_id=webhook_id, on=False, as_json=as_json))


@webhook_commands.command("test")
def try_webhook(webhook_id: WebhookId, *, as_json: AsJson = False) -> None:
    """Send it a message once, now, and say how that went."""
    from app.cli.endpoints import run_test

    run_quietly(partial(run_test, webhook_id=webhook_id, as_json=as_json))


@webhook_commands.command("deliveries")
def list_deliveries(
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that did not arrive.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what became of each message."""
    from app.cli.endpoints import run_deliveries

    run_quietly(partial(run_deliveries, failed=failed, limit=limit, as_json=as_json))


@webhook_commands.command("resend")
def resend_delivery(
    delivery_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="As `./run webhooks deliveries` lists it.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Deliver one again, with all of its tries; a worker carries it."""
    from app.cli.endpoints import run_resend

    run_quietly(partial(run_resend, delivery_id=delivery_id, as_json=as_json))


@webhook_commands.command("secret")
def rotate_secret(
    webhook_id: WebhookId,
    *,
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new one, and show it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new secret, shown this once; the old one signs beside it for a while."""
    from app.cli.endpoints import run_rotate

    if not rotate:
        raise typer.BadParameter("a secret is shown only when it is made; --rotate makes a new one")
    run_quietly(partial(run_rotate, webhook_id=webhook_id, as_json=as_json))
