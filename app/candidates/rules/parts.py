# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The parts that a line over a position holds: employer, job, department, place."""

import re
from collections.abc import Sequence

from app.candidates.rules.places import is_place, without_place
from app.candidates.rules.skills import canonical
from app.candidates.rules.vocabulary import (
    company_score,
    ends_like_a_job,
    has_degree,
    is_department,
    is_employment_type,
    is_legal,
    is_legal_form,
    is_legal_prefix,
    is_title_head,
    is_title_word,
    title_score,
)

SEPARATOR = re.compile(
    r"\s*\t\s*|\s*\|\s*|\s+[•·∙/]\s+|\s*[•∙]\s*|\s+[-–—―~]+\s+|\s*—\s*|\s{3,}|\s+@\s+|;\s+|\s*:\s+|\s*_\s+"
)
TRIM = " \t,;:|/~·•-–—"
_AT = re.compile(
    r"^(?P<title>.{2,60}?)\s*,?\s+(?:at(?! Law\b)|with|for|@)\s+(?P<company>(?:[A-Z0-9(가-힣]|self-|freelanc).{1,60})$"
)
_BRACKETS = re.compile(r"\s*[(\[](?P<inner>[^()\[\]]{1,60})[)\]]\s*$")
_KO_STATE = re.compile(
    r"\s*(?:재직\s?중|재직|근무\s?중|근무|퇴사|입사)$|\s+(?:정규직|비정규직|(?:무기\s?)?계약직|파견직|촉탁직|위촉직)$"
)
_MARKED = re.compile(
    r"^[\[【<〈「](?P<firm>[^\[\]【】<>〈〉「」]{2,40})[\]】>〉」]\s*(?P<rest>.*)$"
)
_DUTY_BRACKET = re.compile(r"\s+\([^()]{2,40}\)$|\([^()]{3,40}\)$")
# 2-1. 나루상사, 3) 나루상사
_OUTLINE = re.compile(r"^\d{1,2}(?:[-.]\d{1,2}[.)]?|[.)])\s+(?=[^\W\d])|^[①-⑳❶-❿]\s*")
_WITHIN = re.compile(r"(?:Department|Dept\.?|Faculty|School|Division) of\s")
_GRADE = re.compile(r"\s\((?:band|grade|level|scale)\b[^()]{1,20}\)$", re.IGNORECASE)
_PARTNERS = re.compile(r"[A-Z]\w+,? (?:&|and) [A-Z]\w+(?: [A-Z]\w*)?")
_PROFESSION = re.compile(r"Attorneys?[- ]at[- ]Law|Solicitors|Chartered Accountants|Architects")
"""Behind the names of those who own a firm: Office of Imogen Farraday, Attorney at Law."""
_FIELD_MAX_WORDS = 4
_STATE_CHARS = 2
_SLASH = re.compile(r"(?<=\S)/(?=\S)")
_PAIRED = re.compile(r"(?:^|\s)[A-Z]{2,3}/[A-Z]{2,3}(?=\s|$)")  # UX/UI, QA/QC
_TEAM = re.compile(r"[가-힣](?:팀|\s?스쿼드|셀|본부|사업부|\s?파트)$")
_KIND_OF_HOUSE = re.compile(
    r"(?:\S{2,4})?(?:카페|비스트로|레스토랑|식당)|호텔|펍|바|베이커리|미용실|학원|약국|의원|병원|편의점|음식점|분식집|치킨집|술집|주점|헬스장|서점|주유소|PC방"
)
"""It stands before the name: 카페 온도, 이태리식당 모란."""
_BY_THE_HOUR = re.compile(
    r"아르바이트|알바|파트\s?타임|단기|시간제|실습|part[- ]time", re.IGNORECASE
)
_ABOUT_A_FIRM = re.compile(
    r"\d\s?(?:명|인|여\s?명|억|조)|(?:직원|임직원|매출|시리즈\s?[A-F])\s?|스타트업|상장|코스닥|코스피|계열사|자회사|협력사|(?:대|중견|중소|벤처|공|외국계|사회적)\s?기업|(?:전문|제조|유통|운영|개발)\s?(?:업체|기업|회사|사)$|(?:제조|유통|도소매|서비스)업?$"
    r"|\b(?:start-?up|employees|FTEs?|Series [A-F]|NASDAQ|NYSE|listed|B2[BC]|SaaS|Fortune \d+|headcount|people)\b",
    re.IGNORECASE,
)
"""In brackets behind an employer: what kind of firm it is, and how large."""


