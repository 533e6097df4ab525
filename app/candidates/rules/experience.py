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
from app.candidates.rules.parts import (
    SEPARATOR,
    cut_job,
    cut_title,
    split,
    tidy,
    without_department,
    without_translation,
)
from app.candidates.rules.places import is_place, without_place
from app.candidates.rules.vocabulary import (
    company_score,
    ends_like_a_job,
    has_school,
    is_department,
    is_employment_type,
    is_rank,
    title_score,
)

_LABEL_PREFIX = re.compile(r"^(?P<label>[^:|]{2,20}?)\s*:\s*(?P<value>\S.*)$")
_OPEN_END = re.compile(r"현재|재직 ?중|present|current|now|to date", re.IGNORECASE)
_COMPANY_MAX_CHARS, _TITLE_MAX_CHARS = 70, 80
_FIELD_MAX_WORDS = 4
_ON_ONES_OWN = re.compile(
    r"(?:개인\s?)?프리랜서|자영업|개인\s?사업자?|1인\s?기업|freelance(?:r|\s?work)?|self[- ]employed|independent|sole (?:trader|proprietor)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    text: str
    order: int
    near: int  # 0 beside the date, 1 above it, 2 below it
    bold: bool = False
    label: frozenset[Label] = frozenset()
    line: int = -1
    whole: str = ""  # the text that commas cut into this and other parts


@dataclass(slots=True, kw_only=True)
class _Draft:
    parts: list[_Part]
    period: Period | None
    title: _Part | None = None
    company: _Part | None = None
    own: str | None = None  # what says that there was no employer: Freelance


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
    return any(title_score(part) for piece in SEPARATOR.split(text) for part in split(tidy(piece)))


def positions(entries: Sequence[Entry]) -> list[Experience]:
    """Positions of one section: entries that are unclear follow the order of the clear ones."""
    drafts = [_draft(entry) for entry in entries]
    company_first = _company_first(drafts)
    _pair_alike(drafts)
    _keep_fields(drafts, entries)
    found: list[Experience] = []
    previous: Experience | None = None
    for number, draft in enumerate(drafts):
        _complete(draft, company_first=company_first)
        inherited = previous.company if previous and draft.title else None
        company = draft.company.text if draft.company else draft.own or inherited
        if not company:
            continue
        title = draft.title.text if draft.title else None
        company = without_translation(company)
        row = Experience(company=company, title=title, **_dates(draft.period))
        if previous and _inside(row, previous):
            continue
        # A firm over positions that have dates of their own is no position itself.
        if row not in found and (title or not _holds_positions(draft, drafts[number + 1 :])):
            found.append(row)
        previous = row
    return found


def _holds_positions(draft: _Draft, later: Sequence[_Draft]) -> bool:
    if not later or not draft.period:
        return False
    inner = later[0]
    if not inner.title or inner.company or not inner.period or not inner.period.start:
        return False
    first = draft.period.start or ""
    return first[:4] <= inner.period.start[:4]


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
    if draft.company and not draft.title:
        draft.title = _job_beside(draft)
    if not (draft.title and draft.company) or _is_told_below(draft, entry.below[:1]):
        for line in entry.below:
            _add_parts(draft, line, 2)
        _choose(draft)
    return _with_field(draft)


def _is_told_below(draft: _Draft, below: Sequence[Line]) -> bool:
    """Whether `Charge Nurse, Surgery` stands over its hospital: then the comma parts off no employer."""
    title, company = draft.title, draft.company
    if not below or not title or not company or not title.whole or title.whole != company.whole:
        return False
    probe = _Draft(parts=[], period=None)
    _add_parts(probe, below[0], 2)
    if not is_headish(below[0]) or not probe.parts or title_score(probe.parts[0].text):
        return False
    placed = any(is_place(p) for p in SEPARATOR.split(below[0].text)) or (
        without_place(below[0].text) != below[0].text
    )
    here = 0.0 if is_department(company.text) else company_score(company.text)
    if placed or company_score(probe.parts[0].text) > here:
        draft.parts = [p for p in draft.parts if p is not company]
        return True
    return False


def _with_field(draft: _Draft) -> _Draft:
    """`Senior Associate, Property` keeps what follows its comma where the employer is told elsewhere."""
    title, company = draft.title, draft.company
    if title and company and title.whole and company.whole != title.whole:
        field = title.whole.removeprefix(title.text).strip(", ")
        told = title.whole.startswith(title.text) and not any(c.isdigit() for c in field)
        if field and told and len(field.split()) <= _FIELD_MAX_WORDS:
            draft.title = replace(title, text=title.whole)
    return draft


def _may_name_a_company(line: Line) -> bool:
    """A line below the title that names the employer: no deed, no second title."""
    if line.bold or company_score(line.text):
        return True
    words = without_periods(line.text).split()
    long = [w for w in words if len(w) > 3 and w.strip(".,").isalpha()]
    named = 2 * sum(w[:1].isupper() or not w.isascii() for w in long) > len(long)
    named = named and (words[0][:1].isupper() or not words[0].isascii())
    return bool(words) and named and is_headish(line) and not title_score(line.text)


def _from_columns(entry: Entry) -> _Draft:
    columns = entry.columns
    company = columns.get(Label.COMPANY) or columns.get(Label.SCHOOL)
    title = columns.get(Label.TITLE)
    draft = _Draft(parts=[], period=entry.period)
    if company:
        text = tidy(without_periods(company))
        shared = columns.get(Label.DEPARTMENT) == company  # 회사명 및 부서 over one cell
        pieces = split(text) if title is None else [text]
        if shared:
            named = [p for p in SEPARATOR.split(text) if not is_department(p)]
            pieces = [" ".join(named)] if named else [text]
        draft.parts = [_Part(text=p, order=i, near=0) for i, p in enumerate(pieces)]
        _choose(draft)
        draft.company = draft.company or (draft.parts[0] if draft.parts else None)
    if title is None:
        duty = columns.get(Label.DUTY, columns.get(Label.DEPARTMENT, ""))
        title = duty if title_score(duty) >= 0.5 else None
    text = tidy(without_periods(title)) if title else ""
    if any(c.isalpha() for c in text):
        draft.title = _Part(text=text[:_TITLE_MAX_CHARS], order=9, near=0)
    return draft


def _add_parts(draft: _Draft, line: Line, near: int) -> None:
    texts = [c for c in line.cells if c] or [line.text]
    for text in texts:
        bare, label = _without_label(without_periods(text))
        for piece in SEPARATOR.split(bare):
            parts = split(tidy(piece))
            for part in parts:
                if draft.title is None and _ON_ONES_OWN.fullmatch(part):
                    draft.own = draft.own or part
                if _is_name_like(part):
                    draft.parts.append(
                        _Part(
                            text=part,
                            order=len(draft.parts),
                            near=near,
                            bold=line.bold,
                            label=label,
                            line=line.index,
                            whole=", ".join(parts) if len(parts) > 1 and "," in piece else "",
                        )
                    )


def _without_label(text: str) -> tuple[str, frozenset[Label]]:
    """`직위 : 차장` → 차장, and what it is."""
    prefixed = _LABEL_PREFIX.match(text)
    label = labels_of(prefixed["label"]) if prefixed else frozenset[Label]()
    return (prefixed["value"], label) if prefixed and label else (text, frozenset[Label]())


def _is_name_like(text: str) -> bool:
    if not 1 < len(text) <= _TITLE_MAX_CHARS or not any(c.isalpha() for c in text):
        return False
    if _OPEN_END.fullmatch(text):  # recognition may set it apart from its date
        return False
    place = is_place(text) and not company_score(text)
    return not (place or is_employment_type(text) or "@" in text or "://" in text)


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
    own = [p for p in draft.parts if _ON_ONES_OWN.fullmatch(p.text)]
    jobs = [p for p in ranked if p not in own and title_score(p.text)]
    if own and jobs and not (draft.company and company_score(draft.company.text)):
        draft.company, draft.title = own[0], jobs[0]  # 프리랜서 | 브랜드 디자이너


def _company_first(drafts: Sequence[_Draft]) -> bool:
    """The order in this section; company first unless the clear entries say otherwise."""
    votes = 0
    for draft in drafts:
        if draft.title and draft.company and draft.title.near == draft.company.near:
            votes += 1 if draft.company.order < draft.title.order else -1
    return votes >= 0


def _pair_alike(drafts: Sequence[_Draft]) -> None:
    """`Content Designer | Civic Forms Unit` names a firm where other entries do so on one line."""
    paired = [d for d in drafts if d.title and d.company and d.title.line >= 0]
    if not paired or any(d.title and d.company and d.title.line != d.company.line for d in paired):
        return
    for draft in drafts:
        if draft.title and not draft.company:
            beside = [p for p in draft.parts if p.line == draft.title.line and p is not draft.title]
            if len(beside) == 1 and len(beside[0].text) <= _COMPANY_MAX_CHARS:
                draft.company = beside[0]


def _keep_fields(drafts: Sequence[_Draft], entries: Sequence[Entry]) -> None:
    """`Vice President, Sales` under a firm that stands above an earlier position names no firm."""
    for before, draft, entry in zip(drafts, drafts[1:], entries[1:], strict=False):
        title, company = draft.title, draft.company
        told_above = before.company is None or before.company.near == 1
        if not title or not company or entry.above or not told_above:
            continue
        if company.whole and company.whole == title.whole and not company_score(company.text):
            draft.title, draft.company = replace(title, text=title.whole), None
            draft.parts = [draft.title]


def _complete(draft: _Draft, *, company_first: bool) -> None:
    if draft.title and not draft.company:
        _cut(draft)
        return
    if draft.title or not draft.company:
        return
    job = next((p for p in draft.parts if p.near and ends_like_a_job(p.text)), None)
    if job in (None, draft.company) and ends_like_a_job(draft.company.text):
        rest = [p for p in draft.parts if p is not draft.company and not is_department(p.text)]
        job, draft.company = (draft.company, rest[0]) if rest else (None, draft.company)
    if job is not None and job is not draft.company:
        draft.title = job
        return
    if pieces := cut_job(draft.company.text):
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


def _job_beside(draft: _Draft) -> _Part | None:
    """What alone shares the dated line of a known employer is the job, in whatever words."""
    company = draft.company
    if not company or company.near or not company_score(company.text):
        return None
    beside = [p for p in draft.parts if not p.near and p is not company]
    if len(beside) != 1 or beside[0].order < company.order or len(beside[0].text.split()) > 4:
        return None
    text = beside[0].text
    plain = not (is_department(text) or has_school(text) or company_score(text))
    return beside[0] if plain else None


def _cut(draft: _Draft) -> None:
    """Take the company out of the title's own line."""
    title = draft.title
    if title and (pieces := cut_title(title.text)) and not is_department(pieces[1]):
        draft.title = replace(title, text=pieces[0])
        draft.company = replace(title, text=without_department(pieces[1]))


def is_career_entry(entry: Entry) -> bool:
    """For files without headings: a dated entry with a job title in it."""
    if Label.COMPANY in entry.columns:
        return entry.period is not None or Label.TITLE in entry.columns
    lines = (*entry.head, *entry.above, *entry.below)
    texts = [
        part
        for line in lines
        if is_headish(line)
        for part in SEPARATOR.split(without_periods(line.text))
    ]
    return entry.period is not None and any(
        title_score(tidy(t)) for p in texts for t in split(tidy(p))
    )
