# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Names of persons: what looks like one, and which one the résumé is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.candidates.rules.contacts import emails_in, links_in
from app.candidates.rules.dates import periods
from app.candidates.rules.headings import Kind, heading_kinds
from app.candidates.rules.labels import Label, labels_of, pairs
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.phones import phones_in
from app.candidates.rules.places import is_place
from app.candidates.rules.sections import Section
from app.candidates.rules.skills import canonical
from app.candidates.rules.vocabulary import (
    company_score,
    has_degree,
    has_school,
    is_department,
    title_score,
)
from app.candidates.rules.wordlists import words

# The 2015 census counts 5,582 family names; these carry 99.6 % of the people. Two-syllable ones apart.
_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반라"
    "왕금옥육인맹제모탁국어은편용예경봉사부가복태목형피두감음빈동온호범좌팽승간상시갈단견당화창류나림량련로리"
)
_LONG_SURNAMES = ("남궁", "황보", "제갈", "선우", "독고", "사공", "서문", "동방", "망절")
_KO_NAME = re.compile(r"^[가-힣]{2,4}$")
_KO_SPACED = re.compile(r"^[가-힣](?:\s[가-힣]){1,3}$|^[가-힣]{1,2}\s[가-힣]{1,2}$")
_KO_WORD = re.compile(r"^[가-힣]{1,6}$")
_KO_PHRASE = re.compile(
    r"(?:[을를의는은로며고]|에서|입니다|하는|합니다)(?:\s|$)|(?:사람|인재|동료|지원자|전문가)$"
)
_KO_NOT_NAMES = words("""
    이력서 자기소개 지원서 경력 학력 성명 이름 연락처 주소 기술 전공 학교 회사 부서 직위 기간 현재 서울 부산 대구 인천 광주 대전 울산 세종 경기 강남 성남 수원
    한국 대한민국 남자 여자 남성 여성 기타 사진 신입 정보 사항 인적사항 연구원 인턴 대리 과장 차장 부장 사원 주임 팀장 이사 대표 경력사항 학력사항 자격증 자격
    외국어 어학 수상 병역 취미 특기 가족 지원 지원자 이메일 전화 휴대폰 상세 요약 프로필 소개 목표 경험 교육 활동 프로젝트 포트폴리오 링크 언어 영어 일본어 중국어
    한국어 백엔드 서버 전자 기계 경영 경제 디자인 마케팅 영업 인사 재무 회계 총무 생산 품질 개발 기획 운영 분석 연구 강사 교사 교수 조교 기자 작가 의사 약사
    변호사 간호사 안내 공고 제목 구분 내용 비고 성별 나이 연령 생일 본적 국적 정규직 계약직 졸업 재학 수료 석사 박사 학사 전문 기본 상세 주요 상급 중급 초급
    고급 사용 가능 우수 능숙 국문 영문 한글 한문 한자 육군 해군 공군 공학 과학 수학 문학 인문 사회 자연 예술 음악 미술 체육 여행 독서 등산 수영 축구 요리
    사진촬영 영화 감상 기획자 개발자 디자이너 매니저 마케터 서비스 조직 문화 성장 도전 신뢰 소통 책임 열정 성실 이직 고객 지역 지원동기 성장과정 포부 장점 단점
    성격 추천인 보증인 관계 부모 모친 부친 배우자 제출 서류 증명 사실 위의 상기 기재 본인 작성 날짜 서명 도장 인사말 감사 안녕 안녕하세요
    """)
