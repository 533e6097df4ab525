# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Schools: name and dates of each entry of an education section, and the pieces that tell its degree."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from app.candidates.profile import Education
from app.candidates.rules.dates import Period, periods, without_periods
from app.candidates.rules.degrees import degree_of, is_bare, is_status, without_status
from app.candidates.rules.entries import group
from app.candidates.rules.labels import Label
from app.candidates.rules.lines import Line
from app.candidates.rules.parts import TRIM, without_translation
from app.candidates.rules.places import is_place
from app.candidates.rules.school_names import AFTER_SCHOOL, COLLEGE, cut_school
from app.candidates.rules.sentences import is_headish
from app.candidates.rules.tables import Entry
from app.candidates.rules.vocabulary import (
    DEGREE_EN,
    degree_word,
    ends_school,
    has_degree,
    has_korean_degree,
    has_school,
    is_korean_major,
    is_korean_school_word,
    is_phrase,
    status_words,
    title_score,
)

_STRONG = re.compile(
    r"(?<=[a-z]{4})\.\s+(?=[A-Z])|\s*\t\s*|\s*\|\s*|\s+[•·∙/]\s+|\s*[•∙]\s*|\s+[-–—―]+\s+|\s*—\s*|\s{3,}|;\s+|\s+@\s+"
)
_GRADE = re.compile(
    r"[(\[]?\s*(?:(?:평균\s?)?(?:학점|평점|성적)|C?GPA|grade)\s*:?\s*[\d.]+\s*(?:/\s*[\d.]+)?\s*[)\]]?|[(\[]?\s*(?<![\d.])[0-4]\.\d{1,2}\s*/\s*\d(?:\.\d{1,2})?\s*[)\]]?"
    r"|^(?:tertiary|secondary|primary|elementary|vocational|graduate)(?:\s(?:level|education))?\s*:|[,(]\s*[12]:[12]\b\)?|[,(]?\s*\b(?:summa |magna )?cum laude\b\)?|\b(?:expected|anticipated|graduated|graduation|class of|grad\.)(?:\b:?|(?=\s|$))",
    re.IGNORECASE,
)
_BRACKETED_DEGREE = re.compile(
    r"[(\[]\s*((?:전문학사|학사|석사|박사)(?:\s?(?:과정|졸업|재학|수료))?)\s*[)\]]"
)
_BRACKET_TAIL = re.compile(r"\s*\(([^()]{2,40})\)$")
_EMPTY_BRACKETS = re.compile(r"[(\[]\s*[)\]]")
_SCHOOL_KIND = re.compile(r"(?:전문)?대학(?:교|원)?|고등학교|고교")
_GOES_ON = re.compile(r"(?:\s(?:in|of|and|for|with)|\s?[&,])$")
_FURTHER = re.compile(
    r"\s*\((?:지도\s?교수|부전공|복수\s?전공|이중\s?전공|연계\s?전공|부\s?:|복수\s?:|우등|수석|차석|조기)[^()]{0,30}\)$"
)
_LOOSE_END = re.compile(r"(?:\s(?:with|in|from|at|on|and|an?|the))+$|\s[0-4]\.\d{1,2}$")
"""Of a sentence that was cut (I graduated from Ashby University with a BSc), and of a grade (4.02 / 4.5)."""

_LEVEL = re.compile(
    r"최종\s?학력\s*:?\s*(?:대학교?|대학원|전문대학?|고등학교|중학교|석사|박사|[초대고]졸)\s?(?:\([^()]{1,8}\))?\s?(?:졸업|재학|수료|중퇴)?"
)
"""최종학력 대학교(4년) 졸업: how far, over the schools themselves."""

_TRAINED = re.compile(r"(?:과정|수료|연수|훈련|교육)(?:\s|$)")
_JOB = 0.9
_NAME_WORDS = 3
_SCHOOL_MAX_CHARS = 80

_HONOURS = re.compile(
    r"(?<=\d)[,;]?\s*\(?(?:(?:summa |magna )?cum laude|with (?:high(?:est)? |first[- ]class )?(?:honou?rs|distinction|merit)"
    r"|first[- ]class honours|dean['’]s list|c?gpa:? ?[\d./ ]+)\)?$",
    re.IGNORECASE,
)


@dataclass(slots=True, kw_only=True)
class _Draft:
    school: str | None = None
    degrees: list[str] = field(default_factory=list[str])
    others: list[str] = field(default_factory=list[str])
    cells: list[str] = field(default_factory=list[str])
    """As printed, in reading order."""


def find_education(sections: Iterable[Sequence[Line]]) -> list[Education]:
    """Schools in reading order."""
    found: list[Education] = []
    for lines in sections:
        less = [_less_honours(line) for line in lines if not _LEVEL.fullmatch(line.text)]
        for row in schools(_split_merged(group(less, singles=lambda _: True))):
            if row not in found:
                found.append(row)
    return found


