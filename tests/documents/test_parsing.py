import sys

import pytest

from app.documents import wire
from app.documents.blocks import Format
from app.documents.limits import Limits
from app.documents.parsing import READERS, answer_to
from app.documents.wire import Kind, Request, Task
from app.messages import Message
from tests.documents.building import Page, compound, docx, p, pdf, shown


def test_every_format_has_a_reader() -> None:
    assert set(READERS) == set(Format)


def test_a_document_is_answered_with_its_lines(limits: Limits) -> None:
    answer = answer_to(Request(task=Task.READ), docx(p("line")), limits)

    head, *lines = answer.body.split(b"\n")
    assert answer.kind is Kind.DOCUMENT
    assert wire.decode_head(head).document.format is Format.DOCX
    assert [block.text for block in wire.decode_blocks(lines)] == ["line"]
    assert (answer.resident_bytes > 1_000_000) == (sys.platform == "linux")


def test_a_legacy_word_file_is_refused_with_what_to_do(limits: Limits) -> None:
    answer = answer_to(Request(task=Task.READ), compound({"WordDocument": b"x"}), limits)

    assert answer.kind is Kind.REFUSAL
    assert wire.decode_refusal(answer.body).message is Message.FILE_LEGACY_DOC


@pytest.mark.parametrize("task", [Task.DRAW, Task.SCAN])
def test_pages_are_drawn(limits: Limits, task: Task) -> None:
    data = pdf([Page(content=shown(40, 60, "text"))])

    answer = answer_to(Request(task=task, width_px=100), data, limits)

    assert answer.kind is Kind.PICTURE
    assert (b"PNG" in answer.body[:8]) == (task is Task.DRAW)


def test_formats_without_pages_have_no_picture(limits: Limits) -> None:
    assert answer_to(Request(task=Task.DRAW), docx(p("x")), limits).kind is Kind.NOTHING
