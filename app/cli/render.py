"""What people see in the terminal. Tables to stdout, progress to stderr."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast
from uuid import UUID

from pydantic import BaseModel, SecretStr
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from app.candidates.views import CandidateView, RunView, mask_name
from app.cli.profiles import print_notes, print_profile
from app.cli.tables import IDS, plain, print_table
from app.messages import printable
from app.pipeline.records import RunProgress
from app.pipeline.tables import AttemptRow, RunStatus, StageRow, StageStatus
from app.resilience.spending import units
from app.settings import Settings
from app.settings.secrets import hide_users

if TYPE_CHECKING:
    from app.candidates.hits import HitView

_STAGES = 9
_BARS_AT_ONCE = 20
_SKILLS_SHOWN = 5
_WATERFALL_CHARS = 48
_PLAIN_WIDTH = 160
_COLORS = {
    RunStatus.SUCCEEDED: "green",
    RunStatus.PARTIAL: "yellow",
    RunStatus.FAILED: "red",
    RunStatus.CANCELLED: "magenta",
}


def console(*, stderr: bool = False) -> Console:
    """A console; where nobody looks it does not cut lines to 80 columns. NO_COLOR is heeded."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH, highlight=False)


def print_json(value: BaseModel) -> None:
    """One object on stdout."""
    print(value.model_dump_json(indent=1))


class Progress:
    """A bar per file with the stage it is in; only those at work when there are many."""

    def __init__(self, *, visible: bool) -> None:
        self._bars = Bars(
            TextColumn("{task.fields[state]:>9}"),
            BarColumn(bar_width=18),
            TextColumn("{task.description}"),
            TextColumn("[dim]{task.fields[stage]}"),
            console=console(stderr=True),
            disable=not visible,
        )
        self._tasks: dict[UUID, TaskID] = {}
        self._ended: set[UUID] = set()

    @property
    def open_runs(self) -> int:
        """How many were added and not yet shown as ended."""
        return len(self._tasks) - len(self._ended)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def add(self, run_id: UUID, name: str) -> None:
        self._tasks[run_id] = self._bars.add_task(
            printable(name).replace("[", "\\["),
            total=_STAGES,
            state="queued",
            stage="",
            visible=len(self._tasks) < _BARS_AT_ONCE,
        )

    def show(self, state: RunProgress) -> None:
        if ended := state.status.final:
            self._ended.add(state.run_id)
        crowded = len(self._tasks) > _BARS_AT_ONCE
        self._bars.update(
            self._tasks[state.run_id],
            completed=_STAGES if ended else state.finished,
            state=state.status,
            stage=state.code or "" if ended else ", ".join(state.current),
            visible=not crowded or state.status is RunStatus.RUNNING,
        )


def print_runs(runs: Sequence[RunView], *, skipped: Sequence[str], reveal: bool) -> None:
    """One line a run, then the sentences of those that failed; names are masked for `reveal` off."""
    table = _table("file", "state", "name", "headline", "skills", "ms", "code")
    for run in runs:
        profile = run.profile
        name = profile.name if profile else None
        skills = list(profile.skills) if profile else []
        more = f" +{len(skills) - _SKILLS_SHOWN}" if len(skills) > _SKILLS_SHOWN else ""
        table.add_row(
            plain((run.file or "").rsplit("/", 1)[-1]),
            Text(run.status, style=_COLORS.get(run.status, "")),
            plain(name if reveal else mask_name(name)),
            plain(profile.headline if profile else None),
            plain(", ".join(skills[:_SKILLS_SHOWN]) + more),
            "" if run.ms is None else f"{run.ms:,}",
            plain(run.code),
        )
    out = console()
    out.print(table)
    for run in runs:
        if run.message:
            out.print(plain(f"{(run.file or str(run.id)).rsplit('/', 1)[-1]}: {run.message}"))
    if skipped:
        out.print(plain(f"Skipped, no documents: {', '.join(skipped)}"))


def print_run_list(runs: Sequence[RunView]) -> None:
    """One line a run, with the id that `./run runs ID` takes."""
    table = _table("id", "file", "state", "attempt", "started", "ms", "code")
    for run in runs:
        table.add_row(
            str(run.id),
            plain((run.file or f"({run.flow})").rsplit("/", 1)[-1]),
            Text(run.status, style=_COLORS.get(run.status, "")),
            str(run.attempt),
            f"{run.created_at:%Y-%m-%d %H:%M:%S}",
            "" if run.ms is None else f"{run.ms:,}",
            plain(run.code),
        )
    print_table(console(), table)


def print_waterfall(
    run: RunView, attempts: Sequence[AttemptRow], stages: Sequence[StageRow]
) -> None:
    """Queue waits and stages of every attempt on one time axis."""
    out = console()
    out.print(
        f"run {run.id}  {run.status}  {run.code or ''}  "
        f"attempts {run.attempt}  {'' if run.ms is None else f'{run.ms:,} ms'}",
        markup=False,
    )
    if run.message:
        out.print(run.message, markup=False)
    _print_spend(out, run)
    ends = [row.ended_at or row.started_at for row in (*attempts, *stages)]
    if not attempts:
        if not run.status.final:
            out.print("It waits in the queue; no worker has begun it.", markup=False)
        return
    axis = _Axis(min(row.due_at for row in attempts), max(ends))
    table = _table("attempt", "what", "status", "tries", "ms", "", "code")
    for attempt in attempts:
        number = str(attempt.attempt)
        table.add_row(
            number,
            "queue wait",
            "",
            "",
            axis.ms(attempt.due_at, attempt.started_at),
            axis.bar(attempt.due_at, attempt.started_at, "░"),
            "",
        )
        for row in stages:
            if row.attempt == attempt.attempt:
                ended_at = row.ended_at or axis.end
                table.add_row(
                    number,
                    row.name,
                    row.status,
                    str(row.tries),
                    axis.ms(row.started_at, ended_at),
                    axis.bar(row.started_at, ended_at, "█"),
                    plain(row.code),
                )
        outcome = attempt.outcome or "under way"
        table.add_row(number, "", outcome, "", "", "", plain(attempt.code), end_section=True)
    out.print(table)


