# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""What the lines of one entry may name: a job, an employer, a department, and which is which."""

import re
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.choosing import ON_ONES_OWN, Draft, Part, choose, company_rank
from app.candidates.rules.dates import without_periods
from app.candidates.rules.labels import Label, labels_of
from app.candidates.rules.lines import Line
from app.candidates.rules.parts import (
    SEPARATOR,
    TRIM,
    are_two_jobs,
    cut_title,
    is_korean,
    is_short_field,
    split,
    tidy,
    without_deed,
    without_department,
)
from app.candidates.rules.places import is_place, without_place
from app.candidates.rules.sentences import first_sentence, is_headish, without_reason
from app.candidates.rules.tables import Entry
from app.candidates.rules.vocabulary import (
    company_score,
    has_school,
    is_department,
    is_employment_type,
    title_score,
)

_LABEL_PREFIX = re.compile(r"^(?P<label>[^:|]{2,20}?)\s*:\s*(?P<value>\S.*)$")
_OPEN_END = re.compile(r"현재|재직 ?중|present|current|now|to date", re.IGNORECASE)
TITLE_MAX_CHARS = 80
_LABEL_MAX_CHARS = 12
_FREELANCE = re.compile(r"\b(?:freelance|self-employed)\b|프리랜서", re.IGNORECASE)
_TOLD_LABELS = frozenset({Label.COMPANY, Label.TITLE, Label.DEPARTMENT, Label.DUTY})
_PERIOD_LABELS = frozenset({Label.PERIOD, Label.START, Label.END})
_HISTORY = re.compile(
    r"\s*\((?:(?:acquired|formerly|previously|now|part of|(?:a )?subsidiary|member of|merged|d/b/a|via|through)\b|[구舊현前](?=[.\s:,)]))[^()]{0,60}\)",
    re.IGNORECASE,
)
_DASH = re.compile(r"\s+[-–—―]+\s+")
_HOW = re.compile(r"인턴(?:십|사원)?|아르바이트|파트타임|intern(?:ship)?", re.IGNORECASE)


def draft_of(entry: Entry) -> Draft:
    if {Label.COMPANY, Label.TITLE} & entry.columns.keys():
        return _from_columns(entry)
    draft = Draft(parts=[], period=entry.period)
    for near, lines in ((0, entry.head), (1, entry.above)):
        for line in lines:
            _add_parts(draft, line, near)
    choose(draft)
    alone = not (draft.company or draft.own or any(map(_may_name_a_company, entry.below[:1])))
    if draft.title and alone:
        cut_out(draft)
    _name_below(draft, entry.below[:1])
    if draft.company and not draft.title:
        draft.title = _job_beside(draft, entry.below[:1])
    if not (draft.title and draft.company) or _is_told_below(draft, entry.below[:1]):
        beside = draft.title
        for line in entry.below:
            _add_parts(draft, line, 2)
        choose(draft)
        sure = beside and title_score(beside.text) >= 0.6 and not company_score(beside.text)
        if beside and sure and not ON_ONES_OWN.fullmatch(beside.text):
            _keep(draft, beside)
    _find_the_other(draft, entry)
    _leave_out_deed(draft)
    _leave_out_told(draft)
    return with_field(draft)


def _find_the_other(draft: Draft, entry: Entry) -> None:
    """A job without a firm, or a firm without a job: the missing one may hide in the other's words."""
    if draft.company and not draft.title:
        _cut_firm(draft, draft.company)
    elif draft.title and not draft.company and not draft.own:
        draft.company = _firm_in_a_town(entry)


def _firm_in_a_town(entry: Entry) -> Part | None:
    """`Ironwood Controls, Texas` in bold reads like a town in its state; one that nobody knows is a firm."""
    for line in (*entry.head, *entry.above):
        text = without_periods(line.text).strip(TRIM)
        firm, comma, state = text.rpartition(", ")
        if line.bold and comma and is_place(text) and is_place(state) and not is_place(firm):
            return Part(text=firm, order=0, near=0, bold=True, line=line.index)
    return None


def _leave_out_deed(draft: Draft) -> None:
    """`Freelance Illustrator` over what was drawn: there is no employer to find."""
    title, company = draft.title, draft.company
    word = _FREELANCE.search(title.text) if title else None
    if word is None or (company and (company.near < 2 or company.bold)):
        return
    if company is None or not company_score(company.text):
        draft.company, draft.own, draft.uncut = None, draft.own or word[0], title


def _leave_out_told(draft: Draft) -> None:
    """`가람물산 구매팀 과장 - 원자재 조달`: firm and job stand before the dash, a deed behind it."""
    title, company = draft.title, draft.company
    if not (title and company and title.dashed and title.line == company.line):
        return
    told = company.order > title.order and not company_score(company.text)
    pieces = cut_title(title.text) if told and is_korean(title.text) else None
    if pieces and not is_department(pieces[1]):
        draft.title, draft.company = (replace(title, text=piece, dashed="") for piece in pieces)


