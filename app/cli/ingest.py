"""Files in, runs followed to their end, one report out."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import typer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.candidates.intake import Accepted
from app.candidates.views import RunView, view_run
from app.cli.render import Progress, console, print_json, print_runs
from app.cli.serving import connected
from app.cli.tables import plain
from app.documents.blocks import DOCUMENT_SUFFIXES
from app.errors import ErrorCode, PermanentError, check_file_size
from app.jobs import worker
from app.messages import Language, Message
from app.pipeline import records
from app.pipeline.tables import RunStatus
from app.queue.envelope import Priority
from app.queue.worker import Stop
from app.settings import Settings

SKIPPED_SUFFIXES = frozenset(
    [
        ".py",
        ".js",
        ".ts",
        ".jsx",
        ".tsx",
        ".java",
        ".kt",
        ".c",
        ".h",
        ".cc",
        ".cpp",
        ".hpp",
        ".rs",
        ".go",
        ".rb",
        ".php",
        ".sh",
        ".bat",
        ".ps1",
        ".sql",
        ".r",
        ".md",
        ".rst",
        ".adoc",
        ".html",
        ".htm",
        ".xhtml",
        ".css",
        ".xml",
        ".svg",
        ".tex",
        ".json",
        ".jsonl",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".cfg",
        ".conf",
        ".csv",
        ".tsv",
        ".parquet",
        ".db",
        ".sqlite",
        ".log",
        ".lock",
        ".ipynb",
        ".pyc",
        ".map",
    ]
)
"""Source, markup and data files that lie beside résumés; in a folder they are passed over."""

_WATCH_EVERY_S = 0.1
_LOOK_FOR_WORKER_EVERY_S = 1
_SUBMITTED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Found:
    """`files` are to be ingested, `folders` pose as a document, `skipped` are passed over."""

    files: list[Path]
    folders: list[Path]
    skipped: list[Path]


class Report(BaseModel):
    """What `ingest --json` prints.

    `runs` are in the order of the files. `already_there` are those files whose bytes were read
    before: they have the run that did. `not_accepted` are those that no credits were left for.
    """

    runs: list[RunView]
    succeeded: int
    partial: int
    failed: int
    cancelled: int
    skipped: list[str]
    already_there: list[str]
    not_accepted: list[str]

    @property
    def exit_code(self) -> int:
        """1 when a file was not accepted, did not end well, or has not ended yet."""
        return int(bool(self.not_accepted) or self.succeeded + self.partial < len(self.runs))


def collect(paths: Sequence[Path]) -> Found:
    """Files as given, and the files right inside of folders.

    Raises BadParameter for a path that does not exist, or that reading might never end.
    """
    found = Found([], [], [])
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist", param_hint="PATH")
        if path.is_file():
            found.files.append(path)
        elif not path.is_dir():
            raise typer.BadParameter(f"{path} is neither a file nor a folder", param_hint="PATH")
        elif path.suffix.lower() in DOCUMENT_SUFFIXES:
            found.folders.append(path)
        else:
            for entry in sorted(path.iterdir()):
                _sort_entry(entry, found)
    return found


def _sort_entry(entry: Path, found: Found) -> None:
    suffix = entry.suffix.lower()
    if entry.is_dir() and suffix in DOCUMENT_SUFFIXES:
        found.folders.append(entry)
    elif not entry.is_file() or entry.name.startswith(".") or suffix in SKIPPED_SUFFIXES:
        found.skipped.append(entry)
    else:
        found.files.append(entry)


async def run_ingest(
    settings: Settings,
    paths: Sequence[Path],
    *,
    as_json: bool,
    reveal: bool,
    once: bool,
    force: bool,
) -> int:
    """The `ingest` command; returns its exit code."""
    found = await asyncio.to_thread(collect, paths)
    progress = Progress(visible=not as_json)
    try:
        async with connected(settings) as runtime, some_worker(runtime):
            report = await ingest(
                runtime,
                found,
                reveal=reveal or not as_json,  # the table masks what it may not show
                once=once,
                force=force,
                progress=progress,
            )
    except asyncio.CancelledError:  # by Ctrl-C
        if progress.open_runs:
            left = f"accepted and not done: {progress.open_runs}; the next worker goes on with them"
            console(stderr=True).print(f"{left} (./run up, ./run runs)", markup=False)
        raise
    if as_json:
        print_json(report)
    else:
        print_runs(report.runs, skipped=report.skipped, reveal=reveal)
        if not found.files and not found.folders:
            console().print("No documents were found there.")
        _print_already_there(report)
        _print_not_accepted(report, settings.ui.language)
    return report.exit_code


async def ingest(
    runtime: Runtime,
    found: Found,
    *,
    reveal: bool,
    once: bool,
    progress: Progress,
    force: bool = False,
) -> Report:
    """Submit all files, follow their runs, and report them in the order of the files."""
    with progress:
        offered = await _submit(runtime, found, progress, force=force)
        submitted = [(path, accepted) for path, accepted in offered if accepted is not None]
        # Two files of the same bytes have one run.
        run_ids = list(dict.fromkeys(accepted.run_id for _, accepted in submitted))
        await follow(runtime, run_ids, progress, once=once)
    async with runtime.database.begin() as session:
        views = [
            await _view(session, runtime, accepted.run_id, path, reveal=reveal)
            for path, accepted in submitted
        ]

    def count(status: RunStatus) -> int:
        return sum(view.status is status for view in views)

    return Report(
        runs=views,
        succeeded=count(RunStatus.SUCCEEDED),
        partial=count(RunStatus.PARTIAL),
        failed=count(RunStatus.FAILED),
        cancelled=count(RunStatus.CANCELLED),
        skipped=[str(path) for path in found.skipped],
        already_there=[str(path) for path, accepted in submitted if accepted.already_there],
        not_accepted=[str(path) for path, accepted in offered if accepted is None],
    )


def _print_already_there(report: Report) -> None:
    runs = {view.file: view.id for view in report.runs}
    for path in report.already_there:
        known = f"{path}: already there, as run {runs[path]}. To read it anew: --force"
        console().print(plain(known))


def _print_not_accepted(report: Report, language: Language) -> None:
    for path in report.not_accepted:
        console().print(plain(f"{path}: not accepted"))
    if report.not_accepted:
        said = ErrorCode.INSUFFICIENT_CREDITS.text(language)
        console().print(f"{said} (./run credits grant N)", markup=False)


@asynccontextmanager
async def some_worker(
    runtime: Runtime, *, at_once: asyncio.Event | None = None
) -> AsyncGenerator[None]:
    """A worker while the block lasts: one that runs elsewhere, or else one in this process.

    `at_once` cuts short the time that it gives its runs to finish in the end.
    """
    stop = Stop(at_once=at_once or asyncio.Event())
    async with asyncio.TaskGroup() as group:
        group.create_task(_stand_in(runtime, stop))
        try:
            yield
        finally:
            stop.asked.set()


async def _stand_in(runtime: Runtime, stop: Stop) -> None:
    """Work as soon as no other worker is alive; one that was killed seems alive for a lease."""
    while await runtime.producer.has_worker():
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_FOR_WORKER_EVERY_S):
                await stop.asked.wait()
                return
    await worker.serve(runtime, stop)


async def follow(
    runtime: Runtime, run_ids: Sequence[UUID], progress: Progress, *, once: bool
) -> None:
    """Return when every run has ended; with `once`, a run that waits for a retry counts as ended."""
    open_ids = set(run_ids)
    while open_ids:
        async with runtime.database.begin() as session:
            states = await records.progress(session, list(open_ids))
        for state in states:
            progress.show(state)
            postponed = state.status is RunStatus.QUEUED and state.tries > 0
            if state.status.final or (once and postponed):
                open_ids.discard(state.run_id)
        if open_ids:
            await asyncio.sleep(_WATCH_EVERY_S)


async def _submit(
    runtime: Runtime, found: Found, progress: Progress, *, force: bool
) -> list[tuple[Path, Accepted | None]]:
    """None for a file that no credits are left for: the others go on."""
    limit = asyncio.Semaphore(_SUBMITTED_AT_ONCE)
    shown: set[UUID] = set()
    # What people send one by one goes before a folder.
    priority = Priority.BULK if len(found.files) > 1 else Priority.INGESTION

    async def submit(path: Path) -> Accepted:
        async with limit:
            try:
                data = await asyncio.to_thread(_read, path, runtime.settings.extract.max_file_bytes)
            except PermanentError as error:
                accepted = await runtime.intake.refuse(path.name, error)
            else:
                accepted = await runtime.intake.accept(
                    path.name, data, priority=priority, force=force
                )
        if accepted.run_id not in shown:
            shown.add(accepted.run_id)
            progress.add(accepted.run_id, path.name)
        return accepted

    async def submit_if_paid(path: Path) -> Accepted | None:
        try:
            return await submit(path)
        except PermanentError as error:
            if error.code is not ErrorCode.INSUFFICIENT_CREDITS:
                raise
            return None

    async def refuse(path: Path) -> Accepted:
        folder = PermanentError(ErrorCode.INVALID_FILE, Message.FILE_IS_FOLDER)
        accepted = await runtime.intake.refuse(path.name, folder)
        progress.add(accepted.run_id, path.name)
        return accepted

    def start(
        call: Callable[[Path], Any], path: Path
    ) -> tuple[Path, asyncio.Task[Accepted | None]]:
        return path, group.create_task(call(path))

    async with asyncio.TaskGroup() as group:
        tasks = [start(submit_if_paid, path) for path in found.files]
        tasks += [start(refuse, path) for path in found.folders]
    return [(path, task.result()) for path, task in tasks]


def _read(path: Path, max_bytes: int) -> bytes:
    check_file_size(path.stat().st_size, max_bytes)
    return path.read_bytes()


async def _view(
    session: AsyncSession, runtime: Runtime, run_id: UUID, path: Path, *, reveal: bool
) -> RunView:
    run = await records.find(session, runtime.tenant_id, run_id)
    if run is None:
        raise LookupError(f"run {run_id} is gone")
    language = runtime.settings.ui.language
    view = await view_run(session, runtime.keyring, run, language=language, reveal=reveal)
    return view.model_copy(update={"file": str(path)})  # the user named it; nothing to hide
