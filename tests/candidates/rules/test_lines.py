import pytest

from app.candidates.rules.lines import clean, read_lines, squeeze
from tests.candidates.markup import DocumentOf


def texts(document: DocumentOf, lines: list[str]):
    return [x.text for x in read_lines(document(lines))]


def test_characters_are_unified() -> None:
    assert clean("㈜가람　２０２１．０３　～") == "(주)가람 2021.03 ~"
    assert clean("ﬁrst\u00adly \ue001 `code`") == "firstly code"
    assert clean("연 구 원") == "연구원"
    assert squeeze("E-mail : ") == "email"


def test_bullets_are_taken_off_and_remembered(document: DocumentOf) -> None:
    lines = read_lines(document(["• one", "- two", "three - four", "ㆍ five"]))

    assert [(x.text, x.bullet) for x in lines] == [
        ("one", True),
        ("two", True),
        ("three - four", False),
        ("five", True),
    ]


def test_wide_gaps_part_cells(document: DocumentOf) -> None:
    (line,) = read_lines(document(["Software Engineer     2020 - 2021"]))

    assert line.cells == ("Software Engineer", "2020 - 2021")


def test_repeated_headers_and_page_numbers_are_dropped(document: DocumentOf) -> None:
    lines = ["Ann Own", "a", "Page 1 of 2", "---", "Ann Own", "b", "Page 2 of 2"]

    assert texts(document, lines) == ["Ann Own", "a", "b"]


def test_a_date_in_the_margin_of_a_description_goes_above_it(document: DocumentOf) -> None:
    lines = ["Acme, Engineer", "• Built a foundation for many services‖June 2023 – present"]

    assert texts(document, lines) == [
        "Acme, Engineer",
        "June 2023 – present",
        "Built a foundation for many services",
    ]


def test_sizes_are_relative_to_the_body(document: DocumentOf) -> None:
    name, *_ = read_lines(document(["# Ann Own", "a long body line of text", "another body line"]))

    assert name.ratio == 2.2


def test_labels_and_marks_as_they_are_typed(document: DocumentOf) -> None:
    found = read_lines(document(["!plain", "성      명 : 홍라율", "## Skills", "SQL ㅣ R"]))

    assert [line.text for line in found] == ["성명 : 홍라율", "Skills", "SQL | R"]


def test_bullets_as_recognition_reads_them(document: DocumentOf) -> None:
    found = read_lines(document(["!ocr", "¢ Phonics", "© 자격증", "e Reading groups"]))

    assert [(line.text, line.bullet) for line in found] == [
        ("Phonics", True),
        ("자격증", True),
        ("Reading groups", True),
    ]


def test_letters_that_serve_as_bullets(document: DocumentOf) -> None:
    typed = read_lines(document(["!plain", "ㅇ 민원 접수", "ㅁ 학력", "ㅇㅋ 상회"]))

    assert [(x.text, x.bullet) for x in typed[:2]] == [("민원 접수", True), ("학력", True)]
    assert not typed[2].bullet
    assert read_lines(document(["!ocr", "를 경력"]))[0].text == "경력"
    assert read_lines(document(["!plain", "를 경력"]))[0].text == "를 경력"


def test_a_cell_that_holds_only_a_sign_is_none(document: DocumentOf) -> None:
    labelled, entry = read_lines(document(["Organization‖:‖Acme", "▶ Acme‖/‖Clerk‖/‖2020 ~ 2021"]))

    assert labelled.cells == ("Organization", "Acme")
    assert entry.cells == ("Acme", "Clerk", "2020 ~ 2021")


@pytest.mark.parametrize("dated", ["Dunmore & Sato LLP 2021-01 —", "간호사 면허 - 2018-03", "2019"])
def test_a_date_is_no_page_number(document: DocumentOf, dated: str) -> None:
    found = read_lines(document(["Ann Own", dated, "Ann Own - 1", "---", "b", "Ann Own - 2"]))

    assert [line.text for line in found] == ["Ann Own", dated, "b"]


def test_dates_that_look_alike_at_the_ends_of_pages_are_no_footer(document: DocumentOf) -> None:
    lines = ["a", "2011.03 - 2017.02", "---", "b", "2024.03 - 2024.06", "c", "2019.01 - 2020.02"]

    assert texts(document, lines) == [line for line in lines if line != "---"]


def test_a_title_is_no_page_header_for_a_job_that_is_called_like_it(document: DocumentOf) -> None:
    pages = ["## Loan Officer", "Acme Bank", "---", "Loan Officer", "Page 2", "---", "Page 2"]

    assert texts(document, pages) == ["Loan Officer", "Acme Bank", "Loan Officer"]
