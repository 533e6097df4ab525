# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The lines of a section grouped into entries: one position or one school each."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from app.candidates.rules.cards import unfolded
from app.candidates.rules.dates import Period, periods, without_periods
from app.candidates.rules.indents import with_indents
from app.candidates.rules.labels import Label
from app.candidates.rules.lines import Line
from app.candidates.rules.marks import with_marks
from app.candidates.rules.parts import SEPARATOR, is_korean
from app.candidates.rules.places import is_place
from app.candidates.rules.sentences import (
    DESCRIPTION,
    HEAD_MAX_CHARS,
    first_sentence,
    is_headish,
    is_sentence,
)
from app.candidates.rules.tables import (
    Entry,
    best_period,
    header_row,
    labelled,
    lone,
    read_table,
    with_second_row,
)
from app.candidates.rules.vocabulary import company_score, has_school, title_score

_ABOVE_MAX = 3
_BELOW_MAX = 3
_JOB_MAX_CHARS, _JOB_MAX_WORDS, _SURE_TITLE = 30, 4, 0.6
_LINE_MAX_CHARS = 400
_ALL_TITLE = 0.8
_SECTION_LINES = 600  # twelve pages of one section; more is no career but a book
_TOWN = re.compile(r"[A-Z][A-Za-z.']*(?: [A-Z][A-Za-z.']*){0,3}, [A-Z]{2}")
_PARTICULAR = re.compile(
    r"(?:(?:average )?hours per week|series\s?:|pay plan|salary\s?:|this is a federal job|(?:okay|may we|ok) (?:to )?contact)",
    re.IGNORECASE,
)
"""What federal forms of the United States tell between an employer and the job."""

_IN_BRACKETS = re.compile(r"\([^()]*[^\W\d_]{2}[^()]*\)")
_PARTS = re.compile(r"\s+[|·•]\s+|,\s+")
_FINISHED = re.compile(
    r"^(?:grad(?:uated|uation)?|expected|anticipated|class of|completed|awarded)\b[.:]?\s*",
    re.IGNORECASE,
)


def group(lines: Sequence[Line], *, singles: Callable[[Line], bool]) -> list[Entry]:
    """Entries in reading order. `singles` tells whether a lone date marks an entry on a line."""
    found: list[Entry] = []
    plain: list[Line] = []
    lines = [x for x in unfolded(lines[:_SECTION_LINES]) if not _is_particular(x.text)]
    lines = [_apart_from_town(line) for line in lines]
    at = 0
    while at < len(lines):
        if columns := header_row(lines[at]):
            if double := with_second_row(columns, lines[at + 1 : at + 2]):
                columns = double
                at += 1
            firm = _firm_over(lines[:at][-1:], columns)
            found += _grouped(plain[:-1] if firm and plain else plain, singles=singles)
            plain = []
            at, more = read_table(lines, at + 1, columns)
            found += [
                replace(row, columns={**row.columns, **firm}) if row.columns else row
                for row in more
            ]
            continue
        plain.append(lines[at])
        at += 1
    rows = labelled(plain)
    plain = with_indents(with_marks(plain))
    return found + (rows or _grouped(plain, singles=singles))


def _firm_over(above: Sequence[Line], columns: Sequence[frozenset[Label]]) -> dict[Label, str]:
    """▶ 나루식품 over a table of 기간 | 부서 | 직위: the employer of all its rows."""
    named = frozenset[Label]().union(*columns)
    if not named & {Label.TITLE, Label.DEPARTMENT} or named & {Label.COMPANY, Label.SCHOOL}:
        return {}
    names = [x.text for x in above if is_headish(replace(x, bullet=False)) and not periods(x.text)]
    return {} if not names or title_score(names[0]) else {Label.COMPANY: names[0]}


def _is_particular(text: str) -> bool:
    """Whether a line is no name: a federal form's details, `(2020.02 ~ 2022.08 : 육아)` of a break."""
    if _IN_BRACKETS.fullmatch(text) and periods(text):
        return not title_score(without_periods(text).strip("() :"))
    return _PARTICULAR.match(text) is not None


def _apart_from_town(line: Line) -> Line:
    """`Swift Parcel-Akron, OH`, as job sites print it, with room for the dash."""
    name, dash, town = line.text.rpartition("-")
    if not dash or line.cells or name[-1:].isspace() or not _TOWN.fullmatch(town):
        return line
    return replace(line, text=f"{name} - {town}") if is_place(town) else line


