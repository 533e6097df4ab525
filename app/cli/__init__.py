"""The commands, and the only place that starts an event loop.

Results go to stdout, progress and logs to stderr. Exit codes: 0 ok, 1 some items failed, 2 usage,
3 configuration, 4 a server cannot be reached, 130 interrupted. What a command needs is imported
when it runs, so that `--help` answers at once.
"""

import asyncio
import re
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


rollout = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
app.add_typer(rollout, name="rollout")


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


class Target(StrEnum):
    """What chaos can break."""

    LLM = "llm"


class Breakage(StrEnum):
    """How; the names are those of the scripted provider's faults."""

    STATUS = "status"
    RATE_LIMIT = "rate_limit"
    BROKEN_JSON = "broken_json"
    TRUNCATED = "truncated"
    RESET = "reset"
    HANG = "hang"


def _duration_s(text: str) -> float:
    """`30s`, `2m` or a number of seconds."""
    units_s = {"": 1, "s": 1, "m": 60}
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([sm]?)", str(text).strip())
    seconds = float(found[1]) * units_s[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST_CHAOS_S:
        raise typer.BadParameter("give a time such as 30s or 2m, at most an hour")
    return seconds


_LONGEST_CHAOS_S = 3_600

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show names, contacts and file names.")]
RolloutName = Annotated[str, typer.Argument(help="As `./run rollout` lists it.")]
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
def breakers(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[[VERB] NAME]", help="open, disable, metrics-only, auto or reset."),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why; goes with a verb.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show circuit breakers, or one with its history; or overrule one in every process."""
    from app.cli.breakers import run_breakers

    settings = _settings(quiet=True)
    _run(run_breakers(settings, words or (), reason=reason, as_json=as_json), settings, role="cli")


@rollout.callback(invoke_without_command=True)
def list_rollouts(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how far new code paths are rolled out, and switch them."""
    from app.cli.rollouts import show_rollouts

    if context.invoked_subcommand is None:
        settings = _settings(quiet=True)
        _run(show_rollouts(settings, as_json=as_json), settings, role="cli")


@rollout.command("show")
def show_rollout(name: RolloutName, *, as_json: AsJson = False) -> None:
    """Show all that is known of one."""
    from app.cli.rollouts import show_rollout

    settings = _settings(quiet=True)
    _run(show_rollout(settings, name, as_json=as_json), settings, role="cli")


@rollout.command("set")
def set_rollout(
    name: RolloutName,
    stage: Annotated[str, typer.Argument(help="off, shadow, or a share such as 10%.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; others will ask.")] = "",
    as_json: AsJson = False,
) -> None:
    """Switch one, in every process within seconds."""
    from app.cli.rollouts import set_rollout

    settings = _settings(quiet=True)
    _run(set_rollout(settings, name, stage, reason=reason, as_json=as_json), settings, role="cli")


@app.command()
def chaos(
    target: Annotated[Target, typer.Argument(help="What is broken.")],
    *,
    seconds: Annotated[
        float, typer.Option("--for", parser=_duration_s, metavar="30s", help="For how long.")
    ] = 30,
    fault: Annotated[Breakage, typer.Option(help="How.")] = Breakage.STATUS,
    as_json: AsJson = False,
) -> None:
    """Break the model of `./run demo --llm scripted` for a while, and tell what happens."""
    from app.cli.chaos import run_chaos

    del target  # there is one
    settings = _settings(quiet=True)
    _run(
        run_chaos(settings, kind=fault.value, for_s=seconds, as_json=as_json), settings, role="cli"
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