def _cut_firm(draft: Draft, company: Part) -> None:
    """`법무법인 나루 소속 변호사`: where nothing else names a job, it may stand in the firm's own run."""
    pieces = cut_title(company.text)
    if pieces and title_score(pieces[0]) and company_score(pieces[1]) >= 0.6:
        draft.title, draft.company = (replace(company, text=piece) for piece in pieces)


def _keep(draft: Draft, title: Part) -> None:
    """The job beside the date is the job, whatever a line below tells of it."""
    if draft.title is title or (draft.title and draft.title.label):
        return
    lower, draft.title = draft.title, title
    if draft.company is title:
        rest = [p for p in draft.parts if p not in (title, lower)]
        best = max(rest, key=company_rank, default=None)
        draft.company = best if best and company_rank(best) > -0.4 else None


def _is_told_below(draft: Draft, below: Sequence[Line]) -> bool:
    """Whether `Charge Nurse, Surgery` stands over its hospital: then the comma parts off no employer."""
    title, company = draft.title, draft.company
    if not below or not title or not company or not _in_one_run(title, company):
        return False
    probe = Draft(parts=[], period=None)
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


def _in_one_run(title: Part, company: Part) -> bool:
    """Whether only a comma or a dash parts the employer from the job that it follows."""
    if title.whole:
        return title.whole == company.whole
    dashed = title.dashed.startswith(title.text) and title.dashed.endswith(company.text)
    return dashed and title.line == company.line


def with_field(draft: Draft) -> Draft:
    """`Senior Associate, Property` keeps what follows its comma where the employer is told elsewhere."""
    title, company = draft.title, draft.company
    if title and company and title.whole and company.whole == title.whole:
        draft.title = replace(title, text=_as_far_as(title, company))
    elif title and company and title.whole:
        field = title.whole.removeprefix(title.text).strip(", ")
        if title.whole.startswith(title.text) and is_short_field(field):
            draft.title = replace(title, text=title.whole)
    if title and title.dashed and draft.title is title:
        _add_field(draft, title)
    return draft


def _as_far_as(title: Part, company: Part) -> str:
    """`Vice President, Risk, Fenland Bank`: what stands between the job and the firm is its field."""
    head, named, _ = title.whole.partition(f", {company.text}")
    field = head.removeprefix(title.text).strip(", ")
    if not named or not head.startswith(title.text) or is_place(field):
        return title.text
    return head if is_short_field(field) else title.text


def _add_field(draft: Draft, title: Part) -> None:
    """`Registered Nurse - Step-Down Unit`: the field after the dash, or a second name of the job."""
    company, field = draft.company, title.dashed.removeprefix(title.text).strip(TRIM)
    second = next((p for p in draft.parts if field.startswith(p.text)), None)
    if second and second is not company and title_score(second.text) >= 0.6:
        draft.title = replace(
            title, text=title.dashed[: title.dashed.index(second.text) + len(second.text)]
        )
    elif company and company.line != title.line and _is_field(field):
        draft.title = replace(title, text=title.dashed)


def _is_field(text: str) -> bool:
    plain = is_short_field(text) and not is_place(text) and not title_score(text)
    return plain and (is_department(text) or not company_score(text))


def _may_name_a_company(line: Line) -> bool:
    """A line below the title that names the employer: no deed, no second title."""
    if line.bold or company_score(line.text):
        return True
    words = without_periods(line.text).split()
    if is_korean(line.text) and len(words) > 2:
        return False  # 그룹웨어 모바일 앱 기획
    long = [w for w in words if len(w) > 3 and w.strip(".,").isalpha()]
    named = 2 * sum(w[:1].isupper() or not w.isascii() for w in long) > len(long)
    named = named and (words[0][:1].isupper() or not words[0].isascii())
    return bool(words) and named and is_headish(line) and not title_score(line.text)


def _from_columns(entry: Entry) -> Draft:
    columns = entry.columns
    company = columns.get(Label.COMPANY) or columns.get(Label.SCHOOL) or _unnamed(entry)
    place = columns.get(Label.PLACE, "")
    if not company and not is_place(place):
        company = place  # 근무지 | 나루카페 은하점
    title = columns.get(Label.TITLE)
    draft = Draft(parts=[], period=entry.period)
    if company:
        text = _without_town(tidy(without_periods(_HISTORY.sub("", company))))
        shared = columns.get(Label.DEPARTMENT) == company  # 회사명 및 부서 over one cell
        pieces = split(text) if title is None else [text]
        if title == company:  # Company / Position over one cell
            return _from_one_cell(entry, company)
        if shared:
            named = [p for p in SEPARATOR.split(text) if not is_department(p)]
            pieces = [" ".join(named)] if named else [text]
        draft.parts = [Part(text=p, order=i, near=0) for i, p in enumerate(pieces) if p]
        choose(draft)
        draft.company = draft.company or (draft.parts[0] if draft.parts else None)
    if title and title == columns.get(Label.DUTY):  # Post and responsibilities
        title = without_deed(title)
    if title is None:
        duty = columns.get(Label.DUTY, columns.get(Label.DEPARTMENT, ""))
        title = duty if title_score(duty) >= 0.5 else None
    text = tidy(without_periods(title)) if title else ""
    if any(c.isalpha() for c in text):
        draft.title = Part(text=text[:TITLE_MAX_CHARS], order=9, near=0)
    return draft


