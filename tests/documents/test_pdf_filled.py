"""Forms that people filled in: what a viewer shows of them is read where it stands."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from PIL import Image

from app.documents.blocks import Document
from app.documents.limits import Limits
from app.documents.pdf import read_pdf, thumbnail_of_page
from app.documents.pdf_filled import beside_labels
from app.documents.wire import Parsed
from tests.documents.building import Page, image, pdf, piece, shown, stream

LABELS = (
    shown(40, 60, "Application for employment, to be filled in by hand or by machine")
    + shown(40, 100, "Full name")
    + shown(40, 130, "Employer")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A text field; without `drawn` the viewer has to draw its value."""

    x: int = 180
    y_from_top: int = 100
    value: str = ""
    drawn: str | None = None
    entries: str = ""
    subtype: str = "/Widget"


def filled_in(
    fields: Sequence[Field],
    *,
    content: str = LABELS,
    viewer_draws: bool = False,
    page_extra: str = "",
    more: dict[int, bytes] | None = None,
) -> bytes:
    """A page with fields, numbered from 1100, and their appearances, from 1200."""
    objects: dict[int, bytes] = {}
    for at, field in enumerate(fields):
        left, bottom = field.x, 842 - field.y_from_top - 5
        appearance = f"/AP << /N {1200 + at} 0 R >>" if field.drawn is not None else ""
        objects[1100 + at] = (
            f"<< /Type /Annot /Subtype {field.subtype} /Rect [{left} {bottom} {left + 200} {bottom + 18}] "
            f"/FT /Tx /T (field {at}) /V ({field.value}) /DA (/F 10 Tf 0 g) {appearance} {field.entries} >>"
        ).encode()
        if field.drawn is not None:
            objects[1200 + at] = stream(
                field.drawn.encode(),
                "/Type /XObject /Subtype /Form /BBox [0 0 200 18] "
                f"/Resources << /Font << /F 3 0 R >> /XObject << /Again {1200 + at} 0 R >> >>",
            )
    names = " ".join(f"{number} 0 R" for number in range(1100, 1100 + len(fields)))
    needed = "/NeedAppearances true" if viewer_draws else ""
    objects[1] = (
        f"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{names}] {needed} "
        "/DA (/F 10 Tf 0 g) /DR << /Font << /F 3 0 R >> >> >> >>"
    ).encode()
    page = Page(content=content, extra=f"/Annots [{names} {page_extra}]", xobjects="/I 1000 0 R")
    return pdf([page], objects | (more or {}))


def told(text: str, *, color: str = "0 g") -> str:
    return f"/Tx BMC q BT /F 10 Tf {color} 2 5 Td ({text}) Tj ET Q EMC"


def read(data: bytes, limits: Limits) -> Document:
    return read_pdf(data, limits).document


def test_fields_are_read_beside_their_labels_though_the_file_holds_them_apart(
    limits: Limits,
) -> None:
    fields = [
        Field(y_from_top=130, drawn=told("Acme Labs")),
        Field(y_from_top=100, drawn=told("Ada Example")),
    ]

    document = read(filled_in(fields), limits)

    assert [block.cells for block in document.blocks[1:]] == [
        ("Full name", "Ada Example"),
        ("Employer", "Acme Labs"),
    ]


def test_values_that_the_file_leaves_to_the_viewer_to_draw_are_read(limits: Limits) -> None:
    fields = [
        Field(value="Ada Example"),
        Field(y_from_top=130, value="Acme Labs", drawn="/Tx BMC EMC"),
    ]

    text = read(filled_in(fields, viewer_draws=True), limits).text

    assert "Full name\tAda Example\nEmployer\tAcme Labs" in text


def test_a_value_that_viewers_do_not_show_is_none(limits: Limits) -> None:
    fields = [
        Field(value="Nobody sees it", drawn="/Tx BMC EMC"),
        Field(value="Nor this", drawn=told("Nor this"), entries="/F 2"),
    ]

    assert "see" not in read(filled_in(fields), limits).text
    assert "Nor" not in read(filled_in(fields), limits).text


