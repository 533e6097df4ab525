import pytest

from app.candidates.rules import analyze
from app.candidates.rules.experience import find_experience
from app.candidates.rules.lines import read_lines
from tests.candidates.markup import DocumentOf


def positions(document: DocumentOf, lines: list[str]):
    found = find_experience([read_lines(document(lines))])
    return [(x.company, x.title, x.start, x.end) for x in found]


@pytest.mark.parametrize(
    "lines",
    [
        ["Acme Labs | Data Engineer | 2020 - 2021"],
        ["Data Engineer, Acme Labs – Seattle, WA  2020 - 2021"],
        ["Data Engineer at Acme Labs (2020 - 2021)"],
        ["**Acme Labs**‖Seattle, WA", "Data Engineer‖2020 - 2021"],
        ["Data Engineer‖2020 - 2021", "Acme Labs • Seattle, WA"],
        ["2020 - 2021", "**Acme Labs**", "Data Engineer"],
        ["Acme Labs (Data Engineer)", "2020 - 2021"],
    ],
)
def test_company_and_title_are_told_apart_in_any_layout(
    document: DocumentOf, lines: list[str]
) -> None:
    assert positions(document, lines) == [("Acme Labs", "Data Engineer", "2020", "2021")]


@pytest.mark.parametrize(
    ("lines", "company", "title"),
    [
        (["(주)가온 / 물류팀 / 과장  2020.01 ~ 현재"], "(주)가온", "과장"),
        (["2020.01 ~ 현재 가람페이 시니어 백엔드 엔지니어"], "가람페이", "시니어 백엔드 엔지니어"),
        (["국립가상연구원 | 선임연구원 | 2020.01 ~ 현재"], "국립가상연구원", "선임연구원"),
        (["Mapletree, Inc., Clerk  Jan 2020 - Present"], "Mapletree, Inc.", "Clerk"),
    ],
)
def test_legal_forms_departments_and_ranks(
    document: DocumentOf, lines: list[str], company: str, title: str
) -> None:
    assert positions(document, lines) == [(company, title, "2020-01", None)]


def test_a_second_role_keeps_the_company(document: DocumentOf) -> None:
    lines = [
        "**Acme Labs**",
        "Manager‖2022 - Present",
        "- Leads people every day",
        "Engineer‖2020 - 2022",
    ]

    assert positions(document, lines) == [
        ("Acme Labs", "Manager", "2022", None),
        ("Acme Labs", "Engineer", "2020", "2022"),
    ]


def test_titles_without_known_words_follow_the_order_of_the_others(document: DocumentOf) -> None:
    lines = ["Clerk | Acme | 2020 - 2021", "Wizard | Contoso | 2018 - 2019"]

    assert positions(document, lines)[1][:2] == ("Contoso", "Wizard")


def test_a_job_that_no_list_knows_is_parted_from_its_firm(document: DocumentOf) -> None:
    assert positions(document, ["2018.02 ~ 2024.09 바다플랜트 도금 기능사"]) == [
        ("바다플랜트", "도금 기능사", "2018-02", "2024-09")
    ]


def test_a_firm_below_the_title_is_not_taken_from_the_titles_own_words(
    document: DocumentOf,
) -> None:
    lines = ["Aircraft Mechanic‖2016 - 2020", "Skylark Aviation", "- Led checks"]

    assert positions(document, lines)[0][:2] == ("Skylark Aviation", "Aircraft Mechanic")


def test_recognition_may_set_the_open_end_apart(document: DocumentOf) -> None:
    lines = ["바른법인‖2018.02 ~‖현재", "사무원"]

    assert positions(document, lines) == [("바른법인", "사무원", "2018-02", None)]


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        (
            ["Staff Midwife, Delivery‖06/2020 – Present", "Fen Edge Hospital | Ely, UK"],
            ("Fen Edge Hospital", "Staff Midwife, Delivery", "2020-06", None),
        ),
        (
            ["2018.07 ~ 2018.12", "프리랜서", "브랜드 디자이너"],
            ("프리랜서", "브랜드 디자이너", "2018-07", "2018-12"),
        ),
        (
            ["나루식당‖주방 막내‖(2015/03 ~ 2016/04)", "재료 손질 및 라인 보조"],
            ("나루식당", "주방 막내", "2015-03", "2016-04"),
        ),
        (
            ["나루토건 (2005.12 ~ 2010.02)", "- 직위 : 구조부 대리", "- 교량 하부공 시공 관리"],
            ("나루토건", "구조부 대리", "2005-12", "2010-02"),
        ),
        (
            ["Narae Foods (나래식품)", "Buyer, Jan 2019 - Dec 2020"],
            ("Narae Foods", "Buyer", "2019-01", "2020-12"),
        ),
        (["애드나루‖2019.09 ~ 2022.05", "광고 AE"], ("애드나루", "광고 AE", "2019-09", "2022-05")),
    ],
)
def test_where_the_firm_and_the_job_stand(
    document: DocumentOf, lines: list[str], row: tuple[str, str, str, str]
) -> None:
    assert positions(document, lines) == [row]


