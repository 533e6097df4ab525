"""Names told from deeds by their bullets: `■ employer` over `- period`, `- position`, or `▶ employer` over a time."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from app.candidates.rules.dates import periods
from app.candidates.rules.labels import Label, pairs
from app.candidates.rules.lines import Line

_NAME_MAX_CHARS = 60
_DETAILS = 4
_PERIODS = frozenset({Label.PERIOD, Label.START})


def with_marks(lines: Sequence[Line]) -> list[Line]:
    """A line over bullets of another kind, one of which is labelled as its period, is a name.

    So is each line of a mark that stands over times alone, where deeds have another one.
    """
    over_times = _marks_over_times(lines)
    return [
        replace(line, bullet=False)
        if _heads(lines, at) or (line.bullet and line.mark in over_times)
        else line
        for at, line in enumerate(lines)
    ]


def _marks_over_times(lines: Sequence[Line]) -> frozenset[str]:
    marks = {line.mark for line in lines if line.bullet}
    others = {
        one.mark for one, two in zip_longest(lines, lines[1:]) if one.bullet and not _is_time(two)
    }
    return frozenset(marks - others) if others else frozenset()


def _is_time(line: Line | None) -> bool:
    if line is None or line.bullet:
        return False
    found = periods(line.text)
    return bool(found) and not found[0].single and not found[0].begin


def _heads(lines: Sequence[Line], at: int) -> bool:
    line = lines[at]
    if not line.bullet or len(line.text) > _NAME_MAX_CHARS:
        return False
    for below in lines[at + 1 : at + 1 + _DETAILS]:
        if not below.bullet or below.mark == line.mark:
            return False
        if any(labels & _PERIODS for labels, _ in pairs(below)):
            return True
    return False
