import pytest

from app.documents.pdf_proof import Proof
from app.documents.pdfium import pdfium
from tests.documents.building import Page, pdf


@pytest.mark.parametrize(
    ("box", "shows"),
    [
        ((0, 0, 90, 90), False),  # paper
        ((90, 90, 110, 110), True),  # the corner of a square
        ((110, 110, 140, 140), False),  # within it
        ((95, 110, 95.2, 110.2), False),  # thinner than a pixel
        ((-50, -50, -10, -10), False),  # off the page
        ((9000, 9000, 9100, 9100), False),
    ],
)
def test_what_stands_out_shows(box: tuple[float, float, float, float], *, shows: bool) -> None:
    data = pdf([Page(content="0.2 g 100 592 100 150 re f")])
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    page = pdfium.FPDF_LoadPage(document, 0)

    found = Proof(page).shows(*box)

    pdfium.FPDF_ClosePage(page)
    pdfium.FPDF_CloseDocument(document)
    assert found is shows
