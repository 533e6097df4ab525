"""Ruled lines and the cells that they make of a page, wherever the lines were found."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.documents.blocks import Box
from app.documents.pieces import Items, Piece, TableRow, around

_SLACK_PT = 2.5
_TORN_LINES = 8


@dataclass(frozen=True, slots=True)
class Rules:
    """Heights with their extent from left to right, and sides with theirs downwards; in points."""

    flat: list[tuple[float, float, float]]
    upright: list[tuple[float, float, float]]


def with_table_rows(pieces: Sequence[Piece], rules: Rules) -> Items:
    """Pieces in ruled cells that stand side by side become rows, where their first piece stood."""
    rows: list[list[tuple[Box, Piece]]] = []
    row_of: dict[int, int] = {}
    for index, piece in enumerate(pieces):
        cell = _cell_around(piece.box, rules)
        if cell is None:
            continue
        found = next((n for n, row in enumerate(rows) if _belongs(row, cell)), None)
        if found is None:
            found = len(rows)
            rows.append([])
        rows[found].append((cell, piece))
        row_of[index] = found
    items: list[Piece | TableRow] = []
    done: set[int] = set()
    for index, piece in enumerate(pieces):
        number = row_of.get(index)
        row = _table_row(rows[number]) if number is not None and number not in done else None
        if number is None or (row is None and number not in done):
            items.append(piece)
        elif row is not None:
            items.append(row)
            done.add(number)
    return items


def _cell_around(box: Box, rules: Rules) -> Box | None:
    """The ruled cell around a piece: the nearest line on each side, if they meet in its corners."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    heights = [at for at, start, end in rules.flat if start - 1 <= x <= end + 1]
    sides = [at for at, start, end in rules.upright if start - 1 <= y <= end + 1]
    top = max((at for at in heights if at <= y), default=None)
    bottom = min((at for at in heights if at > y), default=None)
    left = max((at for at in sides if at <= x), default=None)
    right = min((at for at in sides if at > x), default=None)
    if top is None or bottom is None or left is None or right is None:
        return None
    across = (left + _SLACK_PT, right - _SLACK_PT)
    down = (top + _SLACK_PT, bottom - _SLACK_PT)
    meets = all(_passes(rules.flat, at, x) for at in (top, bottom) for x in across) and all(
        _passes(rules.upright, at, y) for at in (left, right) for y in down
    )
    return Box(left=left, top=top, right=right, bottom=bottom) if meets else None


def _passes(lines: Sequence[tuple[float, float, float]], at: float, along: float) -> bool:
    return any(
        abs(line - at) <= _SLACK_PT and start - 1 <= along <= end + 1 for line, start, end in lines
    )


def _belongs(row: Sequence[tuple[Box, Piece]], cell: Box) -> bool:
    """Cells of a row begin at one height and touch, so two tables side by side stay two."""
    return any(
        abs(other.top - cell.top) <= _SLACK_PT
        and cell.left <= other.right + _SLACK_PT
        and other.left <= cell.right + _SLACK_PT
        for other, _ in row
    )


def _table_row(found: Sequence[tuple[Box, Piece]]) -> TableRow | None:
    """None where all stands in one cell, a frame around text, or lines between columns make cells."""
    cells: dict[int, list[Piece]] = {}
    for cell, piece in sorted(found, key=lambda pair: pair[0].left):
        cells.setdefault(round(cell.left), []).append(piece)
    if len(cells) == 1 or any(map(_is_torn, cells.values())):
        return None
    return TableRow(
        cells=tuple(tuple(pieces) for pieces in cells.values()),
        box=around([piece.box for _, piece in found]),
    )


def _is_torn(cell: Sequence[Piece]) -> bool:
    """Whether text is as far apart as headings beside a line that joins the years of a career."""
    boxes = sorted((piece.box for piece in cell), key=lambda box: box.top)
    return any(
        lower.top - upper.bottom > _TORN_LINES * (upper.bottom - upper.top)
        for upper, lower in pairwise(boxes)
    )
