"""Rows of RTF: lines up to the words that end a cell, and cells up to those that end a row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.documents.blocks import Block
from app.documents.rows import row_blocks

CELL, NESTED_CELL, ROW, NESTED_ROW = "cell", "nestcell", "row", "nestrow"
"""Notes of ours in the place of the words of the same names."""

_END = re.compile(r"\\((?:nest)?cell|row)(?![a-z]) ?")


def with_notes(source: str) -> str:
    """The source with a note in the place of each word that ends a cell or a row.

    The library writes cells with bars, which résumés use as text.
    """
    return _END.sub("\x01\\1\x02", source)


@dataclass(slots=True)
class Rows:
    """The row that is open, and that of a table inside of its last cell."""

    _cells: list[list[Block]] = field(default_factory=list[list[Block]])
    _cell: list[Block] = field(default_factory=list[Block])
    _inner_cells: list[list[Block]] = field(default_factory=list[list[Block]])
    _inner_cell: list[Block] = field(default_factory=list[Block])

    def add(self, lines: Sequence[Block], *, nested: bool) -> None:
        """Lines of the cell that is open."""
        (self._inner_cell if nested else self._cell).extend(lines)

    def end(self, what: str, *, starts: bool = False) -> list[Block]:
        """End a cell or a row; the blocks of the latter."""
        match what:
            case "nestcell":
                self._inner_cells.append(self._inner_cell)
                self._inner_cell = []
            case "nestrow":
                self._end_inner()
            case "cell":
                self._end_inner()
                self._cells.append(self._cell)
                self._cell = []
            case _:
                return self.rest(starts=starts)
        return []

    def rest(self, *, starts: bool = False) -> list[Block]:
        """What is open, though no word has ended it."""
        self._end_inner()
        cells = [*self._cells, self._cell] if self._cell else self._cells
        self._cells, self._cell = [], []
        return row_blocks(cells, starts=starts)

    def _end_inner(self) -> None:
        cells = [*self._inner_cells, self._inner_cell] if self._inner_cell else self._inner_cells
        self._cell += row_blocks(cells)
        self._inner_cells, self._inner_cell = [], []
