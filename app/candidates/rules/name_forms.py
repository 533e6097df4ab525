# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""What has the form of a person's name: Korean, Latin, foreign names in Hangul."""

import re

from app.candidates.rules.headings import heading_kinds
from app.candidates.rules.labels import labels_of
from app.candidates.rules.places import is_place
from app.candidates.rules.skills import canonical
from app.candidates.rules.vocabulary import (
    company_score,
    has_degree,
    has_school,
    is_department,
    title_score,
)
from app.candidates.rules.wordlists import words
from app.documents.remembering import remembered

# The 2015 census counts 5,582 family names; these carry 99.6 % of the people. Two-syllable ones apart.
_SURNAMES = frozenset(
    "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염여추도소석선설마길연위표명기반라"
    "왕금옥육인맹제모탁국어은편용예경봉사부가복태목형피두감음빈동온호범좌팽승간상시갈단견당화창류나림량련로리"
)
_LONG_SURNAMES = ("남궁", "황보", "제갈", "선우", "독고", "사공", "서문", "동방", "망절")
_KO_NAME = re.compile(r"^[가-힣]{2,4}$")
_KO_LONG = re.compile(r"^[가-힣]{4,5}$")
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
# With the letters of Romanian and Vietnamese.
_CAPITAL, _LETTER = "A-ZÀ-ÖØ-ÞĀ-ŽƀȀ-ɏḀ-ỿƠƯ", "A-Za-zÀ-ÖØ-öø-ÿĀ-žƀ-ɏḀ-ỿ"
_LATIN = (
    rf"(?:(?:[dDlL]['’]|[aAeE]l-)(?=[{_CAPITAL}]))?[{_CAPITAL}][{_LETTER}]*(?:['’\-][{_LETTER}]+)*"
)
_EN_NAME = re.compile(
    rf"^(?:{_LATIN}\.?|(?:[A-Z]\.){{2,3}})(?:\s+(?:{_LATIN}\.?|[\"“(']{_LATIN}[\"”)']|de|da|do|dos|del|della|di|du|la|le|van|von|der|den|ten|ter|bin|ibn|al|el|y|e)){{1,4}}$"
)
_SUFFIX = re.compile(
    r"(?:(?:,\s*|\s+)(?:Ph\.?\s?D|M\.?D|MBA|M\.?S|B\.?S|CPA|PMP|Esq|Jr|Sr|III|II|RN|CFA|PE|P\.E|LL\.?M|J\.?D|MSc|BSc|MA|BSN|DDS|PharmD|SHRM-(?:S)?CP|CISSP|CISA|CISM)\.?)+$"
    r"|(?:,\s*(?:ACA|ACCA|FCA|FCCA|CGMA|CMA|CIA|CISA|PHR|SPHR|PMI-ACP|CSM|CSPO|LEED AP|EIT|CEng|IEng|MIET|MRICS|FRICS|MCIPD|FCIPD|MCIM|LCSW|LPN|MSN|DNP|NP|APRN|FNP-C|CCRN|PA-C|OTR/L|DPT|EdD|MEd|MPH|MPA|MSW|AIA|RIBA)\b)+$"
    r"|(?<=[a-z])(?:\s(?:ACA|ACCA|FCA|FCCA|CGMA|CEng|IEng|MRICS|FRICS|MCIPD|FCIPD|MCIM|RIBA))+$"
)
_TITLE_BEFORE = re.compile(r"^(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Rev)\.?\s+")
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
    years year months projects portfolio website links first last given family middle full name names
    surname forename
    """)
_ALSO_NAMES = words("""
    page april may june august summer dean best young hall london paris york austin north south east west
    will grace mark new place rose park hill woods banks rivers fields lane brook law price day week
    san st page dear king prince english french german korean major science street road
    """)
_SURNAME_FIRST = re.compile(
    rf"^(?P<family>(?:[{_CAPITAL}'’-]{{2,}})(?: [{_CAPITAL}'’-]{{2,}})?),\s(?P<given>[{_CAPITAL}][{_LETTER}.-]*(?: [{_CAPITAL}][{_LETTER}.-]*)?)$"
)
_SURELY_A_TITLE = 0.9
_GIVEN = frozenset({"성우", "연수"})  # also a voice actor, and a training


@remembered
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
    if text[1:] in _GIVEN:
        return text
    return None if title_score(text) or canonical(text) or is_place(text) else text


def long_korean_name(text: str) -> str | None:
    """A surname and three syllables or more (박하늘빛): believed where a form or large letters say so."""
    if not _KO_LONG.match(text) or text in _KO_NOT_NAMES or heading_kinds(text) or labels_of(text):
        return None
    if any(half in _KO_NOT_NAMES for half in (text[:2], text[-2:])):
        return None  # 서울지사, 우수사원
    if text[0] not in _SURNAMES or title_score(text) or canonical(text) or is_place(text):
        return None
    return None if company_score(text) or has_school(text) or is_department(text) else text


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


@remembered
def latin_name(text: str, *, sure: bool = False) -> str | None:
    """The name in its usual capitals, if the text has the form of one.

    `sure`: something else says that it is one, so that words which are other things as well do not
    rule it out: April Page, Hunter Cook, Victoria London.
    """
    text = _SUFFIX.sub("", _TITLE_BEFORE.sub("", text.strip())).strip(" ,")
    if turned := _SURNAME_FIRST.match(text):
        text = f"{turned['given']} {turned['family']}"  # DOE, Jane
    if not 4 <= len(text) <= 48 or not _EN_NAME.match(text):
        return None
    words = text.replace(".", " ").replace('"', " ").split()
    lowered = [w.casefold().strip("()'“”") for w in words]
    if all(len(w) == 1 for w in lowered) or _is_ruled_out(text, lowered, sure=sure):
        return None
    if heading_kinds(text) or has_school(text):
        return None
    letters = text.replace(" ", "")
    if letters.isupper() and len(letters) > 4:
        text = " ".join(
            w.title() if "'" not in w else w.title().replace("'S", "'s") for w in text.split()
        )
    return text


def _is_ruled_out(text: str, lowered: list[str], *, sure: bool) -> bool:
    """Whether words of a text say that it is something else than a name."""
    inner = lowered[1:-1]  # Imogen St. Clair lives in no street
    kept = [w for w in lowered if w != "st" or w not in inner]
    if sure:
        known = title_score(text) >= _SURELY_A_TITLE or canonical(text) is not None
        return known or any(w in _NOT_NAME_WORDS - _ALSO_NAMES for w in kept)
    if any(w in _NOT_NAME_WORDS for w in kept):
        return True
    return is_place(text) or canonical(text) is not None or title_score(text) > 0
