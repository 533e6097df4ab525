from dataclasses import replace

import pytest

from app.documents.limits import Limits
from app.documents.plain import read_rtf, read_text
from app.errors import PermanentError
from app.messages import Message


def test_lines_of_a_text_file_are_blocks_and_blank_lines_part_paragraphs(limits: Limits) -> None:
    blocks = read_text("이름\n전화\t010\n\n\n경력\n".encode("cp949"), limits).document.blocks

    assert [(block.text, block.starts_paragraph) for block in blocks] == [
        ("이름", True), ("전화\t010", False), ("경력", True),
    ]  # fmt: skip


def test_a_long_text_is_read_up_to_the_limit(limits: Limits) -> None:
    parsed = read_text(b"a" * 1000, replace(limits, max_chars=100))

    assert len(parsed.document.text) == 100


def test_bytes_without_a_meaning_are_damaged(limits: Limits) -> None:
    with pytest.raises(PermanentError) as caught:
        read_text(b"\x81\x20\xff", limits)

    assert caught.value.message is Message.FILE_DAMAGED


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
