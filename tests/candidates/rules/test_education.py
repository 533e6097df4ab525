from dataclasses import replace

import pytest

from app.candidates.rules import analyze
from app.candidates.rules.education import find_education
from app.candidates.rules.lines import read_lines
from tests.candidates.markup import DocumentOf


def schools(document: DocumentOf, lines: list[str]):
    found = find_education([read_lines(document(lines))])
    return [(x.school, x.degree, x.start, x.end) for x in found]


@pytest.mark.parametrize(
    ("lines", "school", "degree"),
    [
        (["한빛대학교 컴퓨터공학과 학사 2011 - 2015"], "한빛대학교", "컴퓨터공학과 학사"),
        (
            ["한빛대학교 공과대학 컴퓨터공학과 (학사) 졸업 | 2011 - 2015"],
            "한빛대학교",
            "컴퓨터공학과 학사",
        ),
        (["한빛대학교 대학원 | 통계학과 석사 | 2011 - 2015"], "한빛대학교 대학원", "통계학과 석사"),
        (["한빛대학교 경영학과 졸업 2011 - 2015"], "한빛대학교", "경영학과"),
        (
            ["B.S. in Mathematics, Adventure State College, 2011 - 2015"],
            "Adventure State College",
            "B.S. in Mathematics",
        ),
        (
            ["PhD‖Westmere University, Physics‖Boston, MA", "2011 - 2015"],
            "Westmere University",
            "PhD, Physics",
        ),
        (
            ["University of California, Davis", "BA Economics  2011 - 2015"],
            "University of California, Davis",
            "BA Economics",
        ),
        (
            ["University of Ashford, Ashford, NC", "Master of Arts, GPA 3.9, 2011 - 2015"],
            "University of Ashford",
            "Master of Arts",
        ),
    ],
)
def test_school_and_degree(
    document: DocumentOf, lines: list[str], school: str, degree: str
) -> None:
    assert schools(document, lines) == [(school, degree, "2011", "2015")]


def test_a_lone_date_is_the_end(document: DocumentOf) -> None:
    assert schools(document, ["UC Berkeley | 2019", "Bachelor of Science"]) == [
        ("UC Berkeley", "Bachelor of Science", None, "2019")
    ]


def test_two_degrees_of_one_school_are_two_rows(document: DocumentOf) -> None:
    rows = schools(
        document,
        ["나루대학교 | 수학과 석사 | 2015 ~ 2017", "나루대학교 | 수학과 학사 | 2011 ~ 2015"],
    )

    assert [degree for _, degree, _, _ in rows] == ["수학과 석사", "수학과 학사"]


@pytest.mark.parametrize(
    ("lines", "school", "degree"),
    [
        (["2013.06 ~ 2016.02 하노이 푸른숲 고등학교"], "하노이 푸른숲 고등학교", None),
        (
            ["S.M. in Applied Optics, Beacon Institute", "9/2016 - 6/2018"],
            "Beacon Institute",
            "S.M. in Applied Optics",
        ),
        (
            ["2006–2011‖Licenciatura in Law, Universidade do Porto Novo."],
            "Universidade do Porto Novo",
            "Licenciatura in Law",
        ),
        (
            [
                "Cedar School of Management",
                "Master of Business Administration - MBA, Strategy · (2016 - 2018)",
            ],
            "Cedar School of Management",
            "Master of Business Administration - MBA, Strategy",
        ),
        (
            ["09/2012 – 06/2015", "BACHELOR OF SCIENCE IN BIOLOGY Fenland University"],
            "Fenland University",
            "BACHELOR OF SCIENCE IN BIOLOGY",
        ),
    ],
)
def test_schools_and_degrees_in_other_writings(
    document: DocumentOf, lines: list[str], school: str, degree: str | None
) -> None:
    (row,) = schools(document, lines)

    assert row[:2] == (school, degree)


def test_a_form_may_name_the_two_dates_as_entry_and_graduation(document: DocumentOf) -> None:
    lines = ["입학‖졸업‖학교명‖전공", "2002. 3.‖2006. 2.‖나루전문대학‖전기과 전문학사"]

    assert schools(document, lines) == [("나루전문대학", "전기과 전문학사", "2002-03", "2006-02")]


