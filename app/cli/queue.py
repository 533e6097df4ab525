"""The `queue` commands; `queue_screen` has what they do."""

from typing import Annotated

import typer

from app.cli.durations import duration_s
from app.cli.running import AsJson, load_quietly, run_command

queue_commands = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)

Reason = Annotated[str, typer.Option(help="Why; others will ask.")]
_DAY_S = 86_400
_DRAIN_S = 300


@queue_commands.callback(invoke_without_command=True)
def queue(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what the queue holds and who works on it; pause, resume or drain it."""
    from app.cli.queue_screen import run_screen

    if context.invoked_subcommand is None:
        settings = load_quietly()
        run_command(run_screen(settings, as_json=as_json), settings, role="cli")


@queue_commands.command("pause")
def pause(
    *,
    reason: Reason,
    for_s: Annotated[
        float,
        typer.Option("--for", parser=duration_s, metavar="2h", help="It ends by itself then."),
    ] = _DAY_S,
    as_json: AsJson = False,
) -> None:
    """Have no worker take a job; what runs goes on."""
    from app.cli.queue_screen import run_pause

    _check(reason)
    settings = load_quietly()
    run_command(
        run_pause(settings, reason=reason, for_s=for_s, as_json=as_json), settings, role="cli"
    )


@queue_commands.command("resume")
def resume(*, as_json: AsJson = False) -> None:
    """End a pause; workers start at once."""
    from app.cli.queue_screen import run_resume

    settings = load_quietly()
    run_command(run_resume(settings, as_json=as_json), settings, role="cli")


@queue_commands.command("drain")
def drain(
    *,
    reason: Reason,
    within_s: Annotated[
        float,
        typer.Option("--within", parser=duration_s, metavar="5m", help="How long to wait."),
    ] = _DRAIN_S,
    as_json: AsJson = False,
) -> None:
    """Pause, and wait until nothing runs; the queue stays paused."""
    from app.cli.queue_screen import run_drain

    _check(reason)
    settings = load_quietly()
    run_command(
        run_drain(settings, reason=reason, within_s=within_s, as_json=as_json),
        settings,
        role="cli",
    )


def _check(reason: str) -> None:
    if not reason.strip():
        raise typer.BadParameter("--reason is needed: others will ask why")
