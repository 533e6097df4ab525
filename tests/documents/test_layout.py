from collections.abc import Iterable

import pytest

from app.documents.blocks import Block, Box, Source
from app.documents.columns import find_gutter
from app.documents.layout import page_blocks
from app.documents.pieces import Item, Piece, TableRow


def piece(text: str, left: float, top: float, *, size: float = 10, em: float = 0.5) -> Piece:
    box = Box(left=left, top=top, right=left + len(text) * size * em, bottom=top + size)
    return Piece(text=text, box=box, size_pt=size)


def texts(items: Iterable[Item]) -> list[str]:
    return [block.text for block in page_blocks(list(items), page=1)]


SIDE = [
    piece(text, 40, 100 + 17 * n)
    for n, text in enumerate(["Skills", "Python", "SQL", "Go", "Redis", "Kafka"])
]
BODY = [
    piece(f"line {n} of the experience, which fills its column well", 220, 100 + 14 * n)
    for n in range(12)
]


def test_columns_drawn_one_after_the_other_stay_as_they_were_drawn() -> None:
    assert texts([*BODY, *SIDE]) == [p.text for p in [*BODY, *SIDE]]
    assert texts([*SIDE, *BODY]) == [p.text for p in [*SIDE, *BODY]]


def test_columns_drawn_row_by_row_are_read_one_after_the_other() -> None:
    drawn = sorted([*SIDE, *BODY], key=lambda p: (p.box.top, p.box.left))

    assert texts(drawn) == [p.text for p in [*SIDE, *BODY]]


def test_a_heading_across_both_columns_parts_the_page() -> None:
    wide = piece(
        "A heading that runs over both of the columns of this page, as wide as they", 40, 300
    )
    lower = [piece(p.text.upper(), p.box.left, p.box.top + 250) for p in [*SIDE, *BODY]]
    drawn = sorted([*SIDE, *BODY, wide, *lower], key=lambda p: (p.box.top, p.box.left))

    found = texts(drawn)

    assert found.index("Python") < found.index(BODY[-1].text) < found.index(wide.text)
    assert found.index(wide.text) < found.index("PYTHON") < found.index(BODY[0].text.upper())


def test_text_across_the_top_does_not_hide_the_gutter_below() -> None:
    intro = [
        piece("An introduction as wide as the page, in long lines of text. " * 2, 40, 20 + 12 * n)
        for n in range(5)
    ]
    drawn = sorted([*SIDE, *BODY], key=lambda p: (p.box.top, p.box.left))

    assert texts([*intro, *drawn])[5:11] == [p.text for p in SIDE]


def test_three_columns_drawn_row_by_row_are_told_apart() -> None:
    columns = [
        [piece(f"column {c} line {n} text", 40 + 180 * c, 100 + (13 + 2 * c) * n) for n in range(8)]
        for c in range(3)
    ]
    drawn = sorted((p for column in columns for p in column), key=lambda p: (p.box.top, p.box.left))

    assert texts(drawn) == [p.text for column in columns for p in column]


def test_dates_at_the_right_stay_with_their_entries() -> None:
    entries: list[Piece] = []
    for n in range(5):
        entries += [
            piece(f"Firm {n}", 40, 100 + 60 * n),
            piece(f"201{n} - 201{n + 1}", 480, 100 + 60 * n),
            piece("short task", 40, 115 + 60 * n),
            piece("other task", 40, 130 + 60 * n),
        ]

    assert texts(entries)[::3] == [f"Firm {n}\t201{n} - 201{n + 1}" for n in range(5)]


def test_dates_drawn_after_all_entries_are_put_beside_them() -> None:
    entries = [
        piece(t, 40, 100 + 20 * n)
        for n, t in enumerate(
            [
                "Firm A",
                "task",
                "Firm B",
                "task",
                "Firm C",
                "task",
                "Firm D",
                "task",
                "Firm E",
                "task",
            ]
        )
    ]
    dates = [piece(f"20{n}0 - 20{n}1", 480, 100 + 40 * n) for n in range(5)]
    drawn = [
        entries[0],
        dates[0],
        *entries[1:3],
        dates[1],
        *entries[3:5],
        dates[2],
        entries[5],
        dates[4],
        *entries[6:],
        dates[3],
    ]

    found = texts(drawn)

    assert found[6] == "Firm D\t2030 - 2031"
    assert found[8] == "Firm E\t2040 - 2041"


