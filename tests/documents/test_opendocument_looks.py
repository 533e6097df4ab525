"""White, tiny and hidden text of ODT files: what is left out, and what must not be."""

import pytest

from app.documents.limits import Limits
from app.documents.opendocument import read_odt
from tests.documents.building import ODF, odt

SPACES = (
    f'xmlns:style="{ODF}:style:1.0" xmlns:fo="{ODF}:xsl-fo-compatible:1.0" '
    f'xmlns:draw="{ODF}:drawing:1.0" xmlns:text="{ODF}:text:1.0"'
)
SEEN = "<text:p>A line that everybody sees.</text:p>"
STYLES = """
<style:style style:name='White'><style:text-properties fo:color='#ffffff'/></style:style>
<style:style style:name='Child' style:parent-style-name='White'/>
<style:style style:name='Pale'><style:text-properties fo:color='#f4f4f4'/></style:style>
<style:style style:name='Tiny'><style:text-properties fo:font-size='1pt'/></style:style>
<style:style style:name='Share'><style:text-properties fo:font-size='5%'/></style:style>
<style:style style:name='Thin'><style:text-properties fo:font-size='0.3mm'/></style:style>
<style:style style:name='None'><style:text-properties text:display='none'/></style:style>
<style:style style:name='Clear'><style:text-properties loext:opacity='0%' xmlns:loext='l'/></style:style>
<style:style style:name='Grey'><style:text-properties fo:color='#bbbbbb'/></style:style>
<style:style style:name='Auto'><style:text-properties fo:color='#ffffff' style:use-window-font-color='true'/></style:style>
<style:style style:name='Office'><style:text-properties style:use-window-font-color='true' loext:opacity='0%' xmlns:loext='l'/></style:style>
<style:style style:name='Outline'><style:text-properties fo:color='#ffffff' style:text-outline='true'/></style:style>
<style:style style:name='Mark'><style:text-properties fo:color='#ffffff' fo:background-color='#1f3864'/></style:style>
<style:style style:name='Navy'><style:text-properties fo:color='#1f3864' fo:background-color='#1f3864'/></style:style>
<style:style style:name='Band'><style:paragraph-properties fo:background-color='#1f3864'/></style:style>
<style:style style:name='Cell'><style:table-cell-properties fo:background-color='#1f3864'/></style:style>
<style:style style:name='Photo'><style:table-cell-properties><style:background-image xlink:href='a' xmlns:xlink='x'/></style:table-cell-properties></style:style>
<style:style style:name='Bare'><style:table-cell-properties fo:background-color='transparent'><style:background-image/></style:table-cell-properties></style:style>
<style:style style:name='Solid'><style:graphic-properties draw:fill='solid' draw:fill-color='#1f3864'/></style:style>
<style:style style:name='Blend'><style:graphic-properties draw:fill='gradient'/></style:style>
<style:style style:name='Behind'><style:graphic-properties style:run-through='background'/></style:style>
"""
SPAN = "<text:p><text:span text:style-name='{}'>planted words</text:span></text:p>"
WHITE = SPAN.format("White")
TABLE = (
    "<table:table><table:table-row><table:table-cell table:style-name='{}'>{}</table:table-cell>"
    "</table:table-row></table:table>"
)
FRAME = "<text:p><draw:frame draw:style-name='{}'><draw:text-box>{}</draw:text-box></draw:frame></text:p>"
SHAPE = "<text:p><draw:custom-shape draw:style-name='{}'>{}</draw:custom-shape></text:p>"

HIDDEN = {
    "white": WHITE,
    "white by what it inherits": SPAN.format("Child"),
    "nearly white": SPAN.format("Pale"),
    "one point": SPAN.format("Tiny"),
    "a share of the usual size": SPAN.format("Share"),
    "in millimetres": SPAN.format("Thin"),
    "not displayed": SPAN.format("None"),
    "transparent": SPAN.format("Clear"),
    "dark on dark": SPAN.format("Navy"),
    "white paragraph": "<text:p text:style-name='White'>planted words</text:p>",
    "in a bare cell": TABLE.format("Bare", WHITE),
    "in a bare frame": FRAME.format("", WHITE),
    "hidden section": "<text:section text:display='none'><text:p>planted words</text:p></text:section>",
    "hidden field": "<text:p><text:hidden-text text:is-hidden='true'>planted words</text:hidden-text></text:p>",
    "hidden paragraph": "<text:p><text:hidden-paragraph text:is-hidden='true'/>planted words</text:p>",
    "beside a dark cell": TABLE.format("Cell", "<text:p>x</text:p>") + WHITE,
}  # fmt: skip
VISIBLE = {
    "grey": SPAN.format("Grey"),
    "automatic": SPAN.format("Auto"),
    "automatic, as LibreOffice writes it": SPAN.format("Office"),
    "outlined": SPAN.format("Outline"),
    "on a dark mark": SPAN.format("Mark"),
    "on a dark paragraph": WHITE.replace("<text:p>", "<text:p text:style-name='Band'>"),
    "in a dark cell": TABLE.format("Cell", WHITE),
    "nested in a dark cell": TABLE.format("Cell", TABLE.format("Bare", WHITE)),
    "over a picture": TABLE.format("Photo", WHITE),
    "in a dark frame": FRAME.format("Solid", WHITE),
    "in a gradient": FRAME.format("Blend", WHITE),
    "in a shape": SHAPE.format("", WHITE),
    "over a shape behind the text": SHAPE.format("Behind", "") + WHITE,
    "over another shape": SHAPE.format("", "") + FRAME.format("", WHITE),
    "shown section": "<text:section><text:p>planted words</text:p></text:section>",
    "shown field": "<text:p><text:hidden-text text:is-hidden='false'>planted words</text:hidden-text></text:p>",
}  # fmt: skip


def styled(more: str = "") -> dict[str, str | bytes]:
    return {"styles.xml": f"<x {SPACES}>{STYLES}{more}</x>"}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN)
def test_text_that_nobody_sees_is_left_out_and_counted(limits: Limits, body: str) -> None:
    document = read_odt(odt(SEEN + body, styled()), limits).document

    assert "planted" not in document.text
    assert "everybody sees" in document.text
    assert document.hidden_chars == len("plantedwords")


@pytest.mark.parametrize("body", VISIBLE.values(), ids=VISIBLE)
def test_text_that_somebody_may_see_is_read(limits: Limits, body: str) -> None:
    document = read_odt(odt(SEEN + body, styled()), limits).document

    assert "planted words" in document.text
    assert document.hidden_chars == 0


@pytest.mark.parametrize(
    "more",
    [
        "<style:page-layout-properties fo:background-color='#1f3864'/>",
        "<style:header><text:p><draw:custom-shape/></text:p></style:header>",
    ],
    ids=["dark page", "shape of the page header"],
)
def test_a_page_that_is_not_white_hides_no_white_text(limits: Limits, more: str) -> None:
    document = read_odt(odt(SEEN + WHITE, styled(more)), limits).document

    assert "planted words" in document.text


def test_the_defaults_of_a_document_hide_its_text_too(limits: Limits) -> None:
    more = (
        "<style:default-style style:family='paragraph'><style:text-properties fo:color='#ffffff'/>"
        "</style:default-style>"
    )
    body = SPAN.format("Grey") + "<text:p>unseen</text:p>"

    document = read_odt(odt(body, styled(more)), limits).document

    assert (document.text, document.hidden_chars) == ("planted words", len("unseen"))
