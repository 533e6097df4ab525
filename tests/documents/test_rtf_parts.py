"""What stands beside the body of an RTF file is read where a reader sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.limits import Limits
from app.documents.rtf import read_rtf
from app.documents.rtf_parts import arranged

SHAPE = (
    b"{\\shp{\\*\\shpinst\\shpleft0{\\sp{\\sn fillColor}{\\sv 255}}"
    b"{\\shptxt \\pard\\plain a@example.com\\par 02-0000-0000\\par}}"
    b"{\\shprslt{\\*\\do\\dobxpage{\\dptxbx{\\dptxbxtext a@example.com\\par}}}}}"
)
OLD_SHAPE = b"{\\*\\do\\dobxpage{\\dptxbx{\\dptxbxtext old words\\par}}}"
HEADER = b"{\\header\\pard Ada Fenn\\par}"
FOOTER = b"{\\footer\\pard page {\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}\\par}"


def lines_of(body: bytes, limits: Limits) -> list[str]:
    document = read_rtf(b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}" + body + b"}", limits).document
    return document.text.splitlines()


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (HEADER + FOOTER + b"body\\par", ["Ada Fenn", "body", "page 1"]),
        (HEADER + b"one\\par\\sect" + HEADER + b"two\\par", ["Ada Fenn", "one", "two"]),
        (b"{\\*\\pgdsctbl{\\pgdsc0" + HEADER + b"}}" + HEADER + b"body", ["Ada Fenn", "body"]),
        (b"Ada " + SHAPE + b"Fenn\\par end\\par", ["Ada Fenn", "a@example.com", "02-0000-0000", "end"]),
        (b"Ada " + SHAPE + b"Fenn", ["Ada Fenn", "a@example.com", "02-0000-0000"]),
        (b"Ada" + OLD_SHAPE + b"\\par end", ["Ada", "old words", "end"]),
        (b"{\\header " + SHAPE + b"Ada\\par}end", ["Ada", "a@example.com", "02-0000-0000", "end"]),
        (b"{\\pict\\bin4 {{{{}Ada\\par", ["Ada"]),
        (b"Ada\\}\\{\\par}too many", ["Ada}{"]),
    ],
    ids=[
        "header and footer", "of each section", "of a page's style", "text box", "at the end",
        "for old programs", "in a header", "binary braces", "braces as text",
    ],
)  # fmt: skip
def test_parts_are_put_where_they_are_read(body: bytes, lines: list[str], limits: Limits) -> None:
    assert [line for line in lines_of(body, limits) if line] == lines


def test_text_on_the_unknown_ground_of_a_box_is_seen(limits: Limits) -> None:
    white = b"{\\colortbl;\\red255\\green255\\blue255;}"
    box = b"{\\shp{\\*\\shpinst{\\shptxt \\pard\\plain{\\cf1 light words}\\par}}}"
    assert lines_of(white + b"{\\cf1 planted}seen\\par", limits) == ["seen"]
    assert "light words" in lines_of(white + b"x" + box + b"\\par{\\cf1 planted}", limits)
    assert "planted" not in lines_of(white + b"x" + box + b"\\par{\\cf1 planted}", limits)


def test_a_link_knows_its_words(limits: Limits) -> None:
    field = b'{\\field{\\*\\fldinst{\\loch HYPERLINK "%s"}}{\\fldrslt{\\b %s}}}'
    body = b"see " + field % (b"https://a.example", b"site") + field % (b"https://b.example", b"")
    document = read_rtf(b"{\\rtf1\\ansi " + body + b"\\par}", limits).document
    assert document.links == ("https://a.example", "https://b.example")
    assert document.link_texts == ("site", "")
    assert document.text.strip() == "see site"


@given(
    st.lists(
        st.sampled_from(
            [
                "{",
                "}",
                "\\par ",
                "\\header ",
                "\\shptxt ",
                "\\*\\shpinst ",
                "\\bin3 ",
                "\\'e9",
                "word",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_words_of_any_source_are_kept_once(source: str) -> None:
    found = arranged(source).source
    if "\\header" not in source:  # the same one again is dropped
        assert found.count("word") == source.count("word")
    assert found.count("word") <= source.count("word")


@pytest.mark.parametrize(
    "forged", [b"\x01shptxt\x02", b"\\u1?shptxt\\u2?", b"\\'01shptxt\\'02", b"\\u-65535?shptxt\\u-65534?"]
)  # fmt: skip
def test_a_file_cannot_write_our_notes(forged: bytes, limits: Limits) -> None:
    white = b"{\\colortbl;\\red255\\green255\\blue255;}"
    lines = lines_of(white + b"{" + forged + b"{\\cf1 planted words}}seen\\par", limits)
    assert not any("planted" in line for line in lines)


def test_the_text_of_a_hidden_shape_is_left_out_and_counted(limits: Limits) -> None:
    shape = b"{\\shp{\\*\\shpinst{\\sp{\\sn fHidden}{\\sv 1}}{\\shptxt %s planted words\\par}}}"
    for body in (b"", b"\\pard\\plain"):
        rtf = b"{\\rtf1\\ansi Ada" + shape % body + b"\\par}"
        document = read_rtf(rtf, limits).document
        assert document.text == "Ada"
        assert document.hidden_chars == len("plantedwords")
