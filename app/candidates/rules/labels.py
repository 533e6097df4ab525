# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Labels of forms: 성명 | 김…, `E-mail: …`, and the header rows of tables."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache
from itertools import islice

from app.candidates.rules.lines import Line, squeeze
from app.documents.remembering import remembered


class Label(StrEnum):
    """What the value beside or below a label is."""

    NAME = "name"
    NAME_EN = "name_en"
    GIVEN_NAME = "given_name"
    FAMILY_NAME = "family_name"
    EMAIL = "email"
    PHONE = "phone"
    LINK = "link"
    HEADLINE = "headline"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    OTHERS = "others"
    PERIOD = "period"
    START = "start"
    END = "end"
    COMPANY = "company"
    TITLE = "title"
    DEPARTMENT = "department"
    DUTY = "duty"
    SCHOOL = "school"
    MAJOR = "major"
    DEGREE = "degree"
    STATUS = "status"
    SKILL = "skill"
    LEVEL = "level"
    PLACE = "place"
    KINSHIP = "kinship"
    REMARK = "remark"


_LABELS: Mapping[Label, str] = {
    Label.NAME: "성명 이름 성함 지원자 지원자명 지원자성명 성명(한글) firstname(s)/surname(s) surname(s)/firstname(s) surname(s)firstname(s) firstname(s)surname(s) forename/surname surname/forename name/surname surname/name firstname/surname surname/firstname firstname/lastname nameandsurname 한글성명 한글이름 이름(한글) 성명(국문) 국문성명 성명(국문/영문) 성명(한글/영문) 성명(한글/한자) 이름(국문/영문) 이름(한글/영문) 성명(한/영) 한글 국문 "
    "작성자 신청자 응시자 name fullname candidate applicant applicantname candidatename nameinfull 본인성명",
    Label.NAME_EN: "영문 영문이름 영문성명 영문명 성명(영문) 이름(영문) englishname 한문 한자 성명(한자) 한문이름 한자이름",
    Label.GIVEN_NAME: "firstname firstname(s) givenname givennames forename forenames",
    Label.FAMILY_NAME: "lastname surname surname(s) familyname",
    Label.EMAIL: "이메일 메일 전자메일 전자우편 이메일주소 email e-mail emailaddress mail e-mailaddress 메일주소",
    Label.PHONE: "전화 전화번호 휴대폰 휴대폰번호 핸드폰 핸드폰번호 휴대전화 휴대전화번호 연락처 연락전화 자택전화 자택 모바일 유선전화 "
    "h.p hp h.p. tel tel. phone phonenumber mobile mobilephone cell cellphone telephone contactnumber "
    "contactno phoneno mobileno mobilenumber c.p. 무선 집전화 t. m.",
    Label.LINK: "홈페이지 웹사이트 블로그 기술블로그 개인블로그 개발블로그 techblog personalwebsite personalsite 깃허브 github 깃헙 포트폴리오 링크 사이트 url website homepage web blog linkedin portfolio "
    "sns 링크드인 노션 notion gitlab 포트폴리오url 개인홈페이지 behance 웹 인스타그램 kaggle velog twitter",
    Label.HEADLINE: "지원분야 지원직무 지원직종 응시직종 응시분야 응시부문 응시직무 채용분야 모집분야 모집부문 희망직무 지원부문 직무 희망직종 지원포지션 지원부서 희망업무 position appliedposition desiredposition "
    "positionapplied 현직 현직무 jobtitle",
    Label.PERSONAL: "생년월일 생일 출생 나이 연령 성별 국적 주소 현주소 거주지 본적 우편번호 결혼여부 결혼 병역 병역사항 병역구분 "
    "군별 계급 dateofbirth birthdate dob birth age gender sex nationality address maritalstatus location "
    "희망연봉 현재연봉 연봉 취미 특기 종교 신장 체중 혈액형 보훈여부 장애여부 입사가능일 희망근무지 호주 사진 "
    "homeaddress currentlocation 만나이 생년 주민등록상주소 placeofbirth visastatus 시력",
    Label.SENSITIVE: "주민등록번호 주민번호 여권번호 여권 계좌번호 계좌 급여계좌 급여계좌번호 외국인등록번호 운전면허번호 은행계좌 "
    "passport passportno passportnumber accountnumber bankaccount ssn socialsecuritynumber 사업자등록번호 "
    "사원번호 수험번호 응시번호 접수번호 카드번호 자격번호 등록번호 군번 driverslicense fax 팩스 팩스번호",
    Label.OTHERS: "추천인 보증인 신원보증인 비상연락 비상연락처 비상연락망 비상전화 비상전화번호 긴급연락 긴급전화 긴급연락처 보호자 보호자연락처 추천인연락처 상사 직속상사 "
    "reference referee supervisor emergencycontact advisor 지도교수 관계자 인사담당자 평판조회처 refereename "
    "fathersname fathername nameoffather mothersname mothername nameofmother parentsname spousename spousesname husbandsname wifesname guardiansname guardianname nextofkin emergencycontactname 보호자성명 보호자명 부모성명 배우자성명 "
    "manager 회사전화 회사연락처 companyphone 회사전화번호 대표전화 상사연락처",
    Label.PERIOD: "year year(s) yearofpassing passingyear yearcompleted datecompleted completed graduationyear yearofgraduation graduationdate dateofgraduation datesattended datesofattendance datesofemployment employmentdates periodofemployment dateofcompletion yearofcompletion dates(from-to) datesfromto 기간 근무기간 재직기간 재학기간 경력기간 수학기간 입사퇴사 기간(년월) 근무년월 일자 날짜 년월 연월 period dates "
    "duration date years 재학년도 년도 연도 from-to 근무일 수학년월 입학졸업 입사일퇴사일 년월일 근속기간 입학~졸업 입사~퇴사 "
    "졸업연도 졸업년도 기간(연월) 수행기간 참여기간 공사기간 과제기간 연구기간 용역기간 진행기간 개발기간 사업기간 프로젝트기간 투입기간",
    Label.START: "부터 입사일 입사 입사년월 입학일 입학 입학년월 시작일 시작 from startdate start 입사일자 입학년도 입학일자 입사연월 입학연월",
    Label.END: "까지 퇴사일 퇴사 퇴사년월 졸업 수료 졸업일 졸업년월 종료일 종료 to enddate end 퇴사일자 졸업일자 퇴사연월 졸업연월",
    Label.COMPANY: "nameandaddressoftheemployer nameofemployer nameandaddressofemployer 회사명 회사 직장명 직장 근무처 근무회사 기관명 기관 근무지명 업체명 소속 소속회사 기업명 재직회사 company employer "
    "organization companyname organisation 근무기관 병원명 병원 학원명 업체 기업체명 사업장 사업장명 사업체명 근무병원 근무학교 근무업체 소속기관 소속기관명 소속명 회사/기관 기관/회사 회사명/기관명 회사(기관)명 직장(회사)명 근무처명 employername 직장명(회사명)",
    Label.TITLE: "occupationorpositionheld occupation positionheld mainpositionheld 직위 직급 직책 직위/직급 직급/직위 직위/직책 직책/직위 최종직위 최종직급 직무 직종 포지션 역할 position title jobtitle "
    "role designation post postheld posttitle jobrole positiontitle roletitle lastposition lastpositionheld 직급/직책 직위(직급) 직위및직책 업무/직위",
    Label.DEPARTMENT: "부서 부서명 근무부서 소속부서 팀 department team division 근무부서명 부서/팀",
    Label.DUTY: "담당업무 업무내용 주요업무 담당직무 업무 수행업무 담당업무및성과 직무내용 주요담당업무 mainactivitiesandresponsibilities jobscope scopeofwork jobdescription mainduties keyresponsibilities responsibilities duties dutiesandresponsibilities description "
    "퇴사사유 퇴직사유 이직사유 연봉 최종연봉 lastdrawnsalary currentsalary expectedsalary salary reasonforleaving reasonsforleaving 고용형태 근무형태 고용구분 재직여부 업종 담당업무내용",
    Label.SCHOOL: "nameoforganisationprovidingeducation nameoforganisationprovidingeducationandtraining nameandtypeoforganisation nameoforganisation nameandtypeoforganizationprovidingeducationandtraining nameofinstitution nameofuniversity nameandtypeoforganisationprovidingeducationandtraining nameofschool 학교명 학교 출신학교 학교이름 대학명 교육기관 학교(원)명 school university institution schoolname college 학교명및학과 "
    "학교명/전공 institute",
    Label.MAJOR: "principalsubjects/occupationalskillscovered principalsubjects principalsubjectscovered 전공 학과 전공학과 전공명 학과명 전공/학과 학과/전공 전공및학과 전공과목 학부 major fieldofstudy field courseofstudy areaofstudy subject 전공분야 "
    "학과(전공) 전공(학과) course",
    Label.DEGREE: "award awards qualifications qualification/award award/qualification qualificationobtained highestqualification degreeobtained degreeearned certificate diploma titleofqualificationawarded 학위 학위명 전공/학위 학위/전공 취득학위 학위구분 학력 전공및학위 과정 degree qualification degree/major 학위과정 "
    "구분 학과및학위 major/degree",
    Label.STATUS: "졸업 졸업구분 졸업여부 상태 졸업상태 학점 성적 평점 gpa grade status 평균학점 학점/만점 졸업/재학 졸업유무 result results score marks percentage aggregate cgpa percentage/cgpa cgpa/percentage",
    Label.SKILL: "기술명 보유기술명 보유기술 기술 프로그램 도구 스킬 툴 활용프로그램 프로그램명 skill tool technology 항목 software 기술스택",
    Label.LEVEL: "상 중 하 수준 숙련도 활용능력 능력 활용수준 등급 level proficiency 상중하 활용도 경험기간 사용기간",
    Label.PLACE: "소재지 지역 근무지 근무지역 location place city 본/분교",
    Label.KINSHIP: "관계 가족관계 relation relationship 동거여부 동거 직업 출신교 연락처및관계",
    Label.REMARK: "비고 기타 remarks note notes 발행처 발급기관 취득일 취득일자 자격증명 시행처 자격종류 종류 내용 수상명 수상내용 점수 "
    "시험명 언어 외국어명 어학시험 발행기관 자격증 자격면허명 no 번호 순번 시행기관 프로젝트명 과제명 연구과제명 사업명 용역명 공사명 현장명 공사금액 계약금액 사업비 발주처 발주기관",
}
_COLON_LABEL = re.compile(r"^(?P<label>[^:：|\t]{1,24}?)\s*[:：]\s*(?P<value>.*)$")
_NUMBER = re.compile(r"^\s*(?:[가-하]|\d{1,2}|[①-⑳])\s?[.)]\s+(?=\D)")
_TOKEN = re.compile(r"\S+")
_LABEL_MAX_CHARS = 72  # Name and type of organisation providing education and training
_TOKENS_MAX = 24
_TRIM = " \t:：|·,/-"