def test_a_seat_on_a_board_is_no_school(document: DocumentOf) -> None:
    lines = [
        "BSc Geology, Fenland University, 1999",
        "Director, Marsh Bank Foundation (2015 – 2021)",
    ]

    assert [row[0] for row in schools(document, lines)] == ["Fenland University"]


def test_a_degree_goes_on_in_the_next_line_of_a_narrow_column(document: DocumentOf) -> None:
    lines = ["**Bachelor of Science in**", "**Nursing (BSN)**", "Fenland University", "2016"]

    assert schools(document, lines)[0][:2] == (
        "Fenland University",
        "Bachelor of Science in Nursing (BSN)",
    )


def test_a_degree_that_fills_its_column_goes_on_below(document: DocumentOf) -> None:
    lines = ["Fenland Institute", "Certificate in Marsh-Water", "Management", "2020 - 2021"]
    read = read_lines(document(lines))
    narrow = [
        replace(x, box=replace(x.box, right=150 + 40 * (x.index == 1))) for x in read if x.box
    ]

    (school,) = find_education([narrow])

    assert school.degree == "Certificate in Marsh-Water Management"


def test_a_degree_goes_on_below_where_there_was_no_room_for_a_word(document: DocumentOf) -> None:
    lines = ["BA Graphic", "Communication", "University of Fenland", "2013 - 2016"]
    read = read_lines(document(lines))
    ends = (90, 110, 130, 80)  # the word that went down is longer than the forty points left
    pairs = zip(read, ends, strict=True)
    narrow = [replace(x, box=replace(x.box, left=40, right=at)) for x, at in pairs if x.box]

    (school,) = find_education([narrow])

    assert school.degree == "BA Graphic Communication"


@pytest.mark.parametrize(
    ("line", "school", "degree"),
    [
        (
            "PhD, Geology, Fenland University. Thesis: Marsh beds",
            "Fenland University",
            "PhD, Geology",
        ),
        ("두레대학교 한국어교육원 한국어 과정", "두레대학교 한국어교육원", "한국어 과정"),
        ("University of Mendip, BSc Economics, 2:1", "University of Mendip", "BSc Economics"),
        ("두레대학교 재료공학과 공학사 (우등 졸업)", "두레대학교", "재료공학과 공학사"),
        ("두레대학교 홍보학과 학사 (부전공 통계학)", "두레대학교", "홍보학과 학사"),
        (
            "Fenland University, MASc in Civil and Marine Water Engineering",
            "Fenland University",
            "MASc in Civil and Marine Water Engineering",
        ),
    ],
)
def test_what_stands_behind_schools_and_degrees(
    document: DocumentOf, line: str, school: str, degree: str
) -> None:
    assert schools(document, [f"2012 - 2016‖{line}"])[0][:2] == (school, degree)


def test_a_course_among_schools_is_further_training(document: DocumentOf) -> None:
    lines = ["2011 - 2015‖두레대학교 수학과 학사", "2019.06‖시험 전문가 과정 수료"]

    assert [row[0] for row in schools(document, lines)] == ["두레대학교"]
    assert [row[0] for row in schools(document, lines[1:])] == ["시험 전문가 과정 수료"]


def test_a_school_in_bold_below_a_plain_one_is_an_entry_of_its_own(document: DocumentOf) -> None:
    lines = [
        "가람대학교 관광경영학과 재학",
        "2022년 3월 ~ 현재",
        "**다온고등학교**",
        "2021년 2월 졸업",
    ]

    profile = analyze(document(["# 강바다", "## 학교", *lines]))

    assert [row.school for row in profile.education] == ["가람대학교", "다온고등학교"]


def test_a_grade_is_no_part_of_the_degree(document: DocumentOf) -> None:
    lines = ["가람대학교‖2012/03 ~ 2016/02 졸업", "세무회계학 학사 4.02 / 4.5"]

    profile = analyze(document(["# 강바다", "## 학력", *lines]))

    assert [row.degree for row in profile.education] == ["세무회계학 학사"]


