from app.documents.limits import Limits
from app.documents.pdf import read_pdf
from tests.documents.building import Page, pdf, shown

ENOUGH = shown(40, 60, "Enough letters for a page that counts as text")


def test_link_targets_are_kept_in_their_order(limits: Limits) -> None:
    links = "".join(
        f"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI ({uri}) >> >>"
        for uri in ("mailto:ada@example.com", "https://example.com", "mailto:ada@example.com")
    )

    document = read_pdf(pdf([Page(content=ENOUGH, extra=f"/Annots [{links}]")]), limits).document

    assert document.links == ("mailto:ada@example.com", "https://example.com")


def test_a_link_tells_the_words_that_it_stands_behind(limits: Limits) -> None:
    content = ENOUGH + shown(40, 100, "GitHub and nothing else")
    places = [(40, 738, 72, 752), (300, 300, 320, 310)]
    links = "".join(
        f"<< /Type /Annot /Subtype /Link /Rect [{left} {bottom} {right} {top}] /A << /S /URI /URI (https://example.com/{left}) >> >>"
        for left, bottom, right, top in places
    )

    document = read_pdf(pdf([Page(content=content, extra=f"/Annots [{links}]")]), limits).document

    assert document.links == ("https://example.com/40", "https://example.com/300")
    assert document.link_texts == ("GitHub", "")
