from dataclasses import replace

import pytest

from app.candidates.rules.headings import Kind
from app.candidates.rules.lines import Line, read_lines
from app.candidates.rules.sections import split_sections
from app.documents.blocks import Box
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


def test_the_duties_of_each_position_open_no_section(document: DocumentOf) -> None:
    lines = [
        "## 경력",
        "나루상사 2019.01 ~ 현재",
        "담당업무",
        "수입 통관",
        "솔빛물산 2015.01 ~ 2018.12",
        "담당업무",
    ]

    found = cut(document, [*lines, "수출 서류", "## 학력", "한빛대학교"])

    assert [kind for kind, _ in found] == [Kind.EXPERIENCE, Kind.EDUCATION]


def test_names_of_entries_that_look_like_headings_open_no_section(document: DocumentOf) -> None:
    lines = [
        "## 경력",
        "2020.01 → 2023.11",
        "# 나루마당",
        "서비스 기획자",
        "2018.01 → 2019.12",
        "# 솔빛",
    ]

    found = cut(document, [*lines, "사원", "## 학력", "한빛대학교"])

    assert [kind for kind, _ in found if kind is not Kind.HEADER] == [
        Kind.EXPERIENCE,
        Kind.EDUCATION,
    ]


def test_numbers_make_headings_of_words_that_no_list_knows(document: DocumentOf) -> None:
    lines = [
        "!plain",
        "1. 학력",
        "한빛대학교 2011 - 2015",
        "2. 경력",
        "나루상사 2016 - 2019",
        "3. 맺음말",
    ]

    found = cut(document, [*lines, "잘 부탁드립니다", "가. 성명 : 홍길동"])

    assert found[2] == (Kind.OTHER, ["잘 부탁드립니다", "가. 성명 : 홍길동"])


def test_the_title_of_the_document_is_no_section(document: DocumentOf) -> None:
    found = cut(
        document, ["# 경력기술서", "표건우 (건축사)", "연락처 010-0000-2210", "## 경력", "나루건축"]
    )

    assert [kind for kind, _ in found] == [Kind.TITLE, Kind.EXPERIENCE]


def test_a_row_of_labels_is_no_heading(document: DocumentOf) -> None:
    found = cut(
        document, ["# 표건우", "학력‖경력‖희망연봉", "대졸‖5년‖면접 후 결정", "## 경력", "나루건축"]
    )

    assert [kind for kind, _ in found] == [Kind.HEADER, Kind.EXPERIENCE]


def test_large_headings_may_begin_with_a_small_letter(document: DocumentOf) -> None:
    found = cut(
        document,
        [
            "# Wren Abara",
            "## what i can do",
            "Etching",
            "Lithography",
            "Bookbinding",
            "## where i've worked",
            "Acme",
        ],
    )

    assert [kind for kind, _ in found] == [Kind.HEADER, Kind.SKILLS, Kind.EXPERIENCE]


def test_signs_make_headings_of_words_that_no_list_knows(document: DocumentOf) -> None:
    lines = [
        "!plain",
        "[ 경력 ]",
        "나루상사",
        "[ 학력 ]",
        "한빛대학교",
        "[ 나의 손끝 ]",
        "목공",
        "도색",
    ]

    found = cut(document, [*lines, "칠 벗기기"])

    assert found[2] == (Kind.SKILLS, ["목공", "도색", "칠 벗기기"])


def test_a_heading_of_a_known_look_is_told_by_its_last_word(document: DocumentOf) -> None:
    lines = [
        "**EDUCATION**",
        "Fenland College",
        "**REFERENCES**",
        "On request",
        "**FIELDWORK SKILLS**",
    ]

    assert cut(document, [*lines, "Coring"])[-1] == (Kind.SKILLS, ["Coring"])


def test_the_name_of_a_certificate_opens_no_list_of_skills(document: DocumentOf) -> None:
    found = cut(document, ["## 자격", "컴퓨터활용능력‖2019.04‖2급", "지게차운전기능사‖2020.01‖-"])

    assert [kind for kind, _ in found] == [Kind.CERTIFICATES]


