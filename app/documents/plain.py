"""Text without positions: TXT in the encodings that Korean offices use, and RTF."""

import re
from typing import Any

from striprtf import striprtf

from app.documents.archive import damaged
from app.documents.blocks import Block, Document, Format
from app.documents.characters import decode_text
from app.documents.limits import Limits
from app.documents.rows import line_blocks
from app.documents.wire import Parsed

_striprtf: Any = striprtf


_CELL_END = re.compile(r"\\(?:nest)?cell(?![a-z])")
_ROW_END = re.compile(r"\\(?:nest)?row(?![a-z])")
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
_CODE_PAGES = {b"949": "cp949", b"932": "cp932", b"936": "gbk", b"950": "cp950", b"65001": "utf-8"}
_RTF_LINK = re.compile(r'HYPERLINK\s+"([^"\\{}]+)"')


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


def read_rtf(data: bytes, limits: Limits) -> Parsed:
    """Lines; the cells of a table row stay together. Raises INVALID_FILE for broken groups."""
    code_page = _CODE_PAGE.search(data[:4096])
    encoding = (
        _CODE_PAGES.get(code_page[1], f"cp{code_page[1].decode()}") if code_page else "cp1252"
    )
    source = data.decode("latin-1")
    # The library writes cells with bars, which résumés use as text; tabs part cells everywhere here.
    marked = _ROW_END.sub(r"\\par ", _CELL_END.sub(r"\\tab ", _RTF_LINK.sub("", source)))
    try:
        text = str(_striprtf.rtf_to_text(marked, encoding=encoding, errors="replace"))
    except (ValueError, LookupError, IndexError, UnicodeError):
        raise damaged() from None
    return Parsed(
        document=Document(
            format=Format.RTF,
            pages=1,
            blocks=_lines(text, limits),
            links=tuple(dict.fromkeys(_RTF_LINK.findall(source))),
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
