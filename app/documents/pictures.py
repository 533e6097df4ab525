"""Picture files, and pages as pictures: for text recognition and for the thumbnail."""

import io
import struct
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

from PIL import Image, ImageOps, UnidentifiedImageError

from app.documents.archive import damaged
from app.documents.blocks import Document, Format
from app.documents.limits import Limits
from app.documents.photographs import Sheet, find_sheet, laid_straight
from app.documents.scanned_rules import inked_squares, ruled_lines, without_lines
from app.documents.wire import Parsed, Scan
from app.errors import ErrorCode, PermanentError
from app.messages import Message

SCAN_DPI, SCAN_DPI_LEAST = 300, 200
"""Tesseract is trained on 300 dpi; below 200 Hangul syllables run together."""

# By first bytes; loaded when such a picture comes, for Pillow alone would load all its decoders.
_DECODERS = {
    b"\x89PNG": "Png",
    b"\xff\xd8": "Jpeg",
    b"II*": "Tiff",
    b"MM\0": "Tiff",
    b"BM": "Bmp",
    b"GIF": "Gif",
    b"RIFF": "WebP",
}
_PAPER_INCHES = 8.27  # the short side of A4: pictures rarely tell their true resolution
_TURNS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
"""Clockwise; Pillow counts the other way."""

_MAX_SCAN_PIXELS = 12_000_000  # A4 at 300 dpi has 8.7 million
_INK_SQUARES_PER_INCH, _LEAST_INK_PX = 12, 8
_SMOOTH_MODES = ("L", "RGB", "RGBA", "CMYK")
_PIXELS_PER_MEGAPIXEL = 1_000_000

# The size is checked here against the settings; Pillow's own check would not tell the size.
Image.MAX_IMAGE_PIXELS = None


def read_picture(data: bytes, limits: Limits) -> Parsed:
    """No text, but pages to recognise. Raises INVALID_FILE by the header alone, before decoding."""
    with _opened(data, limits) as picture:
        pages = int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
    if pages > limits.max_pages:
        raise PermanentError(
            ErrorCode.INVALID_FILE,
            Message.FILE_TOO_MANY_PAGES,
            details={"pages": pages, "limit": limits.max_pages},
        )
    return Parsed(
        document=Document(format=Format.IMAGE, pages=pages, blocks=()),
        scans=tuple(range(1, pages + 1)),
    )


def scan_of_picture(
    data: bytes, limits: Limits, *, page: int, turn_degrees: int, straight: bool = False
) -> bytes:
    """One page in grey at the resolution that recognition wants, upright by its EXIF data.

    If `straight`, the sheet of paper in it alone, where one is seen.
    """
    with _opened(data, limits, page=page) as picture:
        dpi = min(picture.size) / _PAPER_INCHES
        # A sheet is smaller than its picture, and is shrunk when it is laid straight.
        most = dpi if straight else SCAN_DPI
        wanted = max(min(dpi, most), SCAN_DPI_LEAST) / dpi
        # A strip of paper must not become a picture of gigabytes by being enlarged.
        factor = min(wanted, (_MAX_SCAN_PIXELS / (picture.width * picture.height)) ** 0.5)
        size = _scaled(picture.size, factor)
        if factor < 1:
            picture.draft("L", size)
            if picture.mode in _SMOOTH_MODES:  # before anything that copies all pixels
                picture.thumbnail(size)
        grey = _on_white(picture).convert("L")
        if grey.size != size:
            grey = grey.resize(size, Image.Resampling.LANCZOS)
        grey = ImageOps.exif_transpose(grey)
    dpi = max(round(dpi * factor), 1)
    return pack_scan(grey, dpi=dpi, turn_degrees=turn_degrees, straight=straight)


def pack_scan(
    grey: Image.Image, *, dpi: int, turn_degrees: int = 0, straight: bool = False
) -> bytes:
    """Resolution, ruled lines, and a portable greymap: no packing for what is unpacked at once.

    `turn_degrees` is clockwise, `straight` as in `scan_of_picture`.
    """
    if turn := _TURNS.get(turn_degrees % 360):
        grey = grey.transpose(turn)
    sheet = find_sheet(grey)
    if straight and sheet:
        grey, dpi = _laid_straight(grey, sheet)
    flat, upright = ruled_lines(grey, dpi)
    bare = without_lines(grey, [*flat, *upright], dpi)
    picture = b"P5 %d %d 255\n" % bare.size + bare.tobytes()
    ink_px = max(dpi // _INK_SQUARES_PER_INCH, _LEAST_INK_PX)
    ink = inked_squares(bare, ink_px)
    scan = Scan(
        dpi=dpi,
        shows_sheet=sheet is not None,
        flat=flat,
        upright=upright,
        ink_px=ink_px,
        ink_columns=ink.width,
        ink=ink.tobytes(),
        picture=picture,
    )
    return scan.to_bytes()


def _laid_straight(grey: Image.Image, sheet: Sheet) -> tuple[Image.Image, int]:
    """The sheet at the resolution that recognition is trained on, and that resolution."""
    width, height = sheet.size
    factor = min(
        SCAN_DPI * _PAPER_INCHES / min(width, height), (_MAX_SCAN_PIXELS / (width * height)) ** 0.5
    )
    size = _scaled((round(width), round(height)), factor)
    return laid_straight(grey, sheet, size), max(round(min(size) / _PAPER_INCHES), 1)


def thumbnail(data: bytes, limits: Limits, *, width_px: int) -> bytes:
    with _opened(data, limits) as picture:
        picture.draft("RGB", (width_px * 2, width_px * 4))
        picture.thumbnail((width_px * 4, width_px * 4))  # before anything that copies all pixels
        upright = ImageOps.exif_transpose(_on_white(picture))
        return png(upright.convert("RGB"), width_px=width_px)


def png(picture: Image.Image, *, width_px: int) -> bytes:
    height_px = max(round(picture.height * width_px / picture.width), 1)
    # Nothing is as tall as this but a picture made to cost memory.
    picture.thumbnail((width_px, min(height_px, width_px * 8)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


@contextmanager
def _opened(data: bytes, limits: Limits, *, page: int = 1) -> Generator[Image.Image]:
    try:
        with Image.open(io.BytesIO(data), formats=[_decoder(data)]) as picture:
            if page > 1:
                picture.seek(page - 1)
            _check_size(picture.size, limits)
            yield picture
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error):
        raise damaged() from None


def _decoder(data: bytes) -> str:
    name = next((name for magic, name in _DECODERS.items() if data.startswith(magic)), None)
    if name is None:
        raise damaged()
    import_module(f"PIL.{name}ImagePlugin")
    return name


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    if size[0] * size[1] > limits.max_megapixels * _PIXELS_PER_MEGAPIXEL:
        megapixels = round(size[0] * size[1] / _PIXELS_PER_MEGAPIXEL, 1)
        raise PermanentError(
            ErrorCode.INVALID_FILE,
            Message.IMAGE_TOO_LARGE,
            details={"megapixels": megapixels, "limit": limits.max_megapixels},
        )


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return picture
    layers = picture.convert("RGBA")
    ground = Image.new("RGBA", layers.size, "white")
    ground.alpha_composite(layers)
    ground.info.update(picture.info)
    return ground


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(round(size[0] * factor), 1), max(round(size[1] * factor), 1)
