from app.candidates.rules.headings import Kind
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import split_sections
from tests.candidates.markup import DocumentOf


def cut(document: DocumentOf, lines: list[str]):
    return [
        (s.kind, [x.text for x in s.lines]) for s in split_sections(read_lines(document(lines)))
    ]


def test_lines_belong_to_the_heading_above(document: DocumentOf) -> None:
    assert cut(
        document, ["# Ann Own", "ann@example.com", "## Skills", "Go", "## Hobbies", "Chess"]
    ) == [
        (Kind.HEADER, ["Ann Own", "ann@example.com"]),
        (Kind.SKILLS, ["Go"]),
        (Kind.OTHER, ["Chess"]),
    ]


def test_a_line_with_heading_and_content_leaves_the_section_around_it_open(
    document: DocumentOf,
) -> None:
    found = cut(
        document, ["!plain", "경력사항", "가람 | 개발자", "보유 기술‖Go, Rust", "다온 | 개발자"]
    )

    assert (Kind.SKILLS, ["Go, Rust"]) in found
    assert (Kind.EXPERIENCE, ["가람 | 개발자", "다온 | 개발자"]) in found


def test_a_merged_first_cell_opens_its_section(document: DocumentOf) -> None:
    found = cut(document, ["!plain", "학력‖기간‖학교명", "2011.03 ~ 2015.02‖한빛대학교"])

    assert [kind for kind, _ in found] == [Kind.EDUCATION]
    assert len(found[0][1]) == 2


def test_the_largest_text_after_a_sidebar_begins_a_header(document: DocumentOf) -> None:
    found = cut(document, ["## Skills", "Go", "# Ann Own", "Engineer"])

    assert found == [(Kind.SKILLS, ["Go"]), (Kind.HEADER, ["Ann Own", "Engineer"])]


def test_an_unknown_line_that_looks_like_the_headings_ends_a_section(document: DocumentOf) -> None:
    found = cut(
        document, ["## Skills", "Go", "## Things I Like", "Tea", "## Education", "A College"]
    )

    assert (Kind.SKILLS, ["Go"]) in found
    assert (Kind.OTHER, ["Tea"]) in found


def test_a_bold_category_among_skills_is_no_section(document: DocumentOf) -> None:
    found = cut(document, ["## Skills", "**Languages**", "Java, Kotlin"])

    assert found == [(Kind.SKILLS, ["Languages", "Java, Kotlin"])]


def test_a_text_without_sizes_has_headings_by_their_last_word_and_what_follows(
    document: DocumentOf,
) -> None:
    found = cut(document, ["!plain", "시술 능력", "염색, 펌, 두피 관리", "다른 능력", "한 줄 설명"])

    assert found == [(Kind.SKILLS, ["염색, 펌, 두피 관리", "다른 능력", "한 줄 설명"])]


def test_a_list_under_an_unknown_heading_is_the_skills_if_nothing_else_is(
    document: DocumentOf,
) -> None:
    lines = [
        "# 하나",
        "## 학력",
        "A대학교",
        "## 경력",
        "B회사",
        "- 열두 해 동안 여러 매장에서 손님을 맞고 새로 온 사람들을 가르쳤습니다",
        "## 나의 무기",
        "염색, 펌, 두피 관리",
    ]

    assert cut(document, lines)[-1] == (Kind.SKILLS, ["염색, 펌, 두피 관리"])
    assert cut(document, [*lines, "## 기술", "가위"])[-2][0] is Kind.OTHER
