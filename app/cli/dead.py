"""The `dead` commands; `letters` has what they do."""

from functools import partial
from typing import Annotated

import typer

from app.cli.durations import duration_s
from app.cli.running import AsJson, run_quietly

dead_commands = typer.Typer(
    help="Look at jobs that died, run them again, or forget them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LetterId = Annotated[str, typer.Argument(metavar="ID", help="As `./run dead ls` lists it.")]
OneId = Annotated[str | None, typer.Argument(metavar="ID", help="As `./run dead ls` lists it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dead_commands.command("ls")
def list_letters(
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs that died, the newest first."""
    from app.cli.letters import run_list

    run_quietly(partial(run_list, limit=limit, as_json=as_json))


@dead_commands.command("show")
def show_letter(letter_id: LetterId, *, as_json: AsJson = False) -> None:
    """Show all that is known of one."""
    from app.cli.letters import run_show

    run_quietly(partial(run_show, letter_id=letter_id, as_json=as_json))


@dead_commands.command("retry")
def retry_letter(
    letter_id: OneId = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Run one again with all of its tries, or all."""
    from app.cli.letters import run_retry

    _check_choice(letter_id, every=every)
    if every and not yes:
        typer.confirm("Run all dead jobs again?", abort=True, err=True)
    run_quietly(partial(run_retry, letter_id=letter_id, as_json=as_json))


@dead_commands.command("purge")
def purge_letter(
    letter_id: OneId = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    older_than_s: Annotated[
        float | None,
        typer.Option("--older-than", parser=duration_s, metavar="7d", help="Of all, only those."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget one for good, or all."""
    from app.cli.letters import run_purge

    _check_choice(letter_id, every=every)
    if older_than_s is not None and not every:
        raise typer.BadParameter("--older-than goes with --all")
    if every and not yes:
        typer.confirm("Forget dead jobs for good?", abort=True, err=True)
    run_quietly(
        partial(run_purge, letter_id=letter_id, older_than_s=older_than_s or 0, as_json=as_json)
    )


def _check_choice(letter_id: str | None, *, every: bool) -> None:
    if (letter_id is None) != every:
        raise typer.BadParameter("give either an id or --all")