def test_a_firm_over_dated_positions_is_none_itself(document: DocumentOf) -> None:
    lines = ["**HARROW & REED LLP**‖2016–Present", "Audit Manager (2020–Present)", "- Nine funds"]

    assert positions(document, [*lines, "Senior Auditor (2016–2020)", "- Controls"]) == [
        ("HARROW & REED LLP", "Audit Manager", "2020", None),
        ("HARROW & REED LLP", "Senior Auditor", "2016", "2020"),
    ]


def test_a_firm_named_like_a_department_is_one_where_others_stand_so(document: DocumentOf) -> None:
    lines = ["**Product Manager | Tin Ferry**", "Apr 2019 - Oct 2022", "- Ticketing"]

    found = positions(document, [*lines, "**Content Designer | Civic Forms Unit**", "2016 - 2018"])

    assert [company for company, *_ in found] == ["Tin Ferry", "Civic Forms Unit"]


def test_a_field_behind_a_title_is_no_firm_where_the_firm_stands_above(
    document: DocumentOf,
) -> None:
    lines = [
        "**Salt Marsh Packaging, Boston, MA**",
        "Plant Director‖2018 - 2021",
        "- Ran seven lines",
        "Vice President, Sealing‖2014 - 2018",
    ]

    assert positions(document, [*lines, "- Wrote the manual"]) == [
        ("Salt Marsh Packaging", "Plant Director", "2018", "2021"),
        ("Salt Marsh Packaging", "Vice President, Sealing", "2014", "2018"),
    ]


def test_work_on_ones_own_is_none_of_the_firm_above(document: DocumentOf) -> None:
    lines = [
        "**UX Designer**",
        "Marsh Health / Oct 2021 - Present",
        "- Ran tests",
        "**UX Consultant**",
        "Freelance / Mar 2020 - Sep 2021",
    ]

    assert [row[0] for row in positions(document, lines)] == ["Marsh Health", "Freelance"]


def test_how_one_is_employed_stays_with_the_title_as_written(document: DocumentOf) -> None:
    lines = ["나루상사 | 사서(계약직) | 2019.01 - 2020.02"]

    assert positions(document, lines) == [("나루상사", "사서(계약직)", "2019-01", "2020-02")]


def test_numbers_before_firms_are_none_of_their_names(document: DocumentOf) -> None:
    lines = ["**2-1. 나루상사**", "재직기간: 2020년 4월 ~ 현재", "직책: 사서"]

    assert positions(document, lines) == [("나루상사", "사서", "2020-04", None)]


def test_a_deed_below_the_date_is_no_firm(document: DocumentOf) -> None:
    lines = ["푸른달 서비스 기획자‖2017.07 - 2021.01", "회사 게시판 앱 기획"]

    assert positions(document, lines)[0][:2] == ("푸른달", "서비스 기획자")


def test_a_second_position_over_its_place_keeps_the_firm_above(document: DocumentOf) -> None:
    lines = [
        "**두레로그**",
        "QA 리드",
        "2019.03 - 2021.04",
        "- 시험 자동화",
        "마법 엔지니어",
        "2017.03 - 2019.02",
        "나루읍",
    ]

    assert [x[:2] for x in positions(document, lines)] == [
        ("두레로그", "QA 리드"),
        ("두레로그", "마법 엔지니어"),
    ]


def test_numbers_before_firms_are_no_part_of_them(document: DocumentOf) -> None:
    assert positions(document, ["1) 두레상사 (2020.12 ~ 현재) / 기획팀 / 대리"])[0][0] == "두레상사"


