import pytest

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
        (["한빛대학교 경영학과 졸업 2011 - 2015"], "한빛대학교", "경영학과 졸업"),
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
