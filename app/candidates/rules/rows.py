"""Rows and headings that a narrow cell broke in two, put together again."""

import re
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.dates import periods, without_periods
from app.candidates.rules.headings import heading_kinds
from app.candidates.rules.labels import labels_of
from app.candidates.rules.lines import Line
from app.candidates.rules.vocabulary import title_score

_OPEN = re.compile(
    r"[-–—~∼〜～→]\s*(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?)?\s*$",
    re.IGNORECASE,
)
_MONTH_LAST = re.compile(r"[A-Za-z]{3,9}\.?\s*$")
_LATER = re.compile(
    r"^(?:[-–—~∼〜～→]\s*)?(?:.*\d|(?:present|current|now|today|지금(?:까지)?|현재|재직\s?중|재학\s?중)\W*$)",
    re.IGNORECASE,
)
_CONJUNCTION = re.compile(r"(?:\s(?:and|of|or|for|held)|\s?[&/]|\s및)$", re.IGNORECASE)
_NAME = re.compile(r"[A-ZÀ-Þ][A-Za-zÀ-ÿ'’.-]*(?: [A-ZÀ-Þ][A-Za-zÀ-ÿ'’.-]*)?")
_YEAR = re.compile(r"((?:19|20)\d\d)\s?[년.]?")
_MONTH = re.compile(r"(0?[1-9]|1[0-2])\s?[월.]?")
_DISPLAY_RATIO = 1.5
_CELL_MAX_CHARS = 40
_PARTS_MAX = 3
_BESIDE, _EDGE_PT = 2, 2.0


def whole_rows(lines: Sequence[Line]) -> list[Line]:
    """Lines in which dates, labels and headings that went on in the next line are whole."""
    result: list[Line] = []
    for line in map(_with_whole_date, lines):
        if result and (both := _joined_dates(result[-1], line)):
            result[-1:] = both
        elif result and (name := _joined_name(result[-1], line)):
            result[-1] = name
        elif result and (both := _joined_words(result, line)):
            result[-len(both[0]) :] = both[1]
        else:
            result.append(line)
    return result


def _with_whole_date(line: Line) -> Line:
    """`1992 | 3 | 입학`, as forms from a stationer's print years and months, with `1992.03`."""
    if len(line.cells) < _PARTS_MAX or not (year := _YEAR.fullmatch(line.cells[0])):
        return line
    month = _MONTH.fullmatch(line.cells[1])
    return _with(line, (f"{year[1]}.{int(month[1]):02d}", *line.cells[2:])) if month else line


def _joined_dates(upper: Line, lower: Line) -> list[Line] | None:
    """`2015.09 ~ | A` over `2019.08 | B`, or `Jan 2020 –` over `Present`."""
    first, second = _cells(upper), _cells(lower)
    for at in (0, -1):
        begin, end = first[at], second[at]
        if len(begin) + len(end) > _CELL_MAX_CHARS or not _OPEN.search(begin):
            continue
        if not _LATER.match(end) or _told(begin) or (at and len(first) == 1):
            continue
        found = periods(f"{begin} {end}")
        if len(found) == 1 and not found[0].single and not without_periods(f"{begin} {end}"):
            whole = _with(upper, (*first[:at], f"{begin} {end}", *(first[1:] if not at else ())))
            rest = second[1:] if at == 0 else second[:-1]
            return [whole, _with(lower, rest)] if rest else [whole]
    return None


def _told(begin: str) -> str:
    """What a cell tells beside a date: nothing in `Jan 2012 – Aug`, whose year stands below."""
    return without_periods(_MONTH_LAST.sub("", begin))


def _joined_name(upper: Line, lower: Line) -> Line | None:
    """JORDAN over AVERY, in display size: web builders set the two names on two lines."""
    if upper.ratio < _DISPLAY_RATIO or upper.ratio != lower.ratio or upper.bold != lower.bold:
        return None
    words = (upper.text, lower.text)
    if not all(_NAME.fullmatch(w) and not heading_kinds(w) and not title_score(w) for w in words):
        return None
    return replace(upper, text=" ".join(words))


def _joined_words(above: Sequence[Line], lower: Line) -> tuple[list[Line], list[Line]] | None:
    """A label or heading that is one only together with the lines above; what the new lines are."""
    end = _cells(lower)[0]
    if len(end) > _CELL_MAX_CHARS or lower.bullet:
        return None
    for width in range(1, min(_PARTS_MAX, len(above) + 1)):
        upper = list(above[-width:])
        begin = _cells(upper[0])
        texts = [_cells(line)[0] for line in upper]
        joined = " ".join((*texts, end))
        if max(map(len, texts)) > _CELL_MAX_CHARS or upper[0].bullet or labels_of(texts[0]):
            continue
        if len(begin) > 1 and labels_of(joined):
            rests = [cells[1:] for line in (*upper[1:], lower) if len(cells := _cells(line)) > 1]
            values = [_with(lower, rest) for rest in rests]
            return upper, [_with(upper[0], (joined, *begin[1:])), *values]
        margin = width == 1 and _is_in_margin(upper[0], lower) and not periods(texts[0])
        if margin and heading_kinds(end) and heading_kinds(joined):
            below = replace(_with(lower, rest := _cells(lower)[1:]), cells=("", *rest))
            return upper, [_with(upper[0], (joined, *begin[1:])), below]
        heading = _CONJUNCTION.search(texts[-1]) and heading_kinds(joined)
        if heading and len(begin) == 1 and upper[0].bold == lower.bold:
            return upper, [replace(upper[0], text=joined, cells=()), *_rest(lower)]
    return None


def _is_in_margin(upper: Line, lower: Line) -> bool:
    """`Academic` over `Experience`, each with a line of its section beside it, as LaTeX's res class sets them."""
    if len(upper.cells) < _BESIDE or len(lower.cells) < _BESIDE or not (upper.box and lower.box):
        return False
    return upper.page == lower.page and abs(upper.box.left - lower.box.left) <= _EDGE_PT


def _rest(line: Line) -> list[Line]:
    rest = _cells(line)[1:]
    return [_with(line, rest)] if rest else []


def _cells(line: Line) -> tuple[str, ...]:
    return tuple(c for c in line.cells if c) or (line.text,)


def _with(line: Line, cells: tuple[str, ...]) -> Line:
    return replace(line, text=" ".join(cells), cells=cells if len(cells) > 1 else ())