def _without_town(text: str) -> str:
    """`Clínica Vale Verde, Porto` in a cell for employers."""
    firm, comma, town = text.rpartition(", ")
    return firm if comma and is_place(town) else text


def _from_one_cell(entry: Entry, cell: str) -> Draft:
    draft = Draft(parts=[], period=entry.period)
    _add_parts(draft, Line(index=-1, text=cell), 0)
    choose(draft)
    if draft.title and not draft.company:
        cut_out(draft)
    elif draft.company and not draft.title:
        _cut_firm(draft, draft.company)
    return draft


def _unnamed(entry: Entry) -> str | None:
    """The employer in a table whose label for it nobody knows: what looks most like a firm."""
    cells = [c for c in entry.unnamed if _is_name_like(without_periods(c))]
    return max(cells, key=lambda c: (company_score(c), not title_score(c)), default=None)


def _add_parts(draft: Draft, line: Line, near: int) -> None:
    texts = [c for c in line.cells if c] or [line.text]
    if len(texts) == 2 and labels_of(texts[0]) & _TOLD_LABELS:
        texts = [": ".join(texts)]  # 직위 | 사서
    for text in texts:
        bare, label = _without_label(without_periods(_HISTORY.sub("", without_reason(text))))
        bare = named if "," in (named := first_sentence(bare)) else bare
        dashed = bare if len(_DASH.split(bare, maxsplit=1)) > 1 else ""
        for piece in [bare] if are_two_jobs(bare) else SEPARATOR.split(bare):
            parts = [bare for part in split(tidy(piece)) if (bare := tidy(part))]
            for part in parts:
                unclear = draft.title is None or (near == 2 and draft.company is None)
                if unclear and ON_ONES_OWN.fullmatch(part):
                    draft.own = draft.own or part
                if _is_name_like(part):
                    draft.parts.append(
                        Part(
                            text=part,
                            order=len(draft.parts),
                            near=near,
                            bold=line.bold,
                            label=label,
                            line=line.index,
                            whole=", ".join(parts) if len(parts) > 1 and "," in piece else "",
                            dashed=dashed if part == _DASH.split(dashed, maxsplit=1)[0] else "",
                        )
                    )


def _without_label(text: str) -> tuple[str, frozenset[Label]]:
    """`직위 : 차장` → 차장, and what it is."""
    prefixed = _LABEL_PREFIX.match(text)
    label = labels_of(prefixed["label"]) if prefixed else frozenset[Label]()
    return (prefixed["value"], label) if prefixed and label else (text, frozenset[Label]())


def _is_name_like(text: str) -> bool:
    if not 1 < len(text) <= TITLE_MAX_CHARS or not any(c.isalpha() for c in text):
        return False
    if _OPEN_END.fullmatch(text):  # recognition may set it apart from its date
        return False
    if len(text) <= _LABEL_MAX_CHARS and labels_of(text) & _PERIOD_LABELS:  # 재직기간: 2018.02 ~
        return False
    place = is_place(text) and not company_score(text)
    return not (place or is_employment_type(text) or "@" in text or "://" in text)


def _job_beside(draft: Draft, below: Sequence[Line]) -> Part | None:
    """What alone shares the dated line of a known employer is the job, in whatever words."""
    company = draft.company
    if not company or company.near or not company_score(company.text):
        return None
    beside = [p for p in draft.parts if not p.near and p is not company]
    if len(beside) != 1 or beside[0].order < company.order or len(beside[0].text.split()) > 4:
        return None
    text = beside[0].text
    if beside[0].whole and beside[0].whole == company.whole and _name_a_job(below):
        return None  # Merrow Retail, Bath: a town
    plain = not (is_department(text) or has_school(text) or company_score(text))
    return beside[0] if plain else None


def _name_below(draft: Draft, below: Sequence[Line]) -> None:
    """인턴 beside the firm tells how one worked there, 디자인 인턴 below it as what."""
    title = draft.title
    if title and draft.company and _HOW.fullmatch(title.text) and _name_a_job(below):
        draft.title = replace(title, text=tidy(below[0].text), near=2, line=below[0].index)


def _name_a_job(lines: Sequence[Line]) -> bool:
    return any(
        is_headish(line) and title_score(line.text.partition(",")[0]) >= 0.6 for line in lines
    )


def cut_out(draft: Draft) -> None:
    """Take the company out of the title's own line."""
    title = draft.title
    if title and (pieces := cut_title(title.text)) and not is_department(pieces[1]):
        draft.uncut = title
        draft.title = replace(title, text=pieces[0])
        draft.company = replace(title, text=without_department(pieces[1]))