def test_a_column_for_firm_and_job(document: DocumentOf) -> None:
    lines = [
        "Period‖Company / Position‖Responsibilities",
        "2020.02 - Present‖Alder Games Senior Game Designer‖Combat, balance",
        "2016.05 - 2020.01‖푸른엔터 시스템 기획자‖경제 설계",
    ]

    assert [x[:2] for x in positions(document, lines)] == [
        ("Alder Games", "Senior Game Designer"),
        ("푸른엔터", "시스템 기획자"),
    ]


def test_conscription_is_no_employment(document: DocumentOf) -> None:
    lines = ["나루상사 / 대리 / 2018.02 ~ 2020.02", "육군 / 병장 만기전역 / 2014.03 ~ 2015.12"]

    assert [x[0] for x in positions(document, lines)] == ["나루상사"]
    assert positions(document, ["육군 / 장교 / 2014.03 ~ 2019.02"])[0][0] == "육군"


@pytest.mark.parametrize(
    "about",
    [
        "핀테크 스타트업, 직원 50명",
        "이커머스, 코스닥 상장",
        "Series B, 120 employees",
        "공조 전문 업체",
    ],
)
def test_what_kind_of_firm_it_is_stands_in_brackets(document: DocumentOf, about: str) -> None:
    lines = [f"가람랩스 ({about})", "서비스 기획자 | 2018.01 ~ 2021.04"]

    assert positions(document, lines) == [("가람랩스", "서비스 기획자", "2018-01", "2021-04")]


def test_the_first_bullet_may_name_the_job(document: DocumentOf) -> None:
    lines = ["■ 가람물산㈜ (2019.03 ~ 현재)", "- 구매팀 과장", "- 원자재 구매 관리"]

    assert positions(document, lines) == [("가람물산(주)", "구매팀 과장", "2019-03", None)]


def test_a_lone_year_set_as_the_spans_are_marks_a_position(document: DocumentOf) -> None:
    lines = [
        "2021 - Present", "**Product Designer**", "Acme Health", "— Designed the booking flow.",
        "2016", "**Design Intern**", "Acme Health", "— Paper prototypes.",
    ]  # fmt: skip

    assert positions(document, lines) == [
        ("Acme Health", "Product Designer", "2021", None),
        ("Acme Health", "Design Intern", "2016", "2016"),
    ]


@pytest.mark.parametrize(
    ("line", "company", "title"),
    [
        ("가람로지스틱스 물류센터 운영과장 - 일 출고 4만 건 센터 운영, 오출고율 0.02%", "가람로지스틱스", "물류센터 운영과장"),
        ("다온해운 수출입 업무 대리 - B/L 발행", "다온해운", "수출입 업무 대리"),
        ("비스트로 은행나무 수셰프", "비스트로 은행나무", "수셰프"),
        ("가람마트 야간 판매 (아르바이트)", "가람마트", "야간 판매 (아르바이트)"),
    ],
)  # fmt: skip
def test_firm_and_job_share_a_line(
    document: DocumentOf, line: str, company: str, title: str
) -> None:
    assert positions(document, [f"{line}‖2021.02 ~ 현재"]) == [(company, title, "2021-02", None)]


def test_one_who_does_research_is_no_institute(document: DocumentOf) -> None:
    lines = ["가람시큐리티 (2023/01~현재)", "침해대응 연구원", "- 은행 3곳 관제 및 사고 분석"]

    assert positions(document, lines) == [("가람시큐리티", "침해대응 연구원", "2023-01", None)]


def test_a_role_in_a_project_is_no_position(document: DocumentOf) -> None:
    lines = [
        "가람페이 | 프로덕트 매니저 | 2021.08 ~ 현재",
        "역할‖기획 총괄‖2024.03 ~ 2024.12",
        "쿠폰 대기열 2023.02 - 2023.09",
        "- 이벤트 소싱 기반의 원장 설계, 대사 자동화",
    ]

    assert [company for company, *_ in positions(document, lines)] == ["가람페이"]


def test_the_duty_below_a_row_of_a_table_is_no_row(document: DocumentOf) -> None:
    lines = [
        "근무기간‖회사명‖직위", "2019.04 ~ 현재‖가람메디칼‖과장", "담당업무: 병원 34곳 담당, 2023년 영업왕 수상",
        "2016.01 ~ 2019.03‖다온식품‖대리",
    ]  # fmt: skip

    assert [company for company, *_ in positions(document, lines)] == ["가람메디칼", "다온식품"]


