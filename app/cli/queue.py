"""The `queue` commands; `queue_screen` has what they do."""

from functools import partial
from typing import Annotated

import typer

from app.cli.durations import duration_s
from app.cli.running import AsJson, run_quietly

queue_commands = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


def _no_blank(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("say why; others will ask")
    return reason


Reason = Annotated[str, typer.Option(help="Why; others will ask.", callback=_no_blank)]
_PAUSE_S = 43_200
_DRAIN_S = 300


@queue_commands.callback(invoke_without_command=True)
def queue(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show what the queue holds and who works on it; pause, resume or drain it."""
    from app.cli.queue_screen import run_screen

    if context.invoked_subcommand is None:
        run_quietly(partial(run_screen, as_json=as_json))


@queue_commands.command("pause")
def pause(
    *,
    reason: Reason,
    for_s: Annotated[
        float,
        typer.Option("--for", parser=duration_s, metavar="2h", help="It ends by itself then."),
    ] = _PAUSE_S,
    as_json: AsJson = False,
) -> None:
    """Have no worker take a job; what runs goes on."""
    from app.cli.queue_screen import run_pause

    run_quietly(partial(run_pause, reason=reason, for_s=for_s, as_json=as_json))


@queue_commands.command("resume")
def resume(*, as_json: AsJson = False) -> None:
    """End a pause; workers start at once."""
    from app.cli.queue_screen import run_resume

    run_quietly(partial(run_resume, as_json=as_json))


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

    run_quietly(partial(run_drain, reason=reason, within_s=within_s, as_json=as_json))
