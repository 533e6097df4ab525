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
# A backslash in front makes braces text, and control words longer than these are others.
_RTF_LOOK = re.compile(r"(?<!\\)[{}]|\\(?:fs\d{1,3}|b0?|plain)(?![a-z0-9])[ ]?")
_RTF_MARK = re.compile("(\x01[^\x01\x02]*\x02)")
_RTF_SIZE_PT = 12.0
_MAX_GROUPS = 200
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
    marked = _RTF_LOOK.sub(_with_mark, marked)
    try:
        text = str(_striprtf.rtf_to_text(marked, encoding=encoding, errors="replace"))
    except (ArithmeticError, LookupError, TypeError, ValueError):  # its tables and numbers
        raise damaged() from None
    return Parsed(
        document=Document(
            format=Format.RTF,
            pages=1,
            blocks=_rtf_lines(text, limits),
            links=tuple(dict.fromkeys(_RTF_LINK.findall(source))),
        )
    )


def _with_mark(match: re.Match[str]) -> str:
    """A control word with a note of it in the text; those of groups stand outside of their braces."""
    word = match[0]
    if word in ("{", "}"):
        return "\x01(\x02{" if word == "{" else "}\x01)\x02"
    return f"{word.rstrip()} \x01{word.strip()[1:]}\x02"


def _rtf_lines(text: str, limits: Limits) -> tuple[Block, ...]:
    """Lines with the look that the marks tell: a heading is often told by nothing else."""
    blocks: list[Block] = []
    looks: list[tuple[float, bool]] = [(_RTF_SIZE_PT, False)]
    starts = True
    for line in text[: limits.max_chars].splitlines():
        first: tuple[float, bool] | None = None
        kept: list[str] = []
        for part in _RTF_MARK.split(line):
            if part[:1] == "\x01":
                _change(looks, part[1:-1])
            else:
                kept.append(part)
                first = looks[-1] if first is None and part.strip() else first
        size, bold = first or looks[-1]
        found = line_blocks("".join(kept), font_size_pt=size, bold=bold, starts=starts)
        starts = not found
        blocks += found
    return tuple(blocks)


def _change(looks: list[tuple[float, bool]], word: str) -> None:
    size, bold = looks[-1]
    if word == "(":
        if len(looks) < _MAX_GROUPS:
            looks.append((size, bold))
    elif word == ")":
        if len(looks) > 1:
            looks.pop()
    elif word == "plain":
        looks[-1] = (_RTF_SIZE_PT, False)
    elif word.startswith("fs"):
        looks[-1] = (int(word[2:]) / 2, bold)  # half points
    else:
        looks[-1] = (size, word == "b")


def _lines(text: str, limits: Limits) -> tuple[Block, ...]:
    blocks: list[Block] = []
    starts = True
    for line in text[: limits.max_chars].splitlines():
        found = line_blocks(line, starts=starts)
        starts = not found
        blocks += found
    return tuple(blocks)
