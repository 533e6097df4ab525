import pytest

from app.documents.limits import Limits
from app.documents.office import read_docx
from app.errors import PermanentError
from app.messages import Message
from tests.documents.building import PACKAGE, R, W, docx, p, packed, table, word_part


def test_page_headers_body_and_footers_come_in_this_order(limits: Limits) -> None:
    rels = "".join(
        f'<Relationship Id="r{n}" Type="{R}/{kind}" Target="{kind}{n}.xml"/>'
        for n, kind in enumerate(["header", "header", "footer"])
    )
    parts = {
        "word/header0.xml": word_part("hdr", p("010-0000-0000")),
        "word/header1.xml": word_part("hdr", p("010-0000-0000")),
        "word/footer2.xml": word_part("ftr", p("end")),
    }

    parsed = read_docx(docx(p("body"), parts, rels=rels), limits)

    assert parsed.document.text == "010-0000-0000\nbody\nend"


def test_a_text_box_is_read_once_though_the_file_holds_it_twice(limits: Limits) -> None:
    box = f"<w:txbxContent>{p('mail@example.com')}{p('010-0000-0000')}</w:txbxContent>"
    body = (
        "<w:p><w:r><w:t>name</w:t></w:r><w:r><mc:AlternateContent><mc:Choice>"
        f"{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )

    assert read_docx(docx(body), limits).document.text == "name\nmail@example.com\n010-0000-0000"


def test_table_rows_are_blocks_with_cells_and_merged_cells_count_once(limits: Limits) -> None:
    merged = '<w:tcPr><w:vMerge w:val="restart"/></w:tcPr>' + p("photo")
    goes_on = "<w:tcPr><w:vMerge/></w:tcPr>" + p("photo")
    body = table([[p("성명"), p("가나다"), merged], [p("주소"), p("나라") + p("다라"), goes_on]])

    blocks = read_docx(docx(body), limits).document.blocks

    assert [block.cells for block in blocks] == [
        ("성명", "가나다", "photo"),
        ("주소", "나라 다라", ""),
    ]


def test_a_table_in_a_cell_is_not_read_twice(limits: Limits) -> None:
    inner = table([[p("a"), p("b")], [p("c"), p("d")]])

    blocks = read_docx(docx(table([[p("label"), inner]])), limits).document.blocks

    assert [block.text for block in blocks] == ["label", "a\tb", "c\td"]


def test_tabs_and_breaks_part_cells_and_lines(limits: Limits) -> None:
    body = "<w:p><w:r><w:t>Firm</w:t><w:tab/><w:t>2020</w:t><w:br/><w:t>Engineer</w:t></w:r></w:p>"

    blocks = read_docx(docx(body), limits).document.blocks

    assert [block.cells or block.text for block in blocks] == [("Firm", "2020"), "Engineer"]


def test_deleted_text_and_field_codes_are_not_text(limits: Limits) -> None:
    body = (
        "<w:p><w:ins><w:r><w:t>kept</w:t></w:r></w:ins><w:del><w:r><w:delText>gone</w:delText></w:r>"
        "</w:del><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"
    )

    assert read_docx(docx(body), limits).document.text == "kept"


def test_links_come_from_relationships_and_fields(limits: Limits) -> None:
    rels = (
        f'<Relationship Id="a" Type="{R}/hyperlink" Target="mailto:a@example.com" '
        'TargetMode="External"/>'
    )
    body = (
        '<w:p><w:hyperlink r:id="a"><w:r><w:t>mail</w:t></w:r></w:hyperlink>'
        '<w:hyperlink r:id="missing"/><w:r>'
        "<w:instrText>HYPERLINK &quot;https://example.com/b&quot;</w:instrText></w:r></w:p>"
    )

    document = read_docx(docx(body, rels=rels), limits).document

    assert document.links == ("mailto:a@example.com", "https://example.com/b")
    assert document.link_texts == ("mail", "")


def test_links_of_a_header_are_those_of_its_own_part(limits: Limits) -> None:
    link = '<w:p><w:hyperlink r:id="a"><w:r><w:t>{}</w:t></w:r></w:hyperlink></w:p>'
    relation = '<Relationship Id="a" Type="{}/hyperlink" Target="https://example.com/{}"/>'
    header = f'<Relationship Id="h" Type="{R}/header" Target="header1.xml"/>'
    more = {
        "word/header1.xml": word_part("hdr", link.format("Portfolio")),
        "word/_rels/header1.xml.rels": f'<Relationships xmlns="{PACKAGE}">{relation.format(R, "own")}</Relationships>',
    }
    rels = header + relation.format(R, "firm")

    document = read_docx(docx(link.format("Firm"), more, rels=rels), limits).document

    assert document.links == ("https://example.com/own", "https://example.com/firm")
    assert document.link_texts == ("Portfolio", "Firm")


def test_links_of_a_part_that_no_relation_names_are_its_own(limits: Limits) -> None:
    relation = '<Relationship Id="a" Type="{}/hyperlink" Target="https://example.com/{}"/>'
    link = '<w:p><w:hyperlink r:id="a"><w:r><w:t>A portfolio of many works</w:t></w:r></w:hyperlink></w:p>'
    more = {
        "word/notes.xml": word_part("notes", link),
        "word/_rels/notes.xml.rels": f'<Relationships xmlns="{PACKAGE}">{relation.format(R, "own")}</Relationships>',
    }

    document = read_docx(docx("", more, rels=relation.format(R, "other")), limits).document

    assert document.links == ("https://example.com/own",)


def test_size_and_weight_come_from_runs_styles_and_defaults(limits: Limits) -> None:
    styles = (
        f'<w:styles xmlns:w="{W}"><w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val="21"/></w:rPr>'
        '</w:rPrDefault></w:docDefaults><w:style w:type="paragraph" w:styleId="Base"><w:rPr><w:b/>'
        '</w:rPr></w:style><w:style w:type="paragraph" w:styleId="Heading1"><w:basedOn '
        'w:val="Base"/><w:rPr><w:sz w:val="32"/></w:rPr></w:style></w:styles>'
    )
    rels = f'<Relationship Id="s" Type="{R}/styles" Target="/word/styles.xml"/>'
    heading = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
    body = (
        p("plain")
        + p("heading", heading)
        + '<w:p><w:r><w:rPr><w:b/><w:sz w:val="40"/></w:rPr><w:t>large</w:t></w:r></w:p>'
        + '<w:p><w:r><w:rPr><w:b w:val="0"/></w:rPr><w:t>light</w:t></w:r></w:p>'
    )

    blocks = read_docx(docx(body, {"word/styles.xml": styles}, rels=rels), limits).document.blocks

    assert [(block.font_size_pt, block.bold) for block in blocks] == [
        (10.5, False), (16, True), (20, True), (10.5, False),
    ]  # fmt: skip
    assert blocks[1].starts_paragraph


def test_an_empty_paragraph_starts_the_next_one(limits: Limits) -> None:
    blocks = read_docx(docx(p("a") + p("b") + p("") + p("c")), limits).document.blocks

    assert [block.starts_paragraph for block in blocks] == [True, False, True]


def test_nesting_without_end_is_cut_off_without_a_crash(limits: Limits) -> None:
    deep = p("core")
    for _ in range(40):
        deep = table([[deep]])

    assert read_docx(docx(p("top") + deep), limits).document.text == "top"


def test_a_package_without_a_main_part_is_damaged(limits: Limits) -> None:
    with pytest.raises(PermanentError) as caught:
        read_docx(packed({"[Content_Types].xml": "<x/>"}), limits)

    assert caught.value.message is Message.FILE_DAMAGED


def test_hidden_runs_are_not_read(limits: Limits) -> None:
    def run(properties: str, text: str) -> str:
        return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"

    runs = (
        run("", "Seen by everybody who reads.") + run("<w:vanish/>", "planted")
        + run("<w:sz w:val='1'/>", "tiny") + run("<w:vanish w:val='0'/>", " Seen too.")
    )  # fmt: skip
    body = f"<w:p>{runs}</w:p>"

    assert read_docx(docx(body), limits).document.text == "Seen by everybody who reads. Seen too."


def test_text_outside_of_the_body_is_the_second_opinion(limits: Limits) -> None:
    diagram = word_part(
        "dataModel", "<w:p><w:r><w:t>A résumé inside of a diagram</w:t></w:r></w:p>"
    )

    document = read_docx(docx("<w:p/>", {"word/diagrams/data1.xml": diagram}), limits).document

    assert document.text == "A résumé inside of a diagram"
