"""Look at circuit breakers, and overrule them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

import typer
from rich.table import Table
from rich.text import Text

from app.cli.render import console, print_json
from app.cli.serving import connected
from app.cli.who import operator
from app.coordination.breaker_reports import BreakerInProcess, BreakerView, ChangeReport
from app.coordination.breakers import LOOK_EVERY_S, BreakerControl
from app.messages import printable
from app.resilience.breaker_states import Mode, State
from app.settings import Settings

_VERBS: Mapping[str, Mode | Literal["reset"]] = {
    "open": Mode.FORCED_OPEN,
    "disable": Mode.DISABLED,
    "metrics-only": Mode.METRICS_ONLY,
    "auto": Mode.AUTOMATIC,
    "reset": "reset",
}
_COLORS = {
    State.CLOSED: "green",
    State.HALF_OPEN: "yellow",
    State.OPEN: "red",
    State.FORCED_OPEN: "red",
    State.DISABLED: "magenta",
    State.METRICS_ONLY: "magenta",
}
_MAX_WORDS = 2
_FOLLOWED_WITHIN_S = 2.0
_LOOK_AGAIN_S = 0.05


async def run_breakers(
    settings: Settings, words: Sequence[str], *, reason: str, as_json: bool
) -> None:
    """The `breakers` command. `words`: nothing, a name, or a verb and a name."""
    name, order = parse(words, reason=reason)
    async with connected(settings) as runtime:
        control = runtime.breakers
        if name is None:
            await show_all(control, as_json=as_json)
        elif order is None:
            await show_one(control, name, as_json=as_json)
        else:
            await give(control, name, order, reason=reason.strip(), as_json=as_json)


def parse(
    words: Sequence[str], *, reason: str
) -> tuple[str | None, Mode | Literal["reset"] | None]:
    """The name and what is ordered of it. Raises BadParameter for what makes no sense."""
    verbs = ", ".join(_VERBS)
    if len(words) > _MAX_WORDS:
        raise typer.BadParameter("give one name, or a verb and one name")
    if len(words) == _MAX_WORDS:
        verb, name = words
        if verb not in _VERBS:
            raise typer.BadParameter(f"{verb} is none of: {verbs}")
        if not reason.strip():
            raise typer.BadParameter("--reason is needed: others will ask why")
        return name, _VERBS[verb]
    if reason:
        raise typer.BadParameter(f"--reason goes with one of: {verbs}")
    if words and words[0] in _VERBS:
        raise typer.BadParameter(f"{words[0]} needs the name of a breaker")
    return (words[0] if words else None), None


async def show_all(control: BreakerControl, *, as_json: bool) -> None:
    """Every breaker in every process."""
    listed = await control.views()
    if as_json:
        print_json(listed)
        return
    table = _table(
        *("name", "state", "instance", "calls", "failed %", "slow %", "open for", "rejected"),
        "last change",
    )
    for view in listed.breakers:
        for process in view.processes:
            table.add_row(*_cells(view, process))
        if not view.processes:
            table.add_row(view.name, _ordered(view) or "not used yet", *[""] * 7)
    console().print(table)
    _print_orders(listed.breakers)
    if not listed.complete:
        console(stderr=True).print("Redis cannot be read: other processes are not shown.")


async def show_one(control: BreakerControl, name: str, *, as_json: bool) -> None:
    """One breaker with its history, newest last."""
    view = await control.view(name)
    if as_json:
        print_json(view)
        return
    table = _table(
        *("at", "instance", "from", "to", "cause", "calls", "failures", "slow", "open for")
    )
    changes = [
        (change, process.instance) for process in view.processes for change in process.history
    ]
    for change, instance in sorted(changes, key=lambda entry: entry[0].at):
        table.add_row(*_change_cells(change, instance))
    out = console()
    for process in view.processes:
        out.print(f"{view.name}  {process.instance}  {_state_line(process)}", markup=False)
    if not view.processes:
        out.print(f"{view.name}  {_ordered(view) or 'not used yet'}", markup=False)
    _print_orders([view])
    if changes:
        out.print(table)


async def give(
    control: BreakerControl,
    name: str,
    order: Mode | Literal["reset"],
    *,
    reason: str,
    as_json: bool,
) -> None:
    """Give an order and tell which processes follow; waits for them for 2 s."""
    by = operator()
    if order == "reset":
        view = await control.reset(name, reason=reason, by=by)
    else:
        view = await control.set_mode(name, order, reason=reason, by=by)
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _FOLLOWED_WITHIN_S
    while view.behind and loop.time() < until_s:
        await asyncio.sleep(_LOOK_AGAIN_S)
        view = await control.view(name)
    if as_json:
        print_json(view)
        return
    done = "was reset" if order == "reset" else f"is {view.mode}"
    total, behind = len(view.processes), len(view.behind)
    console().print(
        f"{name} {done}. {total - behind} of {total} processes with this breaker follow"
        + (f"; the others do within {LOOK_EVERY_S:g} s." if behind else "."),
        markup=False,
    )


def _cells(view: BreakerView, process: BreakerInProcess) -> tuple[Text | str, ...]:
    last = process.history[-1] if process.history else None
    return (
        view.name,
        _state(process.state),
        process.instance,
        f"{process.calls:,}",
        _percent(process.failure_percent),
        _percent(process.slow_percent),
        _seconds(process.open_for_s),
        f"{process.rejected:,}",
        f"{last.at:%Y-%m-%d %H:%M:%S} {last.cause}" if last else "",
    )


def _change_cells(change: ChangeReport, instance: str) -> tuple[Text | str, ...]:
    return (
        f"{change.at:%Y-%m-%d %H:%M:%S}",
        instance,
        _state(change.from_state),
        _state(change.to_state),
        change.cause,
        f"{change.calls:,}",
        f"{change.failures:,}",
        f"{change.slow:,}",
        _seconds(change.open_s),
    )


def _state_line(process: BreakerInProcess) -> str:
    told = [process.state, f"{process.calls:,} calls", f"{process.rejected:,} rejected"]
    if process.failure_percent is not None:
        told.append(f"{process.failure_percent:.0f} % failed")
    if process.open_for_s is not None:
        told.append(f"open for {_seconds(process.open_for_s)}")
    return ", ".join(told)


def _print_orders(views: Sequence[BreakerView]) -> None:
    for view in views:
        if ordered := _ordered(view):
            console().print(f"{view.name}: {ordered}", markup=False)


def _ordered(view: BreakerView) -> str:
    if view.mode == Mode.AUTOMATIC.value or view.changed_at is None:
        return ""
    reason = printable(view.reason or "")  # written by anyone with a key
    return f"{view.mode} by {view.changed_by} at {view.changed_at:%Y-%m-%d %H:%M:%S}: {reason}"


def _state(state: str) -> Text:
    return Text(state, style=next((_COLORS[known] for known in State if known == state), ""))


def _percent(percent: float | None) -> str:
    return "" if percent is None else f"{percent:.0f}"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
