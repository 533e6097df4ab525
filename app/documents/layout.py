"""Reading order: pieces of text with their places become lines, columns apart.

The order in which a file draws its text is mostly the reading order, and sorting by height alone
mixes columns. So content order is kept, unless it jumps between the two sides of a gutter: then
the file was drawn row by row, and each column is read on its own. Rows of forms and dates set to
the right jump as well; they are told from columns by how the sides stand to each other.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from app.documents.blocks import Block, Box, Source
from app.documents.characters import clean
from app.documents.rows import row_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of text without a clear gap; points from the page's top left."""

    text: str
    box: Box
    size_pt: float | None = None
    bold: bool = False
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row of ruled cells, each with its pieces in content order."""

    cells: tuple[tuple[Piece, ...], ...]
    box: Box


Item = Piece | TableRow
Items = Sequence[Item]
Line = list[Piece] | TableRow

_GUTTER_FROM, _GUTTER_TO, _GUTTER_STEP = 0.18, 0.82, 0.004
_MIN_SIDE_ITEMS = 4
_RAGGED = 0.9
_MAX_CROSSING_SHARE = 0.12
_MIN_REACH_SHARE = 0.2
_MAX_JUMP_SHARE = 0.2
_ATTACHED_SHARE = 0.85
_CONTIGUOUS = 0.7
_PROSE_FILL = 0.7
_DATE_SHARE = 0.5
_DATE = re.compile(r"(?:19|20)\d\d|present|현재|재직", re.IGNORECASE)
_TITLE_ABOVE_SHARE = 0.9
_SAME_HEIGHT = 0.3
_SAME_ROW = 0.5
_PARAGRAPH_PITCH = 1.35
_SIZE_STEPS = {Source.TEXT: 1.12, Source.OCR: 1.5}
"""Recognised boxes hug their letters, so lines of one size differ in height."""

_MIN_JUSTIFIED = 4
_JUSTIFIED_SLACK = 0.12
_EDGE_PT = 2.0
_MARKER = re.compile(r"[^\w\s]{1,2}|ㆍ|\(?\d{1,2}[.)]")
"""A bullet or a number in front of its text is no cell of its own."""


def page_blocks(items: Items, *, page: int, source: Source = Source.TEXT) -> list[Block]:
    """The lines of one page in reading order. `items` come in content order."""
    blocks: list[Block] = []
    for lines in map(_join_justified, _frames(_title_first(items))):
        usual = _usual_pitch(lines)
        before: Box | None = None
        for line in lines:
            starts = before is None or _is_gap(before, _box(line), usual, _SIZE_STEPS[source])
            found = _blocks_of(line, page=page, source=source, starts=starts)
            blocks += found
            before = _box(line) if found else before
    return blocks


def _title_first(items: Items) -> Items:
    """The largest text, when it heads the page but is drawn late: a name on a coloured ground."""
    sizes = [item.size_pt or 0.0 for item in items if isinstance(item, Piece)]
    if not sizes or sizes.count(max(sizes)) > 1:
        return items
    title = next(i for i in items if isinstance(i, Piece) and i.size_pt == max(sizes))
    below = sum(1 for item in items if item.box.top >= title.box.bottom - 1)
    if below < _TITLE_ABOVE_SHARE * (len(items) - 1):
        return items
    return [title, *(item for item in items if item is not title)]


def _frames(items: Items) -> list[list[Line]]:
    """Columns and bands, each as lines from top to bottom."""
    gutter = find_gutter(items)
    if gutter is None:
        return [_lines(items)] if items else []
    jumps = jump_share(items, gutter) > _MAX_JUMP_SHARE
    if _is_rows(items, gutter):
        return [_lines(_attached(items, gutter) if jumps else items)]
    if jumps:
        return [frame for column in _columns(items, gutter) for frame in _frames(column)]
    return [_lines(run) for run in _runs(items, gutter)]


def find_gutter(items: Items) -> float | None:
    """The x that the fewest items cross, in the widest such strip.

    Only the heights are looked at in which both sides have text: what stands above or below them
    may be as wide as it likes.
    """
    if len(items) < 2 * _MIN_SIDE_ITEMS:
        return None
    page = around([item.box for item in items])
    width = page.right - page.left
    best: tuple[float, float, float] | None = None
    strip: tuple[float, float] | None = None
    for step in range(int((_GUTTER_TO - _GUTTER_FROM) / _GUTTER_STEP) + 1):
        x = page.left + width * (_GUTTER_FROM + step * _GUTTER_STEP)
        share = _crossing_share(items, x)
        if share > _MAX_CROSSING_SHARE:
            strip = None
            continue
        strip = strip if strip and strip[0] == share else (share, x)
        # Near the right column: lines are ragged on their right, so long ones reach this far.
        found = share, strip[1] - x, strip[1] + _RAGGED * (x - strip[1])
        best = min(best, found) if best else found
    return best[2] if best else None


def _crossing_share(items: Items, x: float) -> float:
    """The share of items across x among those beside each other; 1 where a side is too small."""
    left = [item.box for item in items if item.box.right <= x + 1]
    right = [item.box for item in items if item.box.left >= x - 1]
    if min(len(left), len(right)) < _MIN_SIDE_ITEMS:
        return 1.0
    top = max(min(box.top for box in left), min(box.top for box in right))
    bottom = min(max(box.bottom for box in left), max(box.bottom for box in right))
    crossing = beside = 0
    for item in items:
        if top <= (item.box.top + item.box.bottom) / 2 <= bottom:
            beside += 1
            crossing += item.box.left < x - 1 and item.box.right > x + 1
    return crossing / beside if beside >= 2 * _MIN_SIDE_ITEMS else 1.0


def _attached(items: Items, gutter: float) -> list[Item]:
    """Rows whose parts were drawn at different times, put together: dates after all entries."""
    left = [item for item in items if _side(item, gutter) < 0]
    right = [item for item in items if _side(item, gutter) > 0]
    moved, anchors = (right, left) if len(right) < len(left) else (left, right)
    following: dict[int, list[Item]] = {}
    rest = {id(item) for item in moved}
    for item in moved:
        anchor = next((other for other in anchors if _same_height(item.box, other.box)), None)
        if anchor is not None:
            following.setdefault(id(anchor), []).append(item)
            rest.discard(id(item))
    stays = [item for item in items if id(item) in rest or not any(item is m for m in moved)]
    return [one for item in stays for one in (item, *following.get(id(item), ()))]


def _side(item: Item, gutter: float) -> int:
    """-1 left, 1 right, 0 across. A long word that only reaches into the gutter is not across."""
    box = item.box
    reach = min(gutter - box.left, box.right - gutter)
    if reach > _MIN_REACH_SHARE * (box.right - box.left):
        return 0
    return -1 if box.left + box.right < 2 * gutter else 1


def jump_share(items: Items, gutter: float) -> float:
    """How often content order changes sides, as a share of the items on the two sides."""
    sides = [side for item in items if (side := _side(item, gutter))]
    jumps = sum(1 for one, two in pairwise(sides) if one != two)
    return jumps / max(len(sides), 1)


def _is_rows(items: Items, gutter: float) -> bool:
    """Whether what stands side by side belongs together: a form, or dates beside their entries."""
    left = [item for item in items if _side(item, gutter) < 0]
    right = [item for item in items if _side(item, gutter) > 0]
    if not left or not right:
        return True
    beside = [_beside_share(left, right), _beside_share(right, left)]
    if min(beside) >= _ATTACHED_SHARE:
        return _fill(left, gutter) < _PROSE_FILL
    if max(beside) < _ATTACHED_SHARE:
        return False
    attached, others = (left, right) if beside[0] > beside[1] else (right, left)
    return _coverage(attached, others) < _CONTIGUOUS or _date_share(attached) > _DATE_SHARE


def _beside_share(ones: Items, others: Items) -> float:
    return sum(1 for one in ones if any(_same_height(one.box, o.box) for o in others)) / len(ones)


def _same_height(one: Box, two: Box) -> bool:
    least = min(one.bottom - one.top, two.bottom - two.top)
    return abs(one.top + one.bottom - two.top - two.bottom) / 2 <= _SAME_HEIGHT * least


def _fill(left: Items, gutter: float) -> float:
    """How far lines of the left side run towards the gutter: prose does, cells of a form do not."""
    edge = min(item.box.left for item in left)
    return median((item.box.right - edge) / max(gutter - edge, 1.0) for item in left)


def _coverage(items: Items, others: Items) -> float:
    """How densely rows follow each other: near 1 for a column, less for dates beside entries."""
    tops, pitches = _tops(items), sorted(b - a for a, b in pairwise(_tops(others)))
    if len(tops) < 2 or not pitches:  # noqa: PLR2004 - one row covers nothing
        return 0.0
    return (len(tops) - 1) * pitches[len(pitches) // 2] / (tops[-1] - tops[0])


def _tops(items: Items) -> list[int]:
    return sorted({round(item.box.top) for item in items})


def _date_share(items: Items) -> float:
    dated = sum(1 for item in items if isinstance(item, Piece) and _DATE.search(item.text))
    return dated / len(items)


def _columns(items: Items, gutter: float) -> list[list[Item]]:
    """Left and right by turns; what stands across both parts the page into bands."""
    columns: list[list[Item]] = []
    left: list[Item] = []
    right: list[Item] = []
    for item in _downwards(items):
        side = _side(item, gutter)
        if side == 0:
            columns += [left, right, [item]]
            left, right = [], []
        else:
            (left if side < 0 else right).append(item)
    return [column for column in [*columns, left, right] if column]


def _runs(items: Items, gutter: float) -> list[list[Item]]:
    """Content order, cut where it changes sides."""
    runs: list[list[Item]] = []
    side_before: int | None = None
    for item in items:
        side = _side(item, gutter)
        if side == side_before:
            runs[-1].append(item)
        else:
            runs.append([item])
        side_before = side
    return runs


def _downwards(items: Items) -> list[Item]:
    """From top to bottom; within one row from left to right."""
    rows: list[list[Item]] = []
    for item in sorted(items, key=lambda item: item.box.top + item.box.bottom):
        if rows and _same_row(rows[-1][0].box, item.box):
            rows[-1].append(item)
        else:
            rows.append([item])
    return [item for row in rows for item in sorted(row, key=lambda item: item.box.left)]


def _same_row(one: Box, two: Box) -> bool:
    overlap = min(one.bottom, two.bottom) - max(one.top, two.top)
    return overlap > _SAME_ROW * min(one.bottom - one.top, two.bottom - two.top)


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
    return any(_same_row(other.box, piece.box) for other in line) and all(
        piece.box.left >= other.box.right - slack or piece.box.right <= other.box.left + slack
        for other in line
    )


def _box(line: Line) -> Box:
    if isinstance(line, TableRow):
        return line.box
    return around([piece.box for piece in line])


def around(boxes: Sequence[Box]) -> Box:
    """The smallest rectangle that holds all of them."""
    return Box(
        left=min(box.left for box in boxes),
        top=min(box.top for box in boxes),
        right=max(box.right for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )


def _usual_pitch(lines: Sequence[Line]) -> float:
    tops = [_box(line).top for line in lines]
    steps = [two - one for one, two in pairwise(tops) if two > one + 1]
    return median(steps) if steps else 0.0


def _is_gap(before: Box, box: Box, usual_pitch: float, size_step: float) -> bool:
    pitch = box.top - before.top
    heights = sorted((before.bottom - before.top, box.bottom - box.top))
    return (
        pitch < -heights[0]
        or pitch > _PARAGRAPH_PITCH * usual_pitch
        or heights[1] > size_step * heights[0]
    )


def _blocks_of(line: Line, *, page: int, source: Source, starts: bool) -> list[Block]:
    if isinstance(line, TableRow):
        cells = [
            [
                block
                for inner in _lines(cell)
                for block in _blocks_of(inner, page=page, source=source, starts=False)
            ]
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
            font_size_pt=max((p.size_pt for p in line if p.size_pt), default=None),
            bold=all(piece.bold for piece in line),
            source=source,
            confidence=_confidence(line),
            cells=tuple(texts) if len(texts) > 1 else (),
            starts_paragraph=starts,
        )
    ]


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
    if len(texts) > 2 and all(len(text) == 1 for text in texts):  # noqa: PLR2004 - a title set wide
        return [" ".join(texts)]
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
