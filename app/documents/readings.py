"""Words that tesseract found on one page, and the best of several readings of it."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from app.documents.blocks import Box
from app.documents.characters import letters
from app.documents.pieces import around
from app.documents.wire import Scan

_MIN_WORD_CONFIDENCE = 0.2
_WEAK_CONFIDENCE = 0.75
"""Upright pages reach 0.85 and more; turned ones were seen with 0.65 for invented words."""

_RULE_CONFIDENCE = 0.6
_WEAK_LETTERS = 30
_READ_SHARE, _SURE_CONFIDENCE = 0.97, 0.93
"""A page read so far and so surely needs no further look."""

_CELL_GAP_HEIGHTS = 1.6
_WORD_LEVEL = "5"
_RULE_REMAINS = re.compile(r"[|_\-—–=~.,'\"`\[\](){}]+")
"""Ruled lines are recognised as such characters, with low confidence."""

POINTS_PER_INCH = 72
_COVERED_SHARE, _SLACK_PT = 0.9, 3.0
_WALL_SLACK_PT = 2.0
_INKED, _SIDE_SHARE = 255, 0.7
_MOST_WORDS = 2_000
"""Of one page; where a hostile one has more, its readings are not compared run by run."""


Wall = tuple[float, float, float]
"""An upright ruled line in points: where it stands, its top, its bottom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """`line` is its block, paragraph and line in its reading; the box is in points."""

    line: tuple[str, str, str]
    text: str
    box: Box
    confidence: float


def words_of(table: str, dpi: int) -> list[Word]:
    """Tesseract's TSV: level, page, block, paragraph, line, word, box, confidence, text."""
    scale = POINTS_PER_INCH / dpi
    words: list[Word] = []
    for row in table.splitlines():
        columns = row.split("\t")
        if len(columns) < 12 or columns[0] != _WORD_LEVEL:  # noqa: PLR2004 - the table's width
            continue
        text = columns[11].strip()
        confidence = float(columns[10]) / 100
        if not text or confidence < _least_confidence(text):
            continue
        left, top, width, height = (int(column) * scale for column in columns[6:10])
        words.append(
            Word(
                line=(columns[2], columns[3], columns[4]),
                text=text,
                box=Box(left=left, top=top, right=left + width, bottom=top + height),
                confidence=confidence,
            )
        )
    return words


def is_whole(words: Sequence[Word], scan: Scan) -> bool:
    """Whether what is written on the page was read, and surely."""
    count = sum(letters(word.text) for word in words)
    sure = weight(words) >= _SURE_CONFIDENCE * count
    return sure and _read_share(words, scan) >= _READ_SHARE


def lies_on_its_side(scan: Scan) -> bool:
    """Whether the page's columns of ink alternate more than its rows, as lines of text do downwards.

    Upright pages were seen with 1.8 times as much from row to row as from column to column, and
    more; those on their side with a quarter of it.
    """
    ink, columns = scan.ink, scan.ink_columns
    rows = [ink[at : at + columns].count(_INKED) for at in range(0, len(ink), columns)]
    across = [ink[at::columns].count(_INKED) for at in range(columns)]
    return _changes(rows) < _SIDE_SHARE * _changes(across)


def _changes(counts: Sequence[int]) -> int:
    return sum(abs(one - two) for one, two in pairwise(counts))


def _read_share(words: Sequence[Word], scan: Scan) -> float:
    """How much of what is written on the page the words cover."""
    inked = scan.ink.count(_INKED)
    if not inked:
        return 1.0
    scale = scan.dpi / POINTS_PER_INCH / scan.ink_px
    rows = len(scan.ink) // scan.ink_columns
    covered: set[int] = set()
    for word in words:
        box = word.box
        left, right = int(box.left * scale), min(int(box.right * scale), scan.ink_columns - 1)
        for row in range(int(box.top * scale), min(int(box.bottom * scale), rows - 1) + 1):
            start = row * scan.ink_columns
            covered.update(range(start + left, start + right + 1))
    return sum(scan.ink[at] == _INKED for at in covered) / inked


def _least_confidence(text: str) -> float:
    return _RULE_CONFIDENCE if _RULE_REMAINS.fullmatch(text) else _MIN_WORD_CONFIDENCE


def is_weak(words: Sequence[Word]) -> bool:
    """Whether so little was read, or so unsurely, that the page may lie on its side."""
    count = sum(letters(word.text) for word in words)
    return count < _WEAK_LETTERS or weight(words) < _WEAK_CONFIDENCE * count


def weight(words: Sequence[Word]) -> float:
    """How many letters were read, each counted by its confidence."""
    return sum(letters(word.text) * word.confidence for word in words)


def runs(words: Sequence[Word], walls: Sequence[Wall] = ()) -> Iterator[list[Word]]:
    """Words of one line from left to right, up to a clear gap or a wall, by which walls are sorted."""
    for _, line in groupby(words, key=lambda word: word.line):
        run: list[Word] = []
        for word in sorted(line, key=lambda word: word.box.left):
            if run and (_is_clear_gap(run, word) or _is_walled_off(run[-1], word, walls)):
                yield run
                run = []
            run.append(word)
        yield run


def _is_walled_off(before: Word, word: Word, walls: Sequence[Wall]) -> bool:
    reach = before.box.right - _WALL_SLACK_PT, word.box.left + _WALL_SLACK_PT
    near = walls[
        bisect_left(walls, reach[0], key=_place) : bisect_right(walls, reach[1], key=_place)
    ]
    return any(top <= _middle(word) <= bottom for _, top, bottom in near)


def _place(wall: Wall) -> float:
    return wall[0]


def best_of(readings: Sequence[list[Word]]) -> list[Word]:
    """The heaviest reading, each run of it replaced where another read as much of it more surely.

    Tesseract's modes cut a page into lines in different ways, and what one takes for Latin letters
    (`황 HA 석`) another reads as Hangul.
    """
    heaviest = max(readings, key=weight)
    if len(readings) == 1 or max(map(len, readings)) > _MOST_WORDS:
        return heaviest
    others = [sorted(other, key=_middle) for other in readings if other is not heaviest]
    return [word for run in runs(heaviest) for word in _surest(run, others)]


def _surest(run: list[Word], others: Sequence[Sequence[Word]]) -> list[Word]:
    box = around([word.box for word in run])
    best, line = run, run[0].line
    for other in others:
        band = other[
            bisect_left(other, box.top, key=_middle) : bisect_right(other, box.bottom, key=_middle)
        ]
        same = [
            word
            for word in band
            if box.left - _SLACK_PT <= (word.box.left + word.box.right) / 2 <= box.right + _SLACK_PT
        ]
        if _width(same) >= _COVERED_SHARE * _width(run) and _confidence(same) > _confidence(best):
            best = same
    return run if best is run else [replace(word, line=line) for word in best]


def _middle(word: Word) -> float:
    return (word.box.top + word.box.bottom) / 2


def _width(run: Sequence[Word]) -> float:
    return sum(word.box.right - word.box.left for word in run)


def _confidence(run: Sequence[Word]) -> float:
    chars = sum(len(word.text) for word in run)
    return sum(word.confidence * len(word.text) for word in run) / max(chars, 1)


def _is_clear_gap(run: Sequence[Word], word: Word) -> bool:
    height = max(other.box.bottom - other.box.top for other in run)
    return word.box.left - run[-1].box.right > _CELL_GAP_HEIGHTS * height
