# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""How the headings of one file look: numbers, signs, sizes; so that unknown ones are told as well."""

import re
from collections import Counter
from collections.abc import Sequence

from app.candidates.rules.dates import periods
from app.candidates.rules.headings import (
    CAREERS,
    Kind,
    heading_kinds,
    is_decorated,
    is_numbered,
    kinds_by_ending,
)
from app.candidates.rules.labels import Label, is_column_label
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.tables import header_row
from app.candidates.rules.vocabulary import has_degree, has_school, title_score

_CAPS = re.compile(r"[A-Z]{3,}")
_SIGN_ENDS = "]>】〉》」』=#*"
_UNKNOWN_MAX_CHARS = 24
_OCR_LARGE = 1.35
_LOST_MAX_CHARS, _SURELY_A_TITLE = 8, 0.6
LISTED = re.compile(r"[,;·•|/]")
_REMARK = re.compile(
    r"최종\s?학력|총\s?\d|신입|경력\s?\d|(?:대학원|대학교?|전문대학?|고등학교)(?:\(\d년\))?\s?(?:(?:석사|박사|학사)\s?)?(?:졸업|수료|재학|중퇴)$"
)
_OF_A_CAREER = re.compile(r"경력|커리어|career|employment", re.IGNORECASE)

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


def remarked_heading(line: Line, following: Sequence[Line]) -> tuple[Kind, ...]:
    """경력 | 총 9년 9개월; and 학력 | 최종학력 대학교(4년) 졸업 over the row that names the columns."""
    cells = [c for c in line.cells if c] or line.text.split(" ", 1)
    # 최종학력: 대학교 졸업 is a label with its value.
    stated = cells[0].endswith(":") or squeeze(cells[0]) == "최종학력"
    kinds = heading_kinds(cells[0]) if len(cells) == 2 and not stated else ()
    if not kinds or kinds[0] not in CAREERS or periods(cells[1]):
        return ()
    if heading_kinds(" ".join(cells)) == kinds or _REMARK.match(cells[1]):
        return kinds
    over_table = line.cells and following and header_row(following[0])
    return kinds if over_table and not is_column_label(cells[1]) else ()


def opens_career(line: Line, following: Sequence[Line]) -> bool:
    """Whether what is called a summary lists positions: 경력 요약 over 근무기간 | 회사명 | 직위."""
    if not following:
        return False
    if columns := header_row(following[0]):
        return any(Label.COMPANY in labels for labels in columns)
    found = periods(following[0].text)
    dated = bool(found) and not found[0].single and found[0].begin <= 2
    return dated and _OF_A_CAREER.search(line.text) is not None


def lost_heading(line: Line, following: Sequence[Line]) -> Kind | None:
    """What a few letters that recognition made of a heading stood over: a school or a job."""
    if len(line.text) > _LOST_MAX_CHARS or line.bullet or len(following) < 2:
        return None
    if columns := header_row(following[0]):
        named = frozenset[Label]().union(*columns)
        return Kind.EXPERIENCE if Label.COMPANY in named and Label.SCHOOL not in named else None
    if any("가" <= c <= "힣" or c.isdigit() for c in line.text):
        return None
    first, second = (x.text for x in following)
    if has_school(first):
        return Kind.EDUCATION if has_degree(second) and not line.cells else None
    spans = any(not period.single for period in periods(first))
    return Kind.EXPERIENCE if spans and title_score(second) >= _SURELY_A_TITLE else None


def plain_heading(line: Line, following: Sequence[Line]) -> tuple[Kind, ...]:
    """A heading in a text without sizes: its last word says so, and what it promises follows."""
    if line.bullet or line.cells or len(line.text.split()) > 3 or title_score(line.text):
        return ()
    kinds = kinds_by_ending(line.text)
    if not kinds or not following:
        return ()
    if kinds[0] is Kind.SKILLS:
        return kinds if len(LISTED.split(following[0].text)) > 2 else ()
    return kinds if any(periods(x.text) for x in following) else ()


def is_set_as_heading(line: Line) -> bool:
    """By size, by signs around it, or by weight where the line names no job."""
    if line.ocr or (line.bullet and not is_decorated(line.text)):
        return False
    if line.ratio >= 1.15 or is_decorated(line.text):
        return True
    capitals = line.text.isupper() and line.text.isascii()
    return (line.bold or capitals) and line.gap and not title_score(line.text)
