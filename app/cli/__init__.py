"""The commands, and the only place that starts an event loop.

Results go to stdout, progress and logs to stderr. Exit codes: 0 ok, 1 some items failed, 2 usage,
3 configuration, 4 a server cannot be reached, 130 interrupted. What a command needs is imported
when it runs, so that `--help` answers at once.
"""

import asyncio
import sys
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

if TYPE_CHECKING:
    from app.settings import Settings
    from app.telemetry import Role

app = typer.Typer(
    name="./run",
    help="Naru: résumés into encrypted, searchable candidates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class Analyst(StrEnum):
    """Who analyses the demo's résumés."""

    RULES = "rules"
    SCRIPTED = "scripted"


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show names, contacts and file names.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port of the API; 0: any free one.")
]


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit after the table.")] = False,
    as_json: AsJson = False,
    port: Port = None,
    llm: Annotated[Analyst, typer.Option(help="Who analyses the résumés.")] = Analyst.RULES,
) -> None:
    """Start everything, ingest the bundled résumés, show the result, keep serving."""
    from app.cli.demo import run_demo

    settings = _settings(quiet=True)
    scripted = llm is Analyst.SCRIPTED
    _run(
        run_demo(settings, once=once, as_json=as_json, port=port, scripted=scripted),
        settings,
        role="up",
    )


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders (not recursed).")],
    *,
    as_json: AsJson = False,
    reveal: Reveal = False,
    once: Annotated[
        bool, typer.Option("--once", help="Do not wait for runs postponed to a later retry.")
    ] = False,
) -> None:
    """Ingest files and folders; uses running servers, else the embedded ones."""
    from app.cli.ingest import run_ingest

    settings = _settings(quiet=True)
    _run(
        run_ingest(settings, paths, as_json=as_json, reveal=reveal, once=once),
        settings,
        role="cli",
    )


@app.command()
def runs(
    run_id: Annotated[UUID | None, typer.Argument(metavar="[ID]")] = None,
    *,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List the latest runs, or draw one as a waterfall."""
    from app.cli.queries import show_runs

    settings = _settings(quiet=True)
    _run(show_runs(settings, run_id, as_json=as_json, reveal=reveal), settings, role="cli")


@app.command()
def candidates(
    candidate_id: Annotated[UUID | None, typer.Argument(metavar="[ID]")] = None,
    *,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List the latest candidates, or show one."""
    from app.cli.queries import show_candidates

    settings = _settings(quiet=True)
    _run(
        show_candidates(settings, candidate_id, as_json=as_json, reveal=reveal),
        settings,
        role="cli",
    )


@app.command()
def search(
    query: Annotated[str, typer.Argument(help='For example: "파이썬 백엔드"')],
    *,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="How many candidates.")] = 10,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """Find candidates by words and by meaning."""
    from app.cli.queries import show_hits

    settings = _settings(quiet=True)
    _run(
        show_hits(settings, query, top_k=top_k, as_json=as_json, reveal=reveal),
        settings,
        role="cli",
    )


@app.command()
def up(*, port: Port = None) -> None:
    """Serve: API and worker in one process, with the embedded servers where no URL is set."""
    from app.cli.serving import serve_all

    settings = _settings()
    _run(serve_all(settings, port=port), settings, role="up")


@app.command()
def api(*, port: Port = None) -> None:
    """Serve the API alone."""
    from app.cli.serving import serve_api

    settings = _settings()
    _run(serve_api(settings, port=port), settings, role="api")


@app.command()
def worker() -> None:
    """Serve a worker alone."""
    from app.cli.serving import serve_worker

    settings = _settings()
    _run(serve_worker(settings), settings, role="worker")


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from app.cli.serving import run_migrations

    settings = _settings()
    _run(run_migrations(settings), settings, role="cli")


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Check what this machine and these settings have, and say what to do about the rest."""
    from app.cli.doctor import run_doctor

    settings = _settings(quiet=True)
    _run(run_doctor(settings, as_json=as_json), settings, role="cli")


@app.command()
def settings(*, as_json: AsJson = False) -> None:
    """Show every setting with its value; secrets are masked."""
    from app.cli.render import print_settings

    print_settings(_settings(quiet=True), as_json=as_json)


@app.command()
def reset(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete the data folder: all candidates, runs, files and keys in it."""
    from app.cli.reset import delete_data

    raise typer.Exit(delete_data(_settings(quiet=True), sure=yes))


def main() -> None:
    """Run one command."""
    app(prog_name="./run")


def _settings(*, quiet: bool = False) -> "Settings":
    """The settings, with logging configured by them; `quiet` leaves the terminal to the command."""
    from app.settings import deprecations, load_settings
    from app.settings.groups import Environment
    from app.telemetry.logs import configure_logs

    with _told():
        loaded = load_settings()
    production = loaded.env in (Environment.PRODUCTION, Environment.STAGING)
    silent = quiet and loaded.log_level != "DEBUG"
    configure_logs("ERROR" if silent else loaded.log_level, json=production)
    for line in deprecations():
        _complain(line)
    return loaded


def _run(command: "Coroutine[Any, Any, int | None]", settings: "Settings", *, role: "Role") -> None:
    """Run a command in the process's one event loop and exit with its code."""
    from app.telemetry import configure_telemetry

    with _told(), configure_telemetry(settings, role=role):
        code = asyncio.run(command)
    raise typer.Exit(code or Exit.OK)


@contextmanager
def _told() -> Generator[None]:
    """Every foreseen failure is one line on stderr and an exit code."""
    from app.errors import ErrorCode, WorkerError
    from app.pipeline.run import unwrap
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
                _complain(f"{error.code}: {error}")
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