@cache
def _known() -> Mapping[str, frozenset[Label]]:
    table: dict[str, set[Label]] = {}
    for label, words in _LABELS.items():
        for word in words.split():
            table.setdefault(squeeze(word), set()).add(label)
    return {word: frozenset(labels) for word, labels in table.items()}


@cache
def _beginnings() -> frozenset[str]:
    """What a label may begin with: most words are ruled out by one look."""
    return frozenset(word[:n] for word in _known() for n in range(1, len(word) + 1))


@remembered
def labels_of(text: str) -> frozenset[Label]:
    """What a label may stand for; empty when the text is none."""
    if not text or len(text) > _LABEL_MAX_CHARS:
        return frozenset()
    known = _known()
    if found := known.get(squeeze(text)):
        return found
    outer, bracket, _ = text.partition(" (")  # Full Name (as in passport), Contact No. (HP)
    told = bracket and text.isascii() and text.rstrip(" :").endswith(")")
    return known.get(squeeze(outer), frozenset()) if told else frozenset()


def is_column_label(text: str) -> bool:
    """Whether a cell is a label rather than a value."""
    if labels_of(text):
        return True
    parts = (
        [p for p in re.split(r"\s*[/·,&]\s*|\s(?:및|and)\s", text) if p]
        if len(text) <= _LABEL_MAX_CHARS
        else []
    )
    return len(parts) > 1 and all(labels_of(p) for p in parts)


