"""What stands on a page with a place: runs of text, and rows of ruled cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.documents.blocks import Box

_SAME_ROW = 0.5


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


def around(boxes: Sequence[Box]) -> Box:
    """The smallest rectangle that holds all of them."""
    return Box(
        left=min(box.left for box in boxes),
        top=min(box.top for box in boxes),
        right=max(box.right for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )


def same_row(one: Box, two: Box) -> bool:
    overlap = min(one.bottom, two.bottom) - max(one.top, two.top)
    return overlap > _SAME_ROW * min(one.bottom - one.top, two.bottom - two.top)
