import pytest

from app.candidates.rules.heading_looks import (
    heading_look,
    heading_signs,
    is_between_signs,
    is_numbered_heading,
    is_unknown_heading,
    numbered_look,
    numbering,
)
from app.candidates.rules.headings import Kind
from app.candidates.rules.lines import Line, read_lines
from app.candidates.rules.sections import split_sections
from app.documents.blocks import Box
from tests.candidates.markup import DocumentOf, LineOf


def cut(document: DocumentOf, lines: list[str]):
    return [
        (s.kind, [x.text for x in s.lines]) for s in split_sections(read_lines(document(lines)))
    ]


def test_one_known_heading_with_a_sign_tells_nothing_two_do(document: DocumentOf) -> None:
    lines = read_lines(document(["!plain", "<경력>", "나루상사", "<학력>", "<나의 길>"]))

    assert heading_signs(lines) == {"<"}
    assert heading_signs(lines[:2]) == frozenset()
    assert is_between_signs(lines[-1])


def test_numbers_of_one_kind_tell_headings(document: DocumentOf) -> None:
    lines = read_lines(document(["!plain", "1. 경력", "2. 학력", "3. 맺음말"]))

    assert numbering(lines[-1]) in numbered_look(lines)
    assert is_numbered_heading(lines[-1])


def test_dates_and_long_lines_between_signs_are_no_headings(line: LineOf) -> None:
    assert not is_between_signs(line("[2019.01 ~ 2020.02]"))
    assert not is_between_signs(line("[나루상사에서 맡아 온 여러 가지 일들과 그 결과의 요약]"))


def test_bold_capitals_need_no_gap(document: DocumentOf) -> None:
    bold = [
        "**EDUCATION**",
        "Fenland College",
        "**REFERENCES**",
        "On request",
        "**COURSES TAUGHT**",
    ]
    lines = read_lines(document(bold))

    assert is_unknown_heading(lines[-1], heading_look(lines))
    assert not is_unknown_heading(lines[1], heading_look(lines))


def test_korean_words_do_not_look_like_headings_in_latin_capitals(document: DocumentOf) -> None:
    lines = read_lines(
        document(["## WORK", "text of the body", "## SKILLS", "Go", "## 다온항공", "## PRESS"])
    )
    look = heading_look(lines)

    assert [is_unknown_heading(line, look) for line in lines[-2:]] == [False, True]


def test_headings_with_a_bullet_tell_each_other(document: DocumentOf) -> None:
    rows = ["## ■ 학력", *("가람대학교",) * 4, "## ■ 경력", *("다온상사",) * 4]
    lines = read_lines(document([*rows, "## ■ 발자취", "## 발자취"]))
    look = heading_look(lines)

    assert [is_unknown_heading(line, look) for line in lines[-2:]] == [True, False]


@pytest.mark.parametrize(
    "heading", ["학력‖대학원(석사) 졸업", "학력‖최종학력 대학원(석사) 졸업", "학력‖총 6년"]
)
def test_a_remark_beside_a_heading_is_none_of_its_section(
    document: DocumentOf, heading: str
) -> None:
    table = ["기간‖학교명‖전공", "2011.03 ~ 2015.02‖한빛대학교‖철학과"]

    assert cut(document, ["!plain", heading, *table]) == [
        (Kind.EDUCATION, [x.replace("‖", " ") for x in table])
    ]


@pytest.mark.parametrize(
    "heading", ["경력‖총 6년 2개월", "경력‖신입", "경력‖경력 6년", "경력 경력 6년 이상"]
)
def test_a_remark_needs_no_table_below(document: DocumentOf, heading: str) -> None:
    rows = ["2011.03 ~ 2015.02 나루상사 대리"]

    assert cut(document, ["!plain", heading, *rows]) == [(Kind.EXPERIENCE, rows)]


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (["근무기간‖회사명‖직위", "2011.03 ~ 2015.02‖나루상사‖대리"], Kind.EXPERIENCE),
        (["2011.03 ~ 2015.02 나루상사 대리"], Kind.EXPERIENCE),
        (["유통 회사에서 4년간 구매를 맡았습니다."], Kind.SUMMARY),
    ],
)
def test_a_summary_that_lists_positions_is_a_career(
    document: DocumentOf, rows: list[str], kind: Kind
) -> None:
    assert [k for k, _ in cut(document, ["!plain", "3. 경력 요약", *rows])] == [kind]


