# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Which part of an entry's lines is the job, and which the employer: the best of each by its marks."""

import re
from dataclasses import dataclass

from app.candidates.rules.dates import Period
from app.candidates.rules.labels import Label
from app.candidates.rules.parts import is_korean, is_within_a_firm
from app.candidates.rules.vocabulary import company_score, is_department, is_rank, title_score

COMPANY_MAX_CHARS = 70
_COUNTED = re.compile(r"\d\s?(?:명|건|개|회|종|억|만|%)")
ON_ONES_OWN = re.compile(
    r"(?:개인\s?)?프리랜서|자영업|개인\s?사업자?|1인\s?기업|freelance(?:r|\s?work)?|self[- ]employed|independent|sole (?:trader|proprietor)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One run of text of an entry, and where it stood."""

    text: str
    order: int
    near: int  # 0 beside the date, 1 above it, 2 below it
    bold: bool = False
    label: frozenset[Label] = frozenset()
    line: int = -1
    whole: str = ""  # the text that commas cut into this and other parts
    dashed: str = ""  # the text that a dash cut after this part


@dataclass(slots=True, kw_only=True)
class Draft:
    """An entry on its way to a position."""

    parts: list[Part]
    period: Period | None
    title: Part | None = None
    company: Part | None = None
    uncut: Part | None = None  # the title before a firm was cut out of it
    own: str | None = None  # what says that there was no employer: Freelance


def _title_rank(part: Part) -> float:
    score = title_score(part.text)
    # Museum Curator is a job, whatever works end as its first word does.
    told = part.text if is_korean(part.text) else part.text.split()[-1]
    # 침해대응 연구원 is one who does research there; 한국전자연구원 is where it is done.
    fused = not part.text.endswith(" 연구원")
    if score and score < 0.9 and company_score(told) >= 0.6 and fused:
        score -= 0.45
    if part.label & {Label.TITLE}:
        score += 1
    if _COUNTED.search(part.text):  # 개발조직 220명 담당
        score -= 0.5
    if is_rank(part.text):  # 과장 beside 백엔드 개발자 tells less
        score -= 0.05
    return score - 0.02 * part.near - 0.001 * part.order


def company_rank(part: Part) -> float:
    """How much a part looks like an employer; -0.4 and less is none."""
    score = company_score(part.text) + 0.25 * part.bold - 0.12 * part.near - 0.02 * part.order
    if is_department(part.text):
        score -= 0.7
    if is_within_a_firm(part.text):
        score -= 0.2
    if part.label & {Label.COMPANY}:
        score += 1
    words = part.text.split()
    small = sum(w[0].islower() for w in words)
    if len(words) > 2 and (len(words) == small or (small > 3 and words[0][0].isupper())):
        score -= 0.5  # Food cost held within plan
    if len(words) > 3 and is_korean(part.text) and part.near == 2 and not part.label:
        score -= 0.4  # 새벽 배송 반찬 구독 서비스, below the firm
    if len(words) == 2 and words[1].isdigit():  # Year 2, Ward 7
        score -= 0.3
    return score - 0.6 * (title_score(part.text) >= 0.6) - 0.3 * (len(part.text.split()) > 6)


def choose(draft: Draft) -> None:
    """Set job and employer anew from the parts as they are now; None where nothing looks like one."""
    ranked = sorted(draft.parts, key=_title_rank, reverse=True)
    draft.title = ranked[0] if ranked and _title_rank(ranked[0]) >= 0.3 else None
    rest = [p for p in draft.parts if p is not draft.title and len(p.text) <= COMPANY_MAX_CHARS]
    best = max(rest, key=company_rank, default=None)
    # 코드온실 over its dates, and the job below them: no department, though it ends like one.
    over = draft.title and best and best.bold and (best.near, draft.title.near) == (1, 2)
    least = -0.6 if over and len(rest) == 1 else -0.4
    draft.company = best if best and company_rank(best) > least else None
    own = [p for p in draft.parts if ON_ONES_OWN.fullmatch(p.text)]
    jobs = [p for p in ranked if p not in own and title_score(p.text)]
    if own and jobs and not (draft.company and company_score(draft.company.text)):
        draft.company, draft.title = own[0], jobs[0]  # 프리랜서 | 브랜드 디자이너
