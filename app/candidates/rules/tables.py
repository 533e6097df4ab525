# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Entries of tables and of blocks of labels: what a cell is, its column or label says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.candidates.rules.dates import Period, periods
from app.candidates.rules.labels import Label, column_labels, is_column_label, labels_of, pairs
from app.candidates.rules.lines import Line
from app.candidates.rules.sentences import ABBREVIATION_END, DESCRIPTION, is_sentence
from app.candidates.rules.vocabulary import has_degree, title_score

_BELOW_MAX = 3
_LABEL_MAX_CHARS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`head` is what stood beside the date; `above` and `below` are the lines around it.

    `columns` holds the cells of a table by the label of their column, `unnamed` those of columns
    whose label says nothing.
    """

    period: Period | None
    head: tuple[Line, ...] = ()
    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()
    columns: Mapping[Label, str] = field(default_factory=dict[Label, str])
    order: tuple[Label, ...] = ()
    unnamed: tuple[str, ...] = ()


def best_period(found: Sequence[Period]) -> Period | None:
    """A span before a lone date."""
    return next((p for p in found if not p.single), found[0] if found else None)


def lone(line: Line) -> Entry:
    if line.text.endswith(".") and not ABBREVIATION_END.search(line.text):
        cells = (*line.cells[:-1], line.cells[-1].removesuffix(".")) if line.cells else ()
        line = replace(line, text=line.text.removesuffix("."), cells=cells)
    return Entry(period=best_period(periods(line.text)), head=(line,))


def header_row(line: Line) -> list[frozenset[Label]] | None:
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
    if known < 2 or (known < len(cells) - 1 and not _is_mostly_known(cells, named)):
        return None
    return None if periods(line.text) else named


def _is_mostly_known(cells: Sequence[str], named: Sequence[frozenset[Label]]) -> bool:
    """근무기간 | 병원명 | 부서 | 직위 | 퇴직사유: two labels of its own beside those that all forms share."""
    dated = any(labels & {Label.PERIOD, Label.START, Label.END} for labels in named)
    short = all(len(c) <= _LABEL_MAX_CHARS and not any(x.isdigit() for x in c) for c in cells)
    return dated and short and sum(bool(n) for n in named) * 2 >= len(cells)


def with_second_row(
    columns: list[frozenset[Label]], below: Sequence[Line]
) -> list[frozenset[Label]] | None:
    """재직기간 | 기관명 over 부터 | 까지: forms that part the first and the last day."""
    cells = [labels_of(c) for line in below for c in line.cells if c]
    at = next((n for n, labels in enumerate(columns) if Label.PERIOD in labels), None)
    if at is None or len(cells) != 2 or Label.START not in cells[0] or Label.END not in cells[1]:
        return None
    return [*columns[:at], frozenset({Label.START}), frozenset({Label.END}), *columns[at + 1 :]]


def read_table(
    lines: Sequence[Line], at: int, columns: list[frozenset[Label]]
) -> tuple[int, list[Entry]]:
    rows: list[Entry] = []
    order = tuple(next(iter(sorted(c)), Label.REMARK) for c in columns)
    while at < len(lines):
        line = lines[at]
        if header_row(line):
            break
        cells = line.cells or tuple(c.strip() for c in line.text.split("|") if "|" in line.text)
        if not rows and len(cells) == len(columns) + 1:
            columns = _with_lost_label(columns, cells)
        if len(cells) == len(columns):
            rows.append(_row(line, cells, columns))
        elif not line.cells and DESCRIPTION.match(line.text):
            pass  # 담당업무: …, 2023년 우수 사원
        elif periods(line.text) or (rows and len(cells) > 1):
            rows.append(replace(lone(line), order=order))
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


def _with_lost_label(
    columns: list[frozenset[Label]], cells: Sequence[str]
) -> list[frozenset[Label]]:
    """With a column without a name where the cells tell that one is missing.

    The first label may have been read as a heading, any other not recognised in a scan.
    """

    def fitting(at: int) -> float:
        named = zip((*columns[:at], frozenset[Label](), *columns[at:]), cells, strict=True)
        return sum(
            title_score(cell) if Label.TITLE in labels else bool(periods(cell))
            for labels, cell in named
            if labels & {Label.PERIOD, Label.START, Label.END, Label.TITLE}
        )

    at = max(range(len(cells)), key=fitting)
    return [*columns[:at], frozenset(), *columns[at:]]


def _row(line: Line, cells: Sequence[str], columns: list[frozenset[Label]]) -> Entry:
    values: dict[Label, str] = {}
    for labels, cell in zip(columns, cells, strict=True):
        for label in labels:
            if not cell.strip(" -"):
                continue
            # 구분 tells of anything; the column with a degree in it is that of degrees.
            if label is Label.DEGREE and has_degree(cell) and not has_degree(values.get(label, "")):
                values[label] = cell
            values.setdefault(label, cell)
    unnamed = [c for labels, c in zip(columns, cells, strict=True) if not labels and c.strip(" -")]
    period = _column_period(values, line)
    return Entry(period=period, columns=values, head=(line,), unnamed=tuple(unnamed))


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


def labelled(lines: Sequence[Line]) -> list[Entry]:
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
    first: frozenset[Label] = frozenset()  # what each block begins with
    titles: list[str] = []  # what stands over each, without a label
    for above, line in zip((None, *lines), lines, strict=False):
        if len(line.cells) > 2 and len(line.cells) % 2:
            continue
        for labels, value in pairs(line):
            if rows and labels & rows[-1].keys() and not labels & first:
                continue  # the role in a project, told under the firm
            if labels & wanted and (not rows or labels & wanted & rows[-1].keys()):
                first = first or labels & wanted
                rows.append({})
                titles.append(above.text if above and _is_bare_title(above) else "")
            if labels & wanted:
                for label in labels & wanted:
                    rows[-1].setdefault(label, value)
    for row, title in zip(rows, titles, strict=True):
        if title:
            row.setdefault(Label.TITLE, title)
    blank = Line(index=-1, text="")
    named = [row for row in rows if len(row) > 1 and row.keys() & {Label.COMPANY, Label.SCHOOL}]
    return [Entry(period=_column_period(row, blank), columns=row) for row in named]


def _is_bare_title(line: Line) -> bool:
    """`Sales Executive` over `Company: …`."""
    return not line.cells and title_score(line.text) >= 0.6 and not any(pairs(line))
