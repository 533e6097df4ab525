"""What the word index keeps of a candidate, and what a query asks of it.

A term is kept as a number of 64 bits: a hash of the tenant, the term and a level. So one index
serves all tenants and each has posting lists of its own. The level says how much the candidate is
about the term; a candidate has all levels up to the one it reaches. Scores are then sums over
posting lists, and no document is opened to rank it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.candidates.chunking import Chunk, ChunkKind
from app.candidates.rules.skills import canonical
from app.candidates.tokens import Morphemes, Word, normalised, words
from app.store.keys import TenantId

VERSION: Final = 1
"""Of these rules. Candidates that were indexed by others are indexed again."""

_SATURATION: Final = 1.2
_LENGTH_SHARE: Final = 0.4
_USUAL_LENGTH: Final = 400
"""Of BM25: k1, b, and the words of a résumé of two pages, structured pieces included. A constant,
so that a candidate's levels do not change when others come."""

LEVELS: Final = ((0.0, 0.45), (0.55, 0.18), (0.70, 0.14), (0.82, 0.11))
"""From which share of the highest BM25 weight a level is reached, and what it adds. Their sum is
what a term that fills a résumé is worth: 0.88 of it."""

_MAX_ASKED_WORDS: Final = 24
_SKILL_MAX_WORDS: Final = 3

_PARTS_SHARE: Final = 0.5
"""Of a word's weight, for its parts together: a compound written apart still counts half."""
_CONCEPT_SHARE: Final = 0.6
"""Of a skill's weight, for being it in whatever spelling: 파이썬 is Python."""


class Asked(NamedTuple):
    """A term of a query, the place of its word among the words, and what it weighs."""

    term: str
    word: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query: its words as they were written, the skills they name, and their terms."""

    words: tuple[str, ...]
    skills: tuple[str, ...]
    terms: tuple[Asked, ...]

    def spellings(self, places: Sequence[int]) -> tuple[str, ...]:
        """What to look for in a text to show where these words stand."""
        return tuple(dict.fromkeys((*(self.words[place] for place in places), *self.skills)))


def question(query: str, morphemes: Morphemes | None = None) -> Question:
    """Read a query; one of particles and signs alone has no terms. Never raises."""
    different: dict[str, Word] = {}
    for word in words(query, morphemes):
        different.setdefault(word.stem, word)
        if len(different) == _MAX_ASKED_WORDS:
            break
    found = list(different.values())
    skills = _skill_by_word(found)
    terms: dict[str, Asked] = {}
    for place, word in enumerate(found):
        shares: list[tuple[str, float]] = []
        rest = 1.0
        if skill := skills.get(place):
            shares.append((_concept(skill), _CONCEPT_SHARE))
            rest -= _CONCEPT_SHARE
        if word.parts:
            each = rest * _PARTS_SHARE / len(word.parts)
            shares += [(_word(part), each) for part in word.parts]
            rest *= 1 - _PARTS_SHARE
        shares.append((_word(word.stem), rest))
        for term, weight in shares:
            before = terms.get(term)
            terms[term] = Asked(term, place, weight + (before.weight if before else 0.0))
    return Question(
        words=tuple(word.spelling for word in found),
        skills=tuple(dict.fromkeys(skills.values())),
        terms=tuple(terms.values()),
    )


def indexed(
    tenant_id: TenantId,
    chunks: Sequence[Chunk],
    skills: Iterable[str],
    morphemes: Morphemes | None = None,
) -> list[int]:
    """All numbers of a candidate, sorted. Some 10 ms for two pages: call it in a thread."""
    counts: Counter[str] = Counter()
    length = 0
    for text in _texts_once(chunks):
        found = list(words(text, morphemes))
        length += len(found)
        for word in found:
            counts[_word(word.stem)] += 1
            counts.update(map(_word, word.parts))
        counts.update(map(_concept, _skill_by_word(found).values()))
    spread = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * length / _USUAL_LENGTH)
    numbers = {number(tenant_id, skill_term(skill)) for skill in skills}
    for term, count in counts.items():
        share = count / (count + spread)
        numbers.update(
            number(tenant_id, term, level)
            for level, (least, _) in enumerate(LEVELS)
            if share >= least
        )
    return sorted(numbers)


def number(tenant_id: TenantId, term: str, level: int = 0) -> int:
    """The signed 64 bits under which a term is kept."""
    digest = hashlib.blake2b(f"{level}{term}".encode(), digest_size=8, key=tenant_id.bytes)
    return int.from_bytes(digest.digest(), "big", signed=True)


def skill_term(skill: str) -> str:
    """The term of a skill that a profile lists, whatever its spelling: `nodejs` is `Node.js`."""
    return f"s:{_key(canonical(skill) or skill)}"


def _word(term: str) -> str:
    return f"w:{term}"


def _concept(skill: str) -> str:
    return f"c:{_key(skill)}"


_UNWRITTEN: Final = re.compile(r"[\s\-_.'’]+")


def _key(name: str) -> str:
    folded = normalised(name)
    return _UNWRITTEN.sub("", folded) or folded


def _texts_once(chunks: Sequence[Chunk]) -> Iterator[str]:
    """Structured pieces, and the raw text without what overlapping sections repeat."""
    reached = 0
    for piece in chunks:
        if piece.kind is ChunkKind.STRUCTURED:
            yield piece.text
        elif piece.kind is ChunkKind.RAW_SECTION and piece.start is not None:
            yield piece.text[max(reached - piece.start, 0) :]
            reached = piece.start + len(piece.text)


def _skill_by_word(found: Sequence[Word]) -> dict[int, str]:
    """The skills that the words name, the longest name first; by place of the word."""
    skills: dict[int, str] = {}
    spellings = [word.spelling for word in found]
    for size in range(_SKILL_MAX_WORDS, 0, -1):
        for start in range(len(found) - size + 1):
            places = range(start, start + size)
            if skills and not skills.keys().isdisjoint(places):
                continue
            if skill := canonical(" ".join(spellings[start : start + size])):
                skills.update(dict.fromkeys(places, skill))
    return skills
