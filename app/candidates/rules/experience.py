# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Positions: company, title and dates of each entry of a career section."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from app.candidates.profile import Experience
from app.candidates.rules.choosing import COMPANY_MAX_CHARS, Draft, Part
from app.candidates.rules.dates import Period, periods, without_periods
from app.candidates.rules.drafts import TITLE_MAX_CHARS, cut_out, draft_of, with_field
from app.candidates.rules.entries import group, is_duration
from app.candidates.rules.labels import Label, labels_of
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.parts import (
    SEPARATOR,
    cut_job,
    split,
    tidy,
    without_translation,
)
from app.candidates.rules.sentences import is_headish
from app.candidates.rules.tables import Entry
from app.candidates.rules.vocabulary import (
    company_score,
    ends_like_a_job,
    has_school,
    is_department,
    is_employment_type,
    is_legal,
    title_score,
)

_FORCES = re.compile(
    r"(?:대한민국\s?)?(?:육군|해군|공군|해병대|의무경찰|의경|카투사|상근예비역|사회복무)"
)
_OF_A_JOB = frozenset({Label.TITLE, Label.DUTY, Label.DEPARTMENT, Label.COMPANY})
_BREAK = re.compile(
    r"(?:career|employment|family|maternity|parental) (?:break|gap|leave)\b|sabbatical\b|육아\s?휴직|경력\s?단절|공백기",
    re.IGNORECASE,
)
_CONSCRIPT = re.compile(r"[병이상일]병|병장|만기|전역|제대|복무")


def find_experience(sections: Iterable[Sequence[Line]]) -> list[Experience]:
    """Positions in reading order."""
    found: list[Experience] = []
    for lines in sections:
        found += positions(group(lines, singles=_singles(lines)))
    return [row for row in found if not any(_retells(row, other) for other in found)]


def _retells(row: Experience, other: Experience) -> bool:
    """A firm without a job, that a table has told with one: what was done there, and when."""
    told = other.title and not row.title and squeeze(row.company) == squeeze(other.company)
    within = not row.start or (other.start and other.start[:4] <= row.start[:4])
    return bool(told and within)


def _singles(lines: Sequence[Line]) -> Callable[[Line], bool]:
    """Which lone dates mark a position: all where there are no spans, else those set as spans are."""
    spans = [
        line
        for line in lines
        if not line.bullet and any(not period.single for period in periods(line.text))
    ]
    if not spans:
        return lambda _: True
    apart = {line.look for line in spans if not without_periods(line.text)}

    def is_set_apart(line: Line) -> bool:
        return line.look in apart and not line.bullet and not without_periods(line.text)

    return lambda line: is_set_apart(line) or _names_a_title(line)


def _names_a_title(line: Line) -> bool:
    """Among spans a lone date marks a position only beside a job's title."""
    text = (
        without_periods(line.text) if len(line.text) <= COMPANY_MAX_CHARS + TITLE_MAX_CHARS else ""
    )
    return any(title_score(part) for piece in SEPARATOR.split(text) for part in split(tidy(piece)))


def positions(entries: Sequence[Entry]) -> list[Experience]:
    """Positions of one section: entries that are unclear follow the order of the clear ones."""
    entries = [entry for entry in entries if entry.period or not _tells_duties_alone(entry)]
    drafts = [draft_of(entry) for entry in entries]
    _name_firms_over_totals(drafts, entries)
    company_first = _company_first(drafts)
    _pair_alike(drafts)
    _keep_fields(drafts, entries)
    _keep_titles(drafts)
    _name_firms_beside_dates(drafts)
    _keep_whole_under_firms(drafts)
    found: list[Experience] = []
    previous: Experience | None = None
    for number, draft in enumerate(drafts):
        _complete(draft, company_first=company_first)
        inherited = previous.company if previous and draft.title else None
        company = draft.company.text if draft.company else draft.own or inherited
        if not company or labels_of(company) & _OF_A_JOB or _BREAK.match(company):
            continue  # 역할 | 기획 총괄, in the table of a project
        title = draft.title.text if draft.title else None
        company = without_translation(company)
        row = Experience(company=company, title=title, **_dates(draft.period))
        if (previous and _inside(row, previous)) or _is_military_duty(row):
            continue
        # A firm over positions that have dates of their own is no position itself.
        if row not in found and (title or not _holds_positions(draft, drafts[number + 1 :])):
            found.append(row)
        previous = row
    return found


def _tells_duties_alone(entry: Entry) -> bool:
    """A row below `Duties | Reason for leaving`, of the position in the row before."""
    return bool(entry.columns) and entry.columns.keys() <= {
        Label.DUTY,
        Label.REMARK,
        Label.PERSONAL,
    }


def _name_firms_over_totals(drafts: Sequence[Draft], entries: Sequence[Entry]) -> None:
    """Acme Foods, below it `7 years 9 months`, then positions: the firm of all until another is named."""
    under = False
    for draft, entry in zip(drafts, entries, strict=True):
        texts = [line.text.strip() for line in entry.above]
        at = next((n for n, text in enumerate(texts) if is_duration(text)), 0)
        firm = Part(text=texts[at - 1], order=0, near=1) if at else None
        named = texts[at + 1 :] if firm else texts
        under = bool(named) and (firm is not None or (under and len(texts) == 1))
        if under:
            name, _, kind = named[-1].partition(" · ")
            name = name if is_employment_type(kind) else named[-1]
            title = Part(text=name[:TITLE_MAX_CHARS], order=1, near=1)
            draft.company, draft.title, draft.uncut = firm, title, title
            draft.parts = [*filter(None, (firm, title))]