def _print_spend(out: Console, run: RunView) -> None:
    """What models cost, and why one was not asked any more."""
    for bill in run.spend.models if run.spend else ():
        out.print(
            f"{bill.model}: {bill.calls} calls, {bill.input_tokens:,} tokens in, "
            f"{bill.output_tokens:,} out, cost {units(bill.cost_micros)}",
            markup=False,
        )
    for stage in run.stages:
        if stage.status is StageStatus.FALLBACK_SUCCESS and stage.message:
            out.print(f"{stage.name} fell back: {stage.message}", markup=False)


class _Axis:
    def __init__(self, start: datetime, end: datetime) -> None:
        self._start = start
        self.end = end
        self._seconds = max((end - start).total_seconds(), 0.001)

    def ms(self, start: datetime, end: datetime) -> str:
        return f"{(end - start).total_seconds() * 1000:,.0f}"

    def bar(self, start: datetime, end: datetime, char: str) -> str:
        left = self._column(start)
        return " " * left + char * max(1, self._column(end) - left)

    def _column(self, at: datetime) -> int:
        share = (at - self._start).total_seconds() / self._seconds
        return round(min(max(share, 0), 1) * (_WATERFALL_CHARS - 1))


def print_candidates(candidates: Sequence[CandidateView]) -> None:
    table = _table("id", "name", "headline", "skills", "years", "language", "analyst")
    for view in candidates:
        table.add_row(*_candidate_cells(view))
    print_table(console(), table)


def print_candidate(view: CandidateView, *, sources: bool = False) -> None:
    """Every field on its own line; `sources`: and where in the document each value stands."""
    table = Table(show_header=False, box=None, pad_edge=False)
    fields: dict[str, Any] = view.model_dump(mode="json", exclude={"profile", "notes"})
    for name, value in fields.items():
        for line in _lines(value):
            table.add_row(plain(name), plain(line))
    out = console()
    out.print(table)
    if view.profile:
        out.print()
        print_profile(out, view.profile, sources=sources)
    print_notes(out, view.notes)


def print_hits(query: str, hits: Sequence["HitView"]) -> None:
    out = console()
    if not hits:
        out.print(f"Nobody found for: {query}", markup=False)
        return
    table = _table("score", "words", "meaning", "candidate", "name", "headline", "found", "where")
    for hit in hits:
        table.add_row(
            f"{hit.score:.2f}",
            f"{hit.keyword:.2f}",
            f"{hit.meaning:.2f}",
            str(hit.candidate.id),
            plain(hit.candidate.name),
            plain(hit.candidate.headline),
            plain(", ".join(dict.fromkeys((*hit.words, *hit.skills)))),
            plain(hit.snippet),
        )
    print_table(out, table)


def print_settings(settings: Settings, *, as_json: bool) -> None:
    """Name in the environment, value, and whether it is the default; secrets are masked."""
    # Of Settings as a whole: a group may stand there with other defaults than its class has.
    rows = list(_flatten(settings, Settings.model_construct(), ()))
    if as_json:
        print(json.dumps({name: value for name, value, _ in rows}, ensure_ascii=False, indent=1))
        return
    table = _table("setting", "value", "")
    for name, value, is_default in rows:
        table.add_row(name, plain(value), "" if is_default else "set")
    console().print(table)


def _flatten(
    group: BaseModel, default: BaseModel, path: tuple[str, ...]
) -> list[tuple[str, Any, bool]]:
    rows: list[tuple[str, Any, bool]] = []
    for name in type(group).model_fields:
        value, standard = getattr(group, name), getattr(default, name)
        if isinstance(value, BaseModel):
            rows += _flatten(value, standard, (*path, name))
            continue
        rows.append(("__".join((*path, name)).upper(), _shown(value), value == standard))
    return rows


def _shown(value: object) -> object:
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, tuple):
        return [_shown(item) for item in cast("tuple[object, ...]", value)]
    return value if isinstance(value, int | float | bool | None) else hide_users(str(value))


def _candidate_cells(view: CandidateView) -> tuple[Text | str, ...]:
    return (
        str(view.id),
        plain(view.name),
        plain(view.headline),
        plain(", ".join(view.skills[:_SKILLS_SHOWN])),
        f"{view.years:g}",
        view.language,
        view.analyst,
    )


def _lines(value: object) -> list[str]:
    if value is None or value in ([], {}):
        return []
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return [_line(item) for item in items]


def _line(item: object) -> str:
    if isinstance(item, dict):
        parts = cast("dict[str, object]", item).values()
        return "  ".join(str(part) for part in parts if part is not None)
    return str(item)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        folded = "fold" if name in _FOLDED else "ellipsis"
        table.add_column(name, overflow=folded, no_wrap=name in IDS)
    return table


_FOLDED = ("setting", "value", "headline", "skills", "found", "where", "code")