def test_a_heading_that_recognition_lost_over_a_school_opens_the_education(
    document: DocumentOf,
) -> None:
    rows = [
        "경력",
        "다온상사",
        "대리 (2015.01 ~ 2018.02)",
        "mee",
        "가람대학교",
        "경영학과 학사 (2010.03 ~ 2014.02)",
    ]

    assert [kind for kind, _ in cut(document, ["!ocr", *rows])] == [Kind.EXPERIENCE, Kind.EDUCATION]
    assert [kind for kind, _ in cut(document, ["!plain", *rows])] == [Kind.EXPERIENCE]


def test_a_heading_that_recognition_lost_over_a_dated_job_opens_the_career(
    document: DocumentOf,
) -> None:
    rows = ["LICENSES", "Journeyman card", "K‖IE", "Elm Wiring Co.‖03/2015 to Present", "Foreman"]

    assert [kind for kind, _ in cut(document, ["!ocr", *rows])] == [
        Kind.CERTIFICATES,
        Kind.EXPERIENCE,
    ]
    assert [kind for kind, _ in cut(document, ["!plain", *rows])] == [Kind.CERTIFICATES]


SIDEBAR = [
    ("Contact", 11), ("ada@example.com", 10), ("Prizes won abroad", 11), ("A prize", 10),
    ("Languages", 11), ("Welsh", 10), ("Certificates", 11), ("ISO auditor", 10),
]  # fmt: skip


def beside_a_sidebar(
    main: list[tuple[str, int]], side: list[tuple[str, int]]
) -> list[tuple[Kind, str | None]]:
    lines = [
        Line(
            index=at, text=text, ratio=size / 10, gap=size > 10,
            box=Box(left=left, top=at * 14, right=left + 90, bottom=at * 14 + size),
        )
        for left, rows in ((215, main), (14, side))
        for at, (text, size) in enumerate(rows)
    ]  # fmt: skip
    return [(s.kind, s.heading.text if s.heading else None) for s in split_sections(lines)]


def test_firms_in_the_look_of_a_sidebars_headings_are_none() -> None:
    main = [("Experience", 14), ("Nimbus", 11), ("Engineer", 10), ("Acme", 11), ("Clerk", 10)]

    found = beside_a_sidebar(main, SIDEBAR)

    assert found[:3] == [
        (Kind.EXPERIENCE, "Experience"), (Kind.CONTACT, "Contact"), (Kind.OTHER, "Prizes won abroad"),
    ]  # fmt: skip


def test_a_sidebar_may_begin_with_a_heading_that_no_list_knows() -> None:
    main = [("Experience", 14), ("Engineer, Nimbus", 10), ("Clerk, Acme", 10)]

    found = beside_a_sidebar(main, [*SIDEBAR[2:4], *SIDEBAR])

    assert found[:2] == [(Kind.EXPERIENCE, "Experience"), (Kind.OTHER, "Prizes won abroad")]


@pytest.mark.parametrize("stated", ["학력: 대학교 졸업", "최종학력 대학교 졸업"])
def test_what_was_reached_last_may_stand_beside_the_heading(
    document: DocumentOf, stated: str
) -> None:
    lines = ["# 강바다", stated, "## 학력 대학원 졸업", "2017.03 ~ 2019.02 나루대학교 대학원"]
    lines += ["## 경험/활동/교육", "2023.04 ~ 2023.06 노무관리 실무과정"]

    found = split_sections(read_lines(document(lines)))

    assert [s.kind for s in found] == [Kind.HEADER, Kind.EDUCATION, Kind.OTHER]


def test_a_heading_that_recognition_lost_over_the_columns_of_a_career_opens_it(
    document: DocumentOf,
) -> None:
    lines = ["!ocr", "학력", "2013.03 ~ 2015.02‖물빛대학교‖제과과", "o", "기간‖근무처‖직책"]
    outline = split_sections(read_lines(document([*lines, "2021.04 ~ 현재‖밀밭빵집‖제빵장"])))

    assert [section.kind for section in outline if section.lines] == [
        Kind.EDUCATION,
        Kind.EXPERIENCE,
    ]


def test_a_line_that_begins_as_the_headings_do_is_one_if_it_ends_as_one(
    document: DocumentOf,
) -> None:
    lines = ["", "◎ 경력", "2021.06 ~ 현재‖살롱드오름‖원장", "", "◎ 자격증", "미용사 2013.07", ""]
    skills = ["◎ 시술 기술", "레이어드컷, 볼륨매직"]

    assert [kind for kind, _ in cut(document, [*lines, *skills])][-1] is Kind.SKILLS
    assert [kind for kind, _ in cut(document, [*lines[:-1], *skills])][-1] is Kind.CERTIFICATES