_LATIN = r"[A-ZÀ-ÖØ-ÞĀ-Ž][A-Za-zÀ-ÖØ-öø-ÿĀ-ž]*(?:['’\-][A-Za-zÀ-ÖØ-öø-ÿĀ-ž]+)*"
_EN_NAME = re.compile(
    rf"^{_LATIN}\.?(?:\s+(?:{_LATIN}\.?|[\"“(']{_LATIN}[\"”)']|de|da|do|dos|del|della|di|du|la|le|van|von|der|den|ten|ter|bin|ibn|al|el|y|e)){{1,4}}$"
)
_SUFFIX = re.compile(
    r"(?:,?\s*(?:Ph\.?\s?D|M\.?D|MBA|M\.?S|B\.?S|CPA|PMP|Esq|Jr|Sr|III|II|RN|CFA|PE|P\.E|LL\.?M|J\.?D|MSc|BSc|MA|BSN|DDS|PharmD|SHRM-CP|CISSP)\.?)+$"
)
_TITLE_BEFORE = re.compile(r"^(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Rev)\.?\s+")
_AROUND = re.compile(
    r"^(?:(?:국문|영문|입사)?\s?이\s?력\s?서|자기소개서|경력기술서|지원서|r[ée]sum[ée](?:\s+of)?|curriculum vitae(?:\s+of)?|cv(?:\s+of)?|name|성\s?명|이\s?름)\s*[-–—|:_/]?\s*|"
    r"\s*[-–—|:_/]?\s*(?:의\s)?(?:이력서|자기소개서|경력기술서|지원서|r[ée]sum[ée]|curriculum vitae|cv|님|\(인\)|\(서명\)|印)$",
    re.IGNORECASE,
)
_NOT_NAME_WORDS = words("""
    resume résumé curriculum vitae cover letter page street st avenue ave road rd drive blvd
    suite apt floor box inc llc ltd corp company university college school institute hospital
    bank group the and of for with from to in at my our your about contact profile summary
    education experience skills projects references present current january february march april
    june july august september october november december summer winter spring fall dear hello hi
    welcome hiring sincerely regards thank thanks confidential objective phone email address
    mobile open source machine learning data science computer science engineering technology
    technologies software hardware state city county national international available upon
    request english korean spanish french german chinese japanese native fluent award awards
    honors dean list best paper team project app application system platform web development
    design management marketing analysis research lab labs studio bachelor master doctor degree
    diploma certified certificate certification license professional associate advanced basic
    intermediate new old last updated united states korea kingdom republic north south east west
    los angeles san francisco york seoul busan london social media public relations customer
    service problem solving time critical thinking creative writing cloud security network
    mobile quality assurance business intelligence human resources key core tools languages
    employment history work career personal details information statement interests hobbies
    volunteer activities invited selected talks publications patents honours leadership training
    courses memberships declaration date place signature nationality gender birth status marital
    years year months projects portfolio website links
    """)
