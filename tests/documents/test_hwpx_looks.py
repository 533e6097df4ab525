"""White, tiny and hidden text of HWPX files: what is left out, and what must not be."""

import pytest

from app.documents.hwpx import read_hwpx
from app.documents.limits import Limits
from tests.documents.building import hp, hwpx

SEEN = hp("A line that everybody sees.")
HEADER = """<hh:head xmlns:hh="head" xmlns:hc="core">
<hh:borderFill id="1"/>
<hh:borderFill id="2"><hc:fillBrush><hc:winBrush faceColor="#1F3864" alpha="0"/></hc:fillBrush></hh:borderFill>
<hh:borderFill id="3"><hc:fillBrush><hc:winBrush faceColor="none"/></hc:fillBrush></hh:borderFill>
<hh:borderFill id="4"><hc:fillBrush><hc:gradation/></hc:fillBrush></hh:borderFill>
<hh:borderFill id="5"><hc:fillBrush><hc:winBrush faceColor="#FFFFFF" hatchStyle="CROSS"/></hc:fillBrush></hh:borderFill>
<hh:borderFill id="6"><hc:fillBrush><hc:winBrush faceColor="#FFFFFF"/></hc:fillBrush></hh:borderFill>
<hh:charPr id="black" height="1000" textColor="#000000" shadeColor="none"/>
<hh:charPr id="white" height="1000" textColor="#FFFFFF" shadeColor="none" borderFillIDRef="3"/>
<hh:charPr id="pale" height="1000" textColor="#F4F4F4" shadeColor="#FFFFFF"/>
<hh:charPr id="tiny" height="100" textColor="#000000"/>
<hh:charPr id="share" height="1000"><hh:relSz hangul="10" latin="10"/></hh:charPr>
<hh:charPr id="navy" height="1000" textColor="#1F3864" shadeColor="#1F3864"/>
<hh:charPr id="shaded" height="1000" textColor="#FFFFFF" shadeColor="#1F3864"/>
<hh:charPr id="filled" height="1000" textColor="#FFFFFF" borderFillIDRef="2"/>
<hh:charPr id="outlined" height="1000" textColor="#FFFFFF"><hh:outline type="SOLID"/></hh:charPr>
<hh:charPr id="flat" height="1000" textColor="#FFFFFF"><hh:outline type="NONE"/><hh:shadow type="NONE"/></hh:charPr>
<hh:charPr id="grey" height="1000" textColor="#BBBBBB"/>
<hh:paraPr id="band"><hh:border borderFillIDRef="2"/></hh:paraPr>
<hh:paraPr id="bare"><hh:border borderFillIDRef="1"/></hh:paraPr>
</hh:head>"""


def planted(look: str, paragraph: str = "bare") -> str:
    return (
        f'<hp:p paraPrIDRef="{paragraph}"><hp:run charPrIDRef="{look}"><hp:t>planted words</hp:t>'
        "</hp:run></hp:p>"
    )


def table(content: str, fill: str = "1", of_table: str = "1", zones: str = "") -> str:
    return (
        f'<hp:p><hp:run><hp:tbl borderFillIDRef="{of_table}">{zones}<hp:tr><hp:tc borderFillIDRef="{fill}">'
        f"<hp:subList>{content}</hp:subList></hp:tc></hp:tr></hp:tbl></hp:run></hp:p>"
    )


def shape(wrap: str, *, as_letter: int = 0, content: str = "") -> str:
    inside = f"<hp:drawText><hp:subList>{content}</hp:subList></hp:drawText>" if content else ""
    return (
        f'<hp:p><hp:run><hp:rect textWrap="{wrap}"><hp:pos treatAsChar="{as_letter}"/>{inside}'
        "</hp:rect></hp:run></hp:p>"
    )


def control(content: str) -> str:
    return f"<hp:p><hp:run><hp:ctrl>{content}</hp:ctrl></hp:run></hp:p>"


HIDDEN = {
    "white": planted("white"),
    "nearly white": planted("pale"),
    "one point": planted("tiny"),
    "a tenth of ten points": planted("share"),
    "dark on dark": planted("navy"),
    "effects that are off": planted("flat"),
    "in a cell without a fill": table(planted("white"), "3"),
    "in a white cell of a dark table": table(planted("white"), "6", "2"),
    "beside a dark cell": table(hp("x"), "2") + planted("white"),
    "hidden comment": control(
        f"<hp:hiddenComment><hp:subList>{hp('planted words')}</hp:subList></hp:hiddenComment>"
    ),
    "beside a shape in the line": shape("BEHIND_TEXT", as_letter=1) + planted("white"),
    "beside a shape that text runs around": shape("SQUARE") + planted("white"),
}
VISIBLE = {
    "black": planted("black"),
    "grey": planted("grey"),
    "no such shape": planted("none"),
    "on a dark shade": planted("shaded"),
    "on a fill of letters": planted("filled"),
    "outlined": planted("outlined"),
    "on a dark paragraph": planted("white", "band"),
    "in a dark cell": table(planted("white"), "2"),
    "in a gradient": table(planted("white"), "4"),
    "in a pattern": table(planted("white"), "5"),
    "in a dark table": table(planted("white"), "1", "2"),
    "in a table with zones": table(planted("white"), zones="<hp:cellzoneList/>"),
    "in a shape": shape("SQUARE", content=planted("white")),
    "over a shape behind the text": shape("BEHIND_TEXT") + planted("white"),
    "over a shape of the page header": control(f"<hp:header>{shape('SQUARE')}</hp:header>")
    + planted("white"),
    "on a dark page": control('<hp:pageBorderFill borderFillIDRef="2"/>') + planted("white"),
}


@pytest.mark.parametrize("section", HIDDEN.values(), ids=HIDDEN)
def test_text_that_nobody_sees_is_left_out_and_counted(limits: Limits, section: str) -> None:
    data = hwpx([SEEN + section], {"Contents/header.xml": HEADER})

    document = read_hwpx(data, limits).document

    assert "planted" not in document.text
    assert "everybody sees" in document.text
    assert document.hidden_chars == len("plantedwords")


@pytest.mark.parametrize("section", VISIBLE.values(), ids=VISIBLE)
def test_text_that_somebody_may_see_is_read(limits: Limits, section: str) -> None:
    data = hwpx([SEEN + section], {"Contents/header.xml": HEADER})

    document = read_hwpx(data, limits).document

    assert "planted words" in document.text
    assert document.hidden_chars == 0


def test_a_master_page_may_lie_under_the_text(limits: Limits) -> None:
    more: dict[str, str | bytes] = {
        "Contents/header.xml": HEADER,
        "Contents/masterpage0.xml": "<x/>",
    }

    document = read_hwpx(hwpx([SEEN + planted("white")], more), limits).document

    assert "planted words" in document.text


def test_memos_beside_the_page_are_no_text(limits: Limits) -> None:
    memo = control(
        f'<hp:fieldBegin type="MEMO"><hp:subList>{hp("memo")}</hp:subList></hp:fieldBegin>'
    )

    assert "memo" not in read_hwpx(hwpx([SEEN + memo]), limits).document.text
