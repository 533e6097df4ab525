"""A PDF page as pixels."""

import ctypes
from collections.abc import Generator
from contextlib import contextmanager

from app.documents.pdfium import Handle, pdfium

_INSIDE_PX, _SHORTER_PX = 0.001, 0.004
"""PDFium fits a picture into all pixels that it touches: so it must not touch the next ones."""


def size_pt(page: Handle) -> tuple[float, float]:
    """Width and height as they are seen."""
    return pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)


@contextmanager
def rendered(
    page: Handle,
    scale: float,
    *,
    grey: bool = False,
    corner_pt: tuple[float, float] | None = None,
) -> Generator[Handle]:
    """A bitmap of the page; with `corner_pt` moved by less than a pixel, so that it begins one."""
    width, height = (max(round(side * scale), 1) for side in size_pt(page))
    layout = pdfium.FPDFBitmap_Gray if grey else pdfium.FPDFBitmap_BGR
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, layout, None, 0)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        flags = pdfium.FPDF_ANNOT | (pdfium.FPDF_GRAYSCALE if grey else 0)
        if corner_pt is None:
            pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
        else:
            right, down = (round(at * scale) - at * scale + _INSIDE_PX for at in corner_pt)
            inner = scale * (1 - _SHORTER_PX / min(width, height))
            matrix = pdfium.FS_MATRIX(inner, 0, 0, inner, right, down)
            whole = pdfium.FS_RECTF(0, 0, width, height)
            pdfium.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, whole, flags)
        yield bitmap
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)


def pixels_of(bitmap: Handle) -> tuple[bytes, int, int]:
    """Pixels without the padding at the end of rows, width, height."""
    width, height = pdfium.FPDFBitmap_GetWidth(bitmap), pdfium.FPDFBitmap_GetHeight(bitmap)
    stride = pdfium.FPDFBitmap_GetStride(bitmap)
    row_bytes = width * (1 if pdfium.FPDFBitmap_GetFormat(bitmap) == pdfium.FPDFBitmap_Gray else 3)
    raw = ctypes.string_at(pdfium.FPDFBitmap_GetBuffer(bitmap), stride * height)
    if stride != row_bytes:
        raw = b"".join(raw[at : at + row_bytes] for at in range(0, stride * height, stride))
    return raw, width, height
