import struct
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.documents.hwp import read_hwp
from app.documents.limits import Limits
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from tests.documents.building import compound, deflated, hwp, hwp_table, paragraph, record

LONG = "가나다라마바사아자차카타파하 경력사항과 학력사항을 적습니다"


def test_paragraphs_are_lines_and_an_empty_one_is_a_gap(limits: Limits) -> None:
    section = paragraph(LONG) + paragraph("둘째 줄") + paragraph("") + paragraph("셋째 줄")

    blocks = read_hwp(hwp(section), limits).document.blocks

    assert [block.text for block in blocks] == [LONG, "둘째 줄", "셋째 줄"]
    assert [block.starts_paragraph for block in blocks] == [True, False, True]


@pytest.mark.parametrize("pack", [True, False])
def test_table_rows_are_blocks_with_cells(limits: Limits, *, pack: bool) -> None:
    form = hwp_table(
        [
            [paragraph("성명", 2), paragraph("가나다", 2)],
            [paragraph("연락처", 2), paragraph("010-0000-0000", 2) + paragraph("집", 2)],
        ]
    )
    data = hwp(paragraph(LONG) + form, flags=int(pack), pack=pack)

    blocks = read_hwp(data, limits).document.blocks

    assert [block.cells for block in blocks[1:]] == [
        ("성명", "가나다"),
        ("연락처", "010-0000-0000 집"),
    ]


def test_a_table_in_a_cell_is_read_once_row_by_row(limits: Limits) -> None:
    inner = hwp_table([[paragraph(f"a{n}", 4), paragraph(f"b{n}", 4)] for n in range(3)], level=2)
    outer = hwp_table([[paragraph("경력사항", 2), inner]])

    blocks = read_hwp(hwp(paragraph(LONG) + outer), limits).document.blocks

    assert [block.text for block in blocks[1:]] == ["경력사항", "a0\tb0", "a1\tb1", "a2\tb2"]


def test_paragraphs_nested_in_their_cell_are_read(limits: Limits) -> None:
    form = hwp_table([[paragraph("성명", 3), paragraph("라온누리", 3)]])

    blocks = read_hwp(hwp(paragraph(LONG) + form), limits).document.blocks

    assert blocks[1].cells == ("성명", "라온누리")


def test_inline_control_codes_are_no_text(limits: Limits) -> None:
    control = struct.pack("<8H", 11, 1, 2, 3, 4, 5, 6, 11)
    tab = struct.pack("<8H", 9, 0, 0, 0, 0, 0, 0, 9)
    payload = "이름".encode("utf-16-le") + control + tab + struct.pack("<2H", 30, 24)
    payload += "😀끝".encode("utf-16-le") + struct.pack("<H", 13)
    section = record(66, 0, bytes(22)) + record(67, 1, payload) + paragraph(LONG)

    assert read_hwp(hwp(section), limits).document.blocks[0].cells == ("이름", "-😀끝")


def test_links_are_kept_without_their_options(limits: Limits) -> None:
    command = "https\\://example.com;1;0;0;".encode("utf-16-le")
    field = b"klh%" + bytes(5) + struct.pack("<H", len(command) // 2) + command
    section = paragraph(LONG) + record(71, 1, field) + record(71, 1, b"klh%")

    assert read_hwp(hwp(section), limits).document.links == ("https://example.com",)


def test_a_password_asks_for_it_to_be_removed(limits: Limits) -> None:
    with pytest.raises(PermanentError) as caught:
        read_hwp(hwp(paragraph(LONG), flags=3), limits)

    assert (caught.value.code, caught.value.message) == (
        ErrorCode.INVALID_FILE,
        Message.FILE_ENCRYPTED,
    )


def test_a_distribution_document_is_decoded(limits: Limits) -> None:
    key = b"0123456789abcdef"
    body = deflated(paragraph(LONG))
    body += bytes(-len(body) % 16)
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the format's
    section = record(28, 0, distribution_header(seed=5, key=key)) + encryptor.update(body)

    data = hwp(section, flags=1 | 4, folder="ViewText", pack=False)

    assert read_hwp(data, limits).document.text == LONG


def distribution_header(*, seed: int, key: bytes) -> bytes:
    """256 bytes that hide the key behind the mask that the seed makes."""
    mask = bytearray()
    state = seed
    while len(mask) < 256:
        state = (214013 * state + 2531011) & 0xFFFFFFFF
        value = state >> 16 & 0xFF
        state = (214013 * state + 2531011) & 0xFFFFFFFF
        mask += bytes([value]) * ((state >> 16 & 15) + 1)
    clear = bytearray(256)
    clear[4 + (seed & 15) : 4 + (seed & 15) + 16] = key
    return struct.pack("<I", seed) + bytes(a ^ b for a, b in zip(clear[4:], mask[4:], strict=False))


def test_the_notice_of_a_protected_document_is_no_resume(limits: Limits) -> None:
    notice = paragraph("이 문서는 배포용 문서입니다. 정상적으로 표시할 수 없습니다.")

    with pytest.raises(PermanentError) as caught:
        read_hwp(hwp(notice), limits)

    assert caught.value.message is Message.FILE_ONLY_NOTICE


def test_a_resume_that_speaks_of_such_documents_is_read(limits: Limits) -> None:
    section = paragraph("배포용 문서 작성") + b"".join(paragraph(LONG) for _ in range(10))

    assert read_hwp(hwp(section), limits).document.text.startswith("배포용 문서 작성")


def test_a_short_file_that_the_other_parser_cannot_read_keeps_its_text(limits: Limits) -> None:
    assert read_hwp(hwp(paragraph("짧다")), limits).document.text == "짧다"


def test_what_no_parser_reads_has_no_text(limits: Limits) -> None:
    assert read_hwp(b"HWP Document File V3.00 \x1a\x01\x02", limits).document.text == ""


def test_a_section_that_unfolds_without_end_is_refused(limits: Limits) -> None:
    data = hwp(bytes(8_000_000))

    with pytest.raises(PermanentError) as caught:
        read_hwp(data, replace(limits, max_unpacked_bytes=1_000_000))

    assert caught.value.message is Message.FILE_EXPANDS_TOO_MUCH


@pytest.mark.parametrize(
    "data",
    [
        hwp(b"not deflated at all", pack=False),
        hwp(b"\0" * 300, flags=5, folder="ViewText", pack=False),
        compound({"Other": b"x"}),
        hwp(paragraph(LONG))[:700],
    ],
    ids=["packing", "distribution", "header", "truncated"],
)
def test_a_broken_container_is_damaged(limits: Limits, data: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        read_hwp(data, limits)

    assert caught.value.message is Message.FILE_DAMAGED


def test_records_that_lie_about_levels_and_sizes_do_no_harm(limits: Limits) -> None:
    section = paragraph(LONG) + record(72, 900, b"x") + record(77, 1000) + record(67, 3, b"abc")
    section += struct.pack("<I", 67 | 0xFFF << 20)

    assert read_hwp(hwp(section), limits).document.text == LONG