def test_how_one_was_employed_is_no_part_of_the_firm(document: DocumentOf) -> None:
    lines = [
        "2021.03 - 재직 중‖나루 스튜디오 정규직",
        "콘텐츠 기획자",
        "2020.07 - 2020.12‖가람미디어 인턴",
        "영상 편집 인턴",
    ]

    assert positions(document, lines) == [
        ("나루 스튜디오", "콘텐츠 기획자", "2021-03", None),
        ("가람미디어", "영상 편집 인턴", "2020-07", "2020-12"),
    ]


def test_a_counted_team_and_a_reason_for_leaving_name_nothing(document: DocumentOf) -> None:
    lines = ["2018.07 ~ 2021.03", "나루하우스 해외영업 2팀", "대리 | 퇴사사유 : 업종 전환"]

    assert positions(document, lines) == [("나루하우스", "대리", "2018-07", "2021-03")]


def test_a_field_above_a_firm_beside_its_date_is_none_where_others_stand_so(
    document: DocumentOf,
) -> None:
    lines = [
        *("**Ward Sister, Acute Medicine (Band 7)**", "Elm Hospital, May 2019 to date", "- Rota"),
        *("**Staff Nurse, Renal (Band 5)**", "St Bride's, May 2016 to May 2019", "- Dialysis"),
    ]

    assert [(company, title) for company, title, *_ in positions(document, lines)] == [
        ("Elm Hospital", "Ward Sister, Acute Medicine (Band 7)"),
        ("St Bride's", "Staff Nurse, Renal (Band 5)"),
    ]


def test_positions_within_the_time_of_their_firm_are_whole(document: DocumentOf) -> None:
    lines = [
        "**TRIMAR CARRIERS**, Gary, IL  2004 – 2012",
        "**Director of Yards** (2008 – 2012)",
        "- Opened 9 yards",
        "**Manager, Linehaul** (2004 – 2008)",
    ]

    found = [(company, title) for company, title, *_ in positions(document, lines)]

    assert found == [
        ("TRIMAR CARRIERS", "Director of Yards"),
        ("TRIMAR CARRIERS", "Manager, Linehaul"),
    ]


def test_what_a_federal_form_tells_between_employer_and_job(document: DocumentOf) -> None:
    lines = [
        *("Bureau of Tides", "Washington, DC 20003 United States", "04/2021 - Present"),
        *("Hours per week: 40", "Series: 0343 Pay Plan: GS Grade: 12", "This is a federal job"),
        *("Program Analyst", "Okay to contact this Supervisor: Yes"),
    ]

    assert positions(document, lines) == [("Bureau of Tides", "Program Analyst", "2021-04", None)]


def test_two_words_with_an_and_are_a_firm_and_a_present_deed_is_none(document: DocumentOf) -> None:
    lines = [
        *("Senior Designer‖2021 - Present", "Oak & Anchor"),
        *("Mentor two designers and order the prints", "Clerk‖2018 - 2021", "Elm Retail"),
    ]

    found = [(company, title) for company, title, *_ in positions(document, lines)]

    assert found == [("Oak & Anchor", "Senior Designer"), ("Elm Retail", "Clerk")]


def test_the_duties_of_each_firm_in_a_detailed_career_open_no_section(document: DocumentOf) -> None:
    lines = ["!plain", "경력 상세"]
    for firm, period, job in (
        ("나루메디칼", "2019년 8월 ~ 재직중", "수도권팀 / 차장"),
        ("가람푸드", "2015년 3월 ~ 2019년 7월", "영업팀 / 대리"),
    ):
        lines += [f"회사명 : {firm}", f"재직기간 : {period}", f"부서 / 직위 : {job}"]
        lines += ["담당업무", "병원 영업 12곳 담당", "주요성과", "계약 9건"]

    found = analyze(document(lines)).experience

    assert [(x.company, x.title) for x in found] == [("나루메디칼", "차장"), ("가람푸드", "대리")]


@pytest.mark.parametrize(
    ("line", "company", "title"),
    [
        ("2020.01 ~ 현재 나루핏 UX/UI 디자이너", "나루핏", "UX/UI 디자이너"),
        ("2020.01 ~ 현재 나루핏/디자이너", "나루핏", "디자이너"),
        ("가람페이‖Product Manager, 결제 스쿼드‖2020.01 ~ 현재", "가람페이", "Product Manager"),
    ],
)
def test_a_slash_within_a_title_and_a_team_behind_it(
    document: DocumentOf, line: str, company: str, title: str
) -> None:
    assert positions(document, [line]) == [(company, title, "2020-01", None)]
