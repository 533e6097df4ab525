from app.candidates.rules import analyze
from app.candidates.rules.lines import read_lines
from app.candidates.rules.skill_lines import joined, less_categories, over_lists
from app.candidates.rules.skills import section_skills
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
