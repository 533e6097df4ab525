"""A résumé cut into the pieces that are searched (R8).

Three kinds: what the profile says in groups, the whole text up to a limit, and overlapping sections
of the text. Sections of Korean texts are longer: a Hangul syllable says more than a letter, and
its overlap must hold a date together with its employer. A local embedding model's cost grows faster
than the length (200 characters 15 ms, 2,000 93 ms, 8,000 600 ms): the whole-text piece is the dear
one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from app.candidates.profile import Education, Experience, PartialDate, Profile, SpokenLanguage
from app.settings.groups import ChunkSettings


class ChunkKind(StrEnum):
    STRUCTURED = "structured"
    RAW_FULL = "raw_full"
    RAW_SECTION = "raw_section"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One piece. `start` and `end` are offsets into the raw text, None for structured pieces.

    `position` counts all pieces of a résumé from 0.
    """

    kind: ChunkKind
    position: int
    text: str
    start: int | None
    end: int | None


class _Words(NamedTuple):
    summary: str
    experience: str
    education: str
    skills: str
    languages: str
    now: str


_ENGLISH: Final = _Words("Summary", "Experience", "Education", "Skills", "Languages", "present")
_KOREAN: Final = _Words("소개", "경력", "학력", "보유 기술", "외국어", "현재")

_WORD_START: Final = re.compile(r"(?<!\S)\S")
_WORD_REST: Final = re.compile(r"\S*")
_HANGUL: Final = re.compile(r"[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb]")


def chunk(profile: Profile, text: str, settings: ChunkSettings) -> tuple[Chunk, ...]:
    """Cut a résumé. Words stay whole unless one is longer than a section; blank text gives none."""
    pieces = [*_structured(profile, settings), *_raw(text, settings)]
    return tuple(
        Chunk(kind=kind, position=position, text=piece, start=start, end=end)
        for position, (kind, piece, start, end) in enumerate(pieces)
    )


def is_korean(text: str, threshold: float) -> bool:
    """Whether at least this share of the letters is Hangul. A text without letters is not."""
    letters = sum(map(str.isalpha, text))
    return letters > 0 and len(_HANGUL.findall(text)) / letters >= threshold


_Piece = tuple[ChunkKind, str, int | None, int | None]


def _raw(text: str, settings: ChunkSettings) -> Iterator[_Piece]:
    if not text.strip():
        return
    if is_korean(text, settings.korean_threshold):
        size, overlap = settings.korean_size, settings.korean_overlap
    else:
        size, overlap = settings.section_size, settings.section_overlap
    last = len(text.rstrip())
    first = len(text) - len(text.lstrip())
    whole = _end(text, first, last, settings.max_raw_full_chars)
    yield ChunkKind.RAW_FULL, text[first:whole], first, whole
    for start, end in _sections(text, first, last, size=size, overlap=overlap):
        yield ChunkKind.RAW_SECTION, text[start:end], start, end


def _sections(
    text: str, first: int, last: int, *, size: int, overlap: int
) -> Iterator[tuple[int, int]]:
    start = first
    while True:
        end = _end(text, start, last, size)
        yield start, end
        if end == last:
            return
        start = _next_start(text, end, size=size, overlap=overlap)


def _end(text: str, start: int, last: int, size: int) -> int:
    """Where a piece that starts here ends: after its last whole word, if it holds one."""
    limit = start + size
    if limit >= last:
        return last
    piece = text[start:limit]
    if text[limit].isspace() or piece[-1].isspace():
        return start + len(piece.rstrip())
    before_last_word = piece.rsplit(maxsplit=1)[0]
    return start + len(before_last_word)  # the piece itself where it is a part of one word


def _next_start(text: str, end: int, *, size: int, overlap: int) -> int:
    """Go back by the overlap, to the start of a word, yet so far only that the next word fits."""
    back = end - overlap
    if not text[end].isspace():  # inside a word that is longer than a section
        return back
    following = _word_start(text, end)
    word = _WORD_REST.match(text, following)
    word_end = word.end() if word else following
    return min(_word_start(text, max(back, word_end - size)), following)


def _word_start(text: str, position: int) -> int:
    found = _WORD_START.search(text, position)
    return found.start() if found else len(text)


def _structured(profile: Profile, settings: ChunkSettings) -> Iterator[_Piece]:
    words = _KOREAN if profile.language == "ko" else _ENGLISH
    # Contact data and the name stay out: pieces are sent to the embedder.
    groups = (
        (words.summary, [profile.headline or "", profile.summary or ""]),
        (words.experience, [_experience(entry, words) for entry in profile.experience]),
        (words.education, [_education(entry) for entry in profile.education]),
        (words.skills, [", ".join(profile.skills)]),
        (words.languages, [_language(entry) for entry in profile.languages]),
    )
    for title, entries in groups:
        filled = [" ".join(entry.split()) for entry in entries if entry.strip()]
        if filled:
            for piece in _packed([title, *filled], settings.max_structured_chars):
                yield ChunkKind.STRUCTURED, piece, None, None


def _packed(lines: Iterable[str], size: int) -> Iterator[str]:
    """Join lines up to the size; a line that is longer is cut between its words."""
    packed = ""
    for line in lines:
        for start, end in _sections(line, 0, len(line), size=size, overlap=0):
            part = line[start:end]
            if packed and len(packed) + 1 + len(part) > size:
                yield packed
                packed = ""
            packed = f"{packed}\n{part}" if packed else part
    yield packed


def _experience(entry: Experience, words: _Words) -> str:
    what = " · ".join(filter(None, (entry.company, entry.title)))
    ongoing = words.now if entry.start else None
    return f"{what} {_period(entry.start, entry.end or ongoing)}"


def _education(entry: Education) -> str:
    what = " · ".join(filter(None, (entry.school, entry.degree)))
    return f"{what} {_period(entry.start, entry.end)}"


def _period(start: PartialDate | None, end: str | None) -> str:
    return f"({' – '.join(filter(None, (start, end)))})" if start or end else ""


def _language(entry: SpokenLanguage) -> str:
    return f"{entry.name} ({entry.level})" if entry.level else entry.name
