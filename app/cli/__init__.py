"""The commands, see `running` for what they share.

Results go to stdout, progress and logs to stderr. Exit codes: 0 ok, 1 some items failed, 2 usage,
3 configuration, 4 a server cannot be reached, 130 interrupted. What a command needs is imported
when it runs, so that `--help` answers at once.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli.credits import credit_commands
from app.cli.dead import dead_commands
from app.cli.durations import duration_s
from app.cli.keys import key_commands
from app.cli.mending import picture, repair
from app.cli.persons import candidates, forget
from app.cli.queue import Reason, queue_commands
from app.cli.running import AsJson, Reveal, load, load_quietly, run_command, run_quietly
from app.cli.webhooks import webhook_commands
from app.messages import Language

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
app.add_typer(credit_commands, name="credits")
app.add_typer(webhook_commands, name="webhooks")
app.add_typer(key_commands, name="keys")


class Analyst(StrEnum):
    """Who analyses the demo's résumés."""

    RULES = "rules"
    SCRIPTED = "scripted"


class Target(StrEnum):
    """What chaos can break."""

    LLM = "llm"


class RunState(StrEnum):
    """As RunStatus, whose module would be loaded for every command."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Breakage(StrEnum):
    """How; the names are those of the scripted provider's faults."""

    STATUS = "status"
    RATE_LIMIT = "rate_limit"
    BROKEN_JSON = "broken_json"
    TRUNCATED = "truncated"
    RESET = "reset"
    HANG = "hang"


_LONGEST_CHAOS_S = 3_600

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
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show names and contacts; file names are yours.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Do not wait for runs postponed to a later retry.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Read files anew whose bytes are there already.")
    ] = False,
) -> None:
    """Ingest files and folders; uses running servers, else the embedded ones."""
    from app.cli.ingest import run_ingest

    run_quietly(
        partial(run_ingest, paths=paths, as_json=as_json, reveal=reveal, once=once, force=force)
    )


@app.command()
def runs(  # noqa: PLR0913 - one per option
    run_id: Annotated[UUID | None, typer.Argument(metavar="[ID]")] = None,
    *,
    as_json: AsJson = False,
    reveal: Reveal = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Tell what happens in it until it ends.")
    ] = False,
    every_flow: Annotated[
        bool, typer.Option("--all", help="Also the service's own: webhooks, indexing, clean-up.")
    ] = False,
    state: Annotated[RunState | None, typer.Option(help="Only those in this state.")] = None,
    before: Annotated[
        UUID | None, typer.Option(metavar="ID", help="Only those older than this run.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
) -> None:
    """List the latest runs, or draw one as a waterfall."""
    from app.cli.following import follow_run
    from app.cli.queries import show_run, show_runs

    if run_id is None:
        if follow:
            raise typer.BadParameter("--follow needs the id of a run; ./run runs lists them")
        listed = partial(show_runs, state=state, before=before, limit=limit)
        run_quietly(partial(listed, as_json=as_json, reveal=reveal, every_flow=every_flow))
    elif state or before:
        raise typer.BadParameter("--state and --before are for the list; leave the id out")
    elif follow:
        run_quietly(partial(follow_run, run_id=run_id, as_json=as_json))
    else:
        run_quietly(partial(show_run, run_id=run_id, as_json=as_json, reveal=reveal))


@app.command()
def cancel(
    run_id: Annotated[UUID, typer.Argument(metavar="ID")], *, as_json: AsJson = False
) -> None:
    """Cancel a run that waits or runs."""
    from app.cli.cancel import run_cancel

    run_quietly(partial(run_cancel, run_id=run_id, as_json=as_json))


app.command()(candidates)
app.command()(forget)
app.command()(picture)
app.command()(repair)


@app.command()
def search(  # noqa: PLR0913 - one per filter
    query: Annotated[str, typer.Argument(help='For example: "파이썬 백엔드"')],
    *,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="How many candidates.")] = 10,
    skill: Annotated[
        list[str] | None, typer.Option("--skill", help="They list it; given twice: both.")
    ] = None,
    any_skill: Annotated[
        list[str] | None, typer.Option("--any-skill", help="They list one of these.")
    ] = None,
    min_years: Annotated[float | None, typer.Option(min=0, max=100, help="Years of work.")] = None,
    max_years: Annotated[float | None, typer.Option(min=0, max=100, help="Years of work.")] = None,
    language: Annotated[Language | None, typer.Option(help="Of the résumé.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of arrival, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of arrival, in UTC.")
    ] = None,
    as_json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """Find candidates by words and by meaning."""
    if not query.strip():
        raise typer.BadParameter("the query is empty; say in words who is looked for")
    from app.candidates.hits import SearchOrder
    from app.cli.search import show_hits

    order = SearchOrder.model_construct(
        query=query,
        top_k=top_k,
        all_skills=tuple(skill or ()),
        any_skills=tuple(any_skill or ()),
        min_years=min_years,
        max_years=max_years,
        language=language,
        created_since=since and since.date(),
        created_until=until and until.date(),
    )
    run_quietly(partial(show_hits, order=order, as_json=as_json, reveal=reveal))


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

    run_quietly(partial(run_breakers, words=words or (), reason=reason, as_json=as_json))


