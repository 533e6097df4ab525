"""A PDF page as pixels."""

import ctypes
from collections.abc import Generator
from contextlib import contextmanager

from app.documents.pdfium import Handle, pdfium


def size_pt(page: Handle) -> tuple[float, float]:
    """Width and height as they are seen."""
    return pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)


@contextmanager
def rendered(
    page: Handle, scale: float, *, grey: bool = False, turns: int = 0
) -> Generator[Handle]:
    width, height = (max(round(side * scale), 1) for side in size_pt(page))
    if turns % 2:
        width, height = height, width
    layout = pdfium.FPDFBitmap_Gray if grey else pdfium.FPDFBitmap_BGR
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, layout, None, 0)
    if not bitmap:
        raise MemoryError
    try:
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        flags = pdfium.FPDF_ANNOT | (pdfium.FPDF_GRAYSCALE if grey else 0)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, turns, flags)
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
