import pytest

from app.candidates.rules import analyze
from app.candidates.rules.careers import find_careers
from app.candidates.rules.experience import find_experience
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import split_sections
from tests.candidates.markup import DocumentOf


def careers(document: DocumentOf, *lines: str):
    experience, education = find_careers(split_sections(read_lines(document(list(lines)))))
    return [x.company for x in experience], [x.school for x in education]


def test_a_compound_section_holds_both(document: DocumentOf) -> None:
    lines = [
        "## 학력 및 경력",
        "2009 ~ 2013 | 모아대학교 | 전기과 학사",
        "2013 ~ 2019 | 든솔전기 | 대리",
    ]

    assert careers(document, *lines) == (["든솔전기"], ["모아대학교"])


def test_without_headings_entries_are_told_apart_by_what_they_name(document: DocumentOf) -> None:
    lines = ["# Ann Own", "Acme | Clerk | 2015 - 2019", "Westmere University | BA | 2011 - 2015"]

    assert careers(document, *lines) == (["Acme"], ["Westmere University"])


def test_a_detailed_career_counts_only_where_no_short_one_is(document: DocumentOf) -> None:
    detail = ["## 경력기술서", "밝은샘 | 개발자 | 2019.01 ~ 현재"]

    assert careers(document, *detail)[0] == ["밝은샘"]
    assert careers(document, "## 경력", "맑은샘 | 기획자 | 2020.01 ~ 현재", *detail)[0] == [
        "맑은샘"
    ]


def test_a_heading_between_the_same_signs_is_no_employer(document: DocumentOf) -> None:
    lines = [
        "!plain",
        "【 경력 】",
        "2015.02 ~ 2021.06 나루건설 현장소장",
        "【 학력 】",
        "2008.03 ~ 2015.02 한빛대학교 건축공학과 학사",
        "【 경력 】",
        "2021.07 ~ 현재 가람건설 현장소장",
        "【 대표 현장 】",
        "강변 창고 신축‖2022.04 ~ 2023.01‖소장",
    ]

    assert careers(document, *lines) == (["나루건설", "가람건설"], ["한빛대학교"])


def test_a_table_of_activities_holds_no_employer(document: DocumentOf) -> None:
    lines = [
        "!plain",
        "2. 학력",
        "2019.03 ~ 2023.02 한빛대학교",
        "3. 경력",
        "2023.07 ~ 2023.08 나루센터 연구원",
        "4. 여러 모임",
        "기간‖모임명‖내용",
        "2022.03 ~ 2023.02‖통계 모임‖학술부장",
    ]

    assert careers(document, *lines)[0] == ["나루센터"]


def test_the_persons_name_is_no_employer(document: DocumentOf) -> None:
    lines = ["!plain", "어진솔", "2021 ~ 현재 따뜻한복지관 사회복지사"]

    experience, _ = find_careers(split_sections(read_lines(document(lines))))

    assert [x.company for x in experience] == ["따뜻한복지관"]


def test_what_is_called_training_is_education_where_nothing_else_is(document: DocumentOf) -> None:
    course = ["## 교육", "나루 부트캠프", "2021.06 ~ 2021.12", "한빛대학교", "2015.03 ~ 2021.02"]

    assert careers(document, "## 경력", "나루상사 | 대리 | 2022 - 2023", *course)[1] == [
        "나루 부트캠프",
        "한빛대학교",
    ]
    assert careers(document, *course, "## 학력", "솔빛대학교 2010 - 2014")[1] == ["솔빛대학교"]


def test_a_firm_in_large_type_is_no_section(document: DocumentOf) -> None:
    lines = ["## Experience", "## Alder Airways", "Cabin Crew‖May 2016 - Aug 2018"]
    later = ["## 두레항공", "Flight Attendant‖Oct 2018 - May 2020"]
    others = ["## Civilian Merit", "Medal of the town, 2001 - 2002"]

    assert careers(document, *lines, *later, *others)[0] == ["Alder Airways", "두레항공"]


