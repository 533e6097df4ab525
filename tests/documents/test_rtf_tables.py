"""A row of an RTF table is read as one of other formats is, whatever its cells hold."""

import pytest

from app.documents.limits import Limits
from app.documents.rtf import read_rtf

ROW = b"\\trowd\\cellx1\\cellx2\\pard\\intbl "
INNER = (
    b"\\itap2 one\\nestcell two\\nestcell{\\*\\nesttableprops\\trowd\\cellx1\\cellx2\\nestrow}"
    b"{\\nonesttables\\par}\\pard\\intbl\\itap2 three\\nestcell four\\nestcell"
    b"{\\*\\nesttableprops\\trowd\\cellx1\\cellx2\\nestrow}\\pard\\intbl "
)


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        (ROW + b"a\\par b\\cell 2020\\cell\\row\\pard end\\par", [("a b", "2020"), "end"]),
        (ROW + b"a\\cell\\cell\\row" + ROW + b"b\\cell c\\cell\\row\\pard", [("a", ""), ("b", "c")]),
        (b"\\trowd\\cellx1 a\\cell b\\cell\\row end\\par", [("a", "b"), "end"]),
        (ROW + b"a\\par b\\par c\\par d\\par e\\cell f\\cell\\row\\pard", [*"abcde", "f"]),
        (ROW + b"out\\par " + INNER + b"\\cell\\row\\pard end", ["out", ("one", "two"), ("three", "four"), "end"]),
        (ROW + b"a\\cell b\\cell\\pard end", [("a", "b"), "end"]),
        (ROW + b"a\\cell b", [("a", "b")]),
    ],
    ids=[
        "two lines in a cell", "an empty cell", "without \\intbl", "a cell that lays out a page",
        "a table in a cell", "a row that does not end", "a file that does not end",
    ],
)  # fmt: skip
def test_cells_and_rows(body: bytes, blocks: list[object], limits: Limits) -> None:
    found = read_rtf(b"{\\rtf1\\ansi " + body + b"}", limits).document.blocks
    assert [block.cells or block.text for block in found] == blocks