def test_white_text_in_a_field_is_hidden_like_any_other(limits: Limits) -> None:
    document = read(filled_in([Field(drawn=told("Ignore all of this", color="1 g"))]), limits)

    assert "Ignore" not in document.text
    assert document.hidden_chars == len("Ignoreallofthis")


def test_all_else_keeps_the_order_in_which_it_is_drawn(limits: Limits) -> None:
    content = shown(400, 300, "What is drawn first, beside the rest") + LABELS

    text = read(filled_in([Field(drawn=told("Ada Example"))], content=content), limits).text

    assert text.startswith("What is drawn first")
    assert text.endswith("Full name\tAda Example\nEmployer")


def test_text_typed_over_a_page_is_read_where_it_was_typed(limits: Limits) -> None:
    typed = Field(subtype="/FreeText", drawn=told("Ada Example"))

    assert "Full name\tAda Example\nEmployer" in read(filled_in([typed]), limits).text


def test_a_row_of_fields_comes_below_the_whole_row_of_their_headings(limits: Limits) -> None:
    content = LABELS + "".join(
        shown(x, 200, text) for x, text in ((40, "Firm"), (240, "Post"), (440, "Since"))
    )
    row = [
        Field(x=x, y_from_top=220, drawn=told(text))
        for x, text in ((40, "Acme Labs"), (240, "Engineer"), (440, "2019"))
    ]

    text = read(filled_in(row, content=content), limits).text

    assert text.endswith("Firm\tPost\tSince\nAcme Labs\tEngineer\t2019")


def test_what_was_typed_onto_a_scan_is_recognised_with_it(limits: Limits) -> None:
    fields = [Field(drawn=told("Ada Example, thirty letters and a few more"))]
    scan = "q 595 0 0 842 0 0 cm /I Do Q"
    data = filled_in(fields, content=scan, more={1000: image(b"\xff" * 64, 8, 8)})

    parsed: Parsed = read_pdf(data, limits)

    assert (parsed.scans, parsed.document.blocks) == ((1,), ())


def test_a_page_on_which_all_is_typed_is_read(limits: Limits) -> None:
    fields = [Field(drawn=told("Ada Example, thirty letters and a few more"))]

    assert read(filled_in(fields, content=""), limits).text.startswith("Ada Example, thirty")


def test_the_links_of_a_form_are_kept(limits: Limits) -> None:
    link = "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (https://example.com) >> >>"
    data = filled_in([Field(drawn=told("Ada Example"))], page_extra=link)

    assert read(data, limits).links == ("https://example.com",)


@pytest.mark.parametrize("viewer_draws", [True, False])
def test_the_first_page_shows_what_was_filled_in(*, viewer_draws: bool) -> None:
    def dark(value: str) -> int:
        field = Field(value=value, drawn=None if viewer_draws else told(value))
        png = thumbnail_of_page(filled_in([field], viewer_draws=viewer_draws), width_px=600)
        return sum(Image.open(io.BytesIO(png)).convert("L").histogram()[:128])

    assert dark("Ada Example") > dark("") + 50


def test_an_appearance_that_draws_itself_ends(limits: Limits) -> None:
    field = Field(drawn=f"{told('Ada Example')} /Again Do")

    assert "Full name\tAda Example" in read(filled_in([field]), limits).text


def test_what_is_filled_in_goes_behind_its_label_or_below_what_is_above() -> None:
    left, right = piece("Name", 40, 100), piece("Since", 300, 100)
    below, aside = piece("Remarks", 40, 200), piece("For official use", 300, 204)
    name, since = piece("Ada", 100, 100), piece("2019", 350, 100)
    remark, title = piece("None", 40, 220), piece("Form 7", 40, 20)

    placed = beside_labels([left, right, below, aside], [remark, since, title, name])

    assert placed == [title, left, name, right, since, below, aside, remark]
    apart = beside_labels([below, left, aside], [remark])
    assert apart == [below, remark, left, aside]


def test_more_fields_than_any_form_has_come_last() -> None:
    label = piece("Name", 40, 100)
    many = [piece(str(number), 100, 100 + 20 * number) for number in range(600)]

    placed = beside_labels([label], many[::-1])

    assert placed == [label, *many]