def tidy(text: str) -> str:
    text = _OUTLINE.sub("", text.strip(TRIM))
    text = _KO_STATE.sub("", text.strip(TRIM)).strip(TRIM)
    while (tail := _BRACKETS.search(text)) and (
        (is_employment_type(tail["inner"]) and not title_score(text[: tail.start()]))
        or is_place(tail["inner"])
        or (is_place(tail["inner"].partition(",")[0]) and not title_score(text[: tail.start()]))
        or (is_department(tail["inner"]) and not title_score(text[: tail.start()]))
        or not any(c.isalpha() for c in tail["inner"])
        or _ABOUT_A_FIRM.search(tail["inner"])
    ):
        text = text[: tail.start()].strip(TRIM)
    if text[:1] in "([" and text[-1:] in ")]" and text.count("(") + text.count("[") == 1:
        text = text[1:-1]
    if marked := _MARKED.match(text):  # [한빛유업] 생산팀
        text = f"{marked['firm']} {marked['rest']}".strip()
    return text if text.count("(") == text.count(")") else text.strip("()")


def split(text: str) -> list[str]:
    """Parts that one run of text holds: by ` at `, brackets, slashes, commas, or title words at its end."""
    if not text or (is_place(text) and not company_score(text)):
        return []
    if cut := case_cut(text):
        return [*split(cut[0]), *split(cut[1])]
    at = _AT.match(text)
    # Group Leader, Institute for Coastal Studies: there the word is within a name.
    if at and title_score(at["title"].rpartition(", ")[2]) and not title_score(at["company"]):
        return [at["title"], *split(at["company"])]
    bracket = _BRACKETS.search(text)
    if bracket and bracket.start() > 1:
        outer, inner = text[: bracket.start()].strip(TRIM), bracket["inner"].strip()
        if _BY_THE_HOUR.fullmatch(inner):
            return _cut_behind_firm(outer, text[len(outer) :]) or [outer, inner]
        if bool(title_score(outer)) != bool(title_score(inner)) and (
            title_score(inner) > 0.6 or company_score(inner)
        ):
            return [*split(outer), inner]
    halves = [] if _PAIRED.search(text) else _SLASH.split(text)
    if (
        len(halves) == 2
        and "," not in text  # Nurse, Med/Surg
        and bool(title_score(halves[0])) != bool(title_score(halves[1]))
        and max(map(len, halves)) > 3
    ):
        plain = halves[0] if title_score(halves[1]) else halves[1]
        if not all(is_title_word(w) for w in plain.split()):
            return [h.strip() for h in halves]
    if "," in text:
        return _comma_parts(text)
    return [without_department(without_place(text))]


def _cut_behind_firm(outer: str, bracket: str) -> list[str]:
    """`가람마트 야간 판매` before `(아르바이트)`: the firm, and all the rest as the job."""
    words = outer.split()
    firm = next((at for at, word in enumerate(words, 1) if company_score(word) >= 0.6), 0)
    if firm == len(words):
        return []
    named = [" ".join(words[:firm])] if firm else []
    return [*named, " ".join(words[firm:]) + bracket]