def test_a_lone_year_between_commas_dates_a_school(document: DocumentOf) -> None:
    lines = ["BSc Economics, Ashby University, 2015, London", "A-Levels, Elm College, 2012, Leeds"]

    profile = analyze(document(["# Ann Own", "## Education", *lines]))

    assert [(row.school, row.degree, row.end) for row in profile.education] == [
        ("Ashby University", "BSc Economics", "2015"),
        ("Elm College", "A-Levels", "2012"),
    ]


@pytest.mark.parametrize(
    "note", ["Dean's list 2013, 2014", "지도교수: 윤가온, 너울대학교 공동 연구"]
)
def test_what_is_told_of_a_school_is_no_school(document: DocumentOf, note: str) -> None:
    lines = ["Ashby University", "BSc Economics, 2011 - 2015", note]

    profile = analyze(document(["# Ann Own", "## Education", *lines]))

    assert [row.school for row in profile.education] == ["Ashby University"]


def test_a_status_is_no_degree_and_a_place_no_subject(document: DocumentOf) -> None:
    rows = [
        "재학기간‖구분‖학교명‖전공‖소재지",
        "2012.03 ~ 2016.02‖졸업‖한빛대학교‖물리학과‖경기 용인",
        "2009.03 ~ 2012.02‖졸업‖한빛고등학교‖‖경기 용인",
    ]

    assert schools(document, rows) == [
        ("한빛대학교", "물리학과", "2012-03", "2016-02"),
        ("한빛고등학교", None, "2009-03", "2012-02"),
    ]


def test_a_degree_may_stand_in_the_remarks_and_an_advisor_is_none(document: DocumentOf) -> None:
    table = ["기간‖학교명‖전공‖비고", "2010.03 ~ 2012.02‖나루전문대학‖유아교육과‖졸업(전문학사)"]
    line = "2014.03 - 2019.02‖나루대학교 물리학과 이학박사 (지도교수: 문가람)"

    assert schools(document, table)[0][1] == "유아교육과 전문학사"
    assert schools(document, [line])[0][1] == "물리학과 이학박사"


def test_a_school_begins_without_a_sign_behind_its_degree(document: DocumentOf) -> None:
    lines = [
        "01/09/2011 – 30/06/2015 Porto, Portugal",
        "Bachelor in Marine Biology Universidade do Cabo Verdelho",
        "Level in EQF EQF level 6",
    ]

    assert schools(document, lines) == [
        ("Universidade do Cabo Verdelho", "Bachelor in Marine Biology", "2011-09", "2015-06")
    ]


def test_what_follows_a_leaving_certificate_is_its_school_or_a_town(document: DocumentOf) -> None:
    lines = [
        "2011 - 2015‖BSc Physics, University of Ashford",
        "2011‖Matura, Gymnasium Oberau, Tannfeld",
        "2009‖Leaving Certificate, Ardnamara Community",
    ]

    assert schools(document, lines)[1:] == [
        ("Gymnasium Oberau", "Matura", None, "2011"),
        ("Ardnamara Community", "Leaving Certificate", None, "2009"),
    ]


def test_a_diploma_of_its_school_stands_under_it(document: DocumentOf) -> None:
    lines = [
        "**Marlow State University**",
        "BA Economics (2010 - 2014)",
        "**Eastgate High School**",
        "High School Diploma (2006 - 2010)",
    ]

    assert schools(document, lines)[1:] == [
        ("Eastgate High School", "High School Diploma", "2006", "2010")
    ]


def test_a_course_without_degree_or_school_is_none_among_schools(document: DocumentOf) -> None:
    lines = [
        "BSc Nursing, University of Ashford‖2013 - 2016",
        "First aid at work and moving of loads, renewed 2021",
        "Imperial 2019",
    ]

    assert [school for school, *_ in schools(document, lines)] == [
        "University of Ashford",
        "Imperial",
    ]


