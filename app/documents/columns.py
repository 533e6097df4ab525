"""Reading order: which items belong to one column, and which column comes first.

The order in which a file draws its text is mostly the reading order, and sorting by height alone
mixes columns. So content order is kept, unless it jumps between the two sides of a gutter: then
the file was drawn row by row, and each column is read on its own. Rows of forms and dates set to
the right jump as well; they are told from columns by how the sides stand to each other.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import median

from app.documents.blocks import Box
from app.documents.falling import PAGE_ITEMS, as_it_falls, downwards
from app.documents.layers import merged_layers
from app.documents.margins import (
    EDGE_PT,
    are_cards,
    are_dates_drawn_first,
    are_mostly_dates,
    beside_share,
    bind_dates,
    date_share,
    has_dates_beside,
    is_date,
    same_height,
    with_whole_dates,
)
from app.documents.pieces import Item, Items, Piece, around

_GUTTER_FROM, _GUTTER_TO, _GUTTER_STEP = 0.18, 0.82, 0.004
"""Where a gutter is looked for, in shares of the text's width: sidebars are seldom narrower."""

_MIN_SIDE_ITEMS = 4
_RAGGED = 0.9
_MAX_CROSSING_SHARE = 0.12
_MAX_ACROSS_SHARE = 0.6
"""Where more than this crosses x, the page has no columns worth a closer look."""

_MIN_BESIDE_SHARE = 1 / 2
"""A gutter of half the page comes first, not one of four labels and their values."""

_MIN_REACH_SHARE = 0.2
_MAX_JUMP_SHARE = 0.2
"""Columns drawn one after the other jump a few times a page; row by row, at every second line."""

_ATTACHED_SHARE = 0.85
"""Independent columns share a baseline with about half of each other's lines, by chance."""

_CONTIGUOUS = 0.7
_DATED, _EDGED = 1 / 3, 1 / 2
"""Dates and towns in turn, each set to the right, begin anywhere."""

_HEADING_SIZE = 1.15
_LEAST_ASIDES, _ASIDES_SHARE = 3, 0.8
_LABEL_LINES = 2
_PROSE_FILL = 0.7
_LINE_PITCH = 1.6
_SET_RIGHT = 0.85
_TITLE_ABOVE_SHARE = 0.9


def title_first(items: Items) -> Items:
    """The largest text, when it heads the page but is drawn late: a name on a coloured ground."""
    sizes = [item.size_pt or 0.0 for item in items if isinstance(item, Piece)]
    if not sizes or sizes.count(max(sizes)) > 1:
        return items
    title = next(i for i in items if isinstance(i, Piece) and i.size_pt == max(sizes))
    below = sum(1 for item in items if item.box.top >= title.box.bottom - 1)
    if below < _TITLE_ABOVE_SHARE * (len(items) - 1):
        return items
    return [title, *(item for item in items if item is not title)]


def in_reading_order(items: Items) -> list[Items]:
    """Columns and bands, each read from top to bottom. `items` come in content order."""
    bound, dates = bind_dates(merged_layers(with_whole_dates(items)))
    return [
        [one for item in as_it_falls(frame) for one in dates.get(id(item), (item,))]
        for frame in _frames(bound)
    ]


def _frames(items: Items) -> list[Items]:
    gutter = find_gutter(items)
    if gutter is None:
        return [_with_late_ends(items)] if items else []
    left, right = _sides(items, gutter)
    if are_dates_drawn_first(items, left, right) or are_cards(items, left, right):
        return [items]
    jumps = jump_share(items, gutter) > _MAX_JUMP_SHARE
    if _is_rows(left, right, gutter):
        apart = jumps or has_dates_beside(left, right) or _is_set_right(left)
        return [_attached(items, left, right) if apart else items]
    if jumps and (_are_told_beside(items, gutter) or _are_labels(items, gutter)):
        return [items]
    if jumps or _is_laid_out_in_rows(items, gutter):
        return [frame for column in _columns(items, gutter) for frame in _frames(column)]
    runs: list[Items] = [as_it_falls(run) for run in _runs(items, gutter)]
    if _are_drawn_by_turns(runs, gutter):
        return [frame for column in _columns(items, gutter) for frame in _frames(column)]
    return runs


