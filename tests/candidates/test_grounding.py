"""Finding values in a document, however they are spelt there."""

import unicodedata

import hypothesis
import pytest
from hypothesis import strategies as st

from app.candidates.grounding import SourceText, squeezed
from app.documents.blocks import Block, Box, Source


def source(*lines: str, scanned: bool = False) -> SourceText:
    kind = Source.OCR if scanned else Source.TEXT
    confidence = 0.8 if scanned else None
    return SourceText([Block(text=line, source=kind, confidence=confidence) for line in lines])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("해오름 모빌리티 주식회사", "해오름모빌리티"),
        ("해오름모빌리티에서 근무", "해오름모빌리티"),
        (unicodedata.normalize("NFD", "해오름모빌리티"), "해오름모빌리티"),
        ("ＡＣＭＥ Ｒｏｂｏｔｉｃｓ", "Acme Robotics"),
        ("Full-Stack  Developer", "full stack developer"),
        ("C++, C#, C", "C++"),
        ("C++, C#, C", "C"),
        ("Node.js/React", "React"),
        ("김 서 연", "김서연"),
        ("AWS를 사용", "AWS"),
    ],
)
def test_a_value_is_found_whatever_its_spelling(text: str, value: str) -> None:
    (span,) = source("first line", text).find(value)

    assert span.block == 1
    assert squeezed(text[span.start : span.end]) == squeezed(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("google cloud", "Go"),
        ("React", "R"),
        ("C++", "C"),
        ("Java", "JavaScript"),
        ("JavaScript", "Java"),
        ("2021", "202"),
        ("하나루", "나루"),
        ("anything", ""),
        ("anything", "·-"),
    ],
)
def test_a_part_of_a_word_is_no_find(text: str, value: str) -> None:
    assert source(text).find(value) == ()


def test_a_value_on_two_lines_has_a_span_for_each() -> None:
    spans = source("x", "Juniper Grid", "Analytics, Oslo").find("Juniper Grid Analytics")

    assert [(span.block, span.start, span.end) for span in spans] == [(1, 0, 12), (2, 0, 9)]


def test_words_in_another_order_are_found_where_they_stand_together() -> None:
    text = source("M.S. (2013)", "Thornfield University - Data Science", *["x"] * 9, "Science")

    assert {span.block for span in text.find_words("Data Science M.S. Thornfield")} == {0, 1}
    assert text.find_words("주식회사 Thornfield Inc.")
    assert text.find_words("Thornfield Physics") == ()
    assert source("Data", *["x"] * 9, "Science").find_words("Science of Data") == ()


def test_the_nearest_of_several_is_taken() -> None:
    text = source("Acme", "x", "x", "x", "Acme")

    assert text.find("Acme")[0].block == 0
    assert text.find("Acme", near=3)[0].block == 4


@pytest.mark.parametrize(
    "written",
    [
        "2021.03 ~ 현재",
        "2021년 3월",
        "'21.3 - '22.4",
        "21년 3월",
        "Mar 2021 – Present",
        "March 2021",
        "03/2021",
        "2021-03-15",
        "2021 . 3",
        "2021 | 3",
    ],
)
def test_a_month_is_found_in_any_style(written: str) -> None:
    (span,) = source("2019", written).find_date("2021-03")

    assert span.block == 1


def test_a_date_that_is_not_there_is_not_found() -> None:
    text = source("2021.04 ~ 2022.03", "2019학년도")

    assert text.find_date("2021-03") == ()
    assert text.find_date("2020") == ()
    assert text.find_date("2021")
    assert text.find_date("2019")


def test_one_letter_may_be_misread_in_a_scan_and_no_digit() -> None:
    assert source("물안개금슥 주식회사", scanned=True).find("물안개금속") != ()
    assert source("물안개금슥 주식회사").find("물안개금속") == ()
    assert source("room 12345", scanned=True).find("12346") == ()
    assert source("물안강금슥", scanned=True).find("물안개금속") == ()


def test_what_is_withheld_is_not_there() -> None:
    text = SourceText([Block(text="Nurse. Evil Corp 2021.03")], {0: [(6, 24)]})

    assert text.find("Nurse")
    assert text.find("Evil Corp") == ()
    assert text.find_date("2021-03") == ()
    assert not text.holds_start("evil")
    assert not text.holds_number("2021")


def test_a_span_has_page_and_box() -> None:
    box = Box(left=1.04, top=2, right=3, bottom=4.26)
    (span,) = SourceText([Block(text="Nurse", page=3, box=box)]).find("nurse")

    assert (span.page, span.box) == (3, (1.0, 2, 3, 4.3))


def test_numbers_and_beginnings() -> None:
    text = source("1,200 patients; 300% growth")

    assert text.holds_number("1200")
    assert text.holds_number("300")
    assert not text.holds_number("30")
    assert text.holds_start("pati")
    assert not text.holds_start("tients")


def test_prose_is_told_from_rows() -> None:
    text = source(
        "Acme Rockets",
        "I once visited Acme Rockets and liked the factory very much.",
        "x",
        "2020 - 2021 at Beta Works, where I did many different things.",
    )

    assert not text.is_prose([text.find("Acme Rockets")[0]])
    assert text.is_prose([text.find("Acme Rockets", near=1)[0]])
    assert not text.is_prose(text.find("Beta Works"))


def test_legibility_is_that_of_the_lines() -> None:
    scan, plain = source("Nurse", scanned=True), source("Nurse")

    assert scan.legibility(scan.find("Nurse")) == 0.8
    assert plain.legibility(plain.find("Nurse")) == 1
    assert plain.legibility(()) == 1


_MIXED = st.text(
    st.one_of(
        st.sampled_from("abcXYZ0189+#·–—‑•“”가나힣éßŁﬁＡ①ㄱ\u1100\u1161\u11a8e\u0301İ \t\n"),
        st.characters(),
    ),
    max_size=30,
)


@hypothesis.given(_MIXED)
def test_plain_lines_are_squeezed_as_all_others_are(text: str) -> None:
    """What is read one to one is what the unified text, cluster by cluster, would be."""
    apart = f"{text}\u200b"  # nothing of it counts, and no line with it is plain
    assert squeezed(text) == squeezed(apart)
    whole, other = source(text), source(apart)
    for part in text.split():
        assert whole.find(part) == other.find(part)
