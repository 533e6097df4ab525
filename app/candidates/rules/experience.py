# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Positions: company, title and dates of each entry of a career section."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.candidates.profile import Experience
from app.candidates.rules.dates import Period, periods, without_periods
from app.candidates.rules.entries import Entry, group, is_headish
from app.candidates.rules.labels import Label, labels_of
from app.candidates.rules.lines import Line
from app.candidates.rules.places import is_place, without_place
from app.candidates.rules.skills import canonical
from app.candidates.rules.vocabulary import (
    company_score,
    ends_like_a_job,
    has_school,
    is_department,
    is_employment_type,
    is_legal_form,
    is_rank,
    is_title_head,
    is_title_word,
    title_score,
)

_STRONG = re.compile(
    r"\s*\t\s*|\s*\|\s*|\s+[•·∙/]\s+|\s*[•∙]\s*|\s+[-–—―~]+\s+|\s*—\s*|\s{3,}|\s+@\s+|;\s+|\s*:\s+|\s*_\s+"
)
_AT = re.compile(
    r"^(?P<title>.{2,60}?)\s*,?\s+(?:at|with|for|@)\s+(?P<company>[A-Z0-9(가-힣].{1,60})$"
)
_BRACKETS = re.compile(r"\s*[(\[](?P<inner>[^()\[\]]{1,60})[)\]]\s*$")
_TRIM = " \t,;:|/~·•-–—"
_KO_STATE = re.compile(r"\s*(?:재직\s?중|재직|근무\s?중|근무|퇴사|입사)$")
_LABEL_PREFIX = re.compile(r"^(?P<label>[^\s:]{2,10})\s*:\s*(?P<value>\S.*)$")
_OPEN_END = re.compile(r"현재|재직 ?중|present|current|now|to date", re.IGNORECASE)
_SLASH = re.compile(r"(?<=\S)/(?=\S)")
_COMPANY_MAX_CHARS, _TITLE_MAX_CHARS = 70, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    text: str
    order: int
    near: int  # 0 beside the date, 1 above it, 2 below it
    bold: bool = False
    label: frozenset[Label] = frozenset()


@dataclass(slots=True, kw_only=True)
class _Draft:
    parts: list[_Part]
    period: Period | None
    title: _Part | None = None
    company: _Part | None = None


def find_experience(sections: Iterable[Sequence[Line]]) -> list[Experience]:
    """Positions in reading order."""
    found: list[Experience] = []
    for lines in sections:
        spans = any(not p.single for line in lines if not line.bullet for p in periods(line.text))
        found += positions(group(lines, singles=_names_a_title if spans else lambda _: True))
    return found


def _names_a_title(line: Line) -> bool:
    """Among spans a lone date marks a position only beside a job's title."""
    text = (
        without_periods(line.text)
        if len(line.text) <= _COMPANY_MAX_CHARS + _TITLE_MAX_CHARS
        else ""
    )
    return any(title_score(part) for piece in _STRONG.split(text) for part in _split(_tidy(piece)))


def positions(entries: Sequence[Entry]) -> list[Experience]:
    """Positions of one section: entries that are unclear follow the order of the clear ones."""
    drafts = [_draft(entry) for entry in entries]
    company_first = _company_first(drafts)
    found: list[Experience] = []
    previous: Experience | None = None
    for draft in drafts:
        _complete(draft, company_first=company_first)
        company = (
            draft.company.text
            if draft.company
            else (previous.company if previous and draft.title else None)
        )
        if not company:
            continue
        title = draft.title.text if draft.title else None
        row = Experience(company=company, title=title, **_dates(draft.period))
        if previous and _inside(row, previous):
            continue
        if row not in found:
            found.append(row)
        previous = row
    return found


def _dates(period: Period | None) -> dict[str, str | None]:
    if period is None:
        return {"start": None, "end": None}
    if period.single:
        date = period.start or period.end
        return {"start": date, "end": date}
    return {"start": period.start, "end": period.end}


def _inside(row: Experience, outer: Experience) -> bool:
    """A project told under its employer: no title of its own, within the employer's dates."""
    if (
        row.title
        or not outer.title
        or not (row.start and outer.start)
        or company_score(row.company)
    ):
        return False
    ends_within = outer.end is None or (row.end is not None and row.end <= outer.end)
    return outer.start <= row.start and ends_within


def _draft(entry: Entry) -> _Draft:
    if {Label.COMPANY, Label.TITLE} & entry.columns.keys():
        return _from_columns(entry)
    draft = _Draft(parts=[], period=entry.period)
    for near, lines in ((0, entry.head), (1, entry.above)):
        for line in lines:
            _add_parts(draft, line, near)
    _choose(draft)
    if draft.title and not draft.company and not any(map(_may_name_a_company, entry.below[:1])):
        _cut(draft)
    if not (draft.title and draft.company):
        for line in entry.below:
            _add_parts(draft, line, 2)
        _choose(draft)
    return draft


