from app.documents.blocks import Block, Box, Document, Format
from app.documents.wire import (
    ANSWER,
    REQUEST,
    Answer,
    Kind,
    Parsed,
    Request,
    Task,
    decode_blocks,
    decode_head,
    decode_refusal,
    encode_parsed,
    encode_refusal,
)
from app.errors import ErrorCode, PermanentError
from app.messages import Message

BLOCKS = (
    Block(
        text="이력서",
        page=2,
        box=Box(left=1, top=2, right=3, bottom=4),
        font_size_pt=10.5,
        bold=True,
    ),
    Block(text="a\tb", cells=("a", "b"), starts_paragraph=True),
    Block(text="label\t\tx", cells=("label", "", "x", "")),
)


def parsed(blocks: tuple[Block, ...]) -> Parsed:
    document = Document(
        format=Format.PDF,
        pages=3,
        blocks=blocks,
        links=("https://example.com",),
        hidden_chars=7,
        link_texts=("site",),
    )
    return Parsed(document=document, scans=(2, 3))


def test_a_document_arrives_as_it_was_sent() -> None:
    head, *lines = encode_parsed(parsed(BLOCKS), max_chars=1000).split(b"\n")

    assert decode_head(head) == parsed(blocks=())
    assert tuple(decode_blocks(lines)) == BLOCKS


def test_a_document_is_cut_at_the_limit_of_characters() -> None:
    blocks = tuple(Block(text="ten chars.") for _ in range(4))

    lines = encode_parsed(parsed(blocks), max_chars=25).split(b"\n")[1:]

    assert [block.text for block in decode_blocks(lines)] == ["ten chars.", "ten chars.", "ten c"]


def test_heads_of_requests_and_answers_have_a_fixed_size() -> None:
    request = Request(task=Task.SCAN, page=7, turn_degrees=270, straight=True, width_px=480)

    assert Request.parse(request.head(123)) == (request, 123)
    assert len(request.head(0)) == REQUEST.size
    answer = Answer(kind=Kind.PICTURE, body=b"12345", resident_bytes=3 * 1024)
    assert ANSWER.unpack(answer.head()) == (Kind.PICTURE, 3, 5)


def test_a_refusal_keeps_code_sentence_and_numbers() -> None:
    sent = PermanentError(
        ErrorCode.INVALID_FILE, Message.FILE_TOO_MANY_PAGES, details={"pages": 500, "limit": 50}
    )

    received = decode_refusal(encode_refusal(sent))

    assert (received.code, received.message, received.details) == (
        sent.code, sent.message, sent.details,
    )  # fmt: skip
    assert decode_refusal(encode_refusal(PermanentError(ErrorCode.INVALID_FILE))).message is None