def _are_drawn_by_turns(runs: Sequence[Items], gutter: float) -> bool:
    """Whether a column was drawn in several runs, one of them above what came before it."""
    sides = [
        [item for run in runs for item in run if _side(item, gutter) == side] for side in (-1, 1)
    ]
    return any(as_it_falls(side) is not side for side in sides)


def _are_told_beside(items: Items, gutter: float) -> bool:
    """Whether firm and dates on the left are followed, each time, by what was done there on the right.

    A right side with headings of its own is a column.
    """
    right = [one for one in _sides(items, gutter)[1] if isinstance(one, Piece)]
    sizes = [one.size_pt or 0.0 for one in right]
    least = _HEADING_SIZE * median(sizes) if sizes else 0.0
    runs = [[*run] for _, run in groupby(items, key=lambda item: _side(item, gutter))]
    # A job in large letters beside its firm and dates is no heading of a column.
    level = {
        id(two[0])
        for one, two in pairwise(runs)
        if same_height(one[0].box, two[0].box)
        and any(isinstance(item, Piece) and is_date(item) for item in one)
    }
    large = [one for one in right if (one.size_pt or 0.0) > least and id(one) not in level]
    if not sizes or len(large) > 1:
        return False
    pairs = [
        (len(run) > 1 or len(beside) > 1)  # line by line is how columns are drawn by turns
        and any(same_height(item.box, beside[0].box) for item in run)
        for run, beside in pairwise(runs)
        if _side(run[0], gutter) < 0 < _side(beside[0], gutter)
    ]
    return len(pairs) >= _LEAST_ASIDES and sum(pairs) >= _ASIDES_SHARE * len(pairs)


def _are_labels(items: Items, gutter: float) -> bool:
    """Whether each part on the right has its heading or its time on the left, drawn right before it."""
    runs = [[*run] for side, run in groupby(items, key=lambda one: _side(one, gutter)) if side]
    pairs = [(one, two) for one, two in pairwise(runs) if _side(one[0], gutter) < 0]
    bands = [around([item.box for item in (*one, *two)]) for one, two in pairs]
    falls = all(one.bottom <= two.top + EDGE_PT for one, two in pairwise(bands))
    labels = sum(len(one) for one, _ in pairs)
    return (
        falls
        and len(pairs) > _LEAST_ASIDES
        and all(len(one) <= _LABEL_LINES for one, _ in pairs)
        and sum(len(two) for _, two in pairs) >= 2 * labels
    )


def _is_laid_out_in_rows(items: Items, gutter: float) -> bool:
    """Whether a table holds both columns, drawn row by row with some lines in each cell."""
    runs = [[*run] for side, run in groupby(items, key=lambda one: _side(one, gutter)) if side]
    falls = all(one[0].box.top <= two[0].box.top + EDGE_PT for one, two in pairwise(runs))
    return len(runs) >= 2 * _LEAST_ASIDES and falls


def find_gutter(items: Items) -> float | None:
    """The x that the fewest items cross, in the widest such strip.

    Only the heights are looked at in which both sides have text: what stands above or below them
    may be as wide as it likes.
    """
    if len(items) < 2 * _MIN_SIDE_ITEMS:
        return None
    page = around([item.box for item in items])
    width = page.right - page.left
    best: tuple[bool, float, float, float] | None = None
    strip: tuple[float, float] | None = None
    for step in range(int((_GUTTER_TO - _GUTTER_FROM) / _GUTTER_STEP) + 1):
        x = page.left + width * (_GUTTER_FROM + step * _GUTTER_STEP)
        share, beside = _crossing_share(items, x)
        if share > _MAX_CROSSING_SHARE:
            strip = None
            continue
        strip = strip if strip and strip[0] == share else (share, x)
        # Near the right column: lines are ragged on their right, so long ones reach this far.
        found = (
            beside < _MIN_BESIDE_SHARE * len(items),
            share,
            strip[1] - x,
            strip[1] + _RAGGED * (x - strip[1]),
        )
        best = min(best, found) if best else found
    return best[3] if best else None


