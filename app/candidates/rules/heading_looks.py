# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""How the headings of one file look: numbers, signs, sizes; so that unknown ones are told as well."""

import re
from collections import Counter
from collections.abc import Sequence

from app.candidates.rules.dates import periods
from app.candidates.rules.headings import heading_kinds, is_decorated, is_numbered
from app.candidates.rules.lines import Line

_CAPS = re.compile(r"[A-Z]{3,}")
_SIGN_ENDS = "]>】〉》」』=#*"
_UNKNOWN_MAX_CHARS = 24
_OCR_LARGE = 1.35

Look = tuple[float, bool, bool | None, bool]
"""Size, weight, whether all Latin letters are capitals (None where there are none), and a bullet."""


def numbered_look(lines: Sequence[Line]) -> frozenset[tuple[float, bool, str]]:
    """How numbered headings look, if two that are known have a number: 1. 학력, 2. 경력."""
    known = Counter(
        numbering(line) for line in lines if is_numbered(line.text) and heading_kinds(line.text)
    )
    return frozenset(look for look, count in known.items() if count > 1)


def heading_signs(lines: Sequence[Line]) -> frozenset[str]:
    """The sign before headings, if it stands before two that are known: [ 경력 ], [ 학력 ]."""
    known = Counter(
        line.text[0] for line in lines if is_decorated(line.text) and heading_kinds(line.text)
    )
    return frozenset(sign for sign, count in known.items() if count > 1)


def is_between_signs(line: Line) -> bool:
    whole = line.text[-1:] in _SIGN_ENDS or line.text[-1:].isalnum()
    short = len(line.text) <= _UNKNOWN_MAX_CHARS and not (line.bullet or line.cells)
    return whole and short and not periods(line.text)


def is_numbered_heading(line: Line) -> bool:
    return (
        is_numbered(line.text)
        and not (line.bullet or line.cells or periods(line.text))
        and not any(c in line.text for c in ":@|,")
    )


def numbering(line: Line) -> tuple[float, bool, str]:
    """Look and kind of number: 3., III., 다."""
    first = line.text.strip(" (")[0]
    kind = "digit" if first.isdigit() else ("latin" if first.isascii() else "other")
    return round(line.ratio, 2), line.bold, kind


def _look(line: Line) -> Look:
    latin = [c for c in line.text if c.isalpha() and c.isascii()]
    capitals = all(c.isupper() for c in latin) if latin else None
    return round(line.ratio, 1), line.bold, capitals, line.bullet


def heading_look(lines: Sequence[Line]) -> frozenset[Look]:
    """How this file's headings look, if that differs from its body."""
    body: Counter[Look] = Counter()
    looks: Counter[Look] = Counter()
    for line in lines:
        if not line.cells and heading_kinds(line.text):
            looks[_look(line)] += 1
        else:
            body[_look(line)] += 1
    return frozenset(
        look
        for look, n in looks.items()
        if (n >= 2 and body[look] <= n and (look[0] >= 1.1 or look[2]))
        or (look[0] >= 1.15 and body[look] <= 2 * n)
    )


def is_unknown_heading(line: Line, look: frozenset[Look]) -> bool:
    """A short line that looks like the headings of this file."""
    if line.cells or not 3 <= len(line.text) <= 40:
        return False
    if _look(line) not in look or any(c.isdigit() for c in line.text) or len(line.text.split()) > 5:
        return False
    if any(c in line.text for c in "@|,:"):
        return False
    if line.ocr:  # recognised boxes of one size differ by a third in height
        return line.gap and line.ratio >= _OCR_LARGE
    return line.ratio >= 1.1 or ((line.gap or line.bold) and bool(_CAPS.search(line.text)))
