import pytest

from app.documents.limits import Limits
from app.documents.opendocument import read_odt
from app.errors import PermanentError
from app.messages import Message
from tests.documents.building import ODF, odt, packed


def test_headings_paragraphs_lists_and_text_boxes_are_lines(limits: Limits) -> None:
    body = (
        "<text:h>Name</text:h><text:p>a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d</text:p>"
        "<text:list><text:list-item><text:p>point</text:p></text:list-item></text:list>"
        "<text:p>outer<draw:frame><draw:text-box><text:p>box</text:p></draw:text-box></draw:frame>"
        "</text:p>"
        "<text:p>Ada<draw:custom-shape><text:p>a@example.com</text:p><text:p>02-0000-0000</text:p>"
        "</draw:custom-shape>Fenn</text:p>"
    )

    text = read_odt(odt(body), limits).document.text
    assert text == "Name\na b\tc\nd\npoint\nouter\nbox\nAdaFenn\na@example.com\n02-0000-0000"


def test_table_rows_are_blocks_with_cells(limits: Limits) -> None:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    body = (
        "<table:table><table:table-header-rows><table:table-row>"
        + cell.format("성명") + cell.format("가나다")
        + "</table:table-row></table:table-header-rows><table:table-row>"
        + cell.format("주소") + "<table:covered-table-cell/>"
        + "</table:table-row></table:table>"
    )  # fmt: skip

    blocks = read_odt(odt(body), limits).document.blocks

    assert [block.cells for block in blocks] == [("성명", "가나다"), ("주소", "")]


def test_page_headers_come_first_and_links_are_kept(limits: Limits) -> None:
    styles = (
        f'<o:document-styles xmlns:o="{ODF}:office:1.0" xmlns:style="{ODF}:style:1.0" '
        f'xmlns:text="{ODF}:text:1.0"><style:header><text:p>top</text:p></style:header>'
        "<style:footer><text:p>bottom</text:p></style:footer></o:document-styles>"
    )
    body = "<text:p><text:a xlink:href='https://example.com'>site</text:a></text:p>"

    document = read_odt(odt(body, {"styles.xml": styles}), limits).document

    assert document.text == "top\nsite\nbottom"
    assert document.links == ("https://example.com",)
    assert len(document.link_texts) == 1
    assert document.link_texts[0]
    assert document.link_texts[0] in document.text


def test_a_protected_file_asks_for_the_password_to_be_removed(limits: Limits) -> None:
    manifest = "<m><file-entry><encryption-data/></file-entry></m>"

    with pytest.raises(PermanentError) as caught:
        read_odt(odt("", {"META-INF/manifest.xml": manifest}), limits)

    assert caught.value.message is Message.FILE_ENCRYPTED


@pytest.mark.parametrize("entries", [{"mimetype": "x"}, {"content.xml": "<x/>"}])
def test_a_package_without_its_body_is_damaged(limits: Limits, entries: dict[str, str]) -> None:
    with pytest.raises(PermanentError) as caught:
        read_odt(packed(entries), limits)

    assert caught.value.message is Message.FILE_DAMAGED


def test_size_and_weight_come_from_the_style_and_what_it_inherits(limits: Limits) -> None:
    fo = 'xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"'
    style = f'xmlns:style="{ODF}:style:1.0" {fo}'
    styles = (
        f"<x {style}><style:style style:name='Base'><style:text-properties fo:font-size='14pt' "
        "fo:font-weight='bold'/></style:style><style:style style:name='Child' "
        "style:parent-style-name='Base'><style:text-properties fo:font-size='18pt'/></style:style></x>"
    )
    body = (
        "<text:p text:style-name='Child'>Name</text:p><text:p text:style-name='Base'>Head</text:p>"
        "<text:h>Unstyled</text:h><text:p>body</text:p>"
    )

    blocks = read_odt(odt(body, {"styles.xml": styles}), limits).document.blocks

    assert [(b.text, b.font_size_pt, b.bold) for b in blocks] == [
        ("Name", 18, True), ("Head", 14, True), ("Unstyled", None, True), ("body", None, False),
    ]  # fmt: skip
