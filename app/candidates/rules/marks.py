"""Names told from deeds by their bullets: `■ employer` over `- period`, `- position`."""

from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.labels import Label, pairs
from app.candidates.rules.lines import Line

_NAME_MAX_CHARS = 60
_DETAILS = 4
_PERIODS = frozenset({Label.PERIOD, Label.START})


def with_marks(lines: Sequence[Line]) -> list[Line]:
    """A line over bullets of another kind, one of which is labelled as its period, is a name."""
    return [
        replace(line, bullet=False) if _heads(lines, at) else line for at, line in enumerate(lines)
    ]


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