def test_a_table_of_certificates_beside_its_name_is_whole(document: DocumentOf) -> None:
    lines = ["경력‖기간‖회사명", "2019.01 ~ 현재‖나루상사", "자격‖취득일‖자격증명‖발행처"]

    found = cut(document, ["!plain", *lines, "2018.05‖한식조리기능사‖가상공단"])

    assert found[-1] == (
        Kind.CERTIFICATES,
        ["취득일\t자격증명\t발행처", "2018.05 한식조리기능사 가상공단"],
    )


def placed(document: DocumentOf, *lines: tuple[str, float, float]) -> list[Line]:
    boxes = [Box(left=left, top=top, right=left + 150, bottom=top + 10) for _, left, top in lines]
    read = read_lines(document([text for text, _, _ in lines]))
    return [replace(x, box=box, gap=True) for x, box in zip(read, boxes, strict=True)]


def test_a_column_that_begins_with_a_phone_is_none_of_the_section_before_it(
    document: DocumentOf,
) -> None:
    lines = placed(
        document,
        ("# Wren Abara", 30, 20),
        ("## Talks", 30, 400),
        ("Paper and light", 30, 420),
        ("206-555-0143", 400, 60),
    )

    found = split_sections(lines)[-2:]

    assert [s.kind for s in found] == [Kind.PUBLICATIONS, Kind.HEADER]


def test_values_under_each_other_beside_one_label_stay_together(document: DocumentOf) -> None:
    lines = placed(
        document,
        ("## Languages", 30, 100),
        ("Job-related skills‖Oracle WMS", 30, 120),
        ("Cold chain", 130, 132),
        ("Slotting", 130, 144),
    )

    found = next(s for s in split_sections(lines) if s.kind is Kind.SKILLS)

    assert [x.text for x in found.lines] == ["Oracle WMS", "Cold chain", "Slotting"]


def test_rows_under_a_merged_label_stay_with_it(document: DocumentOf) -> None:
    found = cut(
        document,
        [
            "!plain",
            "경력‖기간‖직장명",
            "‖2015.01 ~ 2018.02‖다온상사",
            "OA능력‖파워포인트‖상",
            "‖엑셀‖중",
            "‖한글‖상",
        ],
    )

    assert (Kind.SKILLS, ["파워포인트 상", "엑셀 중", "한글 상"]) in [
        (kind, [x.replace("\t", " ") for x in lines]) for kind, lines in found
    ]


def test_the_header_row_of_a_table_opens_no_section(document: DocumentOf) -> None:
    found = cut(
        document, ["!plain", "근무경력", "근무처‖직위‖기간", "다온상사‖대리‖2015.01 ~ 2018.02"]
    )

    assert [lines[0].split()[0] for _, lines in found] == ["근무처"]


def test_programming_languages_are_a_category_of_the_skills(document: DocumentOf) -> None:
    rows = ["!plain", "기술 스택", "언어‖Lua, OCaml", "도구‖Helm"]
    found = cut(document, rows)

    assert [kind for kind, _ in found] == [Kind.SKILLS]
    assert cut(document, ["!plain", "경력", "언어: Lua, OCaml"])[0][0] is Kind.SKILLS
    assert cut(document, ["!plain", "경력", "언어: 일본어, 독일어"])[0][0] is Kind.LANGUAGES


def test_spoken_languages_under_the_skills_are_a_section_of_their_own(
    document: DocumentOf,
) -> None:
    found = cut(document, ["# Ann Own", "## Skills", "Welding", "Languages", "Welsh", "Polish"])

    assert found[1] == (Kind.SKILLS, ["Welding", "Languages", "Welsh", "Polish"])
    spoken = cut(document, ["# Ann Own", "## Skills", "Welding", "Languages", "Dutch", "Polish"])
    assert spoken[2] == (Kind.LANGUAGES, ["Dutch", "Polish"])


