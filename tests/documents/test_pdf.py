import io
from dataclasses import replace

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter

from app.documents.limits import Limits
from app.documents.pdf import read_pdf, scan_of_page, thumbnail_of_page
from app.documents.wire import Scan
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from tests.documents.building import Page, image, pdf, shown, stream

ENOUGH = shown(40, 60, "Enough letters for a page that counts as text")


def encrypted(data: bytes, *, user: str, owner: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(user, owner, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_lines_carry_page_place_size_and_weight(limits: Limits) -> None:
    first = Page(
        content=shown(40, 60, "Ada Example", size=20, bold=True) + ENOUGH.replace("782", "742")
    )
    second = Page(content=ENOUGH)

    document = read_pdf(pdf([first, second]), limits).document

    name = document.blocks[0]
    assert (name.text, name.page, name.font_size_pt, name.bold) == ("Ada Example", 1, 20, True)
    assert name.box is not None
    assert (round(name.box.left), 40 < name.box.top < 60 < name.box.bottom < 70) == (40, True)
    assert [block.page for block in document.blocks] == [1, 1, 2]
    assert not document.blocks[1].bold
    assert document.pages == 2


def test_columns_drawn_row_by_row_are_read_one_after_the_other(limits: Limits) -> None:
    left = [(40, 100 + 17 * n, f"skill number {n}") for n in range(9)]
    right = [
        (220, 100 + 14 * n, f"line {n} of the experience, which fills its column")
        for n in range(12)
    ]
    drawn = sorted([*left, *right], key=lambda found: (found[1], found[0]))

    document = read_pdf(
        pdf([Page(content="".join(shown(*place) for place in drawn))]), limits
    ).document

    assert document.text.split("\n") == [text for _, _, text in [*left, *right]]


def test_reading_stops_at_the_limit_of_characters(limits: Limits) -> None:
    pages = [Page(content=ENOUGH)] * 5

    document = read_pdf(pdf(pages), replace(limits, max_chars=60)).document

    assert {block.page for block in document.blocks} == {1, 2}


def test_an_owner_password_alone_does_not_lock_the_file(limits: Limits) -> None:
    data = encrypted(pdf([Page(content=ENOUGH)]), user="", owner="secret")

    assert "Enough letters" in read_pdf(data, limits).document.text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            encrypted(pdf([Page(content=ENOUGH)]), user="secret", owner="other"),
            Message.FILE_ENCRYPTED,
        ),
        (pdf([Page(content=ENOUGH)])[:100], Message.FILE_DAMAGED),
        (pdf([]), Message.FILE_DAMAGED),
        (b"%PDF-1.7\n%%EOF", Message.FILE_DAMAGED),
    ],
    ids=["password", "truncated", "no pages", "empty"],
)
def test_what_cannot_be_opened_is_refused_with_the_reason(
    limits: Limits, data: bytes, message: Message
) -> None:
    with pytest.raises(PermanentError) as caught:
        read_pdf(data, limits)

    assert (caught.value.code, caught.value.message) == (ErrorCode.INVALID_FILE, message)


def test_too_many_pages_are_counted_and_not_read(limits: Limits) -> None:
    with pytest.raises(PermanentError) as caught:
        read_pdf(pdf([Page(content=ENOUGH)] * 500), limits)

    assert caught.value.message is Message.FILE_TOO_MANY_PAGES
    assert caught.value.details == {"pages": 500, "limit": limits.max_pages}


def test_a_page_that_is_one_picture_is_named_as_a_scan(limits: Limits) -> None:
    full = Page(content="q 595 0 0 842 0 0 cm /I Do Q", xobjects="/I 1000 0 R")
    stamp = Page(content=ENOUGH + "q 90 0 0 90 0 0 cm /I Do Q", xobjects="/I 1000 0 R")
    data = pdf([full, stamp, Page()], {1000: image(b"\xff" * 64, 8, 8)})

    parsed = read_pdf(data, limits)

    assert parsed.scans == (1,)
    assert {block.page for block in parsed.document.blocks} == {2}


