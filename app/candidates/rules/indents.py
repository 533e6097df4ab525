"""Deeds told from names by where their lines begin: browsers print list dots as drawings."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from app.candidates.rules.dates import periods
from app.candidates.rules.lines import Line
from app.candidates.rules.vocabulary import is_degree, title_score

_LEAST_PT, _MOST_PT = 6.0, 32.0
_CENTRED_PT = 3.0
_CENTRED_SHARE = 0.5
_LEAST_LINES = 2
_SURE_TITLE = 0.6


def with_indents(lines: Sequence[Line]) -> list[Line]:
    """Lines that begin to the right of the names above them count as bulleted.

    Not in a text set to the middle, nor where only one line is set in, nor for dates, degrees and titles.
    """
    if _is_centred(lines):
        return list(lines)
    edges = Counter(round(line.box.left) for line in lines if line.box)
    result: list[Line] = []
    base: Line | None = None
    for line in lines:
        if base is not None and _is_set_in(line, base, edges):
            result.append(replace(line, bullet=True))
            continue
        result.append(line)
        base = line if line.box and not line.bullet else base
    return result


def _is_centred(lines: Sequence[Line]) -> bool:
    boxes = [line.box for line in lines if line.box and not line.cells]
    if not boxes:
        return False
    middle = median((box.left + box.right) / 2 for box in boxes)
    lefts = Counter(round(box.left) for box in boxes)
    near = sum(
        abs((box.left + box.right) / 2 - middle) <= _CENTRED_PT and lefts[round(box.left)] == 1
        for box in boxes
    )
    return near >= _CENTRED_SHARE * len(boxes)


def _is_set_in(line: Line, base: Line, edges: Counter[int]) -> bool:
    if not line.box or not base.box or line.cells or line.bullet or line.page < base.page:
        return False
    inset = line.box.left - base.box.left
    if not _LEAST_PT <= inset <= _MOST_PT:
        return False
    edge = round(line.box.left)
    shared = sum(edges[at] for at in (edge - 1, edge, edge + 1))
    based = sum(edges[at] for at in range(round(base.box.left) - 1, round(base.box.left) + 2))
    if shared < _LEAST_LINES or based < _LEAST_LINES:
        return False
    named = is_degree(line.text) or title_score(line.text) >= _SURE_TITLE
    return not periods(line.text) and not named
