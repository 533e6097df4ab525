"""Text in a margin that the file draws before or after all that stands beside it."""

import math
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.headings import heading_kinds
from app.candidates.rules.lines import Line

_LEAST_HEADINGS, _MOST_HEADINGS, _LEAST_KNOWN = 3, 30, 2
_MAX_CHARS = 24
_EDGE_PT, _ALIGNED_PT = 2.0, 10.0
_COLUMN_MAX_LINES, _SECTION_MAX_LINES = 120, 300


def beside_their_sections(lines: Sequence[Line]) -> list[Line]:
    """Each heading of such a run before the line that stands at its height."""
    result: list[Line] = []
    at = 0
    while at < len(lines):
        run = _run(lines, at)
        body = _right_of(lines, at + run, lines[at : at + run]) if run >= _LEAST_HEADINGS else []
        merged = _merged(lines[at : at + run], body) if body else []
        result += merged or lines[at : at + 1]
        at += len(merged) or 1
    return [replace(line, index=number) for number, line in enumerate(result)]


def _run(lines: Sequence[Line], at: int) -> int:
    """How many lines from here look like headings of one margin; 0 if too few are known.

    Longer runs are text, and looking through them from each of their lines would not end.
    """
    first, run = lines[at], 0
    while at + run < len(lines) and _is_alike(lines[at + run], first):
        run += 1
        if run > _MOST_HEADINGS:
            return 0
    known = sum(bool(heading_kinds(line.text)) for line in lines[at : at + run])
    return run if known >= _LEAST_KNOWN else 0


def _is_alike(line: Line, first: Line) -> bool:
    if line.box is None or first.box is None or line.cells or len(line.text) > _MAX_CHARS:
        return False
    same = line.page == first.page and line.look == first.look and line.bullet == first.bullet
    return same and abs(line.box.left - first.box.left) <= _EDGE_PT


def _right_of(lines: Sequence[Line], at: int, headings: Sequence[Line]) -> list[Line]:
    """The lines that follow on the page, as long as they stand right of all headings."""
    edge = max(line.box.right for line in headings if line.box)
    body: list[Line] = []
    for line in lines[at:]:
        if line.page != headings[0].page or line.box is None or line.box.left <= edge:
            break
        body.append(line)
    return body


def _merged(headings: Sequence[Line], body: Sequence[Line]) -> list[Line]:
    """Empty where a heading stands at no line's height: then it is no margin of this text."""
    places: dict[int, Line] = {}
    for heading in headings:
        top = _top(heading)
        near = min(range(len(body)), key=lambda at: abs(_top(body[at]) - top))
        if abs(_top(body[near]) - top) > _ALIGNED_PT or near in places:
            return []
        places[near] = heading
    result: list[Line] = []
    for at, line in enumerate(body):
        result += [places[at]] if at in places else []
        result.append(line)
    return result


def _top(line: Line) -> float:
    return line.box.top if line.box else math.inf


def sections_across_pages(lines: Sequence[Line]) -> list[Line]:
    """A side column that is drawn between two pages of one section goes behind that section."""
    result: list[Line] = []
    at = 0
    moved = False
    while at < len(lines):
        stop = _end_of_column(lines, at) if at else 0
        if not stop:
            result.append(lines[at])
            at += 1
            continue
        end = _end_of_section(lines, stop, lines[at - 1])
        result += (*lines[stop:end], *lines[at:stop])
        at = end
        moved = True
    return [replace(line, index=at) for at, line in enumerate(result)] if moved else result


def _end_of_column(lines: Sequence[Line], at: int) -> int:
    """Where a side column ends that begins here within another one; 0 if none does."""
    above, first = lines[at - 1], lines[at]
    if not _are_apart(above, first) or not heading_kinds(first.text):
        return 0
    if first.page == above.page and _top(first) >= _top(above):
        return 0
    stop = at + 1
    while stop < min(len(lines), at + _COLUMN_MAX_LINES) and _are_apart(above, lines[stop]):
        stop += 1
    if stop - at < _LEAST_HEADINGS or stop == len(lines) or lines[stop].box is None:
        return 0
    below, last = lines[stop], lines[stop - 1]
    beside = below.page > last.page or (below.page == last.page and _top(below) < _top(last))
    return stop if below.page > above.page and beside and not heading_kinds(below.text) else 0


def _are_apart(line: Line, other: Line) -> bool:
    """Whether two lines share no vertical: neither stands over the other."""
    if line.box is None or other.box is None:
        return False
    return line.box.right < other.box.left or other.box.right < line.box.left


def _end_of_section(lines: Sequence[Line], at: int, above: Line) -> int:
    """Where the column goes on to its next heading, or ends."""
    for stop in range(at, min(len(lines), at + _SECTION_MAX_LINES)):
        if heading_kinds(lines[stop].text) or _are_apart(above, lines[stop]):
            return stop
    return min(len(lines), at + _SECTION_MAX_LINES)