def case_cut(text: str) -> tuple[str, str] | None:
    """`QUALITY ASSISTANT Dairy of the North`: the style of letters parts what nothing else does."""
    words = text.split()
    if text.isupper() and is_legal(text):  # LABORATORY TECHNICIAN SCHELDELAB NV
        heads = [at for at, word in enumerate(words[:-2]) if at and is_title_head(word)]
        return (" ".join(words[: heads[0] + 1]), " ".join(words[heads[0] + 1 :])) if heads else None
    upper = next((at for at, w in enumerate(words) if not w.isupper()), len(words))
    while upper and not any(c.isalpha() for c in words[upper - 1]):
        upper -= 1
    if is_korean(text) or not 2 <= upper < len(words) or not words[upper][0].isupper():
        return None
    first, second = " ".join(words[:upper]), " ".join(words[upper:])
    named = title_score(first) >= 0.5 or has_degree(first)
    return (first, second) if named and not title_score(second) else None


def _comma_parts(text: str) -> list[str]:
    segments: list[str] = []
    for segment in (s.strip(TRIM) for s in re.split(r",\s*(?![^()]*\))", text)):
        state, _, rest = segment.partition(" ")
        if (
            segments
            and len(state) == _STATE_CHARS
            and is_place(f"{segments[-1]}, {state}")
            and rest
        ):
            segments[-1] = rest  # Calle Uno Foods, Miami, FL Sales Manager
        elif segments and (
            is_legal_form(segment)
            or _PROFESSION.fullmatch(segment)
            or _are_partners(segments[-1], segment)
        ):
            segments[-1] += f", {segment}"
        elif segment:
            segments.append(segment)
    while len(segments) > 1 and (is_place(segments[-1]) or is_place(", ".join(segments[-2:]))):
        pair = len(segments) > 2 and is_place(", ".join(segments[-2:]))
        segments = segments[: -2 if pair else -1]
    titles = [_names_a_job(s) for s in segments]
    if all(titles) or not any(titles):
        joined = ", ".join(segments)
        return (
            [without_place(joined)]
            if not any(titles) and len(segments) == 1
            else ([joined] if all(titles) else segments)
        )
    return segments


def _names_a_job(segment: str) -> bool:
    """Quill & Anchor Agency is a firm, though a station has anchors."""
    score = title_score(segment)
    return score >= 0.6 or (score > 0 and company_score(segment) < 0.6)


def _are_partners(first: str, rest: str) -> bool:
    """`Hargrave, Finch & Lowell LLP`: names of persons that a firm is called after."""
    named = _PARTNERS.fullmatch(rest) is not None and first.isalpha() and first[:1].isupper()
    return named and not (title_score(first) or is_place(first))


def are_two_jobs(text: str) -> bool:
    """`Owner / Chef`: one position of two jobs."""
    jobs = text.split(" / ")
    named = all(title_score(job) >= 0.6 and not is_employment_type(job) for job in jobs)
    return len(jobs) == 2 and named and not is_korean(text) and "freelanc" not in text.casefold()


def is_within_a_firm(text: str) -> bool:
    """`Department of Chemistry`: beside a university it is no employer."""
    return _WITHIN.match(text) is not None


def is_short_field(text: str) -> bool:
    """Whether what follows a job is its field: `Acute Medicine (Band 7)`; no kind of contract."""
    bare = _GRADE.sub("", text)
    if is_within_a_firm(bare) or (_TEAM.search(bare)):
        return False
    short = bare and len(bare.split()) <= _FIELD_MAX_WORDS and not any(c.isdigit() for c in bare)
    return bool(short) and not is_employment_type(bare)


def without_department(text: str) -> str:
    """튼튼제약 인사팀, 튼튼제약 해외영업 2팀 → 튼튼제약; a department alone stays."""
    words = text.split()
    while len(words) > 1 and is_department(words[-1]):
        counted = words.pop()[0].isdigit()
        if counted and len(words) > 1:
            words.pop()
    return " ".join(words)


_JOB_IN_BRACKETS = re.compile(r"([^()]+?)\s?\(([가-힣 ]{2,12})\)")


