"""Headings that a file draws together, beside their sections."""

from dataclasses import replace

from app.candidates.rules.lines import Line, read_lines
from app.candidates.rules.side_headings import beside_their_sections, sections_across_pages
from app.documents.blocks import Block, Box, Document, Format

HEADINGS = [("경력", 100), ("학력", 160), ("보유 스킬", 200)]
BODY = [
    ("가람물산", 101), ("2019.03 ~ 현재", 115), ("구매팀 과장", 130),
    ("너울대학교", 161), ("경영학과", 176), ("엑셀, SAP", 201),
]  # fmt: skip


def page(headings: list[tuple[str, int]], body: list[tuple[str, int]]) -> list[Line]:
    drawn = [(text, 40.0, top, True) for text, top in headings]
    drawn += [(text, 140.0, top, False) for text, top in body]
    blocks = tuple(
        Block(
            text=text,
            box=Box(left=left, top=top, right=left + 60, bottom=top + 12),
            font_size_pt=11,
            bold=bold,
        )
        for text, left, top, bold in drawn
    )
    return read_lines(Document(format=Format.PDF, pages=1, blocks=blocks))


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_each_heading_comes_before_the_line_at_its_height() -> None:
    found = beside_their_sections(page(HEADINGS, BODY))

    assert texts(found) == [
        "경력", "가람물산", "2019.03 ~ 현재", "구매팀 과장",
        "학력", "너울대학교", "경영학과", "보유 스킬", "엑셀, SAP",
    ]  # fmt: skip
    assert [line.index for line in found] == list(range(9))


def test_a_list_beside_a_text_of_other_heights_stays_where_it_is() -> None:
    lines = page([(text, top + 25) for text, top in HEADINGS], BODY)

    assert texts(beside_their_sections(lines)) == texts(lines)


def test_lines_without_places_stay_where_they_are() -> None:
    lines = [replace(line, box=None) for line in page(HEADINGS, BODY)]

    assert texts(beside_their_sections(lines)) == texts(lines)


SIDE = ("Contact", "+1 206 555 0100", "Top Skills", "Negotiation")
MAIN = (("Experience", "Acme Labs", "Buyer"), ("Harbor Foods", "Clerk", "Education", "Elm College"))


def columns(*drawn: tuple[int, float, tuple[str, ...]]) -> list[Line]:
    """Texts as they are drawn: page, left edge, and what stands there from the top."""
    blocks = tuple(
        Block(
            text=text,
            page=page,
            box=Box(left=left, top=40 + 20 * row, right=left + 100, bottom=52 + 20 * row),
        )
        for page, left, texts in drawn
        for row, text in enumerate(texts)
    )
    return read_lines(Document(format=Format.PDF, pages=2, blocks=blocks))


def test_a_side_column_between_two_pages_of_a_section_goes_behind_it() -> None:
    whole = [*MAIN[0], *MAIN[1][:2], *SIDE, *MAIN[1][2:]]
    on_the_first = columns((1, 200, MAIN[0]), (1, 20, SIDE), (2, 200, MAIN[1]))
    on_the_second = columns((1, 200, MAIN[0]), (2, 20, SIDE), (2, 200, MAIN[1]))

    assert texts(sections_across_pages(on_the_first)) == whole
    assert texts(sections_across_pages(on_the_second)) == whole


def test_a_side_column_between_two_sections_stays_where_it_is() -> None:
    lines = columns((1, 200, MAIN[0]), (1, 20, SIDE), (2, 200, MAIN[1][2:]))

    assert texts(sections_across_pages(lines)) == texts(lines)


def test_headings_left_of_their_sections_stay_before_them() -> None:
    lines = columns((1, 200, MAIN[0]), (2, 20, ("Education",)), (2, 200, ("", *MAIN[1][3:])))

    assert texts(sections_across_pages(lines)) == texts(lines)
