from dataclasses import replace

from app.candidates.rules import analyze
from app.candidates.rules.lines import read_lines
from app.candidates.rules.skill_lines import joined, less_categories, over_lists
from app.candidates.rules.skills import section_skills
from app.documents.blocks import Box
from tests.candidates.markup import DocumentOf


def test_a_word_before_every_list_is_its_category(document: DocumentOf) -> None:
    lines = read_lines(document(["분석 SQL / Python", "시각화 Tableau / Redash"]))

    assert [x.text for x in less_categories(lines)] == ["SQL / Python", "Tableau / Redash"]
    assert less_categories(lines[:1]) == lines[:1]


def test_a_category_with_a_colon_keeps_its_list_apart(document: DocumentOf) -> None:
    lines = read_lines(document(["Platforms: STM32, ESP32, Zephyr", "Tools: Git, GDB, CMake"]))

    assert section_skills(lines) == ["STM32", "ESP32", "Zephyr", "Git", "GDB", "CMake"]


def test_lines_over_lists_are_categories_where_there_are_several(document: DocumentOf) -> None:
    lines = read_lines(
        document(["Methods", "Interviews, Card sorting", "", "Analysis", "Coding, Statistics"])
    )

    assert over_lists(lines) == {0, 2}
    assert over_lists(lines[:2]) == frozenset()
    assert section_skills(lines) == ["Interviews", "Card sorting", "Coding", "Statistics"]


def test_a_list_that_ends_with_a_comma_goes_on(document: DocumentOf) -> None:
    lines = read_lines(document(["Welding, Gauges,", "Lathes"]))

    assert [x.text for x in joined(lines)] == ["Welding, Gauges, Lathes"]


def test_a_kind_of_tools_alone_on_its_line_is_a_category(document: DocumentOf) -> None:
    lines = [
        "Backend",
        "Java, Spring Boot, JPA",
        "Database",
        "MySQL, Redis",
        "Infra",
        "AWS, Docker",
    ]

    profile = analyze(document(["# Ann Own", "## Skills", *lines]))

    assert profile.skills == ("Java", "Spring Boot", "JPA", "MySQL", "Redis", "AWS", "Docker")


def test_an_item_goes_on_below_where_a_narrow_column_had_no_room(document: DocumentOf) -> None:
    texts = ["Anticoagulation", "management", "Antimicrobial", "stewardship", "Epic", "charting"]
    lines = [
        replace(line, box=Box(left=0, top=line.index, right=5 * len(line.text), bottom=9))
        for line in read_lines(document(texts))
    ]

    whole = ["Anticoagulation management", "Antimicrobial stewardship", "Epic", "charting"]
    assert [line.text for line in joined(lines)] == whole


def test_a_row_of_bold_words_over_a_row_of_lists_names_them(document: DocumentOf) -> None:
    lines = read_lines(
        document(["**Query‖Visualisation**", "SQL · dbt · Snowflake‖Power BI · Tableau · Excel"])
    )

    assert section_skills(lines) == ["SQL", "dbt", "Snowflake", "Power BI", "Tableau", "Excel"]


def test_larger_words_over_lists_are_categories(document: DocumentOf) -> None:
    lines = [
        replace(line, ratio=1.2 if line.text in {"Clinical", "Systems"} else 1.0)
        for line in read_lines(document(["Clinical", "Triage", "Phlebotomy", "Systems", "EMR"]))
    ]

    assert section_skills(lines) == ["Triage", "Phlebotomy", "EMR"]


def test_keywords_belong_to_the_category_above_them_or_before_them(document: DocumentOf) -> None:
    above = ["기획", "Keywords: 시스템 설계, 와이어프레임", "도구", "Keywords: Unity, Jira"]
    before = ["Clinical: , Keywords: Slit lamp examination, Gonioscopy"]

    assert section_skills(read_lines(document(above))) == [
        "시스템 설계", "와이어프레임", "Unity", "Jira",
    ]  # fmt: skip
    assert section_skills(read_lines(document(before))) == ["Slit lamp examination", "Gonioscopy"]


def test_a_sign_inside_of_an_item_parts_nothing_where_commas_do(document: DocumentOf) -> None:
    listed = read_lines(document(["3톤·7톤 지게차 운전, 리치트럭 운전, 연 1,200건 재고 실사"]))
    parted = read_lines(document(["Python·Kafka·Redis"]))

    assert section_skills(listed) == [
        "3톤·7톤 지게차 운전",
        "리치트럭 운전",
        "연 1,200건 재고 실사",
    ]
    assert section_skills(parted) == ["Python", "Kafka", "Redis"]
