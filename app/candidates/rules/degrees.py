# ruff: noqa: PLR2004 - widths of rules, each used where it is explained
"""What somebody studied, from the pieces of a school's entry."""

import re
from collections.abc import Sequence

from app.candidates.rules.parts import TRIM
from app.candidates.rules.vocabulary import (
    degree_word,
    ends_school,
    find_degree,
    has_degree,
    has_korean_degree,
    is_degree,
    status_words,
)

_MAX_CHARS = 100
_FULL_STOP = re.compile(r"(?<=[a-z]{4})\.$")
_STATUS = re.compile(
    r"[,(]?\s*(?:졸업\s?예정|조기\s?졸업|졸업|재학\s?중?|휴학\s?중?|입학|편입)\s*\)?"
)


def degree_of(degrees: Sequence[str], others: Sequence[str], cells: Sequence[str]) -> str | None:
    """Degree and subject as printed: of pieces that name a degree or subject, the other pieces, and the entry's text."""
    degrees = list(dict.fromkeys(degrees))
    field_of_study = next((o for o in others if not status_words(o) and not _is_note(o)), None)
    named = [d for d in degrees if has_degree(d)]
    if not degrees:
        return (
            _clip(field_of_study)
            if field_of_study and (len(field_of_study.split()) <= 5 or " in " in field_of_study)
            else None
        )
    bare = named and is_bare(named[0]) and not ends_school(named[0])  # behind that, a town
    if bare and len(degrees) == 1 and field_of_study:
        degrees = named = [_with_subject(named[0], field_of_study, cells)]
    korean = any("가" <= c <= "힣" for d in degrees for c in d)
    majors = [d for d in degrees if d not in named]
    parts = [*majors, *named] if korean else degrees
    if len(parts) > 1 and any(not is_bare(d) for d in named):
        parts = [next(d for d in named if not is_bare(d))] if not majors else parts[:2]
    text = (" " if korean else ", ").join(parts[:2])
    return _clip(without_status(text))


def _with_subject(degree: str, subject: str, cells: Sequence[str]) -> str:
    """BSc - Chemistry as printed; else in reading order, but before a Korean degree."""
    first, second = re.escape(degree), re.escape(subject)
    printed = re.compile(rf"(?:{first}[^\w\t]{{1,4}}{second}|{second}[^\w\t]{{1,4}}{first})\)?")
    found = next((found for cell in cells if (found := printed.search(cell))), None)
    if found and found[0].count("(") == found[0].count(")"):
        return found[0]
    if has_korean_degree(degree):
        return f"{subject} {degree}"
    at = [next((n for n, cell in enumerate(cells) if one in cell), 0) for one in (degree, subject)]
    return f"{degree}, {subject}" if at[0] <= at[1] else f"{subject}, {degree}"


def _is_note(text: str) -> bool:
    return ":" in text or len(text.split()) > 6 or any(c.isdigit() for c in text)


def is_bare(text: str) -> bool:
    """Whether a degree has no subject, whatever its school adds to it."""
    if is_degree(text):
        return True
    found = find_degree(text) or degree_word(text)
    if found:
        return len(text) - len(found[0]) <= 2
    return has_korean_degree(text) and len(text) <= 6


def is_status(text: str) -> bool:
    """졸업, (휴학 중)."""
    return _STATUS.fullmatch(text) is not None


def without_status(text: str) -> str:
    """졸업 says nothing that the dates do not say."""
    bare = " ".join(_STATUS.sub(" ", text).split()).strip(TRIM)
    return bare if bare.count("(") == bare.count(")") else bare.rpartition("(")[0].strip(TRIM)


def _clip(text: str | None) -> str | None:
    text = _FULL_STOP.sub("", text.strip(TRIM))[:_MAX_CHARS] if text else ""
    return text or None
