from app.documents.pdfium import pdfium


def test_the_library_that_is_installed_has_every_call_that_pages_need() -> None:
    # These came to PDFium late; an older build would fail only when the first page is read.
    for name in (
        "FPDFText_GetTextObject",
        "FPDFText_HasUnicodeMapError",
        "FPDFFont_GetBaseFontName",
    ):
        assert callable(getattr(pdfium, name))
