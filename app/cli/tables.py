"""Tables of what others have written."""

from datetime import datetime

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from app.messages import printable

_ANY_WIDTH = 10_000

IDS = frozenset({"id", "run", "candidate", "webhook"})
"""Columns of what other commands take: they are there to be copied, so never broken."""


def table(*columns: str) -> Table:
    """A table without lines; long cells are folded, not cut, and ids neither."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name, overflow="fold", no_wrap=name in IDS)
    return made


def print_table(out: Console, rows: Table) -> None:
    """Print it wider than the terminal where an id would be broken otherwise."""
    least = Measurement.get(out, out.options.update_width(_ANY_WIDTH), rows).minimum
    out.print(rows, width=max(out.width, least), crop=False)


def plain(value: object) -> Text:
    """Anything as text; neither markup nor control characters reach the terminal."""
    shown = "" if value is None else str(value)
    return Text(printable(shown))


def moment(at: datetime | None) -> str:
    """To the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
