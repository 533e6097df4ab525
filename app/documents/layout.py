"""Pieces of text in reading order become lines and rows, which are blocks."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from app.documents.blocks import Block, Box, Source
from app.documents.characters import clean
from app.documents.columns import in_reading_order, title_first
from app.documents.grids import with_grid_rows
from app.documents.pieces import Items, Piece, TableRow, around, same_row
from app.documents.rows import MAX_CELL_LINES, row_blocks
from app.documents.wrapping import one_text

Line = list[Piece] | TableRow

_PARAGRAPH_PITCH = 1.35
_SIZE_STEPS = {Source.TEXT: 1.12, Source.OCR: 1.5}
"""Recognised boxes hug their letters, so lines of one size differ in height."""

_ROW_SIZE_STEP = 1.4
_MIN_JUSTIFIED = 4
_JUSTIFIED_SLACK = 0.12
_EDGE_PT = 2.0
_WRAPPED_PITCH = 1.8
_FIRST = re.compile(r"[가-힣]|[^\s가-힣]+")
_MARKER = re.compile(r"[^\w\s]{1,2}|ㆍ|\(?\d{1,2}[.)]")
"""A bullet or a number in front of its text is no cell of its own."""


def page_blocks(items: Items, *, page: int, source: Source = Source.TEXT) -> list[Block]:
    """The lines of one page in reading order. `items` come in content order."""
    blocks: list[Block] = []
    items = [item for item in items if isinstance(item, TableRow) or clean(item.text).strip()]
    if source is Source.TEXT:
        items = with_grid_rows(items)
    for frame in in_reading_order(title_first(items)):
        lines = _join_justified(_lines(frame))
        usual = _usual_pitch(lines)
        before: Line | None = None
        for line in lines:
            starts = before is None or _is_gap(before, line, usual, _SIZE_STEPS[source])
            found = _blocks_of(line, page=page, source=source, starts=starts)
            blocks += found
            before = line if found else before
    return blocks


def _lines(items: Items) -> list[Line]:
    """Neighbours in content order that stand on one row without covering each other."""
    lines: list[Line] = []
    for item in items:
        last = lines[-1] if lines else None
        if isinstance(item, TableRow):
            lines.append(item)
        elif isinstance(last, list) and _continues(last, item):
            last.append(item)
            last.sort(key=lambda piece: piece.box.left)
        else:
            lines.append([item])
    return lines


def _continues(line: list[Piece], piece: Piece) -> bool:
    slack = (piece.box.bottom - piece.box.top) / 2
    sizes = sorted(size for size in (line[-1].size_pt, piece.size_pt) if size)
    # A name in large letters is no cell beside the first heading of a sidebar.
    if len(sizes) > 1 and sizes[1] > _ROW_SIZE_STEP * sizes[0] and piece.confidence is None:
        return False
    return any(same_row(other.box, piece.box) for other in line) and all(
        piece.box.left >= other.box.right - slack or piece.box.right <= other.box.left + slack
        for other in line
    )


def _box(line: Line) -> Box:
    if isinstance(line, TableRow):
        return line.box
    return around([piece.box for piece in line])


def _usual_pitch(lines: Sequence[Line]) -> float:
    tops = [_box(line).top for line in lines]
    steps = [two - one for one, two in pairwise(tops) if two > one + 1]
    return median(steps) if steps else 0.0


def _is_gap(upper: Line, lower: Line, usual_pitch: float, size_step: float) -> bool:
    before, box = _box(upper), _box(lower)
    pitch = box.top - before.top
    heights = sorted((before.bottom - before.top, box.bottom - box.top))
    # Where boxes hug their letters, a line without a g is lower than one with it.
    alike = 0 < _size_pt(upper) == _size_pt(lower)
    return (
        pitch < -heights[0]
        or pitch > _PARAGRAPH_PITCH * usual_pitch
        or (not alike and heights[1] > size_step * heights[0])
    )


def _size_pt(line: Line) -> float:
    """Of its largest letters; 0 for a table's row and where nobody tells."""
    pieces = [] if isinstance(line, TableRow) else line
    return max((piece.size_pt or 0 for piece in pieces), default=0)