def test_labels_and_values_of_a_form_without_lines_stay_together() -> None:
    labels = ["Name", "Mail", "Phone", "Address", "Site", "Born"]
    values = ["Ada", "a@example.com", "555-0100", "Elsewhere 1", "example.com", "1990"]
    drawn = [
        part
        for n, (label, value) in enumerate(zip(labels, values, strict=True))
        for part in (piece(label, 40, 100 + 20 * n), piece(value, 250, 100 + 20 * n))
    ]

    assert texts(drawn) == [f"{a}\t{b}" for a, b in zip(labels, values, strict=True)]


def test_a_word_that_reaches_into_the_gutter_stays_in_its_column() -> None:
    link = piece("https://example.com/a-long-one", 40, 210)
    side = [*SIDE, Piece(text=link.text, box=Box(left=40, top=210, right=224, bottom=220))]
    drawn = sorted([*side, *BODY], key=lambda p: (p.box.top, p.box.left))

    assert texts(drawn)[6] == link.text


def test_the_largest_text_at_the_top_comes_first_however_late_it_was_drawn() -> None:
    name = piece("Ada Example", 40, 30, size=24)

    assert texts([*BODY, name])[0] == "Ada Example"
    assert texts([*BODY, piece("Ada Example", 40, 600, size=24)])[-1] == "Ada Example"


def test_justified_words_are_one_line_and_skills_set_apart_are_cells() -> None:
    full = [
        piece("a line that goes all the way to the edge at the end", 40, 100 + 14 * n)
        for n in range(3)
    ]
    right = full[0].box.right
    words = ["deep", "user", "long", "term", "work"]
    gap = (right - 40 - len(words) * 20) / (len(words) - 1)
    justified = [piece(word, 40 + n * (20 + gap), 142) for n, word in enumerate(words)]
    chips = [piece(word, 40 + n * 40, 156) for n, word in enumerate(words)]

    blocks = page_blocks([*full, *justified, *chips], page=1)

    assert (blocks[3].text, blocks[3].cells) == ("deep user long term work", ())
    assert blocks[4].cells == tuple(words)


def test_a_marker_is_no_cell_and_a_title_set_wide_is_one_text() -> None:
    assert texts([piece("•", 40, 100), piece("point", 60, 100)]) == ["• point"]
    assert texts([piece("1.", 40, 100), piece("point", 70, 100)]) == ["1. point"]
    assert texts([piece(c, 40 + 40 * n, 100) for n, c in enumerate("이력서")]) == ["이 력 서"]


def test_rows_of_ruled_cells_keep_their_cells_and_their_place() -> None:
    label, value, more = piece("label", 40, 100), piece("value", 140, 94), piece("more", 140, 106)
    row = TableRow(cells=((label,), (value, more)), box=Box(left=40, top=94, right=200, bottom=116))

    blocks = page_blocks([piece("before", 40, 50), row, piece("after", 40, 200)], page=3)

    assert [block.text for block in blocks] == ["before", "label\tvalue more", "after"]
    assert (blocks[1].page, blocks[1].box) == (3, row.box)


@pytest.mark.parametrize(("top", "starts"), [(128, False), (150, True), (40, True)])
def test_a_paragraph_starts_after_a_gap_or_a_step_up(*, top: float, starts: bool) -> None:
    lines = [piece("line", 40, 100 + 14 * n) for n in range(2)]
    rest = [piece("last", 40, top), *(piece("x", 40, top + 14 * n) for n in (1, 2))]

    assert page_blocks([*lines, *rest], page=1)[2].starts_paragraph is starts


def test_blocks_carry_place_size_weight_source_and_confidence() -> None:
    one = Piece(
        text="ab",
        box=Box(left=1, top=2, right=20, bottom=12),
        size_pt=10,
        bold=True,
        confidence=0.5,
    )
    two = Piece(
        text="cd",
        box=Box(left=60, top=3, right=80, bottom=13),
        size_pt=12,
        bold=True,
        confidence=1.0,
    )

    assert page_blocks([one, two], page=2, source=Source.OCR) == [
        Block(
            text="ab\tcd", page=2, box=Box(left=1, top=2, right=80, bottom=13), font_size_pt=12,
            bold=True, source=Source.OCR, confidence=0.75, cells=("ab", "cd"), starts_paragraph=True,
        )
    ]  # fmt: skip


def test_an_empty_page_has_no_blocks_and_a_few_lines_have_no_gutter() -> None:
    assert page_blocks([], page=1) == []
    assert find_gutter(SIDE[:3]) is None