def _grouped(lines: Sequence[Line], *, singles: Callable[[Line], bool]) -> list[Entry]:
    lines = [line for line in lines if len(line.text) <= _LINE_MAX_CHARS]
    anchors = [
        at for at, line in enumerate(lines) if _is_anchor(line, bullets=False, singles=singles)
    ]
    if anchors and (named := _named_by_bullets(lines, anchors)):
        lines = named
    elif told := _told_within(lines, anchors):
        # A lone year may be that of a promotion, told in a line that names the job.
        deeds = {at for at in told if any(not p.single for p in periods(lines[at].text))}
        lines = [replace(line, bullet=line.bullet or at in deeds) for at, line in enumerate(lines)]
        anchors = [at for at in anchors if at not in told]
    if not anchors:
        anchors = [
            at for at, line in enumerate(lines) if _is_anchor(line, bullets=True, singles=singles)
        ]
        if anchors:
            marked = frozenset(anchors)
            lines = [
                replace(line, bullet=line.bullet and at not in marked)
                for at, line in enumerate(lines)
            ]
    if not anchors:
        return list(_undated(lines))
    if any(line.bullet or is_sentence(line.text) for line in lines[: anchors[0]]) and is_headish(
        lines[0]
    ):
        return list(_trailing(lines, anchors))
    return list(_around(lines, anchors))


def _named_by_bullets(lines: Sequence[Line], anchors: Sequence[int]) -> list[Line]:
    """Where all but the bare dates is bulleted, the line above each date names its entry."""
    dated = frozenset(anchors)
    if any(line.bullet == (at in dated) for at, line in enumerate(lines)) or anchors[0] != 1:
        return []
    if any(without_periods(lines[at].text) for at in anchors):
        return []
    return [
        replace(line, bullet=line.bullet and at + 1 not in dated) for at, line in enumerate(lines)
    ]


def _told_within(lines: Sequence[Line], anchors: Sequence[int]) -> set[int]:
    """`Chair of the ward council (2021 - 2023)` below a job whose dates, like the others', stand apart.

    A deed, if its time lies within the job's and it is not all a title, as a promotion would be.
    """
    apart = {at for at in anchors if _dates_apart(lines[at])}
    if len(apart) < 2 or len(apart) == len(anchors):
        return set()
    told: set[int] = set()
    outer: Period | None = None
    for at in anchors:
        found = best_period(periods(lines[at].text))
        if at in apart:
            outer = found
        elif outer and found and not lines[at].bold and _is_within(found, outer):
            text = without_periods(lines[at].text)
            if title_score(text) < _ALL_TITLE and not has_school(text):
                told.add(at)
    return told if len(told) <= len(apart) else set()


def _dates_apart(line: Line) -> bool:
    found = periods(line.text)
    if not found[0].single and found[0].begin <= 2:
        return True
    return not without_periods(line.text) or any(_is_all_date(c) for c in line.cells)


def _is_within(inner: Period, outer: Period) -> bool:
    begin, end = inner.start or inner.end or "", inner.end or inner.start or ""
    if not outer.start or outer.single:
        return False
    first, last = outer.start[: len(begin)], (outer.end or "9999")[: len(end)]
    return first <= begin and end <= last


def _is_anchor(line: Line, *, bullets: bool, singles: Callable[[Line], bool]) -> bool:
    if line.bullet and not bullets:
        return False
    found = periods(line.text)
    if not found or (all(p.single for p in found) and not singles(line)):
        return False
    rest = _FINISHED.sub("", without_periods(line.text))
    if DESCRIPTION.match(rest):
        return False
    if all(p.single for p in found):
        edge = (
            found[0].begin <= 2
            or found[-1].stop >= len(line.text.rstrip(" .)")) - 6
            or bool(line.cells)
            or any(_is_all_date(piece) for piece in _PARTS.split(first_sentence(line.text)))
        )
        if not edge:
            return False
    if found[0].begin <= 2 or line.cells:  # a row that LaTeX classes end with a full stop
        rest = rest.removesuffix(".")
    return len(rest) <= HEAD_MAX_CHARS and not (rest and is_sentence(rest))


def _parts_entries(line: Line) -> bool:
    return line.gap and not is_duration(line.text)


def _is_all_date(piece: str) -> bool:
    """`Grad. May 2012` between bars."""
    return bool(periods(piece)) and not _FINISHED.sub("", without_periods(piece))


