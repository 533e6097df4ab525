from PIL import Image, ImageChops, ImageDraw

from app.documents.scanned_rules import inked_squares, ruled_lines, without_lines

DPI = 200


def form(*, skew_degrees: float = 0.0) -> Image.Image:
    """Two rows of two cells, and strokes as letters have them."""
    page = Image.new("L", (1200, 900), 240)
    pen = ImageDraw.Draw(page)
    for y in (200, 260, 320):
        pen.line((100, y, 1000, y), fill=60, width=2)
    for x in (100, 400, 1000):
        pen.line((x, 200, x, 320), fill=60, width=2)
    for x in range(430, 700, 30):
        pen.line((x, 215, x, 240), fill=0, width=3)  # vowels in a row of text
        pen.line((x - 7, 285, x + 7, 285), fill=0, width=3)
    return page.rotate(skew_degrees, fillcolor=240, resample=Image.Resampling.BICUBIC)


def test_the_lines_of_a_form_are_found_and_strokes_of_letters_are_not() -> None:
    flat, upright = ruled_lines(form(), DPI)

    assert sorted(round((y1 + y2) / 2, -1) for _, y1, _, y2 in flat) == [200, 260, 320]
    assert sorted(round((x1 + x2) / 2, -1) for x1, _, x2, _ in upright) == [100, 400, 1000]


def test_a_page_that_lay_askew_has_its_lines_too() -> None:
    flat, upright = ruled_lines(form(skew_degrees=0.8), DPI)

    assert (len(flat), len(upright)) == (3, 3)
    falls = [(y2 - y1) / (x2 - x1) for x1, y1, x2, y2 in flat]
    assert all(-0.02 < fall < -0.008 for fall in falls)


def test_shaded_cells_and_a_shadow_over_the_page_hide_no_lines() -> None:
    page = Image.new("L", (1200, 900), 240)
    ImageDraw.Draw(page).rectangle((100, 200, 400, 320), 205)  # the labels of a form
    shaded = ImageChops.darker(page, form())
    shadow = (
        Image.linear_gradient("L")
        .resize(page.size)
        .point([150 + at * 105 // 255 for at in range(256)])
    )

    flat, upright = ruled_lines(ImageChops.multiply(shaded, shadow), DPI)

    assert sorted(round((y1 + y2) / 2, -1) for _, y1, _, y2 in flat) == [200, 260, 320]
    assert sorted(round((x1 + x2) / 2, -1) for x1, _, x2, _ in upright) == [100, 400, 1000]
    assert all(x1 <= 110 and x2 >= 990 for x1, _, x2, _ in flat)


def test_lines_are_painted_over_and_the_text_between_them_stays() -> None:
    page = form()
    flat, upright = ruled_lines(page, DPI)
    text_before = page.crop((420, 210, 700, 245)).tobytes()

    bare = without_lines(page, [*flat, *upright], DPI)

    assert bare.getpixel((700, 260)) == 240
    assert bare.crop((420, 210, 700, 245)).tobytes() == text_before


def test_written_squares_are_marked() -> None:
    ink = inked_squares(form(), 16)

    assert ink.getpixel((430 // 16, 230 // 16)) == 255
    assert ink.getpixel((900 // 16, 600 // 16)) == 0