def test_a_school_in_large_type_is_no_section(document: DocumentOf) -> None:
    lines = ["## Education", "## Shelby Ridge Community College", "Logistics", "2016 - 2017"]
    later = [
        "## Frayser East High School",
        "Diploma",
        "2000 - 2004",
    ]

    assert careers(document, *lines, *later)[1] == [
        "Shelby Ridge Community College",
        "Frayser East High School",
    ]


def test_courses_of_one_school_do_not_end_the_schools(document: DocumentOf) -> None:
    first = [
        "## Education",
        "Translation‖2006 - 2008",
        "Rio Alto University",
        "**Notable courses:**",
    ]
    lines = [*first, "Terminology", "Spanish‖2002 - 2006", "Pinyon College"]

    assert careers(document, *lines)[1] == ["Rio Alto University", "Pinyon College"]


def test_a_heading_in_words_of_ones_own_is_no_firm(document: DocumentOf) -> None:
    lines = [
        "# Ann Own",
        "Baker and pastry cook",
        "**Among ovens**",
        "2020 - today Pastry Chef",
        "The Copper Pan",
        "2016 - 2020 Sous Chef",
        "Maison Alder",
    ]

    assert careers(document, *lines)[0] == ["The Copper Pan", "Maison Alder"]


def test_what_was_done_at_a_firm_is_no_second_position(document: DocumentOf) -> None:
    rows = ["근무기간‖회사명‖직위", "2019.03 ~ 2021.08‖가람병원‖간호사"]
    lines = ["## 경력", *rows, "## 주요 경력", "가람병원", "- 2020년 욕창 발생률을 낮춘 활동"]

    assert careers(document, *lines) == (["가람병원"], [])


@pytest.mark.parametrize("total", ["7 years 9 months", "3 yrs", "11 mos", "2년 4개월", "6개월"])
def test_a_firm_over_the_time_that_was_spent_there_has_all_jobs_below(
    document: DocumentOf, total: str
) -> None:
    lines = [
        "Nimbus", total, "**Director of Product, Fulfilment · Full-time**", "March 2021 - Present",
        "**Demand Planner**", "January 2018 - February 2021", "Calloway & Finch", "**Consultant**", "2012 - 2016",
    ]  # fmt: skip

    found = find_experience([read_lines(document(lines))])

    assert [(x.company, x.title, x.start, x.end) for x in found] == [
        ("Nimbus", "Director of Product, Fulfilment", "2021-03", None),
        ("Nimbus", "Demand Planner", "2018-01", "2021-02"),
        ("Calloway & Finch", "Consultant", "2012", "2016"),
    ]


def test_tables_tell_what_they_hold_where_no_heading_was_read(document: DocumentOf) -> None:
    schools = ["기간‖학교‖전공‖상태", "2008.09 ~ 2011.06‖타슈켄트 제3기술전문학교‖금속가공‖졸업"]
    jobs = ["기간‖회사명‖직책", "2022.02 ~ 현재‖(주)가람중공‖용접 조장"]

    profile = analyze(document(["# 강바다", "a@example.com", *schools, *jobs]))

    assert [(x.school, x.degree) for x in profile.education] == [
        ("타슈켄트 제3기술전문학교", "금속가공")
    ]
    assert [x.company for x in profile.experience] == ["(주)가람중공"]


def test_a_form_with_years_and_months_in_columns_needs_no_heading(document: DocumentOf) -> None:
    schools = ["1992‖3‖푸른공업고등학교 자동차과 입학", "1995‖2‖푸른공업고등학교 자동차과 졸업"]
    jobs = ["2004.10 ~ 2013.3‖가람관광(주)‖전세버스 기사", "2013.4 ~ 2021.12‖나루버스(주)‖승무원"]

    profile = analyze(document(["# 강바다", "a@example.com", *schools, *jobs]))

    (school,) = profile.education
    assert (school.degree, school.start, school.end) == ("자동차과", "1992-03", "1995-02")
    assert [x.title for x in profile.experience] == ["전세버스 기사", "승무원"]