def _blocks_of(line: Line, *, page: int, source: Source, starts: bool) -> list[Block]:
    if isinstance(line, TableRow):
        cells = [
            _paragraphs_of(
                [
                    block
                    for inner in _lines(cell)
                    for block in _blocks_of(inner, page=page, source=source, starts=False)
                ]
            )
            for cell in line.cells
        ]
        # A row of short cells is a new block; lines of a cell that lays out a page keep their own.
        return [
            block if block.box else replace(block, page=page, box=line.box, source=source)
            for block in row_blocks(cells, starts=starts)
        ]
    texts = _cell_texts(line)
    if not texts:
        return []
    return [
        Block(
            text="\t".join(texts),
            page=page,
            box=_box(line),
            font_size_pt=_size_pt(line) or None,
            bold=all(piece.bold for piece in line),
            source=source,
            confidence=_confidence(line),
            cells=tuple(texts) if len(texts) > 1 else (),
            starts_paragraph=starts,
        )
    ]


def _paragraphs_of(cell: list[Block]) -> list[Block]:
    """The lines of a cell; of a narrow one, whose few sentences are wrapped often, its paragraphs."""
    if len(cell) <= MAX_CELL_LINES:
        return cell
    right = max(block.box.right for block in cell if block.box)
    joined: list[Block] = []
    for upper, lower in zip((None, *cell), cell, strict=False):
        if upper and _is_wrapped(upper, lower, right):
            joined[-1] = replace(joined[-1], text=one_text([joined[-1].text, lower.text]))
        else:
            joined.append(lower)
    # One line as wide as the cell may stand among short ones.
    most = 2 * len(joined) <= len(cell)
    return joined if most and len(joined) <= MAX_CELL_LINES else cell


def _is_wrapped(upper: Block, lower: Block, right: float) -> bool:
    """Whether there was no room for the first word of the lower line; in Korean, for its first letter."""
    if upper.cells or lower.cells or upper.box is None or lower.box is None:
        return False
    if len(upper.text) == 1:  # 학, 력, 사, 항, written downwards
        return False
    alike = (upper.bold, upper.font_size_pt) == (lower.bold, lower.font_size_pt)
    below = 0 < lower.box.top - upper.box.top < _WRAPPED_PITCH * (upper.box.bottom - upper.box.top)
    if not (alike and below) or _MARKER.match(lower.text) or lower.box.left < upper.box.left - 1:
        return False
    letter = (lower.box.right - lower.box.left) / len(lower.text)
    first = _FIRST.match(lower.text)
    return right - upper.box.right < (len(first[0]) if first else 1) * letter


def _join_justified(lines: list[Line]) -> list[Line]:
    """Words set apart to fill a line up to the right edge are no cells, though the gaps are clear."""
    right = max((_box(line).right for line in lines), default=0.0)
    return [
        [replace(line[0], text=" ".join(piece.text for piece in line), box=_box(line))]
        if isinstance(line, list) and _is_justified(line, right)
        else line
        for line in lines
    ]


def _is_justified(line: Sequence[Piece], right: float) -> bool:
    if len(line) < _MIN_JUSTIFIED or around([piece.box for piece in line]).right < right - _EDGE_PT:
        return False
    gaps = [two.box.left - one.box.right for one, two in pairwise(line)]
    return max(gaps) - min(gaps) <= _JUSTIFIED_SLACK * max(gaps)


def _cell_texts(line: Sequence[Piece]) -> list[str]:
    texts = [text for piece in line if (text := clean(piece.text).replace("\n", " ").strip())]
    spread = " ".join(texts).split()
    if len(spread) > 2 and all(len(letter) == 1 for letter in spread):  # noqa: PLR2004 - a title set wide
        single = len(texts) == len(spread)
        return [" ".join(texts if single else ("".join(text.split()) for text in texts))]
    joined: list[str] = []
    marker = ""
    for text in texts:
        if _MARKER.fullmatch(text) and not marker:
            marker = f"{text} "
        else:
            joined.append(f"{marker}{text}")
            marker = ""
    return [*joined, marker.strip()] if marker else joined


def _confidence(line: Sequence[Piece]) -> float | None:
    known = [(piece.confidence, len(piece.text)) for piece in line if piece.confidence is not None]
    chars = sum(count for _, count in known)
    return round(sum(share * count for share, count in known) / chars, 3) if chars else None