def cut_job(text: str) -> tuple[str, str] | None:
    """`동녘플랜트 용접 기능공`, `나루마트 (판매)`: a firm and a job that no list knows, in one run of Korean."""
    if (told := _JOB_IN_BRACKETS.fullmatch(text)) and ends_like_a_job(told[2]):
        return told[1], told[2]
    words = text.split()
    if not 2 <= len(words) <= 5 or not ends_like_a_job(words[-1]) or text.isascii():
        return None
    first = len(words) - 1
    # The firm's name comes first; what is a word of titles belongs to the job.
    while first > 1 and not company_score(" ".join(words[:first])):
        first -= 1
    return " ".join(words[:first]), " ".join(words[first:])


def without_deed(text: str) -> str:
    """`Branch Manager Ran two shops in …` in one cell for post and duties: the post.

    Names of jobs are in capitals; a deed is so in its first word only.
    """
    words = text.split()
    for at, word in enumerate(words[:12]):
        if at < 2 or not word[0].islower() or not words[at - 1][0].isupper():
            continue
        post = " ".join(words[: at - 1])
        if title_score(post) >= 0.5 and (is_title_head(words[at - 2]) or post.endswith(")")):
            return post
    return text


def cut_title(text: str) -> tuple[str, str] | None:
    """`Northwind Data Engineer` or `Data Engineer Northwind`: title words against the others."""
    bare = _DUTY_BRACKET.sub("", text)  # 느티초등학교 교사 (6학년 부장)
    words = (bare if title_score(bare) else text).split()
    plain = [w.partition("(")[0] or w for w in words]  # 사회복지사(팀장)
    flags = [is_title_word(w) or canonical(w) is not None for w in plain]
    if all(flags) or "," in text or are_two_jobs(text):
        return None
    if cut := _cut_before_firm(words, flags):
        return cut
    if not flags[0] and flags[-1]:
        last = max(i for i, f in enumerate(flags) if not f)
        if is_department(words[last]) and last:
            flags[last] = True
            last = max((i for i, f in enumerate(flags) if not f), default=last)
        if is_korean(text):  # 바다중공업 도금 기능사: a firm's own ending tells where it ends
            told = (
                i
                for i in range(last)
                if company_score(words[i]) >= 0.6 and not _KIND_OF_HOUSE.fullmatch(words[i])
            )
            last = next(told, last)
            if is_legal_prefix(words[0]):  # 법무법인 나루 소속 변호사
                last = max(last, 1)
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


def _cut_before_firm(words: Sequence[str], flags: Sequence[bool]) -> tuple[str, str] | None:
    """`Hospital Pharmacist Hospital de Santa Luzia`: a job, then words that only firms have."""
    heads = [at for at, word in enumerate(words[1:-1], 1) if is_title_head(word)]
    if flags[0] or flags[-1] or not heads:
        return None
    title, firm = " ".join(words[: heads[-1] + 1]), " ".join(words[heads[-1] + 1 :])
    named = company_score(firm) >= 0.6 and firm[:1].isupper()
    # Fenland Teacher Training Institute: what stands before its head is no name.
    named = named and all(is_title_word(w) or company_score(w.title()) for w in words[: heads[-1]])
    return (title, firm) if named and title_score(title) >= 0.6 else None


def without_translation(text: str) -> str:
    """`Narae Trading (나래무역)` → `Narae Trading`; a short form stays: 한국개발원(KDI)."""
    match = _BRACKETS.search(text)
    if not match or not match.start():
        return text
    outer, inner = text[: match.start()].strip(), match["inner"].strip()
    short = inner.isupper() and " " not in inner and len(inner) <= 6
    if short or is_korean(outer) == is_korean(inner) or not any(c.isalpha() for c in inner):
        return text
    return outer


def is_korean(text: str) -> bool:
    """Whether any of it is Hangul."""
    return any("가" <= c <= "힣" for c in text)
