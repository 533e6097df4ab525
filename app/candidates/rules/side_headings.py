"""Headings in a margin beside their sections, where the file draws all of them before the rest."""

import math
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.headings import heading_kinds
from app.candidates.rules.lines import Line

_LEAST_HEADINGS, _MOST_HEADINGS, _LEAST_KNOWN = 3, 30, 2
_MAX_CHARS = 24
_EDGE_PT, _ALIGNED_PT = 2.0, 10.0


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