def test_firms_in_the_size_of_headings_in_capitals_are_none(document: DocumentOf) -> None:
    found = cut(
        document,
        [
            "# 도란",
            "## EMPLOYMENT",
            "## 다온항공",
            "승무원 2015.01 - 2018.02",
            "## EDUCATION",
            "가람대학교",
        ],
    )

    assert [kind for kind, _ in found] == [Kind.HEADER, Kind.EXPERIENCE, Kind.EDUCATION]


def test_a_name_under_the_title_of_the_document_is_no_heading(document: DocumentOf) -> None:
    found = cut(
        document,
        ["# Curriculum Vitae", "## Ann Own", "ann@example.org", "## Skills", "Go", "## Work", "x"],
    )

    assert found[0] == (Kind.TITLE, ["Ann Own", "ann@example.org"])


def test_what_a_person_vouches_for_at_the_end_is_no_skill(document: DocumentOf) -> None:
    found = cut(
        document,
        ["!plain", "보유 기술", "Helm", "본인은 위 사항이 사실임을 서약합니다.", "2024년 5월 6일"],
    )

    assert found[0] == (Kind.SKILLS, ["Helm"])


def test_a_sentence_is_no_heading(document: DocumentOf) -> None:
    found = cut(document, ["!plain", "Work history", "2008-2013", "Patents and user manuals."])

    assert found[-1] == (Kind.EXPERIENCE, ["2008-2013", "Patents and user manuals."])


def test_the_label_of_a_position_opens_no_section(document: DocumentOf) -> None:
    lines = [
        "**EXPERIENCE**",
        "Period‖Jan 2016 to Jun 2021",
        "Company‖Orchard Marine",
        "Position‖Buyer",
    ]

    assert [len(texts) for _, texts in cut(document, lines)] == [3]


def test_the_header_row_of_a_table_of_marks_opens_no_section(document: DocumentOf) -> None:
    lines = [
        "## EDUCATION",
        "Course‖Institution‖Year of Passing‖Percentage",
        "B.Tech (Civil Engineering)‖Palar College of Engineering‖2014‖81%",
    ]

    assert [len(texts) for _, texts in cut(document, lines)] == [2]


def test_the_duties_of_each_project_open_no_section(document: DocumentOf) -> None:
    project = ["Project: Ledger", "Roles & Responsibilities:", "Coding of the nightly batch."]

    found = cut(document, ["PROJECT DETAILS:", *project, *project])

    assert [(kind, len(texts)) for kind, texts in found] == [(Kind.PROJECTS, 6)]


def test_a_list_of_works_built_is_no_career(document: DocumentOf) -> None:
    found = cut(
        document,
        ["## 근무경력", "가람건설 2015 ~ 현재", "## 주요 공사 실적", "다온아파트 신축공사"],
    )

    assert [kind for kind, _ in found] == [Kind.EXPERIENCE, Kind.PROJECTS]


@pytest.mark.parametrize("phone", ["+82 10-0000-6120", "010 0000 6120", "+44 20 7946 0418"])
@pytest.mark.parametrize("label", ["연락처", "Contact", "Contact details:"])
def test_a_label_with_a_phone_is_no_heading(document: DocumentOf, label: str, phone: str) -> None:
    found = cut(document, ["# 강바다", "이메일 a@example.net", f"{label} {phone}", "서울시"])

    assert [kind for kind, _ in found] == [Kind.HEADER]


def test_a_closing_and_large_letters_with_a_date_are_told_apart(document: DocumentOf) -> None:
    lines = ["## 경력", "나루상사", "사원 2019.03 ~ 2020.05", "위의 모든 기재사항은 사실", "씀"]
    heading, firm, *read = read_lines(document(lines))
    read[0] = replace(read[0], ratio=3.0)

    assert [(s.kind, len(s.lines)) for s in split_sections([heading, firm, *read])] == [
        (Kind.EXPERIENCE, 2),
        (Kind.OTHER, 1),
    ]
