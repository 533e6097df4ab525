"""White, tiny and hidden text of Word files: what is left out, and what must not be."""

import pytest

from app.documents.limits import Limits
from app.documents.office import read_docx
from tests.documents.building import R, W, docx, p, word_part

A = "http://schemas.openxmlformats.org/drawingml/2006/main"
SEEN = p("A line that everybody sees.")
WHITE = '<w:color w:val="FFFFFF"/>'
DARK_SHADE = '<w:shd w:val="clear" w:color="auto" w:fill="1F3864"/>'
NO_FILL, DARK_FILL = "<a:noFill/>", '<a:solidFill><a:srgbClr val="1F3864"/></a:solidFill>'
WHITE_FILL = '<a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill>'
STYLES = f'<Relationship Id="s" Type="{R}/styles" Target="styles.xml"/>'
THEME = f'<Relationship Id="t" Type="{R}/theme" Target="theme.xml"/>'
SETTINGS = f'<Relationship Id="u" Type="{R}/settings" Target="settings.xml"/>'
PALETTE = (
    f'<a:theme xmlns:a="{A}"><a:clrScheme><a:dk1><a:sysClr lastClr="000000"/></a:dk1>'
    '<a:lt1><a:srgbClr val="FFFFFF"/></a:lt1></a:clrScheme></a:theme>'
)


def run(properties: str, text: str = "planted words") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def par(properties: str, text: str = "planted words", *, of_paragraph: str = "") -> str:
    return f"<w:p><w:pPr>{of_paragraph}</w:pPr>{run(properties, text)}</w:p>"


def cell(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def grid(*cells: str, properties: str = "") -> str:
    return f"<w:tbl><w:tblPr>{properties}</w:tblPr><w:tr>{''.join(cells)}</w:tr></w:tbl>"


def box(content: str, fill: str, *, behind: int = 0) -> str:
    """A paragraph with a floating text box."""
    return (
        f'<w:p><w:r><w:drawing><wp:anchor xmlns:wp="wp" behindDoc="{behind}"><a:graphic xmlns:a="{A}">'
        f'<wps:wsp xmlns:wps="wps"><wps:spPr><a:xfrm/>{fill}</wps:spPr><wps:txbx><w:txbxContent>'
        f"{content}</w:txbxContent></wps:txbx></wps:wsp></a:graphic></wp:anchor></w:drawing></w:r></w:p>"
    )


HIDDEN = {
    "white": par(WHITE),
    "nearly white": par('<w:color w:val="F2F2F2"/>'),
    "one point": par('<w:sz w:val="2"/>'),
    "white highlight": par(WHITE + '<w:highlight w:val="white"/>'),
    "white shade": par(WHITE + '<w:shd w:val="clear" w:fill="FFFFFF"/>'),
    "dark on dark": par('<w:color w:val="1F3864"/>' + DARK_SHADE),
    "no fill of letters": par("<w:textFill><a:noFill xmlns:a='a'/></w:textFill>"),
    "white by its second colour": par(
        f"<w:textFill><a:solidFill xmlns:a='{A}'><a:srgbClr val='FFFFFF'/></a:solidFill></w:textFill>"
    ),
    "in a white cell": grid(cell(par(WHITE)), cell(p("x"), DARK_SHADE)),
    "in an empty box": box(par(WHITE), NO_FILL),
    "in a white box": box(par(WHITE), WHITE_FILL),
    "beside a dark box in front": par(WHITE) + box(p("x"), DARK_FILL),
}
VISIBLE = {
    "grey": par('<w:color w:val="BFBFBF"/>'),
    "automatic": par('<w:color w:val="auto"/>'),
    "on a dark shade": par(WHITE + DARK_SHADE),
    "on a dark pattern": par(WHITE + '<w:shd w:val="pct75" w:color="000000" w:fill="auto"/>'),
    "on solid black": par(WHITE + '<w:shd w:val="solid" w:color="000000" w:fill="FFFFFF"/>'),
    "on a highlight": par(WHITE + '<w:highlight w:val="darkBlue"/>'),
    "on a dark paragraph": par(WHITE, of_paragraph=DARK_SHADE),
    "in a dark cell": grid(cell(par(WHITE), DARK_SHADE)),
    "nested in a dark cell": grid(cell(grid(cell(par(WHITE))) + p(""), DARK_SHADE)),
    "in a dark table": grid(cell(par(WHITE)), properties=DARK_SHADE),
    "in a dark box": box(par(WHITE), DARK_FILL),
    "in a box of the theme": box(par(WHITE), "<a:solidFill><a:schemeClr val='accent1'/></a:solidFill>"),
    "in a gradient": box(par(WHITE), "<a:gradFill/>"),
    "over another shape": box(p("x"), DARK_FILL) + box(par(WHITE), NO_FILL),
    "over a shape behind the text": box(p("x"), DARK_FILL, behind=1) + par(WHITE),
    "over a picture behind the text": (
        "<w:p><w:r><w:drawing><wp:anchor xmlns:wp='wp' behindDoc='1'><pic/></wp:anchor></w:drawing>"
        "</w:r></w:p>" + par(WHITE)
    ),
    "over an old shape": "<w:p><w:r><w:pict><v:rect xmlns:v='v'/></w:pict></w:r></w:p>" + par(WHITE),
    "embossed": par(WHITE + "<w:emboss/>"),
    "outlined": par(WHITE + "<w:textOutline><a:solidFill xmlns:a='a'/></w:textOutline>"),
}  # fmt: skip


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN)
def test_text_that_nobody_sees_is_left_out_and_counted(limits: Limits, body: str) -> None:
    document = read_docx(docx(SEEN + body), limits).document

    assert "planted" not in document.text
    assert "everybody sees" in document.text
    assert document.hidden_chars == len("plantedwords")


