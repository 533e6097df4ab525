import io
import struct
import zlib
from dataclasses import replace

import pytest
from PIL import Image

from app.documents.limits import Limits
from app.documents.pictures import pack_scan, read_picture, scan_of_picture, thumbnail
from app.documents.wire import Scan
from app.errors import PermanentError
from app.messages import Message


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened_scan(scan: bytes) -> tuple[int, Image.Image]:
    found = Scan.parse(scan)
    return found.dpi, Image.open(io.BytesIO(found.picture))


def png_bomb(side: int) -> bytes:
    """A picture of side × side pixels, of which only the header is there."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
def test_every_kind_of_picture_is_one_page_to_recognise(limits: Limits, kind: str) -> None:
    parsed = read_picture(saved(Image.new("RGB", (20, 30)), kind), limits)

    assert (parsed.document.pages, parsed.scans, parsed.document.blocks) == (1, (1,), ())


def test_each_sheet_of_a_fax_is_a_page(limits: Limits) -> None:
    sheets = [Image.new("L", (20 + n, 30)) for n in range(3)]
    data = saved(sheets[0], "TIFF", save_all=True, append_images=sheets[1:])

    assert read_picture(data, limits).scans == (1, 2, 3)
    with pytest.raises(PermanentError) as caught:
        read_picture(data, replace(limits, max_pages=2))
    assert caught.value.message is Message.FILE_TOO_MANY_PAGES
    wide = opened_scan(scan_of_picture(data, limits, page=3, turn_degrees=0))[1]
    first = opened_scan(scan_of_picture(data, limits, page=1, turn_degrees=0))[1]
    assert wide.size != first.size


def test_a_picture_bomb_is_refused_by_its_header(limits: Limits) -> None:
    with pytest.raises(PermanentError) as caught:
        read_picture(png_bomb(30_000), limits)

    assert caught.value.message is Message.IMAGE_TOO_LARGE
    assert caught.value.details == {"megapixels": 900.0, "limit": limits.max_megapixels}


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0 no picture", b"BM"])
def test_a_picture_that_cannot_be_opened_is_damaged(limits: Limits, data: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        read_picture(data, limits)

    assert caught.value.message is Message.FILE_DAMAGED


def test_a_truncated_picture_is_damaged_when_it_is_drawn(limits: Limits) -> None:
    data = saved(Image.effect_noise((200, 200), 50), "PNG")[:2000]

    with pytest.raises(PermanentError) as caught:
        thumbnail(data, limits, width_px=50)

    assert caught.value.message is Message.FILE_DAMAGED


@pytest.mark.parametrize(("width", "dpi"), [(827, 200), (1654, 200), (2067, 250), (4962, 300)])
def test_a_scan_is_brought_to_a_resolution_that_recognition_wants(
    limits: Limits, width: int, dpi: int
) -> None:
    data = saved(Image.new("L", (width, round(width * 1.414)), 255), "JPEG")

    found, picture = opened_scan(scan_of_picture(data, limits, page=1, turn_degrees=0))

    assert found == dpi
    assert abs(picture.width - 8.27 * dpi) < 10


def test_a_strip_of_paper_is_not_enlarged_without_end(limits: Limits) -> None:
    data = saved(Image.new("1", (40, 60_000)), "PNG")

    _, picture = opened_scan(scan_of_picture(data, limits, page=1, turn_degrees=0))

    assert picture.width * picture.height < 12_100_000


def test_a_photo_is_turned_as_the_camera_held_it_and_then_as_asked(limits: Limits) -> None:
    picture = Image.new("L", (1654, 2339), 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(picture, "JPEG", exif=exif)

    upright = opened_scan(scan_of_picture(data, limits, page=1, turn_degrees=0))[1]
    turned = opened_scan(scan_of_picture(data, limits, page=1, turn_degrees=90))[1]

    assert upright.width > upright.height
    assert turned.size == upright.size[::-1]


def test_turning_is_clockwise(limits: Limits) -> None:
    picture = Image.new("L", (1654, 1654), 255)
    picture.paste(0, (0, 0, 827, 827))

    turned = opened_scan(scan_of_picture(saved(picture, "PNG"), limits, page=1, turn_degrees=90))[1]

    assert (turned.getpixel((1600, 100)), turned.getpixel((100, 100))) == (0, 255)


def test_transparent_ground_is_white(limits: Limits) -> None:
    data = saved(Image.new("RGBA", (1654, 1654), (0, 0, 0, 0)), "PNG")

    assert (
        opened_scan(scan_of_picture(data, limits, page=1, turn_degrees=0))[1].getpixel((5, 5))
        == 255
    )
    drawn = Image.open(io.BytesIO(thumbnail(data, limits, width_px=100)))
    assert (drawn.format, drawn.size, drawn.getpixel((5, 5))) == (
        "PNG",
        (100, 100),
        (255, 255, 255),
    )


def test_a_packed_scan_is_a_greymap_behind_its_resolution() -> None:
    grey = Image.frombytes("L", (3, 2), bytes(range(250, 256)))

    dpi, picture = opened_scan(pack_scan(grey, dpi=203))

    assert (dpi, picture.size, picture.tobytes()) == (203, (3, 2), bytes(range(250, 256)))
