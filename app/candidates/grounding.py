"""Where a value stands in a document, however it is spelt there.

The document is one stream of letters and digits: compatibility forms unified, lower case, without
white space, hyphens and other marks, each with its place of origin. A value that was copied is a
part of that stream, whatever the line breaks, the spacing and the letter case were.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from app.candidates.instructions import Ranges
from app.candidates.profile import PartialDate, Span
from app.candidates.rules.dates import periods
from app.candidates.rules.wordlists import words
from app.documents.blocks import Block, Source

_CLUSTER = re.compile(
    r"[\u1100-\u115f][\u1160-\u11a7][\u11a8-\u11ff]?|.[\u0300-\u036f]*", re.DOTALL
)
"""A character with what belongs to it: files from some systems spell Hangul in its letters."""

_COMPOSED = re.compile("[^\t\n -~°·×가-힣‐-―‘’“”•]")
"""What may be another character once it is unified, or grow together with its neighbour."""

_MARKS = "+#"  # C++ and C# are no C
_MAX_OCCURRENCES = 50
_MAX_PLACES = 5_000
_MAX_BLOCKS = 4
"""A value is broken over so many lines at most."""

_NEAR_BLOCKS = 3
"""The words of one value stand so many lines apart at most."""

_SHORT_HANGUL = 2
_FUZZY_MIN_CHARS = 4  # of so many, one may have been read wrongly
_MONTH_CHARS = 12
_PROSE = re.compile(r".{30}(?:[.!?。]|[다요오라]\W{0,2})\s*$", re.DOTALL)
_LITTLE_WORDS = words("""
    in of the and at for a an on with to as de von 및 의 과 와 또는 주식회사 유한회사 재단법인 사단법인
    주 유 재 사 inc ltd llc corp co limited corporation gmbh company plc ag sa
    """)
_WORD = re.compile(r"[^\W_]+[+#]*")


class _Match(NamedTuple):
    """`start` and `end` in the stream."""

    start: int
    end: int


class SourceText:
    """The document as it is searched; what `withheld` names is no part of it.

    Takes about 1 ms per 2,000 characters to make: do that in a thread.
    """

    def __init__(self, blocks: Sequence[Block], withheld: Ranges | None = None) -> None:
        self._blocks = blocks
        self._withheld: Ranges = withheld or {}
        self._block_of = array("L")
        self._offset_of = array("L")
        self._width_of = array("L")
        parts: list[str] = []
        for index, block in enumerate(blocks):
            chars, offsets, widths = _squeezed(block.text, self._withheld.get(index, ()))
            parts += chars
            self._block_of.extend([index] * len(chars))
            self._offset_of.extend(offsets)
            self._width_of.extend(widths)
        self._stream = "".join(parts)
        self._scanned = any(block.source is Source.OCR for block in blocks)
        self._dates = dict(_dated(blocks, self._withheld))
        self._dated = {span.block for spans in self._dates.values() for span in spans}

    def find(self, value: str, *, near: int | None = None) -> tuple[Span, ...]:
        """The spans of a value as a whole, nearest to the block `near`, else the first; () if none."""
        needle = squeezed(value)
        matches = [m for m in self._occurrences(needle) if self._blocks_of(m) <= _MAX_BLOCKS]
        if not matches and self._scanned and len(needle) >= _FUZZY_MIN_CHARS:
            matches = list(self._nearly(needle))
        return self._spans(self._nearest(matches, near)) if matches else ()

    def find_words(self, value: str, *, near: int | None = None) -> tuple[Span, ...]:
        """The spans of its words where all stand together, in any order; () if one is missing.

        Little words and legal forms (`of`, 주식회사) may be missing.
        """
        if whole := self.find(value, near=near):
            return whole
        parts = significant_words(value)
        found = {word: self._occurrences(word) for word in parts}
        if not parts or not all(found.values()):
            return ()
        rarest = min(parts, key=lambda word: len(found[word]))
        for anchor in self._by_nearness(found[rarest], near):
            at = self._block_of[anchor.start]
            company = [self._nearest(found[word], at) for word in parts]
            if all(abs(self._block_of[m.start] - at) <= _NEAR_BLOCKS for m in company):
                return by_line([span for match in company for span in self._spans(match)])
        return ()

    def find_date(self, value: PartialDate, *, near: int | None = None) -> tuple[Span, ...]:
        """The span of a date that the document gives in any style; a year also inside of one."""
        found = self._dates.get(value, [])
        if not found and "-" not in value:
            found = [
                span for date, spans in self._dates.items() if date[:4] == value for span in spans
            ]
            if not found:
                return self.find(value, near=near)
        if not found:
            found = list(self._loosely(value))
        if not found:
            return ()
        return (min(found, key=lambda span: _distance(span.block, near)),)

    def holds_number(self, digits: str) -> bool:
        """Whether these digits stand somewhere as a number of their own."""
        return any(True for _ in self._occurrences(digits, most=1))

    def holds_start(self, start: str) -> bool:
        """Whether some word begins with these letters."""
        return any(map(self._begins, self._places(start)))

    def is_prose(self, spans: Iterable[Span]) -> bool:
        """Whether a value stands in sentences alone that hold no date.

        Employers and professions stand in rows and headers; one that is only told of is none.
        """
        blocks = {span.block for span in spans}
        return all(
            _PROSE.search(self._blocks[block].text) and block not in self._dated for block in blocks
        )

    def legibility(self, spans: Iterable[Span]) -> float:
        """How well text recognition read these lines, from 0 to 1; 1 for a text layer."""
        seen = [self._blocks[span.block].confidence for span in spans]
        read = [value for value in seen if value is not None]
        return (sum(read) + len(seen) - len(read)) / len(seen) if seen else 1.0

    # --- The stream ---

    def _occurrences(self, needle: str, most: int = _MAX_OCCURRENCES) -> list[_Match]:
        found: list[_Match] = []
        for at in self._places(needle):
            match = _Match(at, at + len(needle))
            if self._is_whole(match):
                found.append(match)
                if len(found) == most:
                    break
        return found

    def _places(self, needle: str) -> Iterator[int]:
        """Where it stands, also within words; not all of them in a text made to waste time."""
        at = self._stream.find(needle) if needle else -1
        for _ in range(_MAX_PLACES):
            if at < 0:
                return
            yield at
            at = self._stream.find(needle, at + 1)

    def _nearly(self, needle: str) -> Iterator[_Match]:
        """Where a few letters were read wrongly: then one part of the needle is still right."""
        wrong_at_most = len(needle) // _FUZZY_MIN_CHARS
        size = len(needle) // (wrong_at_most + 1)
        digits = [char for char in needle if char.isdigit()]
        for before in range(0, size * (wrong_at_most + 1), size):
            for at in islice(self._places(needle[before : before + size]), _MAX_OCCURRENCES):
                match = _Match(max(0, at - before), at - before + len(needle))
                here = self._stream[slice(*match)]
                wrong = sum(one != other for one, other in zip(here, needle, strict=False))
                if (
                    len(here) == len(needle)
                    and wrong <= wrong_at_most
                    # A wrong digit is another number.
                    and [char for char in here if char.isdigit()] == digits
                    and self._is_whole(match)
                ):
                    yield match

    def _is_whole(self, match: _Match) -> bool:
        """No part of a longer word; Hangul words grow together and take particles."""
        first, last = self._stream[match.start], self._stream[match.end - 1]
        if _kind(first) == "hangul" and match.end - match.start > _SHORT_HANGUL:
            starts = True
        else:
            starts = self._begins(match.start)
        ends = _kind(last) == "hangul" or not self._goes_on(match.end - 1)
        return starts and ends

    def _begins(self, at: int) -> bool:
        return at == 0 or not self._goes_on(at - 1)

    def _goes_on(self, at: int) -> bool:
        """Whether the character here and the next one are of one word."""
        following = at + 1
        return (
            following < len(self._stream)
            and self._block_of[at] == self._block_of[following]
            and self._offset_of[at] + self._width_of[at] >= self._offset_of[following]
            and _kind(self._stream[at]) == _kind(self._stream[following])
        )

    def _blocks_of(self, match: _Match) -> int:
        return self._block_of[match.end - 1] - self._block_of[match.start] + 1

    def _by_nearness(self, matches: Sequence[_Match], near: int | None) -> list[_Match]:
        return sorted(matches, key=lambda m: _distance(self._block_of[m.start], near))

    def _nearest(self, matches: Sequence[_Match], near: int | None) -> _Match:
        return min(matches, key=lambda m: _distance(self._block_of[m.start], near))

    def _spans(self, match: _Match) -> tuple[Span, ...]:
        return tuple(
            self._span(
                block, self._offset_of[at[0]], self._offset_of[at[-1]] + self._width_of[at[-1]]
            )
            for block, group in groupby(range(match.start, match.end), self._block_of.__getitem__)
            if (at := list(group))
        )

    def _span(self, index: int, start: int, end: int) -> Span:
        return span_of(self._blocks[index], index, start, end)

    def _loosely(self, value: PartialDate) -> Iterator[Span]:
        """Year and month near each other in one line, as scans and tables have them."""
        year, _, month = value.partition("-")
        pattern = re.compile(
            rf"(?<!\d)(?:{year}|['’]{year[2:]})\D{{1,{_MONTH_CHARS}}}0?{int(month or 0)}(?!\d)"
        )
        for index, block in enumerate(self._blocks):
            found = pattern.search(block.text)
            if found and not _is_withheld(found.start(), self._withheld.get(index, ())):
                yield self._span(index, *found.span())


def by_line(spans: Sequence[Span]) -> tuple[Span, ...]:
    """One span for each block, from the first character to the last, in order."""
    first: dict[int, Span] = {}
    for span in spans:
        other = first.get(span.block, span)
        ends = {"start": min(span.start, other.start), "end": max(span.end, other.end)}
        first[span.block] = span.model_copy(update=ends)
    return tuple(first[block] for block in sorted(first))


def squeezed(text: str) -> str:
    """Letters, digits, + and # alone, unified: what two spellings of one value share."""
    return "".join(_squeezed(text).chars)