@rollout.callback(invoke_without_command=True)
def list_rollouts(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how far new code paths are rolled out, and switch them."""
    from app.cli.rollouts import show_rollouts

    if context.invoked_subcommand is None:
        run_quietly(partial(show_rollouts, as_json=as_json))


@rollout.command("show")
def show_rollout(name: RolloutName, *, as_json: AsJson = False) -> None:
    """Show all that is known of one."""
    from app.cli.rollouts import show_rollout

    run_quietly(partial(show_rollout, name=name, as_json=as_json))


@rollout.command("set")
def set_rollout(
    name: RolloutName,
    stage: Annotated[str, typer.Argument(help="off, shadow, or a share such as 10%.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Switch one, in every process within seconds."""
    from app.cli.rollouts import set_rollout

    run_quietly(partial(set_rollout, name=name, stage=stage, reason=reason, as_json=as_json))


@app.command()
def chaos(
    target: Annotated[Target, typer.Argument(help="What is broken.")],
    *,
    seconds: Annotated[
        float, typer.Option("--for", parser=duration_s, metavar="30s", help="For how long.")
    ] = 30,
    fault: Annotated[Breakage, typer.Option(help="How.")] = Breakage.STATUS,
    as_json: AsJson = False,
) -> None:
    """Break the model of `./run demo --llm scripted` for a while, and tell what happens."""
    from app.cli.chaos import run_chaos

    if seconds > _LONGEST_CHAOS_S:
        raise typer.BadParameter("--for is an hour at most, such as 30s or 2m")
    del target  # there is one
    run_quietly(partial(run_chaos, kind=fault.value, for_s=seconds, as_json=as_json))


@app.command()
def up(*, port: Port = None) -> None:
    """Serve: API and worker in one process, with the embedded servers where no URL is set."""
    from app.cli.listening import serve_all

    settings = load()
    run_command(serve_all(settings, port=port), settings, role="up")


@app.command()
def api(*, port: Port = None) -> None:
    """Serve the API alone."""
    from app.cli.listening import serve_api

    settings = load()
    run_command(serve_api(settings, port=port), settings, role="api")


@app.command()
def worker() -> None:
    """Serve a worker alone."""
    from app.cli.serving import serve_worker

    settings = load()
    run_command(serve_worker(settings), settings, role="worker")


@app.command()
def retention(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Drop what was kept long enough, and sweep the store; workers do so every night."""
    from app.cli.retention import run_retention

    run_quietly(partial(run_retention, dry_run=dry_run, as_json=as_json))


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

    run_quietly(partial(run_doctor, as_json=as_json))


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
