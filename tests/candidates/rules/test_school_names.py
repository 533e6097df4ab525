import pytest

from app.candidates.rules.school_names import cut_school


@pytest.mark.parametrize(
    ("text", "before", "school", "after"),
    [
        ("한빛대학교 물리학과 학사", "", "한빛대학교", "물리학과 학사"),
        ("이학박사 (수학교육), 단미대학교", "이학박사 (수학교육)", "단미대학교", ""),
        ("이음대학교 (Ieum University), 사회학 B.A.", "", "이음대학교", "사회학 B.A."),
        ("호반 대학교 서울캠퍼스, 사학과", "", "호반 대학교 서울캠퍼스", "사학과"),
        ("BA History, Elm College, Leeds, UK", "BA History", "Elm College", ""),
        ("MSc from Ashby University", "MSc", "Ashby University", ""),
        ("University of California, Davis, BA", "", "University of California, Davis", "BA"),
        ("High School Diploma, Eastgate High School", "High School Diploma", "Eastgate High School", ""),
        ("MSc in Law University of Fenland", "MSc in Law", "University of Fenland", ""),
    ],
)  # fmt: skip
def test_a_school_is_cut_out_of_its_line(text: str, before: str, school: str, after: str) -> None:
    assert cut_school(text) == (before, school, after)
