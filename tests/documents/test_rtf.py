import pytest

from app.documents.limits import Limits
from app.documents.rtf import read_rtf


def test_rtf_in_both_korean_spellings(limits: Limits) -> None:
    escaped = "".join(f"\\'{byte:02x}" for byte in "가나다".encode("cp949"))
    unicode = "".join(f"\\u{ord(char) - 65536}?" for char in "가나다")
    data = f"{{\\rtf1\\ansi\\ansicpg949\\uc1 {escaped}\\par {unicode}\\par}}".encode()

    assert read_rtf(data, limits).document.text == "가나다\n가나다"


def test_rtf_cells_stay_on_their_row_and_bars_in_the_text_stay_text(limits: Limits) -> None:
    data = (
        b"{\\rtf1\\ansi a | b\\par\\trowd\\cellx100\\cellx200 label\\cell value\\cell\\row\\pard "
        b'{\\field{\\*\\fldinst{HYPERLINK "https://example.com"}}{\\fldrslt site}}\\par}'
    )

    document = read_rtf(data, limits).document

    assert [block.cells or block.text for block in document.blocks] == [
        "a | b", ("label", "value"), "site",
    ]  # fmt: skip
    assert document.links == ("https://example.com",)


def test_rtf_lines_have_their_size_and_weight_also_behind_groups(limits: Limits) -> None:
    data = (
        b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\fs20 small\\par{\\fs40\\b Large \\{one\\}\\par}"
        b"plain again\\par\\b\\fs28 Heading\\b0\\fs20\\par end\\par}"
    )

    blocks = read_rtf(data, limits).document.blocks

    assert [(b.text, b.font_size_pt, b.bold) for b in blocks] == [
        ("small", 10, False), ("Large {one}", 20, True), ("plain again", 10, False),
        ("Heading", 14, True), ("end", 10, False),
    ]  # fmt: skip


COLORS = (
    b"{\\colortbl;\\red255\\green255\\blue255;\\red31\\green56\\blue100;\\red244\\green244\\blue244;"
    b"\\red187\\green187\\blue187;}"
)
SEEN = b"A line that everybody sees.\\par"
ROW = b"\\trowd\\clcbpat%d\\cellx2000\\cellx4000\\pard\\plain\\intbl %s\\cell x\\cell\\row\\pard\\plain "

HIDDEN = {
    "white": b"{\\cf1 planted words}",
    "white until plain": b"\\cf1 planted words\\plain",
    "nearly white": b"{\\cf3 planted words}",
    "dark on dark": b"{\\cf2\\chcbpat2 planted words}",
    "one point": b"{\\fs2 planted words}",
    "hidden": b"{\\v planted words}",
    "hidden until shown": b"\\v planted words\\v0",
    "in a white cell": ROW % (1, b"{\\cf1 planted words}"),
    "behind a dark row": ROW % (2, b"x") + b"{\\cf1 planted words}",
    "behind a dark paragraph": b"\\cbpat2 x\\par\\pard {\\cf1 planted words}",
}
VISIBLE = {
    "grey": b"{\\cf4 planted words}",
    "automatic": b"{\\cf0 planted words}",
    "no such colour": b"{\\cf9 planted words}",
    "not hidden": b"{\\v0 planted words}",
    "on dark letters": b"{\\cf1\\chcbpat2 planted words}",
    "highlighted": b"{\\cf1\\highlight2 planted words}",
    "patterned": b"{\\cf1\\chshdng5000 planted words}",
    "on a dark paragraph": b"\\pard\\cbpat2 {\\cf1 planted words}\\pard",
    "in a dark cell": ROW % (2, b"{\\cf1 planted words}"),
    "in a nested table": ROW % (1, b"x")
    + b"\\pard\\intbl\\itap2 {\\cf1 planted words}\\nestcell\\pard",
    "in a table without a row": b"\\pard\\intbl {\\cf1 planted words}\\cell\\pard",
    "outlined": b"{\\cf1\\outl planted words}",
    "over a drawing": b"{\\shp{\\*\\shpinst\\shpfblwtxt1}}{\\cf1 planted words}",
}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN)
def test_text_that_nobody_sees_is_left_out_and_counted(limits: Limits, body: bytes) -> None:
    data = b"{\\rtf1\\ansi" + COLORS + SEEN + body + b"\\par " + SEEN + b"}"

    document = read_rtf(data, limits).document

    assert "planted" not in document.text
    assert document.text.count("everybody sees") == 2
    assert document.hidden_chars == len("plantedwords")


@pytest.mark.parametrize("body", VISIBLE.values(), ids=VISIBLE)
def test_text_that_somebody_may_see_is_read(limits: Limits, body: bytes) -> None:
    data = b"{\\rtf1\\ansi" + COLORS + SEEN + body + b"\\par " + SEEN + b"}"

    document = read_rtf(data, limits).document

    assert "planted words" in document.text
    assert document.hidden_chars == 0
