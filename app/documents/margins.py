"""Dates in a margin beside what they date: pieces that look like a column of their own and are none."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import replace
from itertools import groupby, pairwise
from statistics import median

from app.documents.blocks import Box
from app.documents.pieces import Item, Items, Piece, around

EDGE_PT = 2.0
"""What begins or ends within so much of each other stands at one edge."""

_DATE_SHARE = 0.5
_DATES_OF_A_MARGIN = 0.8
_DATE_MAX_CHARS = 40
WHOLE_DATE = re.compile(
    r"[\s\d.,/'’()~∼〜–—→\-−년월일]*(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|present|current|now|ongoing|date|to|until"
    r"|spring|summer|fall|autumn|winter|현재|지금(?:까지)?|재직\s?중?|재학\s?중?)[a-z.]*[\s\d.,/'’()~∼〜–—→\-−년월일]*){0,6}",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:19|20)\d\d|'\d\d|\b\d\d\.\d\d\b|present|current|ongoing|현재|지금|재직", re.IGNORECASE
)
_OPEN_END = re.compile(r"(?:[~∼〜–—→\-−]|\bto|\buntil)\s*$", re.IGNORECASE)
_DASH = re.compile(r"[~∼〜–—→\-−]\s?")
_OPEN_MONTH = re.compile(
    r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?$", re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_STATUS = re.compile(
    r"\(?(?:(?:총\s?)?\d{1,2}\s?년(?:\s?\d{1,2}\s?(?:개월|월))?|\d{1,2}\s?개월|(?:졸업|수료)\s?예정|졸업|재학\s?중?|휴학\s?중?|수료|중퇴|자퇴"
    r"|편입|재직\s?중?|퇴사|(?:\d{1,2}\s?(?:years?|yrs?|months?|mos?)\s?){1,2}|graduated|full[- ]time|part[- ]time)\)?",
    re.IGNORECASE,
)
_RATING = re.compile(r"(?:[●○•◦★☆■□▪▫◆◇]\s?){2,10}")
_MIN_DATES = 2
_CARD_LINES = 3
_SAME_HEIGHT = 0.3
_LATEST = 8
"""So many lines an entry has at most, between its first one and a date that is drawn last."""

_NEXT_LINE = 1.8
"""Lines of one cell follow each other within so much of their height."""


def with_whole_dates(items: Items) -> list[Item]:
    """Periods in one piece, and before the text beside them where they were drawn after it.

    A narrow margin breaks them (`2020/03 –`, below it `Present`), and a page that sets them with care
    draws `2020`, `–` and `2022` one by one.
    """
    result: list[Item] = []
    for item in items:
        last = result[-1] if result else None
        if isinstance(last, Piece) and isinstance(item, Piece) and _is_one_period(last, item):
            box = replace(last.box, right=max(last.box.right, item.box.right))
            result[-1] = replace(last, text=f"{last.text} {item.text}", box=box)
        else:
            result.append(item)
    return _with_late_dates(result)


def _is_one_period(one: Piece, two: Piece) -> bool:
    if not is_date(one) or not (is_date(two) or _DASH.fullmatch(two.text)):
        return False
    height = one.box.bottom - one.box.top
    if same_height(one.box, two.box) or _DASH.fullmatch(two.text):
        beside = -EDGE_PT <= two.box.left - one.box.right <= height
        parted = _OPEN_END.search(one.text) is None and _DASH.match(two.text) is None
        return beside and not parted and one.box.top <= two.box.bottom <= one.box.bottom + EDGE_PT
    edges = (two.box.left - one.box.left, two.box.right - one.box.right)
    below = height / 2 < two.box.top - one.box.top <= _NEXT_LINE * height
    if not below or min(map(abs, edges)) > EDGE_PT:
        return False
    month = _OPEN_MONTH.search(one.text) and _YEAR.fullmatch(two.text)
    return bool(month or _OPEN_END.search(one.text) or _DASH.match(two.text))


def _with_late_dates(items: Items) -> list[Item]:
    """What has a place of its own is drawn after the entry that it stands left of."""
    result: list[Item] = []
    for item in items:
        at = len(result)
        if isinstance(item, Piece) and result and item.box.bottom < result[-1].box.bottom:
            recent = range(len(result) - 1, max(len(result) - _LATEST, 0) - 1, -1)
            beside = (n for n in recent if _stands_before(item, result[n]))
            at = next(beside, at) if is_date(item) else at
        result.insert(at, item)
    return result


def _stands_before(date: Piece, other: Item) -> bool:
    return date.box.right <= other.box.left and same_height(date.box, other.box)


def bind_dates(items: Items) -> tuple[list[Item], dict[int, tuple[Item, ...]]]:
    """Dates and ratings set to the right edge stand in for one wide piece with the text that they belong to.

    Else the gap between the two looks like a gutter. A date that begins where other lines begin is
    the line of a column instead. The mapping tells what each wide piece stands for.
    """
    pieces = [item for item in items if isinstance(item, Piece)]
    edges = sorted(piece.box.left for piece in pieces if not _is_margin(piece))
    bound: dict[int, Piece] = {}
    taken: set[int] = set()
    for date in pieces:
        if not _is_margin(date) or _near_any(edges, date.box.left):
            continue
        if any(_heads(other, date) for other in pieces):
            continue
        row = [other for other in pieces if _is_left_of(other, date)]
        owner = max(row, key=lambda other: other.box.right, default=None)
        if owner is not None and id(owner) not in bound and not _is_margin(owner):
            bound[id(owner)] = date
            taken.add(id(date))
    result: list[Item] = []
    stands_for: dict[int, tuple[Item, ...]] = {}
    for item in items:
        if (date := bound.get(id(item))) is not None and isinstance(item, Piece):
            wide = replace(item, box=around([item.box, date.box]))
            stands_for[id(wide)] = (item, date)
            result.append(wide)
        elif id(item) not in taken:
            result.append(item)
    return result, stands_for


def _heads(other: Piece, date: Piece) -> bool:
    """Whether a school stands over its dates, which an icon sets in: both are lines of one column."""
    height = date.box.bottom - date.box.top
    return (
        height / 2 < date.box.top - other.box.top <= _NEXT_LINE * height
        and date.box.left - 2 * height <= other.box.left < date.box.left - EDGE_PT
        and other.box.right > date.box.left
        and abs(other.box.right - date.box.right) > EDGE_PT
        and not _is_margin(other)
    )


def _is_margin(piece: Piece) -> bool:
    """A date, or the dots that tell how well something is known."""
    return is_date(piece) or _RATING.fullmatch(piece.text) is not None


def is_date(piece: Piece) -> bool:
    """Whether a piece holds a date or a period, and nothing else."""
    text = piece.text
    return (
        len(text) <= _DATE_MAX_CHARS
        and _DATE.search(text) is not None
        and WHOLE_DATE.fullmatch(text) is not None
    )


def _near_any(edges: list[float], at: float) -> bool:
    where = bisect_left(edges, at - EDGE_PT)
    return where < len(edges) and edges[where] <= at + EDGE_PT


def _is_left_of(one: Piece, date: Piece) -> bool:
    return one.box.right <= date.box.left and same_height(one.box, date.box)


def has_dates_beside(left: Items, right: Items) -> bool:
    """Whether one of two sides is a margin with the dates of the other."""
    return (
        _are_dates_beside(left, right)
        or _are_dates_beside(right, left)
        or _is_date_margin(left, right)
    )


def are_dates_drawn_first(items: Items, left: Items, right: Items) -> bool:
    """Whether the file draws the dates of the left side one by one, each before what stands beside it.

    Columns are drawn one after the other, or line by line; then hardly any date is followed by text
    at its own height. Other things may stand at the left edge as well: headings, lists.
    """
    dates = {id(item) for item in left if isinstance(item, Piece) and is_date(item)}
    if len(dates) < _MIN_DATES:
        return False
    beside = {id(item) for item in right}
    followed = sum(
        1
        for one, two in pairwise(item for item in items if not _is_status(item))
        if id(one) in dates and id(two) in beside and same_height(one.box, two.box)
    )
    return followed >= _DATES_OF_A_MARGIN * len(dates)


def are_cards(items: Items, left: Items, right: Items) -> bool:
    """Whether boxes stand side by side, each drawn whole: lines of several kinds, with a date among them."""
    sides = {id(item): -1 for item in left} | {id(item): 1 for item in right}
    runs = [
        [*run] for _, run in groupby((i for i in items if id(i) in sides), lambda i: sides[id(i)])
    ]
    return any(
        _is_card(one) and _is_card(two) and same_height(one[0].box, two[0].box)
        for one, two in pairwise(runs)
    )


def _is_card(run: Items) -> bool:
    dates = sum(isinstance(item, Piece) and is_date(item) for item in run)
    rows = len({round(item.box.top) for item in run})
    return 0 < dates <= len(run) / 2 and rows >= _CARD_LINES and rows == len(run)


def _is_status(item: Item) -> bool:
    return isinstance(item, Piece) and _STATUS.fullmatch(item.text) is not None


def _are_dates_beside(ones: Items, others: Items) -> bool:
    """A margin of dates: headings may stand in it too, but what has a neighbour is a date."""
    near = _beside(ones, others)
    return len(near) > 1 and date_share(near) >= _DATES_OF_A_MARGIN


def _is_date_margin(left: Items, right: Items) -> bool:
    """Dates with a status or a length of time under some of them, as job sites print them."""
    dates = [item for item in left if isinstance(item, Piece) and is_date(item)]
    if len(dates) < _MIN_DATES:
        return False
    edge = median(date.box.left for date in dates)
    margin = [item for item in left if abs(item.box.left - edge) <= EDGE_PT]
    near = _beside(margin, right)
    told = sum(
        1 for item in near if isinstance(item, Piece) and (is_date(item) or _is_status(item))
    )
    kept = beside_share(dates, right)
    return min(kept, told / max(len(near), 1)) >= _DATES_OF_A_MARGIN


def beside_share(ones: Items, others: Items) -> float:
    """How many of the ones have another one at their height."""
    return len(_beside(ones, others)) / len(ones)


def _beside(ones: Items, others: Items) -> list[Item]:
    """Those of the ones that have another one at their height."""
    by_middle = sorted(others, key=_middle)
    middles = [_middle(other) for other in by_middle]
    found: list[Item] = []
    for one in ones:
        reach = _SAME_HEIGHT * (one.box.bottom - one.box.top)
        near = by_middle[
            bisect_left(middles, _middle(one) - reach) : bisect_right(middles, _middle(one) + reach)
        ]
        if any(same_height(one.box, other.box) for other in near):
            found.append(one)
    return found


def _middle(item: Item) -> float:
    return (item.box.top + item.box.bottom) / 2


def same_height(one: Box, two: Box) -> bool:
    """Whether two lines stand beside each other."""
    least = min(one.bottom - one.top, two.bottom - two.top)
    return abs(one.top + one.bottom - two.top - two.bottom) / 2 <= _SAME_HEIGHT * least


def date_share(items: Items) -> float:
    """How many of the items hold a date, alone or among other words."""
    dated = sum(1 for item in items if isinstance(item, Piece) and _DATE.search(item.text))
    return dated / len(items)


def are_mostly_dates(items: Items) -> bool:
    """Whether more than half of the items hold a date."""
    return date_share(items) > _DATE_SHARE
