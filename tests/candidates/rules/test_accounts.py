"""Careers and schools told in sentences."""

from dataclasses import replace

import pytest

from app.candidates.profile import Experience
from app.candidates.rules import analyze
from app.candidates.rules.accounts import told_positions
from tests.candidates.markup import DocumentOf, LineOf


@pytest.mark.parametrize(
    ("sentence", "firm", "job", "start", "end"),
    [
        ("I have been a senior analyst at Acme Grid since March 2019.", "Acme Grid", "senior analyst", "2019-03", None),
        ("Before that, from 2015 to 2019, I worked as a clerk at Harbor Foods.", "Harbor Foods", "clerk", "2015", "2019"),
        ("In 2012 I joined Elm Clinic as a staff nurse, and still work there today.", "Elm Clinic", "staff nurse", "2012", None),
        ("Working as Module Lead in Palar Infotech Pvt. Ltd. from Aug 2019 to till date.", "Palar Infotech Pvt. Ltd.", "Module Lead", "2019-08", None),
        ("Worked with Konkan Ltd., Mumbai as Test Engineer from July 2015 to May 2019.", "Konkan Ltd", "Test Engineer", "2015-07", "2019-05"),
        ("2019년 3월 가람물산에 입사하여 현재까지 구매팀 과장으로 근무하고 있습니다.", "가람물산", "구매팀 과장", "2019-03", None),
        ("해든유통에서 2014년 3월부터 2019년 2월까지 영업팀 대리로 일했습니다.", "해든유통", "영업팀 대리", "2014-03", "2019-02"),
    ],
)  # fmt: skip
def test_a_sentence_names_job_employer_and_time(
    line: LineOf, sentence: str, firm: str, job: str, start: str | None, end: str | None
) -> None:
    assert told_positions([[line(sentence)]]) == [
        Experience(company=firm, title=job, start=start, end=end)
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "I am interested in working for Acme Grid as a team player in 2024.",
        "In 2019 I worked with Kafka as a queue.",
        "성실함으로 2019년부터 근무해 왔습니다.",
        "I worked as a clerk at Harbor Foods.",
    ],
)
def test_what_lacks_one_of_them_is_no_position(line: LineOf, sentence: str) -> None:
    assert told_positions([[line(sentence)]]) == []


def test_a_resume_in_sentences_is_read(document: DocumentOf) -> None:
    career = [
        "I have been a senior analyst at Acme Grid since March 2019. Before that, from 2015",
        "to 2019, I worked as a clerk at Harbor Foods.",
    ]
    english = ["# Ann Own", "## Career", *career, "## Education"]
    english.append("I graduated from Ashby University with a BSc in Economics in 2015.")
    korean = ["# 강바다", "## 학력", "너울대학교 경영학과를 2014년 2월에 졸업했습니다."]

    profile, other = analyze(document(english)), analyze(document(korean))

    assert [row.company for row in profile.experience] == ["Acme Grid", "Harbor Foods"]
    assert [
        (row.school, row.degree, row.end) for row in (*profile.education, *other.education)
    ] == [
        ("Ashby University", "BSc in Economics", "2015"),
        ("너울대학교", "경영학과", "2014-02"),
    ]


def test_points_of_a_list_are_told_one_by_one(line: LineOf) -> None:
    points = (
        "Worked as Programmer in Palar Infotech from Feb 2016 to Jul 2019",
        "Worked as Trainee in Delta Softech from Oct 2012 to Jan 2016",
    )

    found = told_positions([[replace(line(text), bullet=True) for text in points]])

    assert [x.company for x in found] == ["Palar Infotech", "Delta Softech"]
