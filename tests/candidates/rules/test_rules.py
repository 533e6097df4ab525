"""The analyst as a whole: labelled résumés, hostile texts, time."""

import gc
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.candidates.identity import people
from app.candidates.profile import Profile
from app.candidates.rules import analyze, language_of
from app.documents.blocks import Block, Box, Document, Format, Source
from tests.candidates.markup import DocumentOf

RESUMES: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("resumes.json").read_text(encoding="utf-8")
)
SINGLE = [pytest.param(r, id=r["id"]) for r in RESUMES if "people" not in r["want"]]
SENSITIVE = [
    p
    for p, r in zip(SINGLE, (r for r in RESUMES if "people" not in r["want"]), strict=True)
    if "주민등록" in str(r)
]
SEVERAL = [pytest.param(r, id=r["id"]) for r in RESUMES if "people" in r["want"]]


def document_from(text: str, **facts: Any) -> Document:
    blocks = tuple(Block(text=line, **facts) for line in text.split("\n"))
    return Document(format=Format.TEXT, pages=1, blocks=blocks)


@pytest.mark.parametrize("resume", SINGLE)
def test_every_field_of_a_labelled_resume_is_right(
    document: DocumentOf, resume: dict[str, Any]
) -> None:
    profile = analyze(document(resume["lines"]))

    want = resume["want"]
    got = profile.model_dump(mode="json")
    wrong = {key: (got[key], value) for key, value in want.items() if got[key] != value}
    assert not wrong


def test_an_application_form_is_read_label_by_label(document: DocumentOf) -> None:
    told = [
        ("Full name", "Ada Park"), ("E-mail", "ada.park@example.com"), "## Work experience",
        ("Employer", "Harbor Lane"), ("Job title", "Dispatcher"), ("From", "03/2019"), ("To", "present"),
        "## Education", ("School", "Weston College"), ("Degree", "Associate of Science"), ("Year of graduation", "2015"),
    ]  # fmt: skip
    lines = [line if isinstance(line, str) else "‖".join(line) for line in told]

    profile = analyze(document(["## Application for Employment", *lines]))

    (job,), (school,) = profile.experience, profile.education
    assert (profile.name, profile.emails) == ("Ada Park", ("ada.park@example.com",))
    assert (job.company, job.title, job.start) == ("Harbor Lane", "Dispatcher", "2019-03")
    assert (school.school, school.degree) == ("Weston College", "Associate of Science")
    assert school.end == "2015"


@pytest.mark.parametrize("between", ["‖", " | ", ": "])
def test_entries_told_by_labels_alone_are_read_whole(document: DocumentOf, between: str) -> None:
    told = [
        ("근무처", "가람물산"), ("직위", "대리"), ("기간", "2020.01 ~ 현재"), ("담당업무", "영업 관리"),
        ("근무처", "해든유통"), ("직위", "사원"), ("기간", "2017.03 ~ 2019.12"),
    ]  # fmt: skip
    lines = ["# 강바다", "## 경력사항", *(f"{label}{between}{value}" for label, value in told)]

    profile = analyze(document(lines))

    assert [(x.company, x.title, x.start, x.end) for x in profile.experience] == [
        ("가람물산", "대리", "2020-01", None),
        ("해든유통", "사원", "2017-03", "2019-12"),
    ]


def test_an_employers_name_is_no_skill(document: DocumentOf) -> None:
    careers = ["Docker Foods | Clerk | 2017 - 2019", "Built reports in Kafka"]

    assert analyze(document(["# Ann Own", "## Experience", *careers])).skills == ("Kafka",)


@pytest.mark.parametrize("resume", SINGLE)
def test_a_labelled_resume_is_one_persons(document: DocumentOf, resume: dict[str, Any]) -> None:
    assert [p.name for p in people(document(resume["lines"]))] == [resume["want"]["name"]]


@pytest.mark.parametrize("resume", SEVERAL)
def test_all_people_of_a_file_are_named(document: DocumentOf, resume: dict[str, Any]) -> None:
    assert [p.name for p in people(document(resume["lines"]))] == resume["want"]["people"]


@pytest.mark.parametrize("resume", SENSITIVE)
def test_numbers_of_identity_papers_and_accounts_reach_no_field(
    document: DocumentOf, resume: dict[str, Any]
) -> None:
    dumped = analyze(document(resume["lines"])).model_dump_json()

    assert "920101" not in dumped
    assert "M00000000" not in dumped
    assert "110-000" not in dumped


def test_confidence_is_given_for_found_fields_only_and_is_lower_for_scans(
    document: DocumentOf,
) -> None:
    lines = next(r["lines"] for r in RESUMES if r["id"] == "en-ocr-noise")
    scan, text = analyze(document(lines)), analyze(document(["!plain", *lines[1:]]))

    assert "publications" not in scan.confidence
    assert set(scan.confidence) <= set(Profile.model_fields)
    assert all(0 < value <= 1 for value in scan.confidence.values())
    assert scan.confidence["name"] < text.confidence["name"]


