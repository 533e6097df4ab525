# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The lines of a section grouped into entries: one position or one school each."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.candidates.rules.dates import Period, periods, without_periods
from app.candidates.rules.indents import with_indents
from app.candidates.rules.labels import Label, column_labels, is_column_label, labels_of, pairs
from app.candidates.rules.lines import Line
from app.candidates.rules.vocabulary import has_degree, has_school, title_score

HEAD_MAX_CHARS = 100
_ABOVE_MAX = 3
_BELOW_MAX = 3
_LINE_MAX_CHARS = 400
_SECTION_LINES = 600  # twelve pages of one section; more is no career but a book

_ACTION = re.compile(
    r"^(?:led|built|ran|wrote|made|drove|grew|cut|won|kept|set|taught|gave|held|oversaw|spoke|brought|took|sold|"
    r"\w{3,}ed|responsible|working|worked|helped|using|including|develop|design|implement|manage|maintain|create|provide|"
    r"support|build|write|assist|perform|conduct|analy[sz]e|collaborate|ensure|deliver|participate|prepare)\b",
    re.IGNORECASE,
)
_KO_SENTENCE = re.compile(
    r"(?:니다|했음|하였음|[가-힣](?:됨|함))\.?$|[가-힣](?:을|를|하여|하고|하며|으로써|위해|통해|위한|통한|하는|되는|했고)\s"
)
_KO_DEED = re.compile(
    r"(?:단축|구축|개선|도입|설계|운영|분리|감소|증가|달성|작성|수행|진행|관리|개발|절감|향상|전환|분석|기여|출시|배포|제작|수립|지원|총괄)$"
)
_ABBREVIATION_END = re.compile(
    r"(?:\b(?:Inc|Ltd|Co|Corp|Univ|Sr|Jr|Dept|St|Dr|Ph\.?D|[A-Z])\.|\.{3}|[가-힣]\.)$"
)
_DESCRIPTION = re.compile(
    r"^(?:GPA|CGPA|학점|평점|thesis|advisor|relevant coursework|coursework|courses?|tech(?:nologies|nology)?(?: stack)?|stack|skills|environment|사용\s?기술|기술\s?스택|담당\s?업무|주요\s?업무|업무\s?내용|성과|주요\s?성과|프로젝트|활동|수상|논문|주요\s?과목|이수\s?과목|honou?rs?|awards?|minor)\b\s*[:：\-]?",
    re.IGNORECASE,
)
_BARS = re.compile(r"\s+[|·•]\s+")
_FINISHED = re.compile(
    r"^(?:grad(?:uated|uation)?|expected|anticipated|class of|completed|awarded)\b[.:]?\s*",
    re.IGNORECASE,
)
_NAMING = frozenset({Label.COMPANY, Label.TITLE, Label.DEPARTMENT})
_NOISE = re.compile(r"^[\s\d.,:|/~\-–—()·•]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`head` is what stood beside the date; `above` and `below` are the lines around it.

    `columns` holds the cells of a table by the label of their column.
    """

    period: Period | None
    head: tuple[Line, ...] = ()
    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()
    columns: Mapping[Label, str] = field(default_factory=dict[Label, str])
    order: tuple[Label, ...] = ()


def is_sentence(text: str) -> bool:
    """Whether a line tells something rather than names something."""
    words = text.split()
    if not words:
        return False
    if text[0].islower() and text.isascii() and not text.startswith(("e-", "i")):
        return True
    if text.endswith(("니다.", "니다", "습니다")):
        return True
    if text.endswith(".") and len(words) > 3 and not _ABBREVIATION_END.search(text):
        return not (has_degree(text.partition(",")[0]) and has_school(text))  # LaTeX classes
    if len(words) > 3 and (_ACTION.match(text) or _KO_DEED.search(text)):
        # Registered Nurse, Certified Public Accountant: titles, not deeds
        first = text.partition(",")[0]
        return title_score(first) < 0.6 and not has_degree(first)
    return len(words) > 2 and _KO_SENTENCE.search(text) is not None


def is_headish(line: Line) -> bool:
    """Whether a line may name a company, a title, a school or a degree."""
    if len(line.text) > _LINE_MAX_CHARS or (line.bullet and not _is_labelled(line.text)):
        return False
    text = without_periods(line.text)
    if not text or _NOISE.match(text) or _DESCRIPTION.match(text):
        return False
    return len(text) <= HEAD_MAX_CHARS and len(text.split()) <= 14 and not is_sentence(text)


def _is_labelled(text: str) -> bool:
    """`직위 : 차장`, `Position: Nurse`, under whatever bullet."""
    label, colon, value = text.partition(":")
    return bool(colon and value.strip()) and bool(labels_of(label) & _NAMING)


def group(lines: Sequence[Line], *, singles: Callable[[Line], bool]) -> list[Entry]:
    """Entries in reading order. `singles` tells whether a lone date marks an entry on a line."""
    found: list[Entry] = []
    plain: list[Line] = []
    lines = lines[:_SECTION_LINES]
    at = 0
    while at < len(lines):
        if columns := _header_row(lines[at]):
            if double := _with_second_row(columns, lines[at + 1 : at + 2]):
                columns = double
                at += 1
            found += _grouped(plain, singles=singles)
            plain = []
            at, rows = _table(lines, at + 1, columns)
            found += rows
            continue
        plain.append(lines[at])
        at += 1
    labelled = _labelled(plain)
    plain = with_indents(plain)
    return found + (labelled or _grouped(plain, singles=singles))


# --- tables ---------------------------------------------------------------------------------------


def _header_row(line: Line) -> list[frozenset[Label]] | None:
    """The columns of a table, if the line is the row that names them."""
    if len(line.text) > 120:
        return None
    cells = [c for c in line.cells if c] or [c for c in re.split(r"\s*\|\s*", line.text) if c]
    if len(cells) < 2:  # one run of text: 근무기간 회사명 직위, as OCR gives it
        words = re.sub(r"\s*([/·])\s*", r"\1", line.text).split()
        if not 2 <= len(words) <= 8 or not all(is_column_label(w) for w in words):
            return None
        cells = words
    named = [column_labels(c) for c in cells]
    known = sum(bool(n) for n in named)
    if known < 2 or known < len(cells) - 1 or periods(line.text):
        return None
    return named


def _with_second_row(
    columns: list[frozenset[Label]], below: Sequence[Line]
) -> list[frozenset[Label]] | None:
    """재직기간 | 기관명 over 부터 | 까지: forms that part the first and the last day."""
    cells = [labels_of(c) for line in below for c in line.cells if c]
    at = next((n for n, labels in enumerate(columns) if Label.PERIOD in labels), None)
    if at is None or len(cells) != 2 or Label.START not in cells[0] or Label.END not in cells[1]:
        return None
    return [*columns[:at], frozenset({Label.START}), frozenset({Label.END}), *columns[at + 1 :]]


def _table(
    lines: Sequence[Line], at: int, columns: list[frozenset[Label]]
) -> tuple[int, list[Entry]]:
    rows: list[Entry] = []
    order = tuple(next(iter(sorted(c)), Label.REMARK) for c in columns)
    while at < len(lines):
        line = lines[at]
        if _header_row(line):
            break
        cells = line.cells or tuple(c.strip() for c in line.text.split("|") if "|" in line.text)
        if len(cells) == len(columns):
            rows.append(_row(line, cells, columns))
        elif periods(line.text) or (rows and len(cells) > 1):
            rows.append(replace(_lone(line), order=order))
        elif line.bullet or is_sentence(line.text) or not rows:
            pass
        else:
            rows[-1] = replace(rows[-1], below=(*rows[-1].below, line)[:_BELOW_MAX])
        at += 1
    return at, [
        r
        for r in rows
        if any(c.strip(" -") for c in (*r.columns.values(), *(h.text for h in r.head)))
    ]


def _row(line: Line, cells: Sequence[str], columns: list[frozenset[Label]]) -> Entry:
    values: dict[Label, str] = {}
    for labels, cell in zip(columns, cells, strict=True):
        for label in labels:
            if cell.strip(" -"):
                values.setdefault(label, cell)
    return Entry(period=_column_period(values, line), columns=values, head=(line,))


def _column_period(values: Mapping[Label, str], line: Line) -> Period | None:
    start = periods(values.get(Label.START, ""))
    end = periods(values.get(Label.END, ""))
    if start and Label.PERIOD not in values:
        first = start[0].start or start[0].end
        if start[0].start and start[0].end:
            return start[0]
        last = (end[0].end or end[0].start) if end else None
        return Period(start=first, end=last, ongoing=last is None)
    found = periods(values.get(Label.PERIOD, "")) or end or periods(line.text)
    return best_period(found)


def _labelled(lines: Sequence[Line]) -> list[Entry]:
    """Blocks of `Company: …`, `Position: …`, `Period: …`."""
    wanted = {
        Label.COMPANY,
        Label.SCHOOL,
        Label.TITLE,
        Label.PERIOD,
        Label.MAJOR,
        Label.DEGREE,
        Label.DEPARTMENT,
        Label.START,
        Label.END,
    }
    rows: list[dict[Label, str]] = []
    for line in lines:
        if len(line.cells) > 2 and len(line.cells) % 2:
            continue
        for labels, value in pairs(line):
            if labels & wanted and (not rows or labels & wanted & rows[-1].keys()):
                rows.append({})
            if labels & wanted:
                for label in labels & wanted:
                    rows[-1].setdefault(label, value)
    blank = Line(index=-1, text="")
    named = [row for row in rows if len(row) > 1 and row.keys() & {Label.COMPANY, Label.SCHOOL}]
    return [Entry(period=_column_period(row, blank), columns=row) for row in named]


# --- lines ----------------------------------------------------------------------------------------


def best_period(found: Sequence[Period]) -> Period | None:
    """A span before a lone date."""
    return next((p for p in found if not p.single), found[0] if found else None)


def _grouped(lines: Sequence[Line], *, singles: Callable[[Line], bool]) -> list[Entry]:
    lines = [line for line in lines if len(line.text) <= _LINE_MAX_CHARS]
    anchors = [
        at for at, line in enumerate(lines) if _is_anchor(line, bullets=False, singles=singles)
    ]
    if anchors and (named := _named_by_bullets(lines, anchors)):
        lines = named
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


def _is_anchor(line: Line, *, bullets: bool, singles: Callable[[Line], bool]) -> bool:
    if line.bullet and not bullets:
        return False
    found = periods(line.text)
    if not found or (all(p.single for p in found) and not singles(line)):
        return False
    rest = without_periods(line.text)
    if _DESCRIPTION.match(rest):
        return False
    if all(p.single for p in found):
        edge = (
            found[0].begin <= 2
            or found[-1].stop >= len(line.text.rstrip(" .)")) - 6
            or bool(line.cells)
            or any(_is_all_date(piece) for piece in _BARS.split(line.text))
        )
        if not edge:
            return False
    if found[0].begin <= 2 or line.cells:  # a row that LaTeX classes end with a full stop
        rest = rest.removesuffix(".")
    return len(rest) <= HEAD_MAX_CHARS and not (rest and is_sentence(rest))


def _parts_entries(line: Line) -> bool:
    return line.gap and not _is_duration(line.text)


def _is_all_date(piece: str) -> bool:
    """`Grad. May 2012` between bars."""
    return bool(periods(piece)) and not _FINISHED.sub("", without_periods(piece))


def _around(lines: Sequence[Line], anchors: Sequence[int]) -> Iterator[Entry]:
    """The usual case: names beside, over or under the date."""
    above, above_max = _run_above(lines, anchors[0], 0)
    # A gap parts entries only where none stands inside the first one.
    first = lines[anchors[0] - above + 1 : anchors[0] + 1]
    gaps_tell = any(line.gap for line in lines) and not any(line.gap for line in first)
    begins: list[int] = []
    for number, anchor in enumerate(anchors):
        floor = anchors[number - 1] + 1 if number else 0
        run, _ = _run_above(lines, anchor, floor, most=above_max)
        if gaps_tell and number:
            while run and any(map(_parts_entries, lines[anchor - run + 1 : anchor + 1])):
                run -= 1
        begins.append(anchor - run)
    for number, anchor in enumerate(anchors):
        stop = begins[number + 1] if number + 1 < len(anchors) else len(lines)
        below: list[Line] = []
        for line in lines[anchor + 1 : stop]:
            if not below and _is_duration(line.text):
                continue
            if not is_headish(line) or len(below) == _BELOW_MAX:
                break
            below.append(line)
        yield replace(
            _lone(lines[anchor]), above=tuple(lines[begins[number] : anchor]), below=tuple(below)
        )


def _run_above(
    lines: Sequence[Line], anchor: int, floor: int, *, most: int = _ABOVE_MAX
) -> tuple[int, int]:
    """How many lines over a date belong to it, and how many of them name something."""
    run = named = 0
    while named < most and anchor - run - 1 >= floor:
        line = lines[anchor - run - 1]
        if is_headish(line):
            named += 1
        elif not (named and _is_duration(line.text)):
            break
        run += 1
    return run, named


def _is_duration(text: str) -> bool:
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
        yield replace(_lone(lines[anchor]), above=tuple(heads[:_ABOVE_MAX]))
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


def _lone(line: Line) -> Entry:
    if line.text.endswith(".") and not _ABBREVIATION_END.search(line.text):
        cells = (*line.cells[:-1], line.cells[-1].removesuffix(".")) if line.cells else ()
        line = replace(line, text=line.text.removesuffix("."), cells=cells)
    return Entry(period=best_period(periods(line.text)), head=(line,))