def _less_honours(line: Line) -> Line:
    """`…, graduated May 2017, cum laude` ends with its date, as others do."""
    told = _HONOURS.sub("", line.text)
    return replace(line, text=told) if told != line.text and not line.cells else line


def _split_merged(entries: Iterable[Entry]) -> list[Entry]:
    """An undated school below a dated one is an entry of its own."""
    result: list[Entry] = []
    for entry in entries:
        lines = (*entry.above, *entry.head, *entry.below)
        named = [at for at, line in enumerate(lines) if has_school(line.text) and not entry.columns]
        if len(named) < 2 or any(_continues(lines[a], lines[b]) for a, b in pairwise(named)):
            result.append(entry)
            continue
        head_at = len(entry.above)
        bounds = [0, *named[1:], len(lines)]
        for begin, end in pairwise(bounds):
            dated = begin <= head_at < end and bool(entry.head)
            result.append(
                Entry(period=entry.period if dated else None, above=tuple(lines[begin:end]))
            )
    return result


def _continues(upper: Line, lower: Line) -> bool:
    """한빛대학교 over 공과대학 컴퓨터공학과, Elm High School over High School Diploma: one school."""
    bare = _tidy(without_periods(lower.text))
    studied = has_school(upper.text) and has_degree(lower.text)
    whole = has_degree(upper.text) and has_school(bare) and not ends_school(bare)
    return bool(bare) and (
        COLLEGE.match(bare.split()[0]) is not None
        or bare.split()[0] in ("College", "School", "Faculty", "Department", "Institute", "대학원")
        or (studied and not periods(lower.text) and not whole)
        or (studied and not periods(upper.text) and ends_school(bare))
        or ends_school(_tidy(without_periods(upper.text)))
    )


def schools(entries: Iterable[Entry]) -> list[Education]:
    """One row per entry that names a school."""
    rows: list[Education] = []
    courses: list[Education] = []
    for entry in entries:
        draft = _from_columns(entry) if Label.SCHOOL in entry.columns else _from_lines(entry)
        if draft.school and (len(draft.school) > 1):
            degree = degree_of(draft.degrees, draft.others, draft.cells)
            row = Education(
                school=_LOOSE_END.sub("", without_translation(draft.school)),
                degree=_LOOSE_END.sub("", degree) if degree else None,
                **_dates(entry.period),
            )
            rows.append(row)
            if _is_further_training(row, draft.school):
                courses.append(row)
    # Among schools, a course that names none is further training.
    named = [row for row in rows if row not in courses]
    return named if any(has_school(row.school) for row in named) else rows


def _is_further_training(row: Education, school: str) -> bool:
    """A course, an examination or a prize, where other entries name schools."""
    if has_school(school):
        return _SCHOOL_KIND.fullmatch(school) is not None and not (row.start or row.end)
    told = is_phrase(school) and not (row.degree or row.start)
    bare = not row.start and not has_degree(row.degree or "")
    return told or bare or _TRAINED.search(school) is not None


def _dates(period: Period | None) -> dict[str, str | None]:
    if period is None:
        return {"start": None, "end": None}
    return {"start": period.start, "end": period.end}


def _from_columns(entry: Entry) -> _Draft:
    columns = entry.columns
    draft = _Draft()
    _read_school(draft, columns[Label.SCHOOL])
    seen = {_tidy(columns[Label.SCHOOL])}
    if entry.unnamed and not {Label.MAJOR, Label.DEGREE} & columns.keys():
        draft.degrees += [
            t for c in entry.unnamed[:1] if (t := _tidy(without_periods(c))) and not is_place(t)
        ]
    for label in (Label.MAJOR, Label.DEGREE, Label.STATUS):
        value = _tidy(columns.get(label, ""))
        if not value or value in seen or is_place(value):
            continue
        if draft.degrees and _SCHOOL_KIND.fullmatch(value):
            continue  # 구분 | 대학교 beside 전공 | 기계공학과
        seen.add(value)
        if is_status(value):
            draft.others.append(value)  # 구분 | 졸업
        elif label is not Label.STATUS or has_degree(value):
            draft.degrees.append(value)
        elif status_words(value):
            draft.others.append(value)
    remark = _tidy(columns.get(Label.REMARK, ""))
    if has_korean_degree(remark) and not any(map(has_degree, draft.degrees)):
        draft.degrees.append(without_status(remark))
    return draft


def _read_school(draft: _Draft, cell: str) -> None:
    whole = _tidy(cell)[:_SCHOOL_MAX_CHARS]
    if _is_whole_name(whole):
        draft.school = whole
        return
    _read(draft, cell)
    if draft.school is None:
        draft.school = whole or None
        draft.others, draft.degrees = [], []


