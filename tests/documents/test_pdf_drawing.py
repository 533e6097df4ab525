from app.documents.blocks import Box
from app.documents.limits import Limits
from app.documents.pdf import read_pdf
from app.documents.pdf_drawing import View
from app.documents.pieces import TableRow
from app.documents.ruling import Rules, with_table_rows
from tests.documents.building import Page, line, pdf, piece, shown


def test_ruled_rows_become_cells_even_where_a_value_has_two_lines(limits: Limits) -> None:
    grid = "".join(line(40, y, 400, y) for y in (80, 110, 140))
    grid += "".join(line(x, 80, x, 140) for x in (40, 120, 400))
    texts = (
        shown(50, 98, "Name") + shown(125, 98, "Ada Example") + shown(50, 128, "Address")
        + shown(125, 122, "Long Street 12") + shown(125, 134, "Elsewhere")
    )  # fmt: skip

    blocks = read_pdf(pdf([Page(content=grid + texts)]), limits).document.blocks

    assert [block.cells for block in blocks] == [
        ("Name", "Ada Example"), ("Address", "Long Street 12 Elsewhere"),
    ]  # fmt: skip


def test_a_whole_grid_drawn_as_one_path_makes_cells_too(limits: Limits) -> None:
    path = "".join(f"40 {y} m 400 {y} l " for y in (700, 730, 760))
    path += "".join(f"{x} 700 m {x} 760 l " for x in (40, 120, 400)) + "S\n"
    texts = shown(50, 100, "Name") + shown(125, 100, "Ada") + shown(50, 130, "Mail of this person")
    texts += shown(125 + 40, 130, "ada@example.com")

    blocks = read_pdf(pdf([Page(content=path + texts)]), limits).document.blocks

    assert blocks[0].cells == ("Name", "Ada")


def test_a_frame_around_text_is_no_table(limits: Limits) -> None:
    frame = "30 600 400 200 re S\n"
    texts = "".join(shown(50, 80 + 20 * n, f"line number {n} in the frame") for n in range(5))

    blocks = read_pdf(pdf([Page(content=frame + texts)]), limits).document.blocks

    assert [block.cells for block in blocks] == [()] * 5


def test_lines_that_do_not_meet_make_no_cell() -> None:
    # Headings underlined across the page, and two strokes that touch none of them.
    rules = Rules([(90, 40, 400), (130, 40, 400)], [(45, 100, 120), (395, 100, 120)])
    pieces = [piece("one", 60, 105), piece("two", 200, 105)]

    assert with_table_rows(pieces, rules) == pieces


def test_a_cell_over_several_rows_belongs_to_the_first() -> None:
    flat = [(100, 40, 300), (120, 100, 300), (140, 40, 300)]
    rules = Rules(list(flat), [(x, 100, 140) for x in (40, 100, 300)])
    texts = [piece("photo", 50, 115), piece("first", 110, 105), piece("second", 110, 125)]

    items = with_table_rows(texts, rules)

    assert isinstance(items[0], TableRow)
    assert [cell[0].text for cell in items[0].cells] == ["photo", "first"]
    assert items[1:] == [texts[2]]


def test_a_view_turns_places_as_the_page_is_turned() -> None:
    corner = (10, 20, 30, 25)  # left, bottom, right, top in a page of 100 by 200
    seen = [View(0, 0, 100, 200, turns).box(*corner) for turns in range(4)]

    assert seen == [
        Box(left=10, top=175, right=30, bottom=180),
        Box(left=20, top=10, right=25, bottom=30),
        Box(left=70, top=20, right=90, bottom=25),
        Box(left=175, top=70, right=180, bottom=90),
    ]
    assert View(0, 0, 100, 200, 1).size == (200, 100)
