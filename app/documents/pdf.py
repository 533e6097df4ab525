"""PDF by PDFium: open, check, read page by page, draw.

PDFium allows one call at a time per process and may crash on a hostile file; both are harmless
because it runs in a parser process of its own.
"""

import ctypes
import io
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

from PIL import Image

from app.documents.archive import damaged
from app.documents.blocks import Block, Document, Format, Link, unique_links
from app.documents.characters import clean, is_gibberish, letters
from app.documents.layout import page_blocks
from app.documents.limits import Limits
from app.documents.pdf_filled import flatten, opened_form, texts_from
from app.documents.pdf_links import links_of
from app.documents.pdf_page import Page, load_page
from app.documents.pdf_rendering import pixels_of, rendered, size_pt
from app.documents.pdfium import Handle, pdfium
from app.documents.pictures import SCAN_DPI, SCAN_DPI_LEAST, pack_scan, png
from app.documents.rows import line_blocks
from app.documents.wire import Parsed
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_MIN_LETTERS = 30
_MIN_IMAGE_SHARE = 0.5
_MAX_GARBLED_SHARE = 0.3
_MIN_OUTLINES = 150
"""A page without text but with this many paths has its letters drawn as outlines."""

_WHAT_PYPDF_RAISES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, OSError,
    RecursionError, TypeError, ValueError, zlib.error,
)  # fmt: skip
"""Besides its own errors, for files that PDFium opens: it believes more of what they say."""

_MAX_LINKS = 500
_MAX_PICTURES = 500
_MAX_THUMBNAIL_PX = 4_000
_POINTS_PER_INCH = 72


def read_pdf(data: bytes, limits: Limits) -> Parsed:
    """All pages up to the limit of characters; pages without usable text are named as scans.

    Raises INVALID_FILE: password, damage, too many pages.
    """
    blocks: list[Block] = []
    links: list[Link] = []
    scans: list[int] = []
    chars = hidden = 0
    with _opened(data) as opened:
        pages = _count_pages(opened.document, limits)
        lost = 0
        for number in range(1, pages + 1):
            try:
                with _page(opened, number) as sheet:
                    most = limits.max_chars - chars
                    places = [place for _, place in sheet.links]
                    page = load_page(
                        sheet.handle, max_chars=most, filled=sheet.filled, places=places
                    )
                    targets = (target for target, _ in sheet.links)
                    links += map(Link, targets, page.texts)
            except PermanentError:
                # One page that PDFium cannot open; the others are worth reading.
                second = _text_by_pypdf(data, number)
                blocks += second
                lost += not second
                continue
            found = page_blocks(page.items, page=number)
            if is_gibberish("\n".join(block.text for block in found)):
                page = replace(page, garbled=page.chars)
            chars += page.chars
            hidden += page.hidden
            if _has_text(page, found):
                blocks += found
            elif second := _second_opinion(data, number, page):
                blocks += second
            elif _is_scan(page):
                scans.append(number)
            else:
                blocks += found
            if chars >= limits.max_chars:
                break
        if lost == pages:
            raise damaged()
    unique = unique_links(links[:_MAX_LINKS])
    return Parsed(
        document=Document(
            format=Format.PDF,
            pages=pages,
            blocks=tuple(blocks),
            links=tuple(unique),
            link_texts=tuple(unique.values()),
            hidden_chars=hidden,
        ),
        scans=tuple(scans),
    )


class _Opened(NamedTuple):
    document: Handle
    form: Handle | None


@contextmanager
def _opened(data: bytes) -> Generator[_Opened]:
    pdfium.FPDF_InitLibrary()
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        locked = pdfium.FPDF_GetLastError() in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise (
            PermanentError(ErrorCode.INVALID_FILE, Message.FILE_ENCRYPTED) if locked else damaged()
        )
    try:
        with opened_form(document) as form:
            yield _Opened(document, form)
    finally:
        pdfium.FPDF_CloseDocument(document)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """An opened page, with what was filled in drawn on it; `filled` are the texts of that."""

    handle: Handle
    links: list[tuple[str, Handle]]
    filled: frozenset[int] = frozenset()


@contextmanager
def _page(opened: _Opened, number: int) -> Generator[_Sheet]:
    with _loaded(opened.document, number) as page:
        links = links_of(opened.document, page)
        own_objects = flatten(page, opened.form)
        if own_objects is None:
            yield _Sheet(handle=page, links=links)
            return
    with _loaded(opened.document, number) as page:
        yield _Sheet(handle=page, links=links, filled=texts_from(page, own_objects))


@contextmanager
def _loaded(document: Handle, number: int) -> Generator[Handle]:
    page = pdfium.FPDF_LoadPage(document, number - 1)
    if not page:
        raise damaged()
    try:
        yield page
    finally:
        pdfium.FPDF_ClosePage(page)