def _crossing_share(items: Items, x: float) -> tuple[float, int]:
    """The share of items across x among those beside each other, and their number.

    The share is 1 where a side is too small.
    """
    left = [item.box for item in items if item.box.right <= x + 1]
    right = [item.box for item in items if item.box.left >= x - 1]
    across = len(items) - len(left) - len(right)
    if min(len(left), len(right)) < _MIN_SIDE_ITEMS or across > _MAX_ACROSS_SHARE * len(items):
        return 1.0, 0
    top = max(min(box.top for box in left), min(box.top for box in right))
    bottom = min(max(box.bottom for box in left), max(box.bottom for box in right))
    beside = [item.box for item in items if top <= (item.box.top + item.box.bottom) / 2 <= bottom]
    crossing = sum(1 for box in beside if box.left < x - 1 and box.right > x + 1)
    return crossing / len(beside) if len(beside) >= 2 * _MIN_SIDE_ITEMS else 1.0, len(beside)


def _sides(items: Items, gutter: float) -> tuple[list[Item], list[Item]]:
    """What stands left and right of the gutter, without what stands across."""
    sides = [_side(item, gutter) for item in items]
    left = [item for item, side in zip(items, sides, strict=True) if side < 0]
    return left, [item for item, side in zip(items, sides, strict=True) if side > 0]


def _attached(items: Items, left: Items, right: Items) -> list[Item]:
    """Rows whose parts were drawn at different times, put together: dates after all entries."""
    moved, anchors = (right, left) if len(right) < len(left) else (left, right)
    following: dict[int, list[Item]] = {}
    rest = {id(item) for item in moved}
    last: tuple[Item, Item] | None = None
    for item in moved:
        anchor = next((other for other in anchors if same_height(item.box, other.box)), None)
        if anchor is None and last and _is_next_line(last[0].box, item.box):
            anchor = last[1]  # the second line of an answer
        if anchor is not None:
            following.setdefault(id(anchor), []).append(item)
            rest.discard(id(item))
            last = item, anchor
    stays = [item for item in items if id(item) in rest or not any(item is m for m in moved)]
    return [one for item in stays for one in (item, *following.get(id(item), ()))]


def _with_late_ends(items: Items) -> list[Item]:
    """Rows whose right ends were drawn, or recognised, after lines below them: towns set to the right."""
    rights = sorted(item.box.right for item in items)[-_LEAST_ASIDES:]
    if len(rights) < _LEAST_ASIDES or rights[-1] - rights[0] > EDGE_PT:
        return [*items]
    result: list[Item] = []
    for item in items:
        at = len(result)
        set_right = rights[-1] - item.box.right <= EDGE_PT
        if set_right and result and item.box.bottom < result[-1].box.top:
            recent = range(at - 1, max(at - PAGE_ITEMS, 0) - 1, -1)
            beside = (n for n in recent if _ends_row(item, result[n]))
            at = next(beside, at - 1) + 1
        result.insert(at, item)
    return result


def _ends_row(item: Item, other: Item) -> bool:
    return other.box.right <= item.box.left and same_height(item.box, other.box)


def _is_next_line(box: Box, below: Box) -> bool:
    height = box.bottom - box.top
    return 0 < below.top - box.top <= _LINE_PITCH * height and abs(below.left - box.left) <= EDGE_PT


def _side(item: Item, gutter: float) -> int:
    """-1 left, 1 right, 0 across. A long word that only reaches into the gutter is not across."""
    box = item.box
    reach = min(gutter - box.left, box.right - gutter)
    if reach > _MIN_REACH_SHARE * (box.right - box.left):
        return 0
    return -1 if box.left + box.right < 2 * gutter else 1


def jump_share(items: Items, gutter: float) -> float:
    """How often content order changes sides, as a share of the items on the two sides."""
    sides = [side for item in items if (side := _side(item, gutter))]
    jumps = sum(1 for one, two in pairwise(sides) if one != two)
    return jumps / max(len(sides), 1)