def test_headline_and_summary_hold_no_contact_data(document: DocumentOf) -> None:
    profile = analyze(
        document(
            [
                "# Nora Field",
                "Data Engineer | nora@example.com | 206-555-0100",
                "## Summary",
                "Builds pipelines.",
                "Call 206-555-0100 or write to nora@example.com.",
            ]
        )
    )

    assert profile.headline == "Data Engineer"
    assert profile.summary == "Builds pipelines."


def test_language_follows_the_share_of_hangul() -> None:
    assert (
        language_of("Python FastAPI PostgreSQL 백엔드 개발자로 결제 시스템을 만들었습니다") == "ko"
    )
    assert language_of("Engineer in Seoul (서울), speaks Korean and English fluently") == "en"
    assert language_of("") == "en"


@settings(max_examples=120, deadline=None)
@given(text=st.text(max_size=600), ocr=st.booleans())
def test_no_text_at_all_raises(text: str, ocr: bool) -> None:
    facts = {"source": Source.OCR, "confidence": 0.5} if ocr else {}
    analyze(document_from(text, **facts))


PHRASES = """경력|학력사항|Experience|Education|Skills|성명|:|\t|·|-|•|2021.03|~|현재|Jan 2020|–|2019|a@b.com
|010-0000-0000|한빛대학교|학사|B.S. in|,|(|)|[|]|Engineer|개발자|Acme Inc.|Seattle, WA|Python|/|&|및|김서연
|Jane Doe|추천인|References|https://a.example.com|#|1.|가족사항|등|기간|회사명|직위"""
WORDS = st.sampled_from(PHRASES.replace("\n", "").split("|"))


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(st.lists(WORDS, max_size=8).map(" ".join), max_size=25))
def test_no_mixture_of_resume_words_raises(lines: list[str]) -> None:
    document = document_from("\n".join(lines))
    analyze(document)
    people(document)


LABELS = st.sampled_from(
    [
        "회사명",
        "직위",
        "기간",
        "학교명",
        "전공",
        "학위",
        "부서",
        "담당업무",
        "입사일",
        "퇴사일",
        "비고",
        "구분",
        "Employer",
        "Position",
        "Dates",
        "School",
        "Degree",
        "From",
        "To",
    ]
)
CELLS = st.lists(WORDS, max_size=3).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(
    heading=st.sampled_from(["경력", "학력", "Skills", "활동"]),
    header=st.lists(LABELS, min_size=1, max_size=6),
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=6), max_size=6),
)
def test_no_table_raises(heading: str, header: list[str], rows: list[list[str]]) -> None:
    table = [
        Block(text="\t".join(row), cells=tuple(row) if len(row) > 1 else ())
        for row in ([heading], header, *rows)
    ]
    document = Document(format=Format.TEXT, pages=1, blocks=tuple(table))
    analyze(document)
    people(document)


def test_a_date_in_a_cell_for_employers_costs_its_row_alone(document: DocumentOf) -> None:
    table = [
        "회사명‖직위‖기간",
        "2019.01‖대리‖2019.01 ~ 2020.02",
        "가람물산‖차장‖2021.03 ~ 2022.02",
    ]

    assert [x.company for x in analyze(document(["# 강바다", "## 경력", *table])).experience] == [
        "가람물산"
    ]


def test_the_place_of_work_is_the_employer_where_no_column_names_one(document: DocumentOf) -> None:
    table = [
        "근무기간‖근무지‖직책",
        "2025.07 ~ 2026.06‖나루카페 은하점‖바리스타",
        "2024.01 ~ 2025.02‖서울‖판매원",
    ]

    found = analyze(document(["# 강바다", "## @ 경력", *table])).experience

    assert (found[0].company, found[0].title) == ("나루카페 은하점", "바리스타")


def test_a_job_before_another_is_not_told_under_it(document: DocumentOf) -> None:
    lines = [
        "**나루카페 (바리스타)**‖2024.03 ~ 현재", "- 음료 제조",
        "**편의점 나루24 (판매)**‖2022.07 ~ 2023.12", "- 계산",
        "**나루축제 (행사 스태프)**‖2022.05 ~ 2022.05", "- 안내",
    ]  # fmt: skip

    found = analyze(document(["# 강바다", "## 경력", *lines])).experience

    assert [x.company for x in found] == ["나루카페", "편의점 나루24", "나루축제"]


@pytest.mark.parametrize("pause", ["Career break‖2018 - 2019", "육아휴직‖2018.01 ~ 2019.02"])
def test_a_pause_is_no_employer(document: DocumentOf, pause: str) -> None:
    lines = ["# Ann Own", "## Experience", "Clerk, Harbor Foods‖2020 - 2021", pause]

    assert [x.company for x in analyze(document(lines)).experience] == ["Harbor Foods"]