def column_labels(text: str) -> frozenset[Label]:
    """Labels of a table's column, also of a double one such as 전공 / 학위."""
    if found := labels_of(text):
        return found
    if len(text) > _LABEL_MAX_CHARS:
        return frozenset()
    parts = re.split(r"[/·,&]|\s(?:및|and)\s", text)
    return frozenset[Label]().union(*(labels_of(p) for p in parts))


# 부서 / 직위 : 영업팀 / 차장
_DOUBLE = re.compile(
    r"(?P<a>[^:/|\t]{1,12}?)\s*/\s*(?P<b>[^:/|\t]{1,12}?)\s*[:：]\s*(?P<x>[^/|\t]{1,60}?)\s+/\s+(?P<y>[^/|\t]{1,60})"
)
_COLONS = " :："
_BARRED = re.compile(r"(?P<label>[^|]{1,20}?)\s*\|\s*(?P<value>[^|]{1,200})")


def as_row(line: Line) -> Line:
    """`근무처 | 가람물산` as the two cells that it stands for; other lines stay as they are."""
    found = None if line.cells else _BARRED.fullmatch(line.text)
    if not found or not labels_of(found["label"]) or is_column_label(found["value"]):
        return line
    return replace(line, cells=(found["label"], found["value"]), text=f"{found[1]} {found[2]}")


