"""What every command does around its work: settings, telemetry, the one event loop, an exit code."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry import Role


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show names, contacts and file names.")]


def load_quietly() -> "Settings":
    """The settings, for a command that has the terminal to itself."""
    return load(quiet=True)


def load(*, quiet: bool = False) -> "Settings":
    """The settings, with logging configured by them; `quiet` leaves the terminal to the command."""
    from app.settings import deprecations, load_settings
    from app.telemetry.logs import configure_logs

    with _told():
        loaded = load_settings()
    silent = quiet and loaded.log_level != "DEBUG"
    configure_logs("ERROR" if silent else loaded.log_level, json=loaded.env.deployed)
    for line in deprecations():
        _complain(line)
    return loaded


def run_quietly(command: "Callable[[Settings], Coroutine[Any, Any, int | None]]") -> None:
    """Run a command that has the terminal to itself, with the settings."""
    settings = load_quietly()
    run_command(command(settings), settings, role="cli")


def run_command(
    command: "Coroutine[Any, Any, int | None]", settings: "Settings", *, role: "Role"
) -> None:
    """Run a command in the process's one event loop and exit with its code."""
    from app.telemetry import configure_telemetry

    with _told(settings), configure_telemetry(settings, role=role):
        code = asyncio.run(command)
    raise typer.Exit(code or Exit.OK)


@contextmanager
def _told(settings: "Settings | None" = None) -> Generator[None]:
    """Every foreseen failure is one line on stderr and an exit code."""
    from app.cli.outages import sentence
    from app.errors import ErrorCode, WorkerError, unwrap
    from app.settings import InvalidSettings

    try:
        yield
    except (InvalidSettings, WorkerError, KeyboardInterrupt, BaseExceptionGroup) as raised:
        match unwrap(raised):
            case InvalidSettings() as error:
                for line in error.lines:
                    _complain(line)
                code = Exit.CONFIGURATION
            case WorkerError() as error:
                said = sentence(error, settings) if settings else str(error)
                _complain(f"{error.code}: {said}")
                unreachable = error.code in (
                    ErrorCode.DB_CONNECTION,
                    ErrorCode.NETWORK_ERROR,
                    ErrorCode.STORAGE_ERROR,
                )
                code = Exit.UNREACHABLE if unreachable else Exit.SOME_FAILED
            case KeyboardInterrupt():
                code = Exit.INTERRUPTED
            case _:
                raise
        raise typer.Exit(code) from None


def _complain(line: str) -> None:
    print(f"naru: {line}", file=sys.stderr)
