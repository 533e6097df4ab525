import re

import pytest

from app.documents.limits import Limits
from app.documents.pdf import read_pdf
from tests.documents.building import Page, image, pdf, shown, stream

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


def test_blanks_and_hyphens_that_a_print_of_a_print_names_wrongly_are_read(limits: Limits) -> None:
    cmap = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> "
        b"endcodespacerange 1 beginbfrange <2E> <7E> <002E> endbfrange "
        b"2 beginbfchar <20> <0001> <2D> <00AD> endbfchar endcmap end"
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 1001 0 R >>"
    page = Page(content=shown(40, 60, "Senior buyer 2019 - 2021 of paper"))

    document = read_pdf(pdf([page], {3: font, 1001: stream(cmap)}), limits).document

    assert document.text == "Senior buyer 2019 - 2021 of paper"


def test_letters_of_a_font_of_icons_are_no_text(limits: Limits) -> None:
    icons = {4: b"<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+FontAwesome5Free-Solid >>"}
    content = shown(40, 100, "k", bold=True) + shown(50, 100, "March 2021 to today")
    bullet = "BT /FB 10 Tf 1 0 0 1 40 722 Tm (\\267) Tj ET " + shown(50, 120, "What was done")

    assert read_pdf(
        pdf([Page(content=content + bullet)], icons), limits
    ).document.text.splitlines() == [
        "March 2021 to today",
        "• What was done",
    ]


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


WHITE, BLACK, NAVY = "1 1 1 rg ", "0 0 0 rg ", "0.1 0.1 0.3 rg "
PLANTED = shown(40, 90, "planted words")
BAND = "20 740 300 40 re f "  # from 62 to 102 points below the top
UNDRAWN = "BT 3 Tr /F 10 Tf 1 0 0 1 40 752 Tm (planted words) Tj 0 Tr ET\n"
PICTURE = "q 595 0 0 842 0 0 cm /I Do Q "
LAYER = "".join(shown(40, 140 + 14 * n, "A line of the text layer of a page") for n in range(8))

# The corner of this triangle is far from the text, the box around it is not.
TRIANGLE = NAVY + "20 740 m 20 700 l 320 700 l f "
COVERED = NAVY + BAND + WHITE + BAND
HIDDEN = {
    "white": WHITE + PLANTED + BLACK,
    "nearly white": "0.95 0.95 0.95 rg " + PLANTED + BLACK,
    "tiny": shown(40, 90, "planted words", size=1),
    "left of the page": shown(-400, 90, "planted words"),
    "above the page": shown(40, -90, "planted words"),
    "not drawn": UNDRAWN,
    "beside a dark shape": TRIANGLE + WHITE + PLANTED + BLACK,
    "on a dark band that is covered": COVERED + PLANTED + BLACK,
    "dark on dark": NAVY + BAND + PLANTED + BLACK,
}
VISIBLE = {
    "grey": "0.75 0.75 0.75 rg " + PLANTED + BLACK,
    "on a dark ground": NAVY + BAND + WHITE + PLANTED + BLACK,
    "on a light ground": "0.8 0.9 1 rg " + BAND + WHITE + PLANTED + BLACK,
    "dark beside a dark shape": TRIANGLE + PLANTED + BLACK,
    "dark on a dark band that is covered": COVERED + NAVY + PLANTED + BLACK,
    "small": shown(40, 90, "planted words", size=2),
    "small on a dark ground": NAVY + BAND + WHITE + shown(40, 90, "planted words", size=3) + BLACK,
}


@pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN)
def test_text_that_nobody_sees_is_left_out_and_counted(limits: Limits, content: str) -> None:
    document = read_pdf(pdf([Page(content=ENOUGH + content)]), limits).document

    assert document.text == "Enough letters for a page that counts as text"
    assert document.hidden_chars == len("plantedwords")


@pytest.mark.parametrize("content", VISIBLE.values(), ids=VISIBLE)
def test_text_that_somebody_may_see_is_read(limits: Limits, content: str) -> None:
    document = read_pdf(pdf([Page(content=ENOUGH + content)]), limits).document

    assert "planted words" in document.text
    assert document.hidden_chars == 0


@pytest.mark.parametrize(
    ("inside", "hidden_chars"), [(WHITE + PLANTED, 12), (NAVY + BAND + WHITE + PLANTED, 0)]
)
def test_a_form_around_the_page_hides_no_white_text_and_shows_none(
    limits: Limits, inside: str, hidden_chars: int
) -> None:
    form = stream(
        (ENOUGH + inside).encode(),
        "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >>",
    )
    data = pdf([Page(content="/X Do", xobjects="/X 1000 0 R")], {1000: form})

    document = read_pdf(data, limits).document

    assert ("planted words" in document.text) is (hidden_chars == 0)
    assert document.hidden_chars == hidden_chars


def over_picture(content: str, grey: bytes) -> bytes:
    page = Page(content=PICTURE + content, xobjects="/I 1000 0 R")
    return pdf([page], {1000: image(grey * 64, 8, 8)})


def test_recognised_text_over_a_scan_is_read_beside_a_stamp(limits: Limits) -> None:
    recognised = UNDRAWN.replace("planted words", "Recognised words of a whole scanned page")

    document = read_pdf(over_picture(recognised + ENOUGH, b"\xff"), limits).document

    assert "Recognised words" in document.text
    assert document.hidden_chars == 0


def test_text_that_is_not_drawn_over_a_text_layer_is_no_recognised_text(limits: Limits) -> None:
    document = read_pdf(over_picture(LAYER + UNDRAWN, b"\xff"), limits).document

    assert "planted words" not in document.text
    assert document.text.count("A line of the text layer") == 8
    assert document.hidden_chars == len("plantedwords")


def test_what_a_second_parser_would_bring_back_stays_hidden(limits: Limits) -> None:
    unseen = "".join(shown(40, 60 + 14 * n, "A résumé that nobody sees") for n in range(9))

    parsed = read_pdf(pdf([Page(content=WHITE + unseen)]), limits)

    assert (parsed.document.blocks, parsed.scans) == ((), ())
    assert parsed.document.hidden_chars == 9 * len("Arésuméthatnobodysees")
