"""The `keys` commands; `rotation` has what they do."""

from functools import partial

import typer

from app.cli.running import AsJson, run_quietly

key_commands = typer.Typer(
    help="Look at the keys that wrap all data keys, and rotate them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@key_commands.command("ls")
def list_keys(*, as_json: AsJson = False) -> None:
    """List keys by their ids with what each wraps; never a key itself."""
    from app.cli.rotation import run_list

    run_quietly(partial(run_list, as_json=as_json))


@key_commands.command("rotate")
def rotate_keys(*, as_json: AsJson = False) -> None:
    """Wrap all data keys under the newest key; workers may go on meanwhile.

    Safe to stop at any point and to start again. The key of a development install is replaced by a
    new one first.
    """
    from app.cli.rotation import run_rotate

    run_quietly(partial(run_rotate, as_json=as_json))
