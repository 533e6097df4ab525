from dataclasses import replace

import pytest

from app.candidates.rules.lines import read_lines
from app.candidates.rules.skills import canonical, section_skills, text_skills
from tests.candidates.markup import DocumentOf


def listed(document: DocumentOf, *lines: str):
    return section_skills(read_lines(document(list(lines))))


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Languages: Python, C++, Go", ["Python", "C++", "Go"]),
        ("Python(상), Flutter / Dart, Git 90%", ["Python", "Flutter", "Dart", "Git"]),
        ("Photoshop • Illustrator • Figma", ["Photoshop", "Illustrator", "Figma"]),
        ("AWS (EC2, S3), CI/CD, A/B Testing", ["AWS", "EC2", "S3", "CI/CD", "A/B Testing"]),
        ("Go Python Node.js REST APIs", ["Go", "Python", "Node.js", "REST APIs"]),
        ("python, POSTGRESQL", ["Python", "PostgreSQL"]),
        ("Interests: Rowing, jazz piano", []),
    ],
)
def test_items_of_a_list(document: DocumentOf, text: str, items: list[str]) -> None:
    assert listed(document, text) == items


def test_an_item_wrapped_over_two_lines_is_one(document: DocumentOf) -> None:
    assert listed(document, "SQL, Kafka, Microservices", "Architecture, Docker")[-2:] == [
        "Microservices Architecture",
        "Docker",
    ]


def test_a_table_of_skills_gives_its_first_column(document: DocumentOf) -> None:
    assert listed(document, "기술‖수준‖비고", "Java‖상‖5년", "SQL‖중‖3년") == ["Java", "SQL"]


def test_running_text_gives_known_names_in_their_usual_spelling() -> None:
    assert text_skills(["파이썬으로 API를 만들고 k8s에 배포했다"]) == ["Python", "Kubernetes"]
    assert text_skills(["We go to work in spring and express our research"]) == []
    assert canonical("nodejs") == "Node.js"
    assert canonical("nothing known") is None


def test_the_last_item_may_wrap_without_a_comma(document: DocumentOf) -> None:
    lines = read_lines(document(["!plain", "Immunization, Epic, Patient", "Counseling"]))[0:]

    assert section_skills([replace(x, gap=False) for x in lines]) == [
        "Immunization",
        "Epic",
        "Patient Counseling",
    ]


@pytest.mark.parametrize(
    ("lines", "items"),
    [
        (["HTML & CSS"], ["HTML & CSS"]),
        (["SAP FI/CO, 더존"], ["SAP FI/CO", "더존"]),
        (["#원가관리 #상품기획 #Excel"], ["원가관리", "상품기획", "Excel"]),
        (
            ["Backend Java, Spring Boot", "Infra AWS, Docker"],
            ["Java", "Spring Boot", "AWS", "Docker"],
        ),
        (["Etc: Git, Figma"], ["Git", "Figma"]),
        (
            ["Grant writing, field surveys and user of GIS and", "QField."],
            ["Grant writing", "field surveys", "GIS", "QField"],
        ),
        (
            ["Stock rotation‖• Till work", "Allergen law‖• Barista"],
            ["Stock rotation", "Till work", "Allergen law", "Barista"],
        ),
    ],
)
def test_lists_in_other_writings(document: DocumentOf, lines: list[str], items: list[str]) -> None:
    assert listed(document, *lines) == items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("통역(한-영), 한글(HWP)", ["통역(한-영)", "한글(HWP)"]),
        ("Python(상), Java(2019)", ["Python", "Java"]),
    ],
)
def test_a_bracket_without_a_space_belongs_to_the_name(
    document: DocumentOf, text: str, items: list[str]
) -> None:
    assert listed(document, text) == items


@pytest.mark.parametrize(
    ("lines", "items"),
    [
        (
            ["1. 원가관리", "2) Primavera P6", "③ 안전관리"],
            ["원가관리", "Primavera P6", "안전관리"],
        ),
        (["Simulink/Stateflow, LaTeX"], ["Simulink/Stateflow", "LaTeX"]),
        (["Reading schemes (RWI)"], ["Reading schemes (RWI)"]),
        (["Siemens NX CAM"], ["Siemens NX CAM"]),
        (["Pollen counts, loss on drying"], ["Pollen counts", "loss on drying"]),
    ],
)
def test_items_stay_as_they_are_written(
    document: DocumentOf, lines: list[str], items: list[str]
) -> None:
    assert listed(document, *lines) == items


def test_words_of_a_sentence_make_no_acronym_and_particles_hide_no_everyday_word() -> None:
    assert text_skills(["I am a nurse."]) == []
    assert text_skills(["간호사 채용에 지원합니다"]) == []


def test_the_head_of_a_list_is_no_item_of_it(document: DocumentOf) -> None:
    assert listed(document, "보유기술명", "**병원영업**", "**SAP**") == ["병원영업", "SAP"]


def test_waves_part_items_and_no_spans(document: DocumentOf) -> None:
    assert listed(document, "Solution selling ~ P&IDs ~ Control valves") == [
        "Solution selling", "P&IDs", "Control valves",
    ]  # fmt: skip


def test_of_a_table_the_column_of_skills_is_read(document: DocumentOf) -> None:
    rows = ("구분‖활용 프로그램", "디자인‖포토샵, 캔바", "분석‖엑셀")

    assert listed(document, *rows) == ["포토샵", "캔바", "엑셀"]
