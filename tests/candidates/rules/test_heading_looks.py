from app.candidates.rules.heading_looks import (
    heading_look,
    heading_signs,
    is_between_signs,
    is_numbered_heading,
    is_unknown_heading,
    numbered_look,
    numbering,
)
from app.candidates.rules.lines import read_lines
from tests.candidates.markup import DocumentOf, LineOf


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
