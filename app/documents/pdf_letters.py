"""Letters of a PDF page become words, and words runs of text: a file says where each letter stands, and seldom more."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from app.documents.blocks import Box
from app.documents.pieces import Piece
from app.documents.ruling import Rules

_CELL_GAP_EM = 1.5
_OBJECT_GAP_EM = 0.8
_SPACE_GAP_EM = 0.22
_MIN_SPREAD, _WORD_GAPS = 3, 1.5
_TRACKED_EM, _CLEAR_GAPS = 0.05, 2.5
_SIGNS = frozenset(",|·–—-")
_ACCENTS = {
    "¨": "\u0308", "´": "\u0301", "`": "\u0300", "ˆ": "\u0302", "˜": "\u0303", "˚": "\u030a", "ˇ": "\u030c",
    "˘": "\u0306", "˙": "\u0307", "˝": "\u030b", "¯": "\u0304", "¸": "\u0327",
}  # fmt: skip
_BACK_EM = 0.5
_SAME_BASELINE = 0.5


class Char(NamedTuple):
    """A tuple, because a page has thousands of them."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    object_id: int
    size_pt: float
    bold: bool
    spaced: bool
    is_sure: bool
    """Seen without doubt; else the page as it is drawn decides."""
    is_garbled: bool


def pieces_of(chars: Sequence[Char], rules: Rules) -> list[Piece]:
    """`chars` come in content order."""
    pieces: list[Piece] = []
    run: list[Char] = []
    for char in _composed(chars):
        if run and _parts(run[-1], char, rules):
            pieces.append(_piece(run))
            run = []
        run.append(char)
    if run:
        pieces.append(_piece(run))
    return pieces


def _composed(chars: Sequence[Char]) -> Iterator[Char]:
    """Accents that TeX draws over the letter that comes next (`Zo¨e`), on that letter."""
    accent: Char | None = None
    for char in chars:
        whole = _accented(char, accent) if accent else None
        if accent and not whole:
            yield accent
        accent = char if not whole and char.text in _ACCENTS else None
        if not accent:
            yield whole or char
    if accent:
        yield accent


def _accented(letter: Char, accent: Char) -> Char | None:
    """The letter under its accent; None where they stand apart."""
    if accent.left >= letter.right or letter.left >= accent.right:
        return None
    whole = unicodedata.normalize("NFC", letter.text + _ACCENTS[accent.text])
    return letter._replace(text=whole, spaced=accent.spaced)


def _parts(before: Char, char: Char, rules: Rules) -> bool:
    """Whether a new piece begins: another line, a step back, a clear gap, or a ruled line between."""
    one, two = before, char
    em = max(min(before.size_pt, char.size_pt), 1.0)
    height = max(min(one.bottom - one.top, two.bottom - two.top), 1.0)
    if abs(one.top + one.bottom - two.top - two.bottom) / 2 > _SAME_BASELINE * height:
        return True
    gap = two.left - one.right
    if gap < -_BACK_EM * em - (one.right - one.left) or gap > _CELL_GAP_EM * em:
        return True
    if gap < _SPACE_GAP_EM * em or before.object_id == char.object_id:
        return False
    if gap > _OBJECT_GAP_EM * em:
        return True
    middle = (two.top + two.bottom) / 2
    return any(
        one.right - 1 <= x <= two.left + 1 and top <= middle <= bottom
        for x, top, bottom in rules.upright
    )


def _spread_em(run: Sequence[Char]) -> float:
    """The gap that parts words where letters are spread out, as headings are; 0 for usual text."""
    if len(run) < _MIN_SPREAD:
        return 0.0
    gaps = sorted((two.left - one.right) / max(two.size_pt, 1.0) for one, two in pairwise(run))
    usual = gaps[len(gaps) // 4]  # words are few letters long at the least
    return _WORD_GAPS * usual if usual > _SPACE_GAP_EM else 0.0


def _tracking_pt(run: Sequence[Char]) -> float:
    """The space that a browser sets between all letters (`letter-spacing`); 0 for usual text."""
    if len(run) <= _MIN_SPREAD:
        return 0.0
    gaps_pt = sorted(two.left - one.right for one, two in pairwise(run))
    least_pt = _TRACKED_EM * median(char.size_pt for char in run)
    # Words of one syllable have clear gaps as well, but not everywhere; a pair like TA may be kerned.
    return median(gaps_pt) if gaps_pt[len(gaps_pt) // 5] > least_pt else 0.0


def _piece(run: Sequence[Char]) -> Piece:
    parts = [run[0].text]
    least_em, tracking_pt = _spread_em(run), _tracking_pt(run)
    for before, char in pairwise(run):
        gap_pt = char.left - before.right
        gap_em = gap_pt / max(char.size_pt, 1.0)
        if least_em:
            is_word = gap_em > least_em
        elif tracking_pt:  # PDFium takes wide letters for words, and we would as well
            is_word = gap_pt > (_WORD_GAPS if char.spaced else _CLEAR_GAPS) * tracking_pt
        else:
            is_word = char.spaced or gap_em > _SPACE_GAP_EM
        parts += (" ", char.text) if is_word else (char.text,)
    sizes = sorted(char.size_pt for char in run)
    return Piece(
        text="".join(parts),
        box=Box(
            left=min(char.left for char in run),
            top=min(char.top for char in run),
            right=max(char.right for char in run),
            bottom=max(char.bottom for char in run),
        ),
        size_pt=round(sizes[len(sizes) // 2], 1),
        bold=_is_bold(run),
    )


def _is_bold(run: Sequence[Char]) -> bool:
    """As most letters are; `Machinist, Ironwood Tool` as its job is, or entries would differ by length."""
    changes = [at for at in range(1, len(run)) if run[at].bold != run[at - 1].bold]
    if len(changes) == 1 and {run[changes[0] - 1].text, run[changes[0]].text} & _SIGNS:
        return run[0].bold
    return sum(char.bold for char in run) * 2 > len(run)