@pytest.mark.parametrize("body", VISIBLE.values(), ids=VISIBLE)
def test_text_that_somebody_may_see_is_read(limits: Limits, body: str) -> None:
    document = read_docx(docx(SEEN + body), limits).document

    assert "planted words" in document.text
    assert document.hidden_chars == 0


def styled(*styles: str) -> dict[str, str | bytes]:
    return {"word/styles.xml": f'<w:styles xmlns:w="{W}">{"".join(styles)}</w:styles>'}


def test_styles_of_letters_paragraphs_and_tables_are_known(limits: Limits) -> None:
    more = styled(
        f'<w:style w:type="character" w:styleId="Pale"><w:rPr>{WHITE}</w:rPr></w:style>',
        '<w:style w:type="character" w:styleId="Gone"><w:rPr><w:vanish/></w:rPr></w:style>',
        f'<w:style w:type="paragraph" w:styleId="Band"><w:pPr>{DARK_SHADE}</w:pPr></w:style>',
        f'<w:style w:type="table" w:styleId="Base"><w:tblStylePr><w:tcPr>{DARK_SHADE}</w:tcPr>'
        '</w:tblStylePr></w:style><w:style w:type="table" w:styleId="Dark"><w:basedOn w:val="Base"/>'
        "</w:style>",
    )  # fmt: skip
    pale, gone = '<w:rStyle w:val="Pale"/>', '<w:rStyle w:val="Gone"/>'
    body = (
        SEEN + par(pale, "one") + par(gone, "two")
        + par(pale, "three", of_paragraph='<w:pStyle w:val="Band"/>')
        + grid(cell(par(pale, "four")), properties='<w:tblStyle w:val="Dark"/>')
    )  # fmt: skip

    document = read_docx(docx(body, more, rels=STYLES), limits).document

    assert [block.text for block in document.blocks][1:] == ["three", "four"]
    assert document.hidden_chars == len("onetwo")


def test_a_colour_of_the_theme_comes_before_the_one_beside_it(limits: Limits) -> None:
    body = (
        SEEN + par('<w:color w:val="000000" w:themeColor="background1"/>', "one")
        + par('<w:color w:val="FFFFFF" w:themeColor="text1"/>', "two")
        + par('<w:color w:val="808080" w:themeColor="background1" w:themeShade="80"/>', "three")
    )  # fmt: skip
    more: dict[str, str | bytes] = {"word/theme.xml": PALETTE}

    document = read_docx(docx(body, more, rels=THEME), limits).document

    assert [block.text for block in document.blocks][1:] == ["two", "three"]


def test_a_document_that_calls_its_background_dark_is_not_taken_for_white(limits: Limits) -> None:
    settings = word_part("settings", '<w:clrSchemeMapping w:bg1="dark1" w:t1="light1"/>')
    more: dict[str, str | bytes] = {"word/theme.xml": PALETTE, "word/settings.xml": settings}
    body = SEEN + par('<w:color w:val="000000" w:themeColor="background1"/>')

    document = read_docx(docx(body, more, rels=THEME + SETTINGS), limits).document

    assert "planted words" in document.text


def test_a_dark_page_hides_no_white_text(limits: Limits) -> None:
    data = docx("", {"word/document.xml": word_part(
        "document", f'<w:background w:color="1F3864"/><w:body>{SEEN}{par(WHITE)}</w:body>'
    )})  # fmt: skip

    assert "planted words" in read_docx(data, limits).document.text


def test_what_a_page_header_draws_may_lie_under_the_text(limits: Limits) -> None:
    rels = f'<Relationship Id="h" Type="{R}/header" Target="header.xml"/>'
    header = {"word/header.xml": word_part("hdr", box(p("x"), DARK_FILL))}

    document = read_docx(docx(SEEN + par(WHITE), {**header}, rels=rels), limits).document

    assert "planted words" in document.text


def test_blanks_of_any_colour_part_words(limits: Limits) -> None:
    body = f"<w:p>{run('', 'Kafka')}{run(WHITE, ' ')}{run('', 'Redis')}</w:p>"

    document = read_docx(docx(SEEN + body), limits).document

    assert document.blocks[1].text == "Kafka Redis"
    assert document.hidden_chars == 0


def test_the_second_opinion_brings_nothing_hidden_back(limits: Limits) -> None:
    body = p("Short") + par(WHITE, "A whole résumé in white letters that nobody can read at all")

    document = read_docx(docx(body), limits).document

    assert document.text == "Short"
    assert document.hidden_chars == 48
