"""Tables without ruled lines: rows of at least three cells that begin at the same places."""

from collections.abc import Iterator

from app.documents.blocks import Box
from app.documents.margins import is_date
from app.documents.pieces import Item, Items, Piece, TableRow, around

_MIN_CELLS, _MAX_CELLS = 3, 12
_SLACK_PT, _LEVEL_PT = 3.0, 1.5
_MAX_PITCH = 3.5
"""Rows of one table follow each other within so many heights of their text."""


def with_grid_rows(items: Items) -> Items:
    """Neighbouring rows that share their columns become table rows; all else stays as it is.

    Only rows that are drawn cell by cell count, so two columns of text never become a table.
    """
    rows = list(_rows(_with_dated_rows(items)))
    tables = [False] * len(rows)
    for at in range(len(rows) - 1):
        if _continues(rows[at], rows[at + 1]):
            tables[at] = tables[at + 1] = True
    result: list[Item] = []
    for row, table in zip(rows, tables, strict=True):
        if table:
            cells = tuple((piece,) for piece in row if isinstance(piece, Piece))
            result.append(TableRow(cells=cells, box=around([piece.box for piece in row])))
        else:
            result += row
    return result


def _with_dated_rows(items: Items) -> Items:
    """Rows whose first cell is a date over a remark (2020.03 ~ 현재 over 재직중), drawn cell by cell.

    The cell may stand beside the row, or in the middle of it and of what is told below the row.
    """
    result: list[Item] = []
    at = 0
    while at < len(items):
        row = _dated_row(items, at)
        result += (
            [TableRow(cells=row, box=around([p.box for cell in row for p in cell]))]
            if row
            else [items[at]]
        )
        at += sum(map(len, row)) or 1
    return result


def _dated_row(items: Items, at: int) -> tuple[tuple[Piece, ...], ...]:
    """The cells of a row that begins here; none where none does."""
    first = items[at]
    if not isinstance(first, Piece) or not is_date(first):
        return ()
    cell, row = [first], list[Piece]()
    for item in items[at + 1 : at + 1 + _MAX_CELLS]:
        if not isinstance(item, Piece):
            break
        if not row and _is_below(item.box, cell[-1].box):
            cell.append(item)
        elif item.box.left >= max(piece.box.right for piece in (row[-1:] or cell)) and (
            not row or _on_one_height(row[-1].box, item.box)
        ):
            row.append(item)
        else:
            break
    reach = _MAX_PITCH * (first.box.bottom - first.box.top)
    apart = len(cell) > 1 or (row and not _on_one_height(first.box, row[0].box))
    if len(row) < _MIN_CELLS or not apart or abs(row[0].box.top - first.box.top) > reach:
        return ()
    return (tuple(cell), *((piece,) for piece in row))


def _is_below(box: Box, above: Box) -> bool:
    beside = box.left >= above.right or box.right <= above.left
    height = above.bottom - above.top
    return not beside and 0 < box.top - above.top <= 2 * height


def _rows(items: Items) -> Iterator[list[Item]]:
    """Runs of content order that go from left to right on one height."""
    row: list[Item] = []
    for item in items:
        if row and not (
            isinstance(item, Piece)
            and isinstance(row[-1], Piece)
            and _on_one_height(row[-1].box, item.box)
            and item.box.left >= row[-1].box.right
        ):
            yield row
            row = []
        row.append(item)
    if row:
        yield row


def _on_one_height(one: Box, two: Box) -> bool:
    """Cells of a row stand level; lines of neighbouring columns mostly do not."""
    return abs(one.top + one.bottom - two.top - two.bottom) / 2 <= _LEVEL_PT


def _continues(upper: list[Item], lower: list[Item]) -> bool:
    """Whether two rows have the same columns; a column may be set left, centred or right."""
    if len(upper) < _MIN_CELLS or len(upper) != len(lower):
        return False
    height = upper[0].box.bottom - upper[0].box.top
    if not 0 < lower[0].box.top - upper[0].box.top <= _MAX_PITCH * max(height, 1.0):
        return False
    return all(map(_in_one_column, upper, lower))


def _in_one_column(one: Item, two: Item) -> bool:
    left = abs(one.box.left - two.box.left)
    right = abs(one.box.right - two.box.right)
    middle = abs(one.box.left + one.box.right - two.box.left - two.box.right) / 2
    return min(left, right, middle) <= _SLACK_PT
