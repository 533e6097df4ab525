"""Plain text in the encodings that Korean offices use."""

from app.documents.archive import damaged
from app.documents.blocks import Block, Document, Format
from app.documents.characters import decode_text
from app.documents.limits import Limits
from app.documents.rows import line_blocks
from app.documents.wire import Parsed


def read_text(data: bytes, limits: Limits) -> Parsed:
    """Lines; an empty line starts a paragraph."""
    text = decode_text(data)
    if text is None:
        raise damaged()
    return Parsed(
        document=Document(
            format=Format.TEXT, pages=1, blocks=_lines(text.replace("\f", "\n\n"), limits)
        )
    )


def _lines(text: str, limits: Limits) -> tuple[Block, ...]:
    blocks: list[Block] = []
    starts = True
    for line in text[: limits.max_chars].splitlines():
        found = line_blocks(line, starts=starts)
        starts = not found
        blocks += found
    return tuple(blocks)