def _is_whole_name(text: str) -> bool:
    """하노이 가상공과대학교 in a cell for schools, and nothing but names before it."""
    words = text.split()
    bare = not has_degree(text) and not any(map(is_korean_major, words[:-1]))
    return 1 < len(words) <= _NAME_WORDS and is_korean_school_word(words[-1]) and bare


def _from_lines(entry: Entry) -> _Draft:
    draft = _Draft(cells=_cells((*entry.above, *entry.head, *entry.below)))
    for cell in draft.cells:
        for piece in _pieces(without_periods(cell)):
            _read(draft, piece)
    if (
        draft.others
        and not draft.degrees
        and title_score(draft.others[0].partition(",")[0]) >= _JOB
    ):
        return draft  # Trustee, Museum of Industry
    if draft.school is None and not draft.others and len(draft.degrees) == 1 and entry.period:
        degree, comma, rest = draft.degrees[0].partition(", ")
        if comma and not has_degree(rest) and (ends_school(degree) or not is_bare(degree)):
            draft.degrees, draft.others = [degree], [rest]  # BSc Biology, Thornwick
    if draft.school is None and draft.others and (draft.degrees or entry.period):
        draft.school = draft.others.pop(0)[:_SCHOOL_MAX_CHARS]
        if not any(c.isalpha() for c in draft.school):
            draft.school = None
    return draft


def _cells(lines: Sequence[Line]) -> list[str]:
    """What stands in each cell; `Bachelor of Science in` goes on in the next line."""
    cells: list[str] = []
    opened = False
    edge = max((x.box.right for x in lines if x.box), default=0.0)
    for line, below in zip(lines, (*lines[1:], None), strict=False):
        texts = [c for c in line.cells if c] or [line.text]
        if opened and len(texts) == 1 and not periods(line.text) and not has_school(line.text):
            texts = [f"{cells.pop()} {texts[0]}"]
        cells += texts
        opened = len(texts) == 1 and has_degree(texts[0]) and _goes_on(line, below, edge)
    return cells


def _goes_on(line: Line, below: Line | None, edge: float) -> bool:
    """Whether a degree was broken: by its last word, or by a column that it fills to the edge."""
    if _GOES_ON.search(line.text):
        return True
    if below is None or not line.box or not below.box or below.cells:
        return False
    words = below.text.split()
    if not words:
        return False
    letter_pt = (below.box.right - below.box.left) / len(below.text)
    if line.box.right + letter_pt * len(words[0]) < edge:
        return False  # there was room for the next word
    if len(words) > 3 or not "".join(words).isalpha() or not words[0][0].isupper():
        return False
    alike = line.look == below.look
    beneath = abs(line.box.left - below.box.left) < 1 and line.text[-1].isalpha()
    return alike and beneath and is_headish(below) and not has_degree(below.text)


def _pieces(text: str) -> list[str]:
    """Master of Business Administration - MBA, Strategy: one degree, spelled out and in short."""
    long, dash, short = text.partition(" - ")
    if dash and degree_word(long) and (found := DEGREE_EN.match(short)) and len(found[0]) > 1:
        return [text.strip(TRIM)]
    return _STRONG.split(text)


def _tidy(text: str) -> str:
    text = _BRACKETED_DEGREE.sub(r"\1", _FURTHER.sub("", text.strip()))
    text = _EMPTY_BRACKETS.sub(" ", _GRADE.sub(" ", text))
    text = " ".join(text.split()).strip(TRIM)
    tail = _BRACKET_TAIL.search(text)
    if tail and is_place(tail[1]):
        text = text[: tail.start()]
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return text if text.count("(") == text.count(")") else text.strip("()[]")


def _read(draft: _Draft, piece: str) -> None:
    text = _tidy(piece)
    if (
        not text
        or (is_place(text) and not has_school(text))
        or len(text) > 160
        or not any(c.isalpha() for c in text)
    ):
        return
    if draft.school is None and has_school(text) and not ends_school(text):
        before, school, after = cut_school(text)
        if school:
            draft.school = school[:_SCHOOL_MAX_CHARS]
            for rest in (before, after):
                _read(draft, rest)
            return
    if has_degree(text) or is_korean_major(without_status(text)):
        draft.degrees.append(text)
    elif draft.school is not None and has_school(text) and AFTER_SCHOOL.search(text.split()[0]):
        draft.school = f"{draft.school} {text}"[:_SCHOOL_MAX_CHARS]
    else:
        draft.others.append(text)


def is_school_entry(entry: Entry) -> bool:
    """For files without headings: an entry that names a school and no job."""
    return Label.SCHOOL in entry.columns or any(
        has_school(line.text) for line in (*entry.head, *entry.above, *entry.below)
    )