def test_duties_in_a_table_of_their_own_are_no_position(document: DocumentOf) -> None:
    rows = ["Employer‖Job title‖From‖To", "Dalton Home‖Clerk‖08/2014‖02/2019"]
    duties = ["Duties‖Reason for leaving", "Opened and closed; ran counts‖Better opportunity"]

    found = analyze(document(["# Ann Own", "## Employment", *rows, *duties])).experience

    assert [x.company for x in found] == ["Dalton Home"]


def test_a_firm_stands_over_its_job_below_one_whose_jobs_all_have_dates(
    document: DocumentOf,
) -> None:
    lines = [
        "Maple Homes, Columbus, OH‖2007 - Present", "Director‖Feb 2018 - Present", "Cut shrink by half",
        "Store Manager‖Mar 2007 - Jan 2018", "Took a store to the top",
        "**Copper Goods, Dayton, OH**", "Assistant Manager‖Aug 2003 - Feb 2007", "Ran receiving",
    ]  # fmt: skip

    found = analyze(document(["# Ann Own", "## Experience", *lines])).experience

    assert [x.company for x in found] == ["Maple Homes", "Maple Homes", "Copper Goods"]


def test_an_examination_among_schools_is_no_school(document: DocumentOf) -> None:
    lines = ["Larkspur Law School‖2012 - 2015", "Juris Doctor", "First Aider‖2020"]

    found = analyze(document(["# Ann Own", "## Education", *lines])).education

    assert [x.school for x in found] == ["Larkspur Law School"]


def test_an_empty_row_of_labels_is_no_school(document: DocumentOf) -> None:
    lines = ["# 강바다", "## 학력", "회사명", "직위‖경력‖회사명‖경력"]

    assert analyze(document(lines)).education == ()


def hostile() -> Iterator[str]:
    for unit in (
        "a",
        "1",
        "@",
        "a@",
        "1-",
        "2021.03 ",
        "http://",
        "가 ",
        "a, ",
        "(a",
        "a.com ",
        "Jan ",
    ):
        yield unit * (200_000 // len(unit))
    for lines in (
        "ordered",
        "경력",
        "- built",
        "a@b.com",
        "2019.03 - 2020.04",
        "Acme Inc.|2019 - 2020|Engineer",
        "회사명\t기간|한빛\t2019.03~2020.02",
        "성명: 김서연|010-0000-0000",
        "Experience|Acme Inc.|Education|MIT|B.S. 2010",
    ):
        unit = lines.replace("|", "\n") + "\n"
        yield unit * (3_000 // unit.count("\n"))


def one_below_the_other(text: str) -> Document:
    """Each line at a place of its own, all of one look."""
    document = document_from(text)
    blocks = tuple(
        replace(block, box=Box(left=50, top=12 * at, right=150, bottom=12 * at + 10))
        for at, block in enumerate(document.blocks)
    )
    return replace(document, blocks=blocks)


@pytest.mark.parametrize("text", [pytest.param(t, id=t[:8].strip()) for t in hostile()])
def test_time_grows_no_faster_than_the_text(text: str) -> None:
    """The whole against its quarter: a quadratic step would take sixteen times as long."""
    took: list[float] = []
    gc.disable()  # a collection takes as long as what other tests have left behind is large
    try:
        for part in (text[: len(text) // 4], text):
            document = one_below_the_other(part)
            began = time.process_time()
            analyze(document)
            took.append(time.process_time() - began)
    finally:
        gc.enable()

    assert took[1] < 9 * took[0] + 0.5


def test_a_label_of_an_entry_opens_no_section_within_the_careers(document: DocumentOf) -> None:
    profile = analyze(
        document(
            [
                "# Ann Own",
                "## PROFESSIONAL EXPERIENCE",
                "Organization‖:‖Acme Foods",
                "Designation‖:‖Test Lead",
                "Duration‖:‖Aug 2022 to Till Date",
                "Organization‖:‖Contoso Mills",
                "Designation‖:‖Tester",
                "Duration‖:‖Jun 2019 to Jul 2022",
            ]
        )
    )

    assert [(row.company, row.title) for row in profile.experience] == [
        ("Acme Foods", "Test Lead"),
        ("Contoso Mills", "Tester"),
    ]


def test_who_signs_a_closing_is_no_employer(document: DocumentOf) -> None:
    lines = [
        "# 윤가온",
        "## 경력",
        "나루상사",
        "사원 2019.03 ~ 2020.05",
        "위의 모든 기재사항은 사실임을 확인합니다.",
        "작성자 : 윤가온",
    ]

    profile = analyze(document(lines))

    assert [row.company for row in profile.experience] == ["나루상사"]


def test_that_references_can_be_had_is_no_skill(document: DocumentOf) -> None:
    lines = ["# Ann Own", "## Skills", "Welding, Rigging, Estimating", "References on request."]

    assert analyze(document(lines)).skills == ("Welding", "Rigging", "Estimating")