def test_a_picture_inside_a_form_counts_as_well(limits: Limits) -> None:
    form = stream(
        b"q 595 0 0 842 0 0 cm /I Do Q",
        "/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /I 1000 0 R >> >>",
    )
    data = pdf(
        [Page(content="/X Do", xobjects="/X 1001 0 R")],
        {1000: image(b"\xff" * 64, 8, 8), 1001: form},
    )

    assert read_pdf(data, limits).scans == (1,)


def test_letters_drawn_as_outlines_are_a_scan(limits: Limits) -> None:
    outlines = "".join(f"{n % 50 * 9} {n // 50 * 20} m 5 5 9 9 3 3 c f\n" for n in range(300))

    assert read_pdf(pdf([Page(content=outlines)]), limits).scans == (1,)


def test_a_scan_is_drawn_grey_at_the_resolution_of_its_picture(limits: Limits) -> None:
    page = Page(
        content="q 300 0 0 150 0 0 cm /I Do Q", xobjects="/I 1000 0 R", width=300, height=150
    )
    data = pdf([page], {1000: image(b"\x00" * 1000 * 500, 1000, 500)})

    upright = Scan.parse(scan_of_page(data, limits, page=1, turn_degrees=0))
    turned = Scan.parse(scan_of_page(data, limits, page=1, turn_degrees=90))

    assert upright.dpi == 240
    assert Image.open(io.BytesIO(upright.picture)).size == (1000, 500)
    assert Image.open(io.BytesIO(turned.picture)).size == (500, 1000)


def test_a_scan_that_stands_between_two_pixels_is_drawn_as_it_is(limits: Limits) -> None:
    drawn = Image.new("L", (1000, 500), 255)
    for n in range(400):
        drawn.paste(0, (n * 37 % 990, n * 53 % 490, n * 37 % 990 + 3, n * 53 % 490 + 7))

    def picture(matrix: str) -> Image.Image:
        page = Page(content=f"q {matrix} cm /I Do Q", xobjects="/I 1000 0 R", width=300, height=150)
        data = pdf([page], {1000: image(drawn.tobytes(), 1000, 500)})
        scan = Scan.parse(scan_of_page(data, limits, page=1, turn_degrees=0))
        return Image.open(io.BytesIO(scan.picture))

    exact, moved = picture("300 0 0 150 0 0"), picture("299.5 0 0 149.75 0.2 0.13")
    places = [moved.crop((x, y, x + 1000, y + 500)).tobytes() for x in range(3) for y in range(3)]
    assert exact.tobytes() in places


def test_a_scan_laid_on_its_side_has_the_resolution_of_its_picture(limits: Limits) -> None:
    page = Page(
        content="q 0 150 -300 0 300 0 cm /I Do Q", xobjects="/I 1000 0 R", width=300, height=150
    )
    data = pdf([page], {1000: image(b"\x00" * 500 * 1000, 500, 1000)})

    assert Scan.parse(scan_of_page(data, limits, page=1, turn_degrees=0)).dpi == 240


def test_a_page_as_large_as_a_wall_is_drawn_within_the_limit(limits: Limits) -> None:
    data = pdf(
        [
            Page(
                content="q 14400 0 0 14400 0 0 cm /I Do Q",
                xobjects="/I 1000 0 R",
                width=14400,
                height=14400,
            )
        ],
        {1000: image(b"\x00" * 64, 8, 8)},
    )

    scan = scan_of_page(data, replace(limits, max_megapixels=1), page=1, turn_degrees=0)

    assert len(scan) < 1_100_000


def test_the_thumbnail_is_a_png_of_the_first_page() -> None:
    data = pdf([Page(content="1 0 0 rg 0 0 595 842 re f"), Page()])

    picture = Image.open(io.BytesIO(thumbnail_of_page(data, width_px=200)))

    assert (picture.format, picture.size[0]) == ("PNG", 200)
    assert picture.getpixel((100, 100)) == (255, 0, 0)
