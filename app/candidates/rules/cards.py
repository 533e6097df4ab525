"""Entries that stand beside each other: firm beside firm, job beside job, dates beside dates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.candidates.rules.dates import periods, without_periods
from app.candidates.rules.lines import Line

_OVER_MAX = 3


def unfolded(lines: Sequence[Line]) -> list[Line]:
    """The lines with rows of such cards read card by card."""
    dated = [at for at, line in enumerate(lines) if _is_row_of_spans(line)]
    if not dated:
        return list(lines)
    begins = [_first_row(lines, at, floor) for at, floor in zip(dated, (0, *dated), strict=False)]
    result = list(lines[: begins[0]])
    for begin, end in zip(begins, (*begins[1:], len(lines)), strict=True):
        result += _cards(lines[begin:end])
    return result


def _is_row_of_spans(line: Line) -> bool:
    """`2022/04 ~ now | 2017/10 ~ 2021/12`: the dates of two entries, and nothing else."""
    if (
        len(line.cells) == 1
        or not line.cells
        or not all(cell[-1:].isdigit() or cell[:1].isdigit() for cell in line.cells)
    ):
        return False
    return all(
        len(found := periods(cell)) == 1 and not found[0].single and not without_periods(cell)
        for cell in line.cells
    )


def _first_row(lines: Sequence[Line], at: int, floor: int) -> int:
    begin = at
    while begin > floor and at - begin < _OVER_MAX:
        row = lines[begin - 1]
        if len(row.cells) != len(lines[at].cells) or row.bullet or _is_row_of_spans(row):
            break
        begin -= 1
    return begin


def _cards(rows: Sequence[Line]) -> Iterator[Line]:
    width = len(rows[0].cells)
    grid = [row for row in rows if len(row.cells) == width]
    for column in range(width):
        for row in grid:
            if row.cells[column]:
                yield replace(row, text=row.cells[column], cells=(), box=None)
    # What has one cell goes on in one of the cards; nothing says in which.
    yield from (replace(row, bullet=True) for row in rows if len(row.cells) != width)