def _may_name_a_company(line: Line) -> bool:
    """A line below the title that names the employer: no deed, no second title."""
    if line.bold or company_score(line.text):
        return True
    words = without_periods(line.text).split()
    named = all(w[:1].isupper() or not w.isascii() for w in words if len(w) > 3)
    return bool(words) and named and is_headish(line) and not title_score(line.text)


def _from_columns(entry: Entry) -> _Draft:
    columns = entry.columns
    company = columns.get(Label.COMPANY) or columns.get(Label.SCHOOL)
    title = columns.get(Label.TITLE)
    draft = _Draft(parts=[], period=entry.period)
    if company:
        text = _tidy(without_periods(company))
        pieces = _split(text) if title is None else [text]
        draft.parts = [_Part(text=p, order=i, near=0) for i, p in enumerate(pieces)]
        _choose(draft)
        draft.company = draft.company or (draft.parts[0] if draft.parts else None)
    if title is None:
        duty = columns.get(Label.DUTY, columns.get(Label.DEPARTMENT, ""))
        title = duty if title_score(duty) >= 0.5 else None
    if title and (text := _tidy(without_periods(title))):
        draft.title = _Part(text=text[:_TITLE_MAX_CHARS], order=9, near=0)
    return draft


def _add_parts(draft: _Draft, line: Line, near: int) -> None:
    texts = [c for c in line.cells if c] or [line.text]
    for text in texts:
        for piece in _STRONG.split(without_periods(text)):
            for part in _split(_tidy(piece)):
                if _is_name_like(part):
                    label = frozenset[Label]()
                    if prefixed := _LABEL_PREFIX.match(part):
                        label = labels_of(prefixed["label"])
                        part = prefixed["value"] if label else part  # noqa: PLW2901 - the label is taken off its part
                    draft.parts.append(
                        _Part(
                            text=part,
                            order=len(draft.parts),
                            near=near,
                            bold=line.bold,
                            label=label,
                        )
                    )


def _is_name_like(text: str) -> bool:
    if not 1 < len(text) <= _TITLE_MAX_CHARS or not any(c.isalpha() for c in text):
        return False
    if _OPEN_END.fullmatch(text):  # recognition may set it apart from its date
        return False
    place = is_place(text) and not company_score(text)
    return not (place or is_employment_type(text) or "@" in text or "://" in text)


def _tidy(text: str) -> str:
    text = _KO_STATE.sub("", text.strip(_TRIM)).strip(_TRIM)
    while (tail := _BRACKETS.search(text)) and (
        is_employment_type(tail["inner"])
        or is_place(tail["inner"])
        or not any(c.isalpha() for c in tail["inner"])
    ):
        text = text[: tail.start()].strip(_TRIM)
    if text.startswith("(") and text.endswith(")") and text.count("(") == 1:
        text = text[1:-1]
    return text if text.count("(") == text.count(")") else text.strip("()")


def _split(text: str) -> list[str]:
    """Parts that one run of text holds: by ` at `, brackets, slashes, commas, or title words at its end."""
    if not text:
        return []
    at = _AT.match(text)
    if at and title_score(at["title"]) and not title_score(at["company"]):
        return [at["title"], *_split(at["company"])]
    bracket = _BRACKETS.search(text)
    if bracket and bracket.start() > 1:
        outer, inner = text[: bracket.start()].strip(_TRIM), bracket["inner"].strip()
        if bool(title_score(outer)) != bool(title_score(inner)) and (
            title_score(inner) > 0.6 or company_score(inner)
        ):
            return [*_split(outer), inner]
    halves = _SLASH.split(text)
    if (
        len(halves) == 2
        and bool(title_score(halves[0])) != bool(title_score(halves[1]))
        and max(map(len, halves)) > 3
    ):
        plain = halves[0] if title_score(halves[1]) else halves[1]
        if not all(is_title_word(w) for w in plain.split()):
            return [h.strip() for h in halves]
    if "," in text:
        return _comma_parts(text)
    return [_without_department(without_place(text))]


def _comma_parts(text: str) -> list[str]:
    segments: list[str] = []
    for segment in (s.strip(_TRIM) for s in re.split(r",\s*", text)):
        if segments and is_legal_form(segment):
            segments[-1] += f", {segment}"
        elif segment:
            segments.append(segment)
    while len(segments) > 1 and (is_place(segments[-1]) or is_place(", ".join(segments[-2:]))):
        pair = len(segments) > 2 and is_place(", ".join(segments[-2:]))
        segments = segments[: -2 if pair else -1]
    titles = [bool(title_score(s)) for s in segments]
    if all(titles) or not any(titles):
        joined = ", ".join(segments)
        return (
            [without_place(joined)]
            if not any(titles) and len(segments) == 1
            else ([joined] if all(titles) else segments)
        )
    return segments


def _without_department(text: str) -> str:
    """튼튼제약 인사팀 → 튼튼제약; a department alone stays."""
    words = text.split()
    while len(words) > 1 and is_department(words[-1]):
        words.pop()
    return " ".join(words)


