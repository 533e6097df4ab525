"""The commands, see `running` for what they share.

Results go to stdout, progress and logs to stderr. Exit codes: 0 ok, 1 some items failed, 2 usage,
3 configuration, 4 a server cannot be reached, 130 interrupted. What a command needs is imported
when it runs, so that `--help` answers at once.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.dead import dead_commands
from app.cli.queue import queue_commands
from app.cli.running import AsJson, load, load_quietly, run_command

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
app.add_typer(queue_commands, name="queue")
app.add_typer(dead_commands, name="dead")


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

    settings = load_quietly()
    scripted = llm is Analyst.SCRIPTED
    run_command(
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

    settings = load_quietly()
    run_command(
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
    follow: Annotated[
        bool, typer.Option("--follow", help="Tell what happens in it until it ends.")
    ] = False,
) -> None:
    """List the latest runs, or draw one as a waterfall."""
    from app.cli.following import follow_run
    from app.cli.queries import show_runs

    settings = load_quietly()
    if follow and run_id is None:
        raise typer.BadParameter("--follow needs the id of a run; ./run runs lists them")
    if follow and run_id:
        run_command(follow_run(settings, run_id, as_json=as_json), settings, role="cli")
    run_command(show_runs(settings, run_id, as_json=as_json, reveal=reveal), settings, role="cli")


@app.command()
def cancel(
    run_id: Annotated[UUID, typer.Argument(metavar="ID")], *, as_json: AsJson = False
) -> None:
    """Cancel a run that waits or runs."""
    from app.cli.cancel import run_cancel

    settings = load_quietly()
    run_command(run_cancel(settings, run_id, as_json=as_json), settings, role="cli")


@app.command()
def candidates(
    candidate_id: Annotated[UUID | None, typer.Argument(metavar="[ID]")] = None,
    *,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """List the latest candidates, or show one."""
    from app.cli.queries import show_candidates

    settings = load_quietly()
    run_command(
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

    settings = load_quietly()
    run_command(
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

    settings = load_quietly()
    run_command(
        run_breakers(settings, words or (), reason=reason, as_json=as_json), settings, role="cli"
    )


@rollout.callback(invoke_without_command=True)
def list_rollouts(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how far new code paths are rolled out, and switch them."""
    from app.cli.rollouts import show_rollouts

    if context.invoked_subcommand is None:
        settings = load_quietly()
        run_command(show_rollouts(settings, as_json=as_json), settings, role="cli")


@rollout.command("show")
def show_rollout(name: RolloutName, *, as_json: AsJson = False) -> None:
    """Show all that is known of one."""
    from app.cli.rollouts import show_rollout

    settings = load_quietly()
    run_command(show_rollout(settings, name, as_json=as_json), settings, role="cli")


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

    settings = load_quietly()
    run_command(
        set_rollout(settings, name, stage, reason=reason, as_json=as_json), settings, role="cli"
    )


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
    settings = load_quietly()
    run_command(
        run_chaos(settings, kind=fault.value, for_s=seconds, as_json=as_json), settings, role="cli"
    )


@app.command()
def up(*, port: Port = None) -> None:
    """Serve: API and worker in one process, with the embedded servers where no URL is set."""
    from app.cli.serving import serve_all

    settings = load()
    run_command(serve_all(settings, port=port), settings, role="up")


@app.command()
def api(*, port: Port = None) -> None:
    """Serve the API alone."""
    from app.cli.serving import serve_api

    settings = load()
    run_command(serve_api(settings, port=port), settings, role="api")


@app.command()
def worker() -> None:
    """Serve a worker alone."""
    from app.cli.serving import serve_worker

    settings = load()
    run_command(serve_worker(settings), settings, role="worker")


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from app.cli.serving import run_migrations

    settings = load()
    run_command(run_migrations(settings), settings, role="cli")


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Check what this machine and these settings have, and say what to do about the rest."""
    from app.cli.doctor import run_doctor

    settings = load_quietly()
    run_command(run_doctor(settings, as_json=as_json), settings, role="cli")


@app.command()
def settings(*, as_json: AsJson = False) -> None:
    """Show every setting with its value; secrets are masked."""
    from app.cli.render import print_settings

    print_settings(load_quietly(), as_json=as_json)


@app.command()
def reset(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete the data folder: all candidates, runs, files and keys in it."""
    from app.cli.reset import delete_data

    raise typer.Exit(delete_data(load_quietly(), sure=yes))


def main() -> None:
    """Run one command."""
    app(prog_name="./run")