def _is_rows(left: Items, right: Items, gutter: float) -> bool:
    """Whether what stands side by side belongs together: a form, or dates beside their entries."""
    if not left or not right:
        return True
    if has_dates_beside(left, right) or _is_set_right(left):
        return True
    beside = [beside_share(left, right), beside_share(right, left)]
    if min(beside) >= _ATTACHED_SHARE:
        return _fill(left, gutter) < _PROSE_FILL
    if max(beside) < _ATTACHED_SHARE:
        return False
    attached, others = (left, right) if beside[0] > beside[1] else (right, left)
    return (
        _coverage(attached, others) < _CONTIGUOUS
        or are_mostly_dates(attached)
        or (date_share(attached) >= _DATED and not _has_edge(attached))
    )


def _has_edge(items: Items) -> bool:
    """Whether the lines begin below each other, as those of a column do."""
    lefts = sorted(item.box.left for item in items)
    most = max(bisect_right(lefts, left + EDGE_PT) - at for at, left in enumerate(lefts))
    return most > _EDGED * len(lefts)


def _is_set_right(left: Items) -> bool:
    """Labels that end at one edge and begin anywhere belong to what stands right of them."""
    edge = median(item.box.right for item in left)
    ends = sum(1 for item in left if abs(item.box.right - edge) <= EDGE_PT)
    begin = median(item.box.left for item in left)
    begins = sum(1 for item in left if abs(item.box.left - begin) <= EDGE_PT)
    return ends >= _SET_RIGHT * len(left) and begins < len(left) / 2


def _fill(left: Items, gutter: float) -> float:
    """How far lines of the left side run towards the gutter: prose does, cells of a form do not."""
    edge = min(item.box.left for item in left)
    return median((item.box.right - edge) / max(gutter - edge, 1.0) for item in left)


def _coverage(items: Items, others: Items) -> float:
    """How densely rows follow each other: near 1 for a column, less for dates beside entries."""
    tops, pitches = _tops(items), sorted(b - a for a, b in pairwise(_tops(others)))
    if len(tops) < 2 or not pitches:  # noqa: PLR2004 - one row covers nothing
        return 0.0
    return (len(tops) - 1) * pitches[len(pitches) // 2] / (tops[-1] - tops[0])


def _tops(items: Items) -> list[int]:
    return sorted({round(item.box.top) for item in items})


def _columns(items: Items, gutter: float) -> list[list[Item]]:
    """Left and right by turns; what stands across both parts the page into bands."""
    columns: list[list[Item]] = []
    left: list[Item] = []
    right: list[Item] = []
    for item in downwards(items):
        side = _side(item, gutter)
        if side == 0:
            columns += [left, right, [item]]
            left, right = [], []
        else:
            (left if side < 0 else right).append(item)
    return [column for column in [*columns, left, right] if column]


def _runs(items: Items, gutter: float) -> list[list[Item]]:
    """Content order, cut where it changes sides, but for what browsers draw late in a column."""
    runs: list[list[Item]] = []
    sides: list[int] = []
    at = -1
    for item in items:
        side = _side(item, gutter)
        if sides and side == sides[at]:
            runs[at].append(item)
        elif side and sides[-2:] == [side, -side] and _is_late(item, runs[-2], runs[-1]):
            runs[-2:] = [*_around_heads(runs[-2], runs[-1])]
            at = -2
            runs[at].append(item)
        else:
            runs.append([item])
            sides.append(side)
            at = -1
    return [run for run in runs if run]


def _is_late(item: Item, above: Items, between: Items) -> bool:
    """Whether an item goes on below its own column, beside what was drawn in between."""
    bottom = max(one.box.bottom for one in between)
    return above[-1].box.bottom <= item.box.top + EDGE_PT and item.box.bottom < bottom


def _around_heads(above: Items, between: Items) -> tuple[list[Item], list[Item]]:
    """What stands beside the head of the page is read before the column under it goes on."""
    head = above[-1].box.top
    beside = [one for one in between if one.box.bottom <= head]
    rest = [one for one in between if one.box.bottom > head]
    return [*above[:-1], *beside, above[-1]], rest
