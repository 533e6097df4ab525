from app.documents.pdf_rendering import pixels_of, rendered, size_pt
from app.documents.pdfium import pdfium
from tests.documents.building import Page, pdf


def test_a_page_is_drawn_as_it_is_seen() -> None:
    data = pdf([Page(content="0 g 0 0 10 10 re f", extra="/Rotate 90", width=50, height=101)])
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    page = pdfium.FPDF_LoadPage(document, 0)

    with rendered(page, 1.0, grey=True) as bitmap:
        pixels, width, height = pixels_of(bitmap)

    assert size_pt(page) == (101, 50)
    assert (width, height, len(pixels)) == (101, 50, 101 * 50)  # without padding
    assert (pixels[0], pixels[-1]) == (0, 255)  # its lower left corner is now at the top
    pdfium.FPDF_ClosePage(page)
    pdfium.FPDF_CloseDocument(document)
