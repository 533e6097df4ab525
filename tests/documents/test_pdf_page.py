import re

import pytest

from app.documents.limits import Limits
from app.documents.pdf import read_pdf
from tests.documents.building import Page, pdf, shown, stream

ENOUGH = shown(40, 60, "Enough letters for a page that counts as text")


def test_a_turned_page_is_read_as_it_is_seen(limits: Limits) -> None:
    # The page is shown turned by 90 degrees clockwise, so its text runs upwards in the file.
    lines = "".join(
        f"BT /F 10 Tf 0 1 -1 0 {100 + 20 * n} 50 Tm (line {n} of a page turned around) Tj ET\n"
        for n in range(3)
    )

    blocks = read_pdf(pdf([Page(content=lines, extra="/Rotate 90")]), limits).document.blocks

    assert [block.text for block in blocks] == [
        f"line {n} of a page turned around" for n in range(3)
    ]
    boxes = [block.box for block in blocks if block.box]
    assert [round(box.top) for box in boxes] == sorted(round(box.top) for box in boxes)
    assert all(box.right - box.left > 5 * (box.bottom - box.top) for box in boxes)


def test_a_hyphen_at_the_end_of_a_line_is_not_lost(limits: Limits) -> None:
    texts = shown(40, 60, "This line is about cost and require-") + shown(40, 74, "ments of it all")

    document = read_pdf(pdf([Page(content=texts)]), limits).document

    assert document.text.split("\n")[0].endswith("require-")


def test_text_whose_letters_nobody_can_tell_is_recognised_instead(limits: Limits) -> None:
    # A font whose table maps every letter into the private area.
    cmap = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> "
        b"endcodespacerange 1 beginbfrange <20> <7E> <E020> endbfrange endcmap end"
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 1001 0 R >>"
    data = pdf([Page(content=ENOUGH)], {3: font, 1001: stream(cmap)})

    parsed = read_pdf(data, limits)

    assert (parsed.scans, parsed.document.blocks) == ((1,), ())


def test_words_a_clear_gap_apart_are_cells_and_others_are_words(limits: Limits) -> None:
    texts = shown(40, 60, "one") + shown(60, 60, "two") + shown(120, 60, "three")
    texts += "BT /F 10 Tf 1 0 0 1 40 700 Tm [(four) -300 (five) -6000 (six)] TJ ET\n"

    blocks = read_pdf(pdf([Page(content=texts)]), limits).document.blocks

    assert [block.cells for block in blocks] == [("one two", "three"), ("four five", "six")]


def test_a_page_that_begins_elsewhere_is_measured_from_its_corner(limits: Limits) -> None:
    moved = shown(140, 60, "Enough letters for a page that counts as text")
    data = pdf([Page(content=moved, extra="/CropBox [100 0 595 842]")])

    (block,) = read_pdf(data, limits).document.blocks

    assert block.box is not None
    assert round(block.box.left) == 40


def test_letters_stroked_as_well_as_filled_are_bold(limits: Limits) -> None:
    stroked = re.sub("BT", "BT 2 Tr", ENOUGH)

    (block,) = read_pdf(pdf([Page(content=stroked)]), limits).document.blocks

    assert block.bold


def test_the_size_counts_the_scale_of_the_text(limits: Limits) -> None:
    scaled = "BT /F 1 Tf 14 0 0 14 40 700 Tm (Enough letters for a page that counts) Tj ET"

    (block,) = read_pdf(pdf([Page(content=scaled)]), limits).document.blocks

    assert block.font_size_pt == 14


def test_letters_that_are_set_one_by_one_make_words(limits: Limits) -> None:
    # PDFium sees a line end behind each of them when two columns stand side by side.
    def spelled(x: float, y: float, text: str) -> str:
        # All of these letters are 5.56 points wide.
        letters = "".join(f"({c}) Tj {5.56 if c != ' ' else 2.78} 0 Td " for c in text)
        return f"BT /F 10 Tf 1 0 0 1 {x} {y} Tm {letters} ET\n"

    left = "".join(spelled(40, 780 - 20 * n, "bone and dune on band") for n in range(6))
    right = "".join(spelled(330, 776 - 24 * n, "noon upon a dab") for n in range(6))

    text = read_pdf(pdf([Page(content=left + right)]), limits).document.text

    assert text.splitlines()[0] == "bone and dune on band"


WHITE, BLACK = "1 1 1 rg ", "0 0 0 rg "


@pytest.mark.parametrize(
    "unseen",
    [
        WHITE + shown(40, 90, "planted words") + BLACK,
        shown(40, 90, "planted words", size=1),
        shown(-400, 90, "planted words"),
        shown(40, -90, "planted words"),
        "BT 3 Tr /F 10 Tf 1 0 0 1 40 700 Tm (planted words) Tj 0 Tr ET\n",
    ],
    ids=["white", "tiny", "left of the page", "above the page", "not drawn"],
)
def test_text_that_nobody_sees_is_not_read(limits: Limits, unseen: str) -> None:
    document = read_pdf(pdf([Page(content=ENOUGH + unseen)]), limits).document

    assert document.text == "Enough letters for a page that counts as text"


def test_white_text_on_a_dark_ground_is_read(limits: Limits) -> None:
    band = (
        "0.1 0.1 0.3 rg 20 740 300 40 re f " + WHITE + shown(40, 90, "Name on a dark band") + BLACK
    )

    document = read_pdf(pdf([Page(content=ENOUGH + band)]), limits).document

    assert "Name on a dark band" in document.text