def test_a_year_before_what_is_told_of_the_studies(document: DocumentOf) -> None:
    lines = [
        "PhD, Geology, University of Ashford, 2017. Supervisor: Prof. A. Roe",
        "MA, Geology, University of Marlow, 2012",
        "Certificate III in Office Work, TAFE Westland, 2009",
    ]

    assert schools(document, lines) == [
        ("University of Ashford", "PhD, Geology", None, "2017"),
        ("University of Marlow", "MA, Geology", None, "2012"),
        ("TAFE Westland", "Certificate III in Office Work", None, "2009"),
    ]


def test_the_level_before_a_school_is_no_part_of_its_name(document: DocumentOf) -> None:
    lines = ["Tertiary: Bulan Coastal University", "BS Accountancy", "2011 – 2015"]

    assert schools(document, lines) == [
        ("Bulan Coastal University", "BS Accountancy", "2011", "2015")
    ]


def test_a_degree_may_stand_over_its_school_and_each_line_may_be_whole(
    document: DocumentOf,
) -> None:
    over = ["**High school diploma**", "Elm High School", "August 2012 to June 2016"]
    whole = ["MBA, Finance, Lakeview University", "BS, Geology, Purcell University"]

    assert schools(document, over) == [
        ("Elm High School", "High school diploma", "2012-08", "2016-06")
    ]
    assert [school for school, *_ in schools(document, whole)] == [
        "Lakeview University",
        "Purcell University",
    ]


def test_a_school_of_two_words_behind_its_degree(document: DocumentOf) -> None:
    lines = [
        "01/09/2012 – 10/06/2017 Uppsala, Sweden",
        "MSc in Civil Engineering Tallmark University",
    ]

    assert schools(document, lines) == [
        ("Tallmark University", "MSc in Civil Engineering", "2012-09", "2017-06")
    ]


def test_an_examination_at_the_end_of_school(document: DocumentOf) -> None:
    lines = ["Government Secondary School, Offa", "WASSCE‖2005 – 2011"]

    assert schools(document, lines) == [("Government Secondary School", "WASSCE", "2005", "2011")]


@pytest.mark.parametrize(
    "honours",
    ["cum laude", "with distinction", "Dean’s List", "GPA 3.9/4.0", "First Class Honours"],
)
def test_honours_behind_the_date_hide_no_school(document: DocumentOf, honours: str) -> None:
    line = f"Bachelor of Science in Nursing (BSN), Weston University, Beaumont, TX — Graduated December 2017, {honours}"  # fmt: skip

    assert schools(document, [line]) == [
        ("Weston University", "Bachelor of Science in Nursing (BSN)", None, "2017-12")
    ]


def test_a_diploma_with_its_year_stands_over_its_school(document: DocumentOf) -> None:
    lines = [
        "A.A.S. Nursing‖2014 - 2016",
        "Loon Technical College",
        "High School Diploma‖2009",
        "Iron Central High School",
    ]

    assert schools(document, lines) == [
        ("Loon Technical College", "A.A.S. Nursing", "2014", "2016"),
        ("Iron Central High School", "High School Diploma", None, "2009"),
    ]


def test_an_apprenticeship_is_learnt_at_a_training_centre(document: DocumentOf) -> None:
    lines = ["2000 - 2004‖Electrical Apprenticeship", "Harbour Training Centre"]

    assert schools(document, lines) == [
        ("Harbour Training Centre", "Electrical Apprenticeship", "2000", "2004")
    ]


def test_how_far_somebody_came_is_no_school(document: DocumentOf) -> None:
    lines = ["최종학력 대학교(4년) 졸업", "2012.03 ~ 2016.08", "졸업", "한빛대학교", "경영학과"]

    assert schools(document, lines) == [("한빛대학교", "경영학과", "2012-03", "2016-08")]


def test_the_kind_of_a_school_is_no_degree_beside_a_field(document: DocumentOf) -> None:
    lines = ["구분‖학교명‖전공‖재학기간", "대학교‖푸른솔공과대학교‖기계공학과‖2019.03 ~ 2026.02"]

    assert schools(document, lines) == [("푸른솔공과대학교", "기계공학과", "2019-03", "2026-02")]
