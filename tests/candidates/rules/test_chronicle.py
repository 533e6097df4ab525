import pytest

from app.candidates.profile import Profile
from app.candidates.rules import analyze
from app.candidates.rules.chronicle import told_in_events
from app.candidates.rules.lines import read_lines
from tests.candidates.markup import DocumentOf


def told(profile: Profile) -> list[tuple[str, str | None, str | None, str | None]]:
    jobs = [(x.company, x.title, x.start, x.end) for x in profile.experience]
    return jobs + [(x.school, x.degree, x.start, x.end) for x in profile.education]


EXPECTED = [
    ("동아정밀", "사원", "1997-03", "2003-08"),
    ("(주)신우산업", "생산과장", "2003-09", None),
    ("나루기능대학", "금형설계과", "1995-03", "1997-02"),
]


def test_beginnings_and_ends_of_a_printed_form_make_entries(document: DocumentOf) -> None:
    rows = [
        "성명‖강바다", "년‖월‖학력 및 경력사항‖발령청",
        "1995‖3‖나루기능대학 금형설계과 입학", "1997‖2‖나루기능대학 금형설계과 졸업‖나루기능대학장",
        "1997‖3‖동아정밀 사원 입사‖동아정밀 대표", "1999‖8‖금형기능사 자격 취득‖한국산업인력공단",
        "2003‖8‖동아정밀 퇴사", "2003‖9‖(주)신우산업 생산과장 입사", "현 재‖(주)신우산업 재직 중",
    ]  # fmt: skip

    assert told(analyze(document(["# 이력서", *rows]))) == EXPECTED


@pytest.mark.parametrize(
    "date", ["{0}. {1}. 2.", "{0}년 {1}월", "{0}.{1:02}", "{0}-{1:02}", "{0}년 {1}월 15일"]
)
def test_events_may_stand_in_plain_lines(document: DocumentOf, date: str) -> None:
    events = [
        ((1995, 3), "나루기능대학 금형설계과 입학"), ((1997, 2), "나루기능대학 금형설계과 졸업"),
        ((1997, 3), "동아정밀 사원 입사"), ((2003, 8), "동아정밀 퇴직(개인 사유)"), ((2003, 9), "(주)신우산업 생산과장 입사"),
    ]  # fmt: skip
    lines = [f"{date.format(*when)} {what}" for when, what in events]

    assert told(analyze(document(["# 강바다", "## 학력 및 경력", *lines]))) == EXPECTED


def test_two_firms_at_a_time_end_each_on_its_own_day(document: DocumentOf) -> None:
    lines = [
        "2010.01 가람상사 대리 입사", "2012.05 해든유통 고문 취임", "2013.02 해든유통 퇴임", "2014.06 가람상사 퇴사", "2014.07 나루물산 과장 입사", "2015.03 나루물산 재직 중",
    ]  # fmt: skip

    assert told(analyze(document(["# 강바다", "## 경력", *lines]))) == [
        ("가람상사", "대리", "2010-01", "2014-06"),
        ("해든유통", "고문", "2012-05", "2013-02"),
        ("나루물산", "과장", "2014-07", None),
    ]


def test_courses_that_ended_make_no_schools(document: DocumentOf) -> None:
    lines = [
        "## 학력", "2005.03 ~ 2009.02 한빛대학교 경영학과 학사", "## 교육이수", "2015.03 품질경영 과정 수료",
        "2016.04 구매실무 과정 수료", "2017.05 안전관리 과정 수료", "## 경력", "2010.01 가람상사 대리 입사",
    ]  # fmt: skip

    profile = analyze(document(["# 강바다", *lines]))

    assert [x.school for x in profile.education] == ["한빛대학교"]


def test_ends_alone_are_no_chronicle(document: DocumentOf) -> None:
    lines = [
        "1993.02 나루고등학교 졸업",
        "1997.02 한빛대학교 경영학과 졸업",
        "1999.02 한빛대학원 경영학 석사 졸업",
    ]

    assert told_in_events(read_lines(document(lines))) == ([], [])