def _title_rank(part: _Part) -> float:
    score = title_score(part.text)
    # Museum Curator is a job, whatever works end as its first word does.
    told = part.text.split()[-1] if part.text.isascii() else part.text
    if score and score < 0.9 and company_score(told) >= 0.6:
        score -= 0.45
    if part.label & {Label.TITLE}:
        score += 1
    if is_rank(part.text):  # 과장 beside 백엔드 개발자 tells less
        score -= 0.05
    return score - 0.02 * part.near - 0.001 * part.order


def _company_rank(part: _Part) -> float:
    score = company_score(part.text) + 0.25 * part.bold - 0.12 * part.near - 0.02 * part.order
    if is_department(part.text):
        score -= 0.7
    if part.label & {Label.COMPANY}:
        score += 1
    return score - 0.6 * (title_score(part.text) >= 0.6) - 0.3 * (len(part.text.split()) > 6)


def _choose(draft: _Draft) -> None:
    ranked = sorted(draft.parts, key=_title_rank, reverse=True)
    draft.title = ranked[0] if ranked and _title_rank(ranked[0]) >= 0.3 else None
    rest = [p for p in draft.parts if p is not draft.title and len(p.text) <= _COMPANY_MAX_CHARS]
    best = max(rest, key=_company_rank, default=None)
    draft.company = best if best and _company_rank(best) > -0.4 else None


def _company_first(drafts: Sequence[_Draft]) -> bool:
    """The order in this section; company first unless the clear entries say otherwise."""
    votes = 0
    for draft in drafts:
        if draft.title and draft.company and draft.title.near == draft.company.near:
            votes += 1 if draft.company.order < draft.title.order else -1
    return votes >= 0


def _complete(draft: _Draft, *, company_first: bool) -> None:
    if draft.title and not draft.company:
        _cut(draft)
        return
    if draft.title or not draft.company:
        return
    job = next((p for p in draft.parts if p.near and ends_like_a_job(p.text)), None)
    if job is None and ends_like_a_job(draft.company.text):
        rest = [p for p in draft.parts if p is not draft.company and not is_department(p.text)]
        job, draft.company = (draft.company, rest[0]) if rest else (None, draft.company)
    if job is not None and job is not draft.company:
        draft.title = job
        return
    if pieces := _cut_job(draft.company.text):
        draft.company, draft.title = (replace(draft.company, text=piece) for piece in pieces)
        return
    rest = [
        p
        for p in draft.parts
        if p.near <= 1 and not is_department(p.text) and not has_school(p.text)
    ]
    if (
        len(rest) == 2
        and max(company_score(p.text) for p in rest) < 0.6
        and rest[0].bold == rest[1].bold
    ):
        draft.company, draft.title = rest if company_first else rest[::-1]
    elif len(rest) == 2:
        draft.title = rest[1] if draft.company is rest[0] else rest[0]
    if draft.title and len(draft.title.text.split()) > 6:
        draft.title = None


def _cut(draft: _Draft) -> None:
    """Take the company out of the title's own line."""
    title = draft.title
    if title and (pieces := _cut_title(title.text)):
        draft.title = replace(title, text=pieces[0])
        draft.company = replace(title, text=_without_department(pieces[1]))


def _cut_job(text: str) -> tuple[str, str] | None:
    """`동녘플랜트 용접 기능공`: a firm and a job that no list knows, in one run of Korean."""
    words = text.split()
    if not 2 <= len(words) <= 5 or not ends_like_a_job(words[-1]) or text.isascii():
        return None
    first = len(words) - 1
    # The firm's name comes first; what is a word of titles belongs to the job.
    while first > 1 and not company_score(" ".join(words[:first])):
        first -= 1
    return " ".join(words[:first]), " ".join(words[first:])


def _cut_title(text: str) -> tuple[str, str] | None:
    """`Northwind Data Engineer` or `Data Engineer Northwind`: title words against the others."""
    words = text.split()
    flags = [is_title_word(w) or canonical(w) is not None for w in words]
    if all(flags) or "," in text:
        return None
    if not flags[0] and flags[-1]:
        last = max(i for i, f in enumerate(flags) if not f)
        if is_department(words[last]) and last:
            flags[last] = True
            last = max((i for i, f in enumerate(flags) if not f), default=last)
        if not text.isascii():  # 바다중공업 도금 기능사: a firm's own ending tells where it ends
            told = (i for i in range(last) if company_score(words[i]) >= 0.6)
            last = next(told, last)
        return " ".join(words[last + 1 :]), " ".join(words[: last + 1])
    if flags[0] and not flags[-1]:
        first = min(i for i, f in enumerate(flags) if not f)
        title = words[:first]
        return (
            (" ".join(title), " ".join(words[first:]))
            if any(is_title_head(w) for w in title)
            else None
        )
    return None


def is_career_entry(entry: Entry) -> bool:
    """For files without headings: a dated entry with a job title in it."""
    lines = (*entry.head, *entry.above, *entry.below)
    texts = [
        part
        for line in lines
        if is_headish(line)
        for part in _STRONG.split(without_periods(line.text))
    ]
    return entry.period is not None and any(
        title_score(_tidy(t)) for p in texts for t in _split(_tidy(p))
    )
