# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Lines that tell something, and lines that name something."""

import re

from app.candidates.rules.dates import without_periods
from app.candidates.rules.labels import Label, labels_of
from app.candidates.rules.lines import Line
from app.candidates.rules.places import is_place
from app.candidates.rules.vocabulary import has_degree, has_school, is_legal, title_score

HEAD_MAX_CHARS = 100
_SMALL = frozenset({"of", "and", "the", "for", "&", "de", "du", "la"})
_LINE_MAX_CHARS = 400
_ACTION = re.compile(
    r"^(?:led|built|ran|wrote|made|drove|grew|cut|won|kept|set|taught|gave|held|oversaw|spoke|brought|took|sold|"
    r"(?!united\b)\w{3,}ed|responsible|working|worked|helped|using|including|develop|design|implement|manage|maintain|create|provide|"
    r"support|build|write|assist|perform|conduct|analy[sz]e|collaborate|ensure|deliver|participate|prepare)\b",
    re.IGNORECASE,
)
_PRESENT_DEED = re.compile(
    r"(?:Lead|Own|Run|Drive|Direct|Oversee|Mentor|Coach|Track|Draft|Brief|Coordinate|Handle|Train|Teach|Advise|Assess|Monitor|Negotiate|Supervise|Automate)\s[a-z\d]"
)
_DEED = re.compile(
    r"^(?:led|built|ran|wrote|made|drove|grew|cut|won|kept|set|taught|gave|held|oversaw|sold|managed|developed|closed|"
    r"handled|supported|prepared|organi[sz]ed|trained|designed|maintained|reviewed|delivered)\s[a-z]",
    re.IGNORECASE,
)
_KO_SENTENCE = re.compile(
    r"(?:니다|했음|하였음|[가-힣](?:됨|함))\.?$|[가-힣](?:을|를|하여|하고|하며|으로써|위해|통해|위한|통한|하는|되는|했고)\s"
)
_KO_DEED = re.compile(
    r"(?:단축|구축|개선|도입|설계|운영|분리|감소|증가|달성|작성|수행|진행|관리|개발|절감|향상|전환|분석|기여|출시|배포|제작|수립|지원|총괄|자동화|고도화|최적화|안정화|표준화|구현|연동|이관|점검|발굴|유치)$"
)
ABBREVIATION_END = re.compile(
    r"(?:\b(?:Inc|Ltd|Lda|Ltda|Cia|Pvt|Sdn|Bhd|Bros|Mfg|Intl|Assoc|Hosp|Co|Corp|Univ|Sr|Jr|Dept|St|Dr|Ph\.?D|[A-Z])\.|\.{3}|[가-힣]\.)$"
)
DESCRIPTION = re.compile(
    r"^(?:GPA|CGPA|학점|평점|thesis|dissertation|advisor|supervisor|지도\s?교수|졸업\s?논문|dean['’]?s list|level in eqf|eqf level|(?:final|overall) (?:grade|result)|relevant coursework|coursework(?!\s(?:in|towards?)\b)|courses?|tech(?:nologies|nology)?(?: stack)?|stack|skills|environment|사용\s?기술|기술\s?스택|담당\s?업무|주요\s?업무|업무\s?내용|성과|주요\s?성과|프로젝트|활동|수상|논문|주요\s?과목|이수\s?과목|honou?rs?|awards?|minor|(?:수행|참여|개발|진행|작업|구축|투입|연구|활동|프로젝트|사업|과제)\s?기간|(?:프로젝트|과제|사업)\s?명|주요\s?내용|(?:key |main )?(?:responsibilities|duties|achievements|accomplishments)|(?:project|client)s?(?: name| title| duration| period)?(?=\s*:))\b\s*[:：\-]?",
    re.IGNORECASE,
)
_LEFT = re.compile(r"\s*[|/·,]\s*(?:퇴사|퇴직|이직)\s?사유\s*[:：].*$")
_STOP = re.compile(r"(?:(?<=[A-Za-z]{3})|(?<=\d{4}))\.(?:\s+(?=[A-Z])|$)")
_NAMING = frozenset({Label.COMPANY, Label.TITLE, Label.DEPARTMENT})
_NOISE = re.compile(r"^[\s\d.,:|/~\-–—()·•]*$")


def is_sentence(text: str) -> bool:
    """Whether a line tells something rather than names something."""
    words = text.split()
    if not words:
        return False
    if text[0].islower() and text.isascii() and not text.startswith(("e-", "i")):
        return True
    if text.endswith(("니다.", "니다", "습니다")):
        return True
    if text.endswith(".") and len(words) > 3 and not ABBREVIATION_END.search(text):
        named = has_degree(text.partition(",")[0]) and has_school(text)
        return not (named or _is_row_of_names(text))  # LaTeX classes
    told = len(words) > 4 and _KO_DEED.search(text)  # 이벤트 기반의 원장 설계
    if told or (len(words) > 3 and _PRESENT_DEED.match(text)):
        return True
    if len(words) > 3 and (_ACTION.match(text) or _KO_DEED.search(text)):
        # Registered Nurse, Certified Public Accountant: titles, not deeds
        first = text.partition(",")[0]
        return title_score(first) < 0.6 and not has_degree(first) and not _is_firm(text)
    if 1 < len(words) <= 3 and words[1].islower() and _DEED.match(text):
        return True  # Led projects; but United Airways
    return len(words) > 2 and _KO_SENTENCE.search(text) is not None


def _is_firm(text: str) -> bool:
    """Whether it is `Gilded Fern Events, London` or `Trusted Care Ltd`: capitals, and a town or a legal form."""
    name, _, town = text.partition(", ")
    if any(not w[0].isupper() and w not in _SMALL for w in name.split()):
        return False
    return is_place(town) or is_legal(name)


def _is_row_of_names(text: str) -> bool:
    """Whether it is `Head of Testing, Kronberg GmbH, Kassel.`: names for all its full stop."""
    parts = first_sentence(text).removesuffix(".").split(", ")
    named = len(parts) > 1 and all(p[:1].isupper() and len(p.split()) <= 5 for p in parts)
    return named and title_score(parts[0]) >= 0.6


def first_sentence(text: str) -> str:
    """What a description follows in one line: `Clerk, Harbor Foods` of `Clerk, Harbor Foods. Kept …`."""
    for stop in _STOP.finditer(text):
        if not ABBREVIATION_END.search(text, max(0, stop.start() - 8), stop.start() + 1):
            return text[: stop.start()]
    return text


def is_headish(line: Line) -> bool:
    """Whether a line may name a company, a title, a school or a degree."""
    if len(line.text) > _LINE_MAX_CHARS or (line.bullet and not _is_labelled(line.text)):
        return False
    text = without_reason(without_periods(line.text))
    if not text or _NOISE.match(text) or DESCRIPTION.match(text):
        return False
    return len(text) <= HEAD_MAX_CHARS and len(text.split()) <= 14 and not is_sentence(text)


def without_reason(text: str) -> str:
    """대리 | 퇴사사유 : 업직종 전환 → 대리."""
    return _LEFT.sub("", text)


def _is_labelled(text: str) -> bool:
    """`직위 : 차장`, `Position: Nurse`, under whatever bullet."""
    label, colon, value = text.partition(":")
    return bool(colon and value.strip()) and bool(labels_of(label) & _NAMING)
