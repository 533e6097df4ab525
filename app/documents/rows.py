"""Paragraphs and table rows become blocks, the same way for every format without positions."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.documents.blocks import Block
from app.documents.characters import clean
from app.documents.margins import WHOLE_DATE
from app.documents.wrapping import one_text

MAX_DEPTH = 24
"""Tables nested deeper than this are not followed; no layout needs them."""

_WIDE_GAP = re.compile(r"(?<=[^\s.!?])[ \u00a0\u3000]{2,}(?=\S)")
_LETTERS = re.compile(r"(?:[^\W\d_] )+[^\W\d_]")
_SYLLABLE = re.compile(r"[가-힣]")
_MAX_DATE_CHARS = 60
MAX_CELL_LINES = 3
"""A cell with more of them lays out a page."""
_MAX_CELL_CHARS = 400


def _with_cells(line: str) -> str:
    """A line whose parts are set apart by typed blanks, parted by tabs.

    Not behind a full stop, where some people type two; nor inside of 성    명, set to a width, or
    between the words of W O R K   H I S T O R Y.
    """
    if len(line) > _MAX_CELL_CHARS or not (parts := _WIDE_GAP.split(line)):
        return line
    if any((len(part) == 1 and part.isalpha()) or _LETTERS.fullmatch(part) for part in parts):
        return line
    return "\t".join(parts)


def line_blocks(
    text: str, *, font_size_pt: float | None = None, bold: bool = False, starts: bool = False
) -> list[Block]:
    """The lines of one paragraph. A tab inside a line parts cells: that is how dates are set right."""
    blocks: list[Block] = []
    for raw in text.split("\n"):
        line = clean(_with_cells(raw.strip()))
        cells = tuple(cell.strip() for cell in line.split("\t") if cell.strip())
        if not cells:
            continue
        blocks.append(
            Block(
                text="\t".join(cells),
                font_size_pt=font_size_pt,
                bold=bold,
                cells=cells if len(cells) > 1 else (),
                starts_paragraph=starts and not blocks,
            )
        )
    return blocks


def row_blocks(cells: Sequence[Sequence[Block]], *, starts: bool = False) -> list[Block]:
    """One table row, given what stands in each of its cells.

    A row of short cells is one block. A row that lays out a page (a cell with whole sections in it)
    is read cell by cell, so that lines of neighbouring columns do not mix.
    """
    if not any(cells):
        return []
    cells = [_upright(cell) for cell in cells]
    if len(cells) == 1 or any(map(_is_layout, cells)):
        return _one_after_another(cells)
    date, *beside = cells
    if len(beside) == 1 and len(beside[0]) > 1 and _is_dated(date):
        name, *rest = beside[0]
        return [*row_blocks([date, [name]], starts=starts), *rest]
    texts = tuple(one_text(block.text.replace("\t", " ") for block in cell) for cell in cells)
    first = next(block for cell in cells for block in cell)
    return [
        Block(
            text="\t".join(texts).rstrip("\t"),
            font_size_pt=first.font_size_pt,
            bold=all(block.bold for cell in cells for block in cell),
            cells=texts,
            starts_paragraph=starts,
        )
    ]


def _upright(cell: Sequence[Block]) -> Sequence[Block]:
    """학, 력, 사, 항, a paragraph each, beside the rows of a form: one word, written downwards."""
    if not cell[1:] or not all(_SYLLABLE.fullmatch(block.text) for block in cell):
        return cell
    return [replace(cell[0], text="".join(block.text for block in cell))]


def _is_dated(cell: Sequence[Block]) -> bool:
    """A cell with nothing but dates: what stands beside it is an entry in several lines."""
    text = " ".join(block.text for block in cell)
    return (
        len(text) <= _MAX_DATE_CHARS
        and any(c.isdigit() for c in text)
        and WHOLE_DATE.fullmatch(text) is not None
    )


def _is_layout(cell: Sequence[Block]) -> bool:
    return (
        len(cell) > MAX_CELL_LINES
        or (len(cell) > 1 and any(block.cells for block in cell))
        or sum(len(block.text) for block in cell) > _MAX_CELL_CHARS
    )


def _one_after_another(cells: Iterable[Sequence[Block]]) -> list[Block]:
    blocks: list[Block] = []
    for cell in cells:
        if cell:
            blocks += [replace(cell[0], starts_paragraph=True), *cell[1:]]
    return blocks
