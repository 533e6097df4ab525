"""Drop what was kept long enough, now."""

from pydantic import BaseModel
from rich.table import Table

from app.bootstrap import Runtime
from app.cli.ingest import follow, some_worker
from app.cli.render import Progress, console, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.errors import ErrorCode, PermanentError
from app.jobs.scheduled import RETENTION_FLOW, due_now
from app.pipeline import records
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import next_attempt
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import Priority
from app.settings import Settings
from app.settings.groups import RetentionSettings

_WHAT = {
    "checkpoints": ("runs whose checkpoints go", "checkpoints_days"),
    "run_details": ("runs whose personal details go", "run_details_days"),
    "failed_uploads": ("originals that made no candidate", "failed_uploads_days"),
    "originals": ("originals of candidates", "originals_days"),
    "raw_text": ("candidates whose raw text goes", "raw_text_days"),
    "pictures": ("versions whose pictures go", "pictures_days"),
    "runs": ("earlier passes of this kind", "checkpoints_days"),
    "swept": ("objects in the store that nobody knows", ""),
}


class RetentionView(BaseModel):
    """What `retention --json` prints. `dropped` are the same names in both cases."""

    dry_run: bool
    run_id: str | None
    status: RunStatus | None
    code: str | None
    dropped: dict[str, int]


async def run_retention(settings: Settings, *, dry_run: bool, as_json: bool) -> int:
    """The `retention` command; 1 when the pass did not end well."""
    async with connected(settings) as runtime:
        if dry_run:
            view = RetentionView(
                dry_run=True, run_id=None, status=None, code=None, dropped=await due_now(runtime)
            )
        else:
            view = await _pass(runtime)
    if as_json:
        print_json(view)
    else:
        _print(view, settings.retention)
    return Exit.OK if dry_run or view.status is RunStatus.SUCCEEDED else Exit.SOME_FAILED


async def _pass(runtime: Runtime) -> RetentionView:
    """One run of the flow, by whichever worker is there, else by one in this process."""
    accepted = new_run(
        runtime.keyring, runtime.tenant_id, RETENTION_FLOW, priority=Priority.INGESTION
    )
    async with some_worker(runtime):
        async with runtime.database.begin() as session:
            await accept(session, accepted, deadline_s=runtime.settings.queue.run_deadline)
        await runtime.producer.enqueue(next_attempt(accepted.run))
        with Progress(visible=False) as progress:
            progress.add(accepted.run.id, RETENTION_FLOW)
            await follow(runtime, [accepted.run.id], progress, once=False)
    async with runtime.database.begin() as session:
        run: RunRow | None = await records.find(session, runtime.tenant_id, accepted.run.id)
    if run is None:
        raise PermanentError(ErrorCode.NOT_FOUND)
    return RetentionView(
        dry_run=False,
        run_id=str(run.id),
        status=RunStatus(run.status),
        code=run.code,
        dropped=run.result or {},
    )


def _print(view: RetentionView, retention: RetentionSettings) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("would go" if view.dry_run else "went", justify="right")
    table.add_column("what")
    if view.dry_run:
        table.add_column("kept for")
    for name, (what, setting) in _WHAT.items():
        count = view.dropped.get(name)
        days = getattr(retention, setting) if setting else None
        kept = f"{days:,} days" if days is not None else "ever" if setting else ""
        row = ("" if count is None else f"{count:,}", what, kept)
        table.add_row(*row[: len(table.columns)])
    console().print(table)
    if not view.dry_run:
        # Not those of this command, whose settings may be others: none are sent along.
        console().print("Kept for the periods in the settings of the worker that did it.")
    if view.status is not None and view.status is not RunStatus.SUCCEEDED:
        line = f"The pass {view.run_id} is {view.status} with {view.code}; what went is gone."
        console(stderr=True).print(line, markup=False, soft_wrap=True)