def _count_pages(document: Handle, limits: Limits) -> int:
    pages = pdfium.FPDF_GetPageCount(document)
    if pages < 1:
        raise damaged()
    if pages > limits.max_pages:
        raise PermanentError(
            ErrorCode.INVALID_FILE,
            Message.FILE_TOO_MANY_PAGES,
            details={"pages": pages, "limit": limits.max_pages},
        )
    return pages


def _has_text(page: Page, blocks: list[Block]) -> bool:
    if page.garbled > _MAX_GARBLED_SHARE * max(page.chars, 1):
        return False
    if page.own_chars < _MIN_LETTERS <= page.chars and page.image_share > _MIN_IMAGE_SHARE:
        return False  # typed onto a scan: what it was typed beside is in the picture
    return sum(letters(block.text) for block in blocks) >= _MIN_LETTERS


def _is_scan(page: Page) -> bool:
    """A picture of text, letters drawn as outlines, or text whose letters nobody can tell."""
    return (
        page.image_share > _MIN_IMAGE_SHARE
        or page.drawn >= _MIN_OUTLINES
        or page.garbled >= _MIN_LETTERS
    )


def _second_opinion(data: bytes, number: int, page: Page) -> list[Block]:
    """What pypdf makes of a page on which PDFium finds nothing, or no meaning; mostly neither does.

    It does not know what nobody sees.
    """
    if page.hidden:
        return []
    if page.garbled or not (page.chars or _is_scan(page)):
        return _text_by_pypdf(data, number)
    return []


def _text_by_pypdf(data: bytes, number: int) -> list[Block]:
    """Lines of one page without places; empty where there are none, or no language."""
    from pypdf import PdfReader  # noqa: PLC0415 - 37 MiB that hardly any file needs
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        text = PdfReader(io.BytesIO(data)).pages[number - 1].extract_text()
    except (PyPdfError, *_WHAT_PYPDF_RAISES):
        return []
    meant = clean(text)
    least = max(_MIN_LETTERS, len(text) * (1 - _MAX_GARBLED_SHARE) / 2)
    if letters(meant) < least or is_gibberish(meant):
        return []
    lines = [block for line in meant.splitlines() for block in line_blocks(line)]
    return [replace(block, page=number) for block in lines]


def scan_of_page(
    data: bytes, limits: Limits, *, page: int, turn_degrees: int, straight: bool = False
) -> bytes:
    """One page in grey for text recognition, turned clockwise; `straight` as for pictures."""
    with _opened(data) as opened, _page(opened, page) as sheet:
        handle = sheet.handle
        inches = size_pt(handle)[0] * size_pt(handle)[1] / _POINTS_PER_INCH**2
        most_pixels = limits.max_megapixels * 1_000_000
        # A poster at 300 dpi would be a picture of a gigabyte.
        most_dpi = (most_pixels / max(inches, 1.0)) ** 0.5
        dpi, corner_pt = _resolution(handle)
        dpi = min(dpi, most_dpi)
        with rendered(handle, dpi / _POINTS_PER_INCH, grey=True, corner_pt=corner_pt) as bitmap:
            pixels, *size = pixels_of(bitmap)
            picture = Image.frombytes("L", (size[0], size[1]), pixels)
        return pack_scan(picture, dpi=round(dpi), turn_degrees=turn_degrees, straight=straight)


def thumbnail_of_page(data: bytes, *, width_px: int) -> bytes:
    """The first page as PNG."""
    with _opened(data) as opened, _page(opened, 1) as sheet:
        handle = sheet.handle
        width, height = size_pt(handle)
        scale = min(width_px / max(width, 1.0), _MAX_THUMBNAIL_PX / max(height, 1.0))
        with rendered(handle, scale) as bitmap:
            pixels, *size = pixels_of(bitmap)
            picture = Image.frombytes("RGB", (size[0], size[1]), pixels, "raw", "BGR")
    return png(picture, width_px=width_px)


def _resolution(page: Handle) -> tuple[float, tuple[float, float] | None]:
    """That of the sharpest picture on the page, within what recognition can use, and its corner.

    Left and top, in points: drawn between two pixels, a scan is read worse.
    """
    sharpest, corner_pt = 0.0, None
    edges = [ctypes.c_float() for _ in range(4)]
    metadata = pdfium.FPDF_IMAGEOBJ_METADATA()
    for index in range(min(max(pdfium.FPDFPage_CountObjects(page), 0), _MAX_PICTURES)):
        item = pdfium.FPDFPage_GetObject(page, index)
        if pdfium.FPDFPageObj_GetType(item) == pdfium.FPDF_PAGEOBJ_IMAGE and (
            pdfium.FPDFImageObj_GetImageMetadata(item, page, metadata)
            # One that is turned is measured across its other side.
            and (dpi := (metadata.horizontal_dpi * metadata.vertical_dpi) ** 0.5) > sharpest
        ):
            sharpest = dpi
            pdfium.FPDFPageObj_GetBounds(item, *edges)
            corner_pt = edges[0].value, size_pt(page)[1] - edges[3].value
    return min(max(sharpest, SCAN_DPI_LEAST), SCAN_DPI) if sharpest else SCAN_DPI, corner_pt
