from dataclasses import replace

import pytest

from app.documents.blocks import Block, Box, Source
from app.documents.layout import page_blocks
from app.documents.pieces import Piece, TableRow
from tests.documents.building import piece


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
    marked = page_blocks([piece("•", 40, 100), piece("point", 60, 100)], page=1)
    numbered = page_blocks([piece("1.", 40, 100), piece("point", 70, 100)], page=1)
    title = page_blocks([piece(c, 40 + 40 * n, 100) for n, c in enumerate("이력서")], page=1)

    assert [block.text for block in [*marked, *numbered, *title]] == [
        "• point", "1. point", "이 력 서",
    ]  # fmt: skip


def test_rows_of_ruled_cells_keep_their_cells_and_their_place() -> None:
    label, value, more = piece("label", 40, 100), piece("value", 140, 94), piece("more", 140, 106)
    row = TableRow(cells=((label,), (value, more)), box=Box(left=40, top=94, right=200, bottom=116))

    blocks = page_blocks([piece("before", 40, 50), row, piece("after", 40, 200)], page=3)

    assert [block.text for block in blocks] == ["before", "label\tvalue more", "after"]
    assert (blocks[1].page, blocks[1].box) == (3, row.box)


def test_a_narrow_cell_whose_sentence_is_wrapped_often_is_a_cell() -> None:
    duties = ["결산 및 연결재", "무제표, 법인세", "세무조정, 외부", "감사 대응"]
    upright = [piece(letter, 40, 94 + 12 * n) for n, letter in enumerate("경력사항")]
    wrapped = [piece(text, 240, 94 + 12 * n, em=1) for n, text in enumerate(duties)]
    row = TableRow(
        cells=(tuple(upright), (piece("대리", 140, 94),), tuple(wrapped)),
        box=Box(left=40, top=94, right=320, bottom=142),
    )

    (block,) = page_blocks([row], page=1)

    assert block.cells == ("경력사항", "대리", " ".join(duties))


def test_a_cell_with_lines_of_its_own_lays_out_a_page() -> None:
    lines = ["Head Chef", "Maison Tremblay, New Orleans", "2020 to 2024", "Menus"]
    row = TableRow(
        cells=((piece("Work", 40, 94),), tuple(piece(t, 240, 94 + 12 * n) for n, t in enumerate(lines))),
        box=Box(left=40, top=94, right=420, bottom=142),
    )  # fmt: skip

    assert [block.text for block in page_blocks([row], page=1)] == ["Work", *lines]


@pytest.mark.parametrize(("top", "starts"), [(128, False), (150, True), (40, True)])
def test_a_paragraph_starts_after_a_gap_or_a_step_up(*, top: float, starts: bool) -> None:
    lines = [piece("line", 40, 100 + 14 * n) for n in range(2)]
    rest = [piece("last", 240, top), *(piece("x", 240, top + 14 * n) for n in (1, 2))]

    assert page_blocks([*lines, *rest], page=1)[2].starts_paragraph is starts


@pytest.mark.parametrize(("size_pt", "starts"), [(11.0, False), (9.0, True)])
def test_a_line_that_is_lower_for_want_of_a_g_starts_no_paragraph(
    *, size_pt: float, starts: bool
) -> None:
    lines = [piece("Copperline Supply", 40, 100 + 14 * n, size=11) for n in range(3)]
    low = replace(lines[1], size_pt=size_pt, box=Box(left=40, top=114, right=90, bottom=122))

    assert page_blocks([lines[0], low, lines[2]], page=1)[1].starts_paragraph is starts


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


def test_an_empty_page_has_no_blocks() -> None:
    assert page_blocks([], page=1) == []


def test_towns_and_dates_set_right_in_turn_stay_with_their_rows() -> None:
    rows: list[Piece] = []
    for n in range(4):
        top, right = 100 + 46 * n, 470 + 9 * n
        rows += [
            piece(f"Intern {n}", 40, top),
            piece(f"May 202{n} - Aug. 202{n}", right, top),
            piece(f"Firm {n}", 40, top + 12),
            piece("Ashford, IL", right, top + 12),
            piece("task of some length that takes its line", 48, top + 30),
        ]

    assert [t for t in [block.text for block in page_blocks(rows, page=1)] if "\t" in t] == [
        row
        for n in range(4)
        for row in (f"Intern {n}\tMay 202{n} - Aug. 202{n}", f"Firm {n}\tAshford, IL")
    ]


def test_ends_of_rows_that_were_recognised_later_are_put_into_their_rows() -> None:
    def ends_at_500(text: str, top: float) -> Piece:
        late = piece(text, 40, top)
        width = late.box.right - late.box.left
        return piece(text, 500 - width, top)

    rows = [
        piece("Acme Foods", 40, 100),
        piece("Clerk for some years", 40, 116),
        piece("Contoso Mills", 40, 150),
        ends_at_500("Salem, OR", 100),
        ends_at_500("Ashford, IL", 150),
        piece("Cook", 40, 166),
        piece("Umbra Works", 40, 200),
        ends_at_500("Providence, RI", 200),
    ]

    assert [block.text for block in page_blocks(rows, page=1)] == [
        "Acme Foods\tSalem, OR",
        "Clerk for some years",
        "Contoso Mills\tAshford, IL",
        "Cook",
        "Umbra Works\tProvidence, RI",
    ]


def test_jobs_in_large_letters_beside_their_firms_are_no_column() -> None:
    items: list[Piece] = []
    for n in range(4):
        top = 100 + 80 * n
        items += [
            piece(f"Firm {n}", 40, top, size=12),
            piece(f"201{n} - 201{n + 1}", 40, top + 16),
            piece(f"Job {n}", 200, top, size=12),
            piece("a task of some length that fills the line", 210, top + 20),
            piece("and another task of some length there", 210, top + 34),
        ]

    read = [block.text for block in page_blocks(items, page=1)]
    assert read[:2] == ["Firm 0", "2010 - 2011"]
    assert read.index("Job 0") < read.index("Firm 1")