def _around(lines: Sequence[Line], anchors: Sequence[int]) -> Iterator[Entry]:
    """The usual case: names beside, over or under the date."""
    above, above_max = _run_above(lines, anchors[0], 0)
    # A gap parts entries only where none stands inside the first one.
    first = lines[anchors[0] - above + 1 : anchors[0] + 1]
    # What looks like no name of the first entry is a deed of the one before.
    looks = {_look(line) for line in lines[anchors[0] - above : anchors[0]]}
    gaps_tell = any(line.gap for line in lines) and not any(line.gap for line in first)
    begins: list[int] = []
    for number, anchor in enumerate(anchors):
        floor = anchors[number - 1] + 1 if number else 0
        # A firm over its job may stand below one whose positions all have dates beside them.
        least = int(number > 0 and _is_set_apart(lines, anchor - 1, floor))
        run, _ = _run_above(lines, anchor, floor, most=max(above_max, least))
        if number and looks and not lines[anchor].ocr:
            run = _run_alike(lines[anchor - run : anchor], looks)
        if gaps_tell and number:
            while run and any(map(_parts_entries, lines[anchor - run + 1 : anchor + 1])):
                run -= 1
        begins.append(anchor - run)
    for number, anchor in enumerate(anchors):
        stop = begins[number + 1] if number + 1 < len(anchors) else len(lines)
        below: list[Line] = []
        untitled = not any(map(_names_a_job, lines[begins[number] : anchor + 1]))
        for at, line in enumerate(lines[anchor + 1 : stop]):
            if not below and is_duration(line.text):
                continue
            if not at and untitled and line.bullet and _names_a_job(line):
                below.append(line)  # 가람물산 (2019 ~ 2021) over - 구매팀 과장
                continue
            if not is_headish(line) or len(below) == _BELOW_MAX:
                break
            below.append(line)
        yield replace(
            lone(lines[anchor]), above=tuple(lines[begins[number] : anchor]), below=tuple(below)
        )


def _is_set_apart(lines: Sequence[Line], at: int, floor: int) -> bool:
    """Whether a line is bold as few are: neither the deeds above it nor what follows."""
    line, others = lines[at], lines[floor:at]
    apart = line.bold and ":" not in line.text and not any(x.bold for x in others)
    return bool(others) and apart and is_headish(line)


def _names_a_job(line: Line) -> bool:
    return _is_job(without_periods(line.text))


def _is_job(text: str) -> bool:
    return (
        len(text) <= _JOB_MAX_CHARS and title_score(text) >= _SURE_TITLE and not is_sentence(text)
    )


def _run_alike(above: Sequence[Line], looks: set[tuple[float, bool]]) -> int:
    """How many of the lines over a date look as names do."""
    for count, line in enumerate(reversed(above)):
        named = has_school(line.text) or any(map(_is_job, SEPARATOR.split(line.text)))
        named = named or (is_korean(line.text) and company_score(line.text) >= _SURE_TITLE)
        if _look(line) not in looks and not is_duration(line.text) and not named:
            return count
    return len(above)


def _look(line: Line) -> tuple[float, bool]:
    return round(line.ratio, 1), line.bold


def _run_above(
    lines: Sequence[Line], anchor: int, floor: int, *, most: int = _ABOVE_MAX
) -> tuple[int, int]:
    """How many lines over a date belong to it, and how many of them name something."""
    run = named = 0
    while named < most and anchor - run - 1 >= floor:
        line = lines[anchor - run - 1]
        if is_headish(line):
            named += 1
        elif not (named and is_duration(line.text)):
            break
        run += 1
    return run, named


def is_duration(text: str) -> bool:
    """`5 years 2 months` between a firm and the first of its positions."""
    return len(text) <= 32 and bool(text) and not without_periods(text) and not periods(text)


def _trailing(lines: Sequence[Line], anchors: Sequence[int]) -> Iterator[Entry]:
    """The date column was read after the text it belongs to: the entry ends with its date."""
    floor = 0
    for anchor in anchors:
        heads: list[Line] = []
        for line in lines[floor:anchor]:
            if heads and not is_headish(line):
                break
            if is_headish(line):
                heads.append(line)
        yield replace(lone(lines[anchor]), above=tuple(heads[:_ABOVE_MAX]))
        floor = anchor + 1


def _undated(lines: Sequence[Line]) -> Iterator[Entry]:
    """Runs of short lines, each followed by its description or by a gap."""
    run: list[Line] = []
    for line in lines:
        if not is_headish(line) or (run and line.gap):
            if run:
                yield Entry(period=None, above=tuple(run[:_ABOVE_MAX]))
            run = [line] if is_headish(line) else []
        elif len(run) < 40:
            run.append(line)
    if run:
        yield Entry(period=None, above=tuple(run[:_ABOVE_MAX]))
