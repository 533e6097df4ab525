"""Scores of two kinds made one, and the place in a text that shows why."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

from app.candidates.search_records import MeaningHit, Piece, Posting, WordHit
from app.candidates.terms import LEVELS, Question, number
from app.store.keys import TenantId

_SNIPPET_CHARS: Final = 160
_CONTEXT_CHARS: Final = 40
_PLACES_TRIED: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """How the two scores become one: a weighted sum of scores that mean the same for every query.

    Adding ranks instead falls below the better arm wherever the other is weak. The score of words
    counts as a power: one common word in five says next to nothing, all five say nearly all. So a
    query that paraphrases is ranked by meaning, and one that quotes is ranked by words.
    """

    meaning: float
    power: float
    least_cosine: float
    """What unrelated texts have."""
    unknown: float
    """What a word that no résumé holds weighs, of what it would as the rarest. Such a query says
    that words will not find it."""


BLEND: Final = Blend(meaning=0.5, power=2.0, least_cosine=0.1, unknown=0.5)
"""Chosen on one half of the labelled queries of bench/search_set, confirmed on the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A candidate's two scores from 0 to 1, and where they come from."""

    candidate_id: UUID
    keyword: float
    meaning: float
    places: tuple[int, ...] = ()
    position: int | None = None

    def score(self, blend: Blend) -> float:
        words = self.keyword**blend.power
        return (1 - blend.meaning) * words + blend.meaning * self.meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Posting lists to read, and the sum of gains that a perfect hit would have."""

    postings: tuple[Posting, ...]
    highest: float


def weigh(
    tenant_id: TenantId, question: Question, total: int, counts: Sequence[int], blend: Blend
) -> Weighed:
    """Give each term its weight by how few have it. `counts` are in the order of the terms."""
    postings: list[Posting] = []
    highest = 0.0
    for asked, count in zip(question.terms, counts, strict=True):
        rarity = math.log(1 + (total - count + 0.5) / (count + 0.5))
        highest += asked.weight * rarity * (1.0 if count else blend.unknown)
        if count:
            postings += [
                Posting(
                    number(tenant_id, asked.term, level), asked.weight * rarity * adds, asked.word
                )
                for level, (_, adds) in enumerate(LEVELS)
            ]
    return Weighed(postings=tuple(postings), highest=highest)


def combine(
    by_words: Iterable[WordHit],
    highest: float,
    by_meaning: Mapping[UUID, MeaningHit],
    blend: Blend,
) -> list[Scored]:
    """Everybody that either arm found, the best first."""
    words = {hit.candidate_id: hit for hit in by_words}
    scored = [
        _scored(candidate_id, words.get(candidate_id), highest, by_meaning.get(candidate_id), blend)
        for candidate_id in words.keys() | by_meaning.keys()
    ]
    return ranked(scored, blend)


def ranked(scored: Iterable[Scored], blend: Blend) -> list[Scored]:
    """The best first; without those that neither words nor meaning speak for."""
    found = ((hit, hit.score(blend)) for hit in scored)
    order = sorted(
        ((hit, score) for hit, score in found if score > 0),
        key=lambda pair: (-pair[1], str(pair[0].candidate_id)),
    )
    return [hit for hit, _ in order]


def _scored(
    candidate_id: UUID,
    words: WordHit | None,
    highest: float,
    meaning: MeaningHit | None,
    blend: Blend,
) -> Scored:
    above = (meaning.cosine - blend.least_cosine) / (1 - blend.least_cosine) if meaning else 0.0
    return Scored(
        candidate_id=candidate_id,
        keyword=min(words.gain / highest, 1.0) if words else 0.0,
        meaning=min(max(above, 0.0), 1.0),
        places=_bits(words.words) if words else (),
        position=meaning.position if meaning else None,
    )


def _bits(mask: int) -> tuple[int, ...]:
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)


def snippet(pieces: Sequence[Piece], spellings: Sequence[str], position: int | None) -> str:
    """Up to 160 characters of masked text, around most of the words that were found.

    Of the piece that is nearest in meaning where no word is found in this spelling.
    """
    pattern = re.compile("|".join(map(re.escape, spellings)) or r"(?!)", re.IGNORECASE)
    best, start = 0, 0
    chosen = next((piece.text for piece in pieces if piece.position == position), None)
    chosen = chosen or (pieces[0].text if pieces else "")
    for piece in pieces:
        found = [
            (match.start(), match[0].lower())
            for match in islice(pattern.finditer(piece.text), _PLACES_TRIED)
        ]
        for at, _ in found:
            near = {
                word for place, word in found if at <= place < at + _SNIPPET_CHARS - _CONTEXT_CHARS
            }
            if len(near) > best:
                best, start, chosen = len(near), at, piece.text
    return _cut(chosen, max(start - _CONTEXT_CHARS, 0))


def _cut(text: str, start: int) -> str:
    """Whole words from about here, on one line."""
    if start and not text[start - 1].isspace():
        start = next((n + 1 for n in range(start, len(text)) if text[n].isspace()), start)
    shown = " ".join(text[start : start + 2 * _SNIPPET_CHARS].split())
    if len(shown) > _SNIPPET_CHARS:
        shown = shown[:_SNIPPET_CHARS].rsplit(maxsplit=1)[0]
    return shown
