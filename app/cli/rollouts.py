"""Look at rollouts and switch them."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import typer
from rich.table import Table
from rich.text import Text

from app.api.rollouts import RolloutList, RolloutView, view_rollout
from app.cli.render import console, print_json
from app.cli.serving import connected
from app.cli.who import operator
from app.coordination.rollouts import Rollouts
from app.errors import PermanentError
from app.resilience.rollout_config import Extent
from app.settings import Settings


async def show_rollouts(settings: Settings, *, as_json: bool) -> None:
    """The `rollout` command."""
    async with _connected(settings) as rollouts:
        print_rollouts(rollouts, as_json=as_json)


async def show_rollout(settings: Settings, name: str, *, as_json: bool) -> None:
    """The `rollout show` command."""
    async with _connected(settings) as rollouts:
        print_rollout(rollouts, name, as_json=as_json)


async def set_rollout(
    settings: Settings, name: str, stage: str, *, reason: str, as_json: bool
) -> None:
    """The `rollout set` command. A wrong stage is wrong usage; no server is asked then."""
    try:
        extent = Extent.parse(stage)
    except PermanentError as error:
        raise typer.BadParameter(error.text(settings.ui.language)) from None
    async with _connected(settings) as rollouts:
        await switch_rollout(rollouts, name, extent, reason=reason, as_json=as_json)


def print_rollouts(rollouts: Rollouts, *, as_json: bool) -> None:
    """One line a rollout."""
    views = [view_rollout(status) for status in rollouts.statuses()]
    if as_json:
        print_json(RolloutList(rollouts=views))
    elif not views:
        console().print("No rollout is declared.")
    else:
        console().print(_table(views))


def print_rollout(rollouts: Rollouts, name: str, *, as_json: bool) -> None:
    """All that is known of one, each field on its own line."""
    view = view_rollout(rollouts.status(name))
    if as_json:
        print_json(view)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for field, value in _lines(view):
        table.add_row(field, Text(value))
    console().print(table)


async def switch_rollout(
    rollouts: Rollouts, name: str, extent: Extent, *, reason: str, as_json: bool
) -> None:
    """Switch, and say from what to what."""
    before = rollouts.status(name).extent
    status = await rollouts.switch(name, extent, reason=reason, changed_by=operator())
    if as_json:
        print_json(view_rollout(status))
    else:
        console().print(f"{name}: {before} → {status.extent}", markup=False)


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncGenerator[Rollouts]:
    async with connected(settings) as runtime:
        yield runtime.rollouts


def _table(views: Sequence[RolloutView]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("rollout", "stage", "since", "by", "reason", "seen here"):
        table.add_column(column, overflow="fold")
    for view in views:
        table.add_row(
            view.name,
            Text(view.stage, style="" if view.stage == "off" else "yellow"),
            _since(view),
            Text(view.changed_by or "default"),
            Text(view.reason or ""),
            _seen(view),
        )
    return table


def _lines(view: RolloutView) -> list[tuple[str, str]]:
    lines = [
        ("rollout", view.name),
        ("what", view.description),
        ("stage", view.stage),
        ("default", view.default_stage),
        ("since", _since(view)),
        ("by", view.changed_by or "default"),
        ("reason", view.reason or ""),
        ("seen here", _seen(view)),
    ]
    return [(name, value) for name, value in lines if value]


def _since(view: RolloutView) -> str:
    return f"{view.changed_at:%Y-%m-%d %H:%M:%S}" if view.changed_at else ""


def _seen(view: RolloutView) -> str:
    """What this process saw itself: nothing, unless it also works."""
    return ", ".join(f"{result} {count}" for result, count in view.counts.items())