def _holds_positions(draft: Draft, later: Sequence[Draft]) -> bool:
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


def _is_military_duty(row: Experience) -> bool:
    """육군, 병장 만기전역: a duty of citizens and no employment; a career of officers is one."""
    return _FORCES.match(row.company) is not None and (
        not row.title or _CONSCRIPT.search(row.title) is not None
    )


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


def _company_first(drafts: Sequence[Draft]) -> bool:
    """The order in this section; company first unless the clear entries say otherwise."""
    votes = 0
    for draft in drafts:
        if draft.title and draft.company and draft.title.near == draft.company.near:
            votes += 1 if draft.company.order < draft.title.order else -1
    return votes >= 0


def _pair_alike(drafts: Sequence[Draft]) -> None:
    """`Content Designer | Civic Forms Unit` names a firm where other entries do so on one line."""
    paired = [d for d in drafts if d.title and d.company and d.title.line >= 0]
    if not paired or any(d.title and d.company and d.title.line != d.company.line for d in paired):
        return
    for draft in drafts:
        if draft.title and not draft.company:
            beside = [p for p in draft.parts if p.line == draft.title.line and p is not draft.title]
            if len(beside) == 1 and len(beside[0].text) <= COMPANY_MAX_CHARS:
                draft.company = beside[0]


def _keep_fields(drafts: Sequence[Draft], entries: Sequence[Entry]) -> None:
    """`Vice President, Sales` under a firm that stands above an earlier position names no firm."""
    for before, draft, entry in zip(drafts, drafts[1:], entries[1:], strict=False):
        title, company = draft.title, draft.company
        told_above = before.company is None or before.company.near == 1
        if not title or not company or entry.above or not told_above:
            continue
        if company.whole and company.whole == title.whole and not company_score(company.text):
            draft.title, draft.company = replace(title, text=title.whole), None
            draft.parts = [draft.title]


def _keep_titles(drafts: Sequence[Draft]) -> None:
    """`Test Engineer` is whole, and what stands below it no firm, where firms stand over their jobs."""
    told = [(d.title, d.company) for d in drafts if d.title and d.company and not d.uncut]
    if not told or any(title.line == company.line for title, company in told):
        return
    over = any(company.near == 1 for _, company in told)
    named = False
    for draft in drafts:
        firm, title = draft.company, draft.title
        if named and firm and title and not company_score(firm.text):
            below = over and firm.near == 2 and not firm.bold
            if draft.uncut or below:
                draft.title, draft.company = draft.uncut or title, None
                draft.uncut = draft.title
        named = named or draft.company is not None


def _name_firms_beside_dates(drafts: Sequence[Draft]) -> None:
    """`Nurse, Renal Ward` over `St Bride's, 2016 - 2019` names a firm as the other entries do."""
    named = [(d.title, d.company) for d in drafts if d.title and d.company]
    sure = [title.near - firm.near for title, firm in named if company_score(firm.text)]
    if not sure or any(above != 1 for above in sure):
        return
    for draft in drafts:
        title, firm = draft.title, draft.company
        beside = [p for p in draft.parts if not p.near and not title_score(p.text)]
        if not title or not firm or not firm.near or len(beside) != 1:
            continue
        if firm.whole and firm.whole == title.whole and not company_score(firm.text):
            draft.company = beside[0]
            with_field(draft)


def _keep_whole_under_firms(drafts: Sequence[Draft]) -> None:
    """`Manager, Linehaul (2004 - 2008)` within the time of the firm that stands over it names no other."""
    outer: Draft | None = None
    for draft in drafts:
        title, firm = draft.title, draft.company
        if firm and not title:
            outer = draft
        elif outer is None or not _lies_within(draft.period, outer.period):
            outer = None
        elif title and firm and firm.line == title.line and not company_score(firm.text):
            draft.title = draft.uncut or replace(title, text=title.whole or title.text)
            draft.company, draft.uncut = None, draft.title


def _lies_within(inner: Period | None, outer: Period | None) -> bool:
    if not inner or not outer or not inner.start or not outer.start:
        return False
    ends = outer.end is None or (inner.end is not None and _no_later(inner.end, outer.end))
    return _no_later(outer.start, inner.start) and ends


def _no_later(one: str, two: str) -> bool:
    """Whether `2022-05` is not after `2022`: as far as both are told."""
    told = min(len(one), len(two))
    return one[:told] <= two[:told]


def _complete(draft: Draft, *, company_first: bool) -> None:
    if draft.title and not draft.company:
        if not (draft.uncut or draft.own):
            cut_out(draft)
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


def is_career_entry(entry: Entry) -> bool:
    """For files without headings: a dated entry with a job title in it, or a row with a firm's legal form."""
    if Label.COMPANY in entry.columns:
        return entry.period is not None or Label.TITLE in entry.columns
    if Label.SCHOOL in entry.columns:
        return False
    lines = (*entry.head, *entry.above, *entry.below)
    cells = [cell for line in lines if is_headish(line) for cell in line.cells or (line.text,)]
    texts = [tidy(part) for cell in cells for part in SEPARATOR.split(without_periods(cell))]
    named = any(title_score(tidy(part)) for text in texts for part in split(text))
    row = len(cells) > 1 and any(is_legal(cell) for cell in cells)
    return entry.period is not None and (named or row)
