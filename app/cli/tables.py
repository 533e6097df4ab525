"""Tables of what others have written."""

from datetime import datetime

from rich.table import Table
from rich.text import Text

from app.messages import printable


def table(*columns: str) -> Table:
    """A table without lines; long cells are folded, not cut."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def plain(value: object) -> Text:
    """Anything as text; neither markup nor control characters reach the terminal."""
    shown = "" if value is None else str(value)
    return Text(printable(shown))


def moment(at: datetime | None) -> str:
    """To the second."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
