from dataclasses import replace

import pytest

from app.documents.limits import Limits
from app.documents.plain import read_text
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