def pairs(line: Line) -> Iterator[tuple[frozenset[Label], str]]:
    """Label and value pairs of a row (neighbouring cells) or a line (`label: value`, repeated)."""
    cells = [c for c in line.cells if c]
    double = _DOUBLE.fullmatch(line.text)
    if double and labels_of(double["a"]) and labels_of(double["b"]):
        yield labels_of(double["a"]), double["x"]
        yield labels_of(double["b"]), double["y"]
    elif len(cells) > 1:
        yield from _cell_pairs(cells)
    elif len(line.text) <= 300:
        for piece in re.split(r"\s*[|;]\s+|\s{3,}|\s+[/·]\s+", line.text):
            yield from _text_pairs(piece)
        if "|" in line.text:
            yield from _cell_pairs([c.strip() for c in line.text.split("|") if c.strip()])


def _cell_pairs(cells: list[str]) -> Iterator[tuple[frozenset[Label], str]]:
    at = 0
    while at < len(cells):
        own = labels_of(cells[at])
        if own and at + 1 < len(cells):
            following = labels_of(cells[at + 1])
            # 성명 | 한글 | 김… | 한문 | …: the label nearest to the value decides.
            if not following:
                yield own, cells[at + 1].lstrip(_COLONS)  # 성명 | : 김…
                at += 2
                continue
        elif not own:
            yield from _text_pairs(cells[at])
        at += 1


@remembered
def _text_pairs(text: str) -> tuple[tuple[frozenset[Label], str], ...]:
    """`성명: 김… 생년월일: …` and, for words that are labels beyond doubt, also without colons."""
    text = _NUMBER.sub("", text)  # 가. 성명 : …
    marks: list[tuple[int, int, frozenset[Label], bool]] = []
    beginnings = _beginnings()
    tokens = [(m.start(), m.end()) for m in islice(_TOKEN.finditer(text), _TOKENS_MAX)]
    at = 0
    while at < len(tokens):
        first = squeeze(text[tokens[at][0] : tokens[at][1]].partition(":")[0])
        for width in (3, 2, 1) if first and first in beginnings else ():
            if at + width > len(tokens):
                continue
            begin, end = tokens[at][0], tokens[at + width - 1][1]
            piece = text[begin:end]
            colon = piece.rstrip().endswith((":", "：")) or text[end:].lstrip().startswith(
                (":", "：")
            )
            inner = _COLON_LABEL.match(piece) if width == 1 else None
            if inner and inner["value"] and (found := labels_of(inner["label"])):
                marks.append((begin, begin + inner.end("label") + 1, found, True))
                break
            found = labels_of(piece.strip(_TRIM))
            if found and (colon or _stands_alone(piece, found, at)):
                marks.append((begin, end, found, colon))
                at += width - 1
                break
        at += 1
    valued: list[tuple[frozenset[Label], str]] = []
    for number, (_, end, found, colon) in enumerate(marks):
        stop = marks[number + 1][0] if number + 1 < len(marks) else len(text)
        value = text[end:stop].strip(_TRIM)
        if value and (colon or _fits(found, value)):
            valued.append((found, value))
    return tuple(valued)


def _fits(found: frozenset[Label], value: str) -> bool:
    """Whether a value can be one of its label, where no colon says so: 모바일 may begin a sentence."""
    digits = sum(c.isdigit() for c in value)
    if Label.EMAIL in found:
        return "@" in value
    if found & {Label.PHONE, Label.SENSITIVE, Label.OTHERS}:
        return digits >= 6
    if Label.LINK in found:
        return "." in value and " " not in value
    return len(value) <= 20 or (digits > 0 and len(value) <= 60)


_SURE = frozenset(
    {
        Label.NAME,
        Label.EMAIL,
        Label.PHONE,
        Label.PERSONAL,
        Label.SENSITIVE,
        Label.LINK,
        Label.OTHERS,
    }
)


def _stands_alone(piece: str, found: frozenset[Label], token_index: int) -> bool:
    """A label without a colon: Korean form words only, and only the sure ones inside a line."""
    korean = any("가" <= c <= "힣" for c in piece)
    if not found & _SURE:
        return False
    if korean:
        return token_index == 0 or len(squeeze(piece)) >= 3
    return token_index == 0 and squeeze(piece) in {
        "email",
        "phone",
        "mobile",
        "tel",
        "telephone",
        "cell",
    }