def significant_words(value: str) -> list[str]:
    """Its words in their squeezed form, without little words and legal forms."""
    found = (squeezed(word) for word in _WORD.findall(unicodedata.normalize("NFKC", value)))
    return list(dict.fromkeys(word for word in found if word and word not in _LITTLE_WORDS))


def span_of(block: Block, index: int, start: int, end: int) -> Span:
    """Coordinates have one decimal: a tenth of a point cannot be seen."""
    box = block.box
    corners = (box.left, box.top, box.right, box.bottom) if box else None
    return Span(
        page=block.page,
        block=index,
        start=start,
        end=end,
        box=None if corners is None else tuple(round(edge, 1) for edge in corners),  # pyright: ignore[reportArgumentType] - four stay four
    )


class _Squeezed(NamedTuple):
    """Each character, with the offset and length of what it was made of."""

    chars: list[str]
    offsets: list[int]
    widths: list[int]


def _squeezed(text: str, withheld: Sequence[tuple[int, int]] = ()) -> _Squeezed:
    folded = text.casefold()
    if len(folded) == len(text) and not _COMPOSED.search(text):  # nearly every line: one to one
        offsets = [at for at, char in enumerate(folded) if char.isalnum() or char in _MARKS]
        if withheld:
            offsets = [at for at in offsets if not _is_withheld(at, withheld)]
        return _Squeezed([folded[at] for at in offsets], offsets, [1] * len(offsets))
    found = _Squeezed([], [], [])
    for cluster in _CLUSTER.finditer(text):
        offset = cluster.start()
        if _is_withheld(offset, withheld):
            continue
        for char in unicodedata.normalize("NFKC", cluster[0]).casefold():
            if char.isalnum() or char in _MARKS:
                found.chars.append(char)
                found.offsets.append(offset)
                found.widths.append(len(cluster[0]))
    return found


def _is_withheld(offset: int, withheld: Sequence[tuple[int, int]]) -> bool:
    return any(start <= offset < end for start, end in withheld)


def _dated(blocks: Iterable[Block], withheld: Ranges) -> Mapping[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for index, block in enumerate(blocks):
        text = unicodedata.normalize("NFKC", block.text)
        same = len(text) == len(block.text)
        for period in periods(text):
            start, end = (period.begin, period.stop) if same else (0, len(block.text))
            if _is_withheld(start, withheld.get(index, ())):
                continue
            span = span_of(block, index, start, end)
            for date in {period.start, period.end} - {None}:
                found.setdefault(str(date), []).append(span)
    return found


def _kind(char: str) -> str:
    if char.isdigit():
        return "digit"
    if "가" <= char <= "힣":
        return "hangul"
    return "letter"  # and + and #, which end the names of languages


def _distance(block: int, near: int | None) -> int:
    return 0 if near is None else abs(block - near)
