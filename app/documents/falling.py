"""From top to bottom, where content order is not.

Browsers draw what floats before the text around it, and what has a place of its own after it.
"""

from itertools import accumulate

from app.documents.blocks import Box
from app.documents.margins import EDGE_PT
from app.documents.pieces import Item, Items, same_row

_LATE = 4
"""So many pairs out of order are a matter of how the file draws; fewer are one piece beside another."""

_SAME_COLUMN = 0.5
PAGE_ITEMS = 500
"""An honest page has fewer pieces; of a hostile one, each is not held against all others."""


def as_it_falls(column: Items) -> Items:
    """One column from top to bottom, if parts of it were drawn after what stands below them.

    Where a single piece is out of order, it alone is moved: what stands side by side stays as drawn.
    """
    if len(column) > PAGE_ITEMS:
        return column
    deepest = accumulate((item.box.top for item in column), max)
    pairs = [
        (early, late)
        for late, (item, top) in enumerate(zip(column, deepest, strict=True))
        if top >= item.box.bottom - EDGE_PT  # hardly ever: then none is compared with all before it
        for early in range(late)
        if _is_overtaken(item.box, column[early].box)
    ]
    if len(pairs) < _LATE:
        return column
    for misplaced in ({early for early, _ in pairs}, {late for _, late in pairs}):
        if len(misplaced) == 1:  # a signature that was drawn first, a firm that was drawn last
            return _put_right(column, column[misplaced.pop()])
    return downwards(column)


def _is_overtaken(late: Box, early: Box) -> bool:
    """Whether the one that was drawn late stands above the other, in the same column."""
    common = min(early.right, late.right) - max(early.left, late.left)
    narrower = min(early.right - early.left, late.right - late.left)
    return early.top >= late.bottom - EDGE_PT and common >= _SAME_COLUMN * narrower


def _put_right(column: Items, item: Item) -> list[Item]:
    rest = [one for one in column if one is not item]
    below = (at for at, one in enumerate(rest) if one.box.top >= item.box.bottom - EDGE_PT)
    at = next(below, len(rest))
    return [*rest[:at], item, *rest[at:]]


def downwards(items: Items) -> list[Item]:
    """From top to bottom; within one row from left to right."""
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda item: item.box.top + item.box.bottom):
        if rows and same_row(rows[-1][0].box, item.box):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [item for row in rows for item in sorted(row, key=lambda item: item.box.left)]
