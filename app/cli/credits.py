"""The `credits` commands; `account` has what they do."""

from functools import partial
from typing import Annotated

import typer

from app.cli.running import AsJson, run_quietly

credit_commands = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)

Count = Annotated[int, typer.Argument(metavar="N", min=1, help="How many.")]
Note = Annotated[str, typer.Option(help="Why; others will ask. No personal data.")]


def _no_blank(note: str) -> str:
    if not note.strip():
        raise typer.BadParameter("say why; others will ask")
    return note


@credit_commands.callback(invoke_without_command=True)
def credits_(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show the tenant's credits; give some, correct them, or let them be unlimited."""
    from app.cli.account import run_show

    if context.invoked_subcommand is None:
        run_quietly(partial(run_show, as_json=as_json))


@credit_commands.command("show")
def show(*, as_json: AsJson = False) -> None:
    """Show what is available and what runs hold."""
    from app.cli.account import run_show

    run_quietly(partial(run_show, as_json=as_json))


@credit_commands.command("grant")
def grant(credit_count: Count, *, note: Note = "", as_json: AsJson = False) -> None:
    """Give credits; from the first time on they are limited."""
    from app.cli.account import run_grant

    run_quietly(partial(run_grant, credit_count=credit_count, note=note, as_json=as_json))


@credit_commands.command("adjust", context_settings={"ignore_unknown_options": True})
def adjust(
    credit_count: Annotated[
        int, typer.Argument(metavar="N", help="How many to add; below zero: to take away.")
    ],
    *,
    note: Annotated[
        str, typer.Option(help="Why; others will ask. No personal data.", callback=_no_blank)
    ],
    as_json: AsJson = False,
) -> None:
    """Put right what is available, up or down; never below zero."""
    from app.cli.account import run_adjust

    run_quietly(partial(run_adjust, credit_count=credit_count, note=note, as_json=as_json))


@credit_commands.command("unlimited")
def unlimited(*, note: Note = "", as_json: AsJson = False) -> None:
    """Let files be submitted without limit; what is available is kept for a later grant."""
    from app.cli.account import run_lift

    run_quietly(partial(run_lift, note=note, as_json=as_json))


@credit_commands.command("ledger")
def ledger(
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many entries, the newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what happened to the credits, the newest first."""
    from app.cli.account import run_ledger

    run_quietly(partial(run_ledger, limit=limit, as_json=as_json))


@credit_commands.command("verify")
def verify(
    *,
    settle: Annotated[
        bool, typer.Option("--settle", help="Settle credits of ended runs that nobody will.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add up the whole ledger anew and say every difference; exit code 1 when there is one."""
    from app.cli.account import run_verify

    run_quietly(partial(run_verify, settle=settle, as_json=as_json))