# What job sites print beside the name: 남, 1988년 (만 37세).
_PERSONAL_TAIL = re.compile(
    r"[\s(|,·/]+(?:남|여)(?:자|성)?[\s,·/|)]*(?:\(?(?:만\s?)?\d{1,2}세|\d{2,4}\s?[년.-]).{0,24}$"
    r"|[\s(|,·/]+(?:19|20)\d\d년?(?:생)?[\s,·/(|]*(?:\(?(?:만\s?)?\d{1,2}세|남|여).{0,12}$"
)
# A space before a small letter that begins none of the words which names write small.
_FALLEN_APART = re.compile(
    r"(?<=[A-Za-zÀ-ž]) (?=[a-zà-ž])(?!(?:de|da|do|dos|das|del|della|di|du|la|le|van|von|der|den|ten|ter|bin|ibn|al|el|y|e|zu|af|av)\b)"
)
_LABEL_BEHIND = re.compile(
    r"^(?P<name>[^\s:|,]+(?: [^\s:|,]+){0,2}) (?P<label>[^\s:|,]{2,16})\s?:\s"
)
_PICTURES = frozenset({"사진", "증명사진", "photo", "picture", "image"})
_PIECES = re.compile(r"\s*[|｜/·•,;:]\s*|\s+[-–—]\s+|\s{2,}|\t|\n")
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]{2,40})[)\]]\s*")
_SECTION_LINES = 150
_INTRODUCTION = re.compile(
    r"(?:^|[\s,])([가-힣]{2,4}?)(?:이라고\s?합니다|라고\s?합니다|입니다)\s*[.!]?$"
)
_HEADER_LINES = 40
_DISPLAY_RATIO = 1.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible name with its score; higher is likelier, 1.0 is about sure."""

    name: str
    line: Line
    score: float
    labelled: bool = False
    alias: str | None = None


def korean_name(text: str) -> str | None:
    """The name without spaces, if the text has the form of a Korean one."""
    text = text.strip()
    if _KO_SPACED.match(text):
        text = text.replace(" ", "")
    if not _KO_NAME.match(text) or text in _KO_NOT_NAMES or heading_kinds(text) or labels_of(text):
        return None
    long_surname = text.startswith(_LONG_SURNAMES)
    if len(text) == 4 and not long_surname:
        return None
    if not long_surname and text[0] not in _SURNAMES:
        return None
    return None if title_score(text) or canonical(text) or is_place(text) else text


def foreign_korean_name(text: str) -> str | None:
    """A foreign name in Hangul, as a form or a large line gives it: 응우옌 티 란, 마이클 브라운."""
    words = text.strip().split()
    if not 2 <= len(words) <= 5 or not all(_KO_WORD.match(w) for w in words):
        return None
    if heading_kinds(text) or title_score(text) or is_place(text) or has_school(text):
        return None
    if any(w in _KO_NOT_NAMES or canonical(w) or labels_of(w) or heading_kinds(w) for w in words):
        return None
    if company_score(text) or has_degree(text) or is_department(text) or _KO_PHRASE.search(text):
        return None
    return " ".join(words)


def latin_name(text: str) -> str | None:
    """The name in its usual capitals, if the text has the form of one."""
    text = _SUFFIX.sub("", _TITLE_BEFORE.sub("", text.strip())).strip(" ,")
    if not 4 <= len(text) <= 48 or not _EN_NAME.match(text):
        return None
    words = text.replace(".", " ").replace('"', " ").split()
    lowered = [w.casefold().strip("()'“”") for w in words]
    if any(w in _NOT_NAME_WORDS for w in lowered) or all(len(w) == 1 for w in lowered):
        return None
    if (
        heading_kinds(text)
        or is_place(text)
        or canonical(text)
        or has_school(text)
        or title_score(text)
    ):
        return None
    letters = text.replace(" ", "")
    if letters.isupper() and len(letters) > 4:
        text = " ".join(
            w.title() if "'" not in w else w.title().replace("'S", "'s") for w in text.split()
        )
    return text


def names_in(line: Line) -> Iterator[tuple[str, float, bool, str | None]]:
    """(name, score of its form, labelled, second name) for every name-like piece of a line."""
    for labels, value in pairs(line):
        if Label.NAME in labels and not labels & {Label.OTHERS}:
            yield from _labelled(value)
    if len(line.text) > 160:
        return
    line = _as_typed(line)
    whole = _AROUND.sub("", _AROUND.sub("", _PERSONAL_TAIL.sub("", line.text))).strip()
    bracket = _BRACKET.search(whole)
    if bracket and (first := _any_name(_BRACKET.sub(" ", whole, count=1).strip())):
        yield first, 0.75, False, _any_name(bracket[1])
        return
    if name := _any_name(whole):
        yield name, 0.7, False, None
        return
    if both := _two_scripts(whole):
        yield both[0], 0.75, False, both[1]
        return
    if (told := _INTRODUCTION.search(whole)) and (name := korean_name(told[1])):
        yield name, 0.6, False, None
        return
    yield from _in_pieces(line, whole)


def _as_typed(line: Line) -> Line:
    """Less what design adds to a name: a monogram, wide letters that fall apart, a label behind it."""
    text = line.text
    if line.ratio >= _DISPLAY_RATIO:
        text = _FALLEN_APART.sub("", text)
    words = text.split()
    if len(words) > 2 and words[0].isupper() and _initials(words[1:]).startswith(words[0]):
        text = " ".join(words[1:])  # PR | Priya Rao
    behind = _LABEL_BEHIND.match(text)
    if behind and labels_of(behind["label"]):
        text = behind["name"]  # 김서연 Position: CFO
    return replace(line, text=text, cells=()) if text != line.text else line


def _initials(words: Sequence[str]) -> str:
    return "".join(w[0] for w in words if w[0].isupper()) if len(words) < 6 else ""


def _in_pieces(line: Line, whole: str) -> Iterator[tuple[str, float, bool, str | None]]:
    """A name that shares its line with other things."""
    cells = [_PERSONAL_TAIL.sub("", cell) for cell in line.cells] or [whole]
    pieces = [p for cell in cells for p in _PIECES.split(cell) if p and squeeze(p) not in _PICTURES]
    if len(pieces) > 1:
        yield from _among(pieces)
        return
    whole = pieces[0] if len(line.cells) > 1 and pieces else whole  # less the cell of a photo
    if name := _any_name(whole):
        yield name, 0.7, False, None
    large = line.ratio >= _DISPLAY_RATIO
    yield from _foreign(whole) if large and foreign_korean_name(whole) else _with_title(whole)


def _foreign(text: str) -> Iterator[tuple[str, float, bool, str | None]]:
    if name := foreign_korean_name(text):
        yield name, 0.5, False, None


def _labelled(value: str) -> Iterator[tuple[str, float, bool, str | None]]:
    value = re.sub(r"^[(\[]?(?:한글|국문)[)\]]?\s*:?\s*", "", value.strip())
    bracket = _BRACKET.search(value)
    inner = _any_name(bracket[1].removeprefix("영문").strip(" :")) if bracket else None
    outer = _BRACKET.sub(" ", value).strip()
    outer = _AROUND.sub("", outer).strip()
    both = _two_scripts(outer)
    name = (both[0] if both else None) or _any_name(outer) or _any_name(_PIECES.split(outer)[0])
    name = name or foreign_korean_name(outer)
    if name:
        yield name, 1.0, True, inner or (both[1] if both else None)


def _any_name(text: str) -> str | None:
    return korean_name(text) or latin_name(text)


def _two_scripts(text: str) -> tuple[str, str] | None:
    """김서연 Seoyeon Kim, in either order."""
    match = re.match(r"^([가-힣][가-힣\s]{1,6}?)\s*[/|,]?\s*([A-Z][A-Za-z .\-,]{3,40})$", text)
    if match and (ko := korean_name(match[1])) and (en := latin_name(match[2].replace(",", ""))):
        return ko, en
    match = re.match(r"^([A-Z][A-Za-z .\-]{3,40}?)\s*[/|,]?\s*([가-힣][가-힣\s]{1,6})$", text)
    if match and (en := latin_name(match[1])) and (ko := korean_name(match[2])):
        return ko, en
    return None


def _among(pieces: Sequence[str]) -> Iterator[tuple[str, float, bool, str | None]]:
    """A name beside a title, an address or contact data: `Jane Doe | Engineer | jane@…`."""
    first = _any_name(pieces[0])
    telling = any(
        title_score(p) or emails_in(p) or phones_in(p) or is_place(p) or links_in(p) or periods(p)
        for p in pieces[1:]
    )
    if first:
        second = _any_name(pieces[1])
        other_script = second if second and first[0].isascii() != second[0].isascii() else None
        yield first, 0.6 if telling else 0.35, False, other_script
    elif title_score(pieces[0]) and (name := _any_name(pieces[1])):
        yield name, 0.5, False, None


def _with_title(text: str) -> Iterator[tuple[str, float, bool, str | None]]:
    """백엔드 개발자 김서연, 김서연 백엔드 개발자."""
    words = text.split()
    if not 2 <= len(words) <= 6:
        return
    for name, rest in ((words[0], words[1:]), (words[-1], words[:-1])):
        if (found := korean_name(name)) and title_score(" ".join(rest)) >= 0.6:
            yield found, 0.5, False, None
            return
    if text.isascii():
        for width in (2, 3):
            if (
                len(words) > width
                and (found := latin_name(" ".join(words[:width])))
                and title_score(" ".join(words[width:])) >= 0.9
            ):
                yield found, 0.45, False, None
                return


_ALLOWED = frozenset(
    {Kind.HEADER, Kind.TITLE, Kind.CONTACT, Kind.SUMMARY, Kind.LINKS, Kind.COVER_LETTER}
)


def candidates(sections: Sequence[Section], emails: Sequence[str]) -> list[Candidate]:
    """All possible names of the person, best first."""
    top = max(
        (line.ratio for s in sections for line in s.lines[:200] if line.page == 1), default=1.0
    )
    found: list[Candidate] = []
    # Many nouns have the form of a Korean name: without any address near, looks must tell.
    reachable = bool(emails) or any(_has_phone(s) for s in sections)
    position = 0
    for section in sections:
        if section.heading and section.kind in (Kind.TITLE, Kind.CONTACT, Kind.SUMMARY):
            found += _score(section.heading, section, position, top, emails)
        for line in section.lines[:_SECTION_LINES]:
            position += 1
            if section.kind in _ALLOWED or (
                line.ratio >= 1.3 and line.page == 1 and section.kind is not Kind.REFERENCES
            ):
                found += _score(line, section, position, top, emails)
    first = next((line for s in sections for line in s.lines[:1]), None)
    if first and not found and reachable and (name := foreign_korean_name(first.text)):
        found.append(Candidate(name=name, line=first, score=0.55))
    if not reachable:
        found = [c if c.labelled else replace(c, score=c.score - 0.5) for c in found]
    return sorted(found, key=lambda c: -c.score)


def _has_phone(section: Section) -> bool:
    return section.kind in _ALLOWED and any(
        phones_in(line.text) for line in section.lines[:_SECTION_LINES]
    )


def _score(
    line: Line, section: Section, position: int, top: float, emails: Sequence[str]
) -> Iterator[Candidate]:
    for name, form, labelled, alias in names_in(line):
        if line.bullet and section.kind is not Kind.HEADER and not labelled:
            continue
        score = form
        if line.ratio >= 1.25:
            score += 0.35 if line.ratio >= 0.95 * top else 0.15
        elif top >= 1.5 and not labelled:
            score -= 0.15
        score += 0.1 * line.bold
        if section.kind in (Kind.HEADER, Kind.TITLE) and position <= _HEADER_LINES:
            score += max(0.0, 0.3 - 0.03 * position)
        elif section.kind in (Kind.SUMMARY, Kind.COVER_LETTER, Kind.LINKS) and not labelled:
            score -= 0.3
        score -= 0.15 * min(line.page - 1, 2)
        score += 0.3 * _in_mail(name, alias, emails)
        if company_score(name) or has_degree(name) or is_department(name):
            score -= 0.3
        yield Candidate(name=name, line=line, score=score, labelled=labelled, alias=alias)


def _in_mail(name: str, alias: str | None, emails: Sequence[str]) -> bool:
    words = [squeeze(w) for n in (name, alias or "") for w in n.replace("-", " ").split()]
    locals_ = [squeeze(e.partition("@")[0]) for e in emails]
    return any(len(w) >= 3 and w in local for w in words for local in locals_)
