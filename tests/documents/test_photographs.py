import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from app.documents.photographs import find_sheet, laid_straight

PAPER, TABLE = 235, 80


def photographed(sheet: Image.Image) -> Image.Image:
    """The sheet on a table, seen from a side: its far end is smaller, and it does not lie straight."""
    size = (round(sheet.width * 1.25), round(sheet.height * 1.2))
    from_photograph = (1.0, 0.06, -0.15 * sheet.width, 0.03, 1.0, -0.09 * sheet.height, 4e-5, 6e-5)
    bilinear = Image.Resampling.BILINEAR
    way = Image.Transform.PERSPECTIVE
    return sheet.transform(size, way, from_photograph, bilinear, fillcolor=TABLE)


def marked_sheet() -> Image.Image:
    sheet = Image.new("L", (800, 1100), PAPER)
    pen = ImageDraw.Draw(sheet)
    for x in (200, 400, 600):
        for y in (275, 550, 825):
            pen.ellipse((x - 15, y - 15, x + 15, y + 15), 0)
    return sheet


def test_a_sheet_is_found_and_laid_straight() -> None:
    photograph = photographed(marked_sheet())
    sheet = find_sheet(photograph)
    assert sheet

    straight = laid_straight(photograph, sheet, (800, 1100))

    seen = [straight.getpixel((x, y)) for x in (200, 400, 600) for y in (275, 550, 825)]
    assert max(tone for tone in seen if isinstance(tone, int)) < 60
    assert straight.getpixel((3, 3)) == straight.getpixel((796, 1096)) == PAPER


def test_its_sides_tell_its_shape() -> None:
    sheet = find_sheet(photographed(marked_sheet()))

    assert sheet
    width, height = sheet.size
    assert 1.25 < height / width < 1.5


@pytest.mark.parametrize("tone", [PAPER, TABLE, 0])
def test_a_plain_picture_shows_none(tone: int) -> None:
    assert find_sheet(Image.new("L", (800, 1100), tone)) is None


def test_a_scan_and_a_page_with_a_dark_side_or_head_show_none() -> None:
    scan, side, head = (marked_sheet() for _ in range(3))
    ImageDraw.Draw(side).rectangle((0, 0, 250, 1100), 40)
    ImageDraw.Draw(head).rectangle((0, 0, 800, 200), 40)

    assert [find_sheet(page) for page in (scan, side, head)] == [None, None, None]


def test_light_things_of_another_shape_are_no_sheets() -> None:
    table = Image.new("L", (800, 1000), TABLE)
    ImageDraw.Draw(table).ellipse((100, 100, 700, 900), PAPER)

    assert find_sheet(table) is None


@settings(max_examples=60, deadline=None)
@given(
    polygon=st.lists(
        st.tuples(st.integers(0, 299), st.integers(0, 399)), min_size=3, max_size=6, unique=True
    )
)
def test_whatever_is_taken_for_a_sheet_can_be_laid_straight(polygon: list[tuple[int, int]]) -> None:
    table = Image.new("L", (300, 400), TABLE)
    ImageDraw.Draw(table).polygon([*polygon, (150, 200)], PAPER)

    if sheet := find_sheet(table):
        assert min(sheet.size) > 0
        assert laid_straight(table, sheet, (90, 120)).size == (90, 120)


def test_tiny_and_thin_pictures_are_looked_at() -> None:
    for size in ((1, 1), (3, 900), (900, 3)):
        assert find_sheet(Image.new("L", size, PAPER)) is None
