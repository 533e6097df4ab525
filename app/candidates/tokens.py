# ruff: noqa: PLR2004 - lengths of words in rules, each used where it is explained
"""Text to the terms that search compares: Korean and English, and names such as C++ or Node.js.

Korean glues particles and endings to its words and writes compounds with and without a space. So a
Hangul word gives its stem (the particle taken off) and the pairs of its syllables: that finds compounds and inflected words without a dictionary.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from app.candidates.rules.wordlists import words as word_list

MAX_TERM_CHARS: Final = 40
"""Longer ones are no words; nobody asks for them."""

_RUN_MAX_CHARS: Final = 2_000
"""Of text without white space, of which terms are made; the rest of it is no prose."""

Morphemes = Callable[[str], Sequence[str]]
"""The morphemes that carry meaning in a Hangul word, from a dictionary where one is installed."""


class Word(NamedTuple):
    """A word inside `text[start:end]`: its stem, the smaller terms in it, and its spelling."""

    start: int
    end: int
    stem: str
    parts: tuple[str, ...]
    spelling: str


_RUN: Final = re.compile(r"\S+")
_HANGUL: Final = "\uac00-\ud7a3"
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff"
_PIECE: Final = re.compile(
    rf"(?P<hangul>[{_HANGUL}]+)|(?P<han>[{_HAN}]+)"
    # `.net` keeps its dot, `c++` and `c#` what follows; a hyphen or dot inside joins: `node.js`.
    rf"|(?P<latin>(?:(?<![a-z0-9])\.(?=[a-z]))?(?:(?![{_HANGUL}{_HAN}])[^\W_])+"
    rf"(?:[.\-_'’](?:(?![{_HANGUL}{_HAN}])[^\W_])+)*(?:\+\+|[+#](?![a-z0-9]))?)"
)
_PLAIN: Final = re.compile(rf"[\x00-\x7f{_HANGUL}]*+")
_JOINT: Final = re.compile(r"[.\-_'’]")

_SUFFIXES: Final = word_list("""
    으로부터 에서부터 로부터 에게서 한테서 으로써 으로서 로써 로서 에서는 에서도 에서의 에게는 에게도 으로는 으로도 까지는
    까지도 이라는 라는 이라도 라도 이라고 라고 이라면 이란 이나마 이든지 든지 이든 부터 까지 처럼 만큼 보다 에게 에서
    에는 에도 에의 으로 이나 이랑 하고 한테 께서 조차 마저 밖에 대로 마다 이며 이고 이면 와의 과의 로의 만이 만을 들이
    들을 들은 들의 들과 의 을 를 은 는 이 가 에 와 과 도 로 나 랑 만 들 께 하였습니다 했습니다 하였으며 되었습니다
    하겠습니다 합니다 됩니다 했으며 하면서 하던 하는 하여 해서 했던 했고 하기 하게 하며 하다 한다 했다 하지 하려는 되는
    되어 된다 되었던 됐던 시키는 시킨 시켜 받는 받은 있는 있던 없는 같은 해본 해온 해줄 했음 하였음 하였고 하였던 입니다
    이었던 였던 인데 이신 하신 하실 한 된 될 적인 적으로
    """)
"""Particles, and the endings that make a verb of a noun: 개발하는, 관리했던, 도입된."""
_SUFFIX_MAX_CHARS: Final = max(map(len, _SUFFIXES))
_STOP: Final = word_list("""
    a an and are as at be been but by can could did do does for from had has have he her his i
    in into is it its me my of on or our she so someone somebody than that the their them then
    they this those to us was we were what when where which who whom whose will with would you
    your anyone person people looking find need want wanted the's etc 및 등 또는 그리고 혹은 분 사람 수 것 중 후
    전 년 월 일 더 잘 할 한 하는 있는 있고 있으며 찾습니다 찾아요 찾아줘 구합니다 구해요 사람을 분을 누구 어떤 대한 대해 통해 위한 위해
    """)
_DIGITS: Final = re.compile(r"\d+")
_VOWEL: Final = re.compile(r"[aeiouy]")


def words(text: str, morphemes: Morphemes | None = None) -> Iterator[Word]:
    """The words of a text in their order, without those that carry no meaning.

    Linear in the length of the text; never raises.
    """
    for run in _RUN.finditer(text):
        for stem, parts, spelling in _of_run(run[0][:_RUN_MAX_CHARS], morphemes):
            yield Word(run.start(), run.end(), stem, parts, spelling)


def normalised(text: str) -> str:
    """One spelling: composed, full-width forms folded, accents and invisible characters dropped."""
    if _PLAIN.fullmatch(text):
        return text.lower()
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    opened = unicodedata.normalize("NFD", kept)
    bare = "".join(c for c in opened if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", bare)


_Terms = tuple[str, tuple[str, ...], str]


def _of_run(run: str, morphemes: Morphemes | None) -> Iterator[_Terms]:
    for found in _PIECE.finditer(normalised(run)):
        piece = found[0]
        if found["hangul"]:
            yield from _korean(piece, morphemes)
        elif found["han"]:
            yield from _usable(piece, piece, _pairs(piece) if len(piece) > 2 else ())
        elif _DIGITS.fullmatch(_JOINT.sub("", piece)):
            for number in _DIGITS.findall(piece):
                yield from _usable(number, number, ())
        else:
            yield from _latin(piece)


def _usable(spelling: str, stem: str, parts: tuple[str, ...]) -> Iterator[_Terms]:
    """Nothing for a stop word; a stem that is too long is searched by its parts."""
    if spelling in _STOP or stem in _STOP:
        return
    if len(stem) > MAX_TERM_CHARS:
        if not parts:
            return
        spelling, stem, parts = parts[0], parts[0], parts[1:]
    yield stem, parts, spelling


def _korean(piece: str, morphemes: Morphemes | None) -> Iterator[_Terms]:
    if piece in _STOP or (len(piece) <= 2 and piece in _SUFFIXES):
        return
    stem = _stem_korean(piece)
    parts = _pairs(stem) if len(stem) > 2 else ()
    if morphemes is not None and len(piece) <= MAX_TERM_CHARS:
        inside = (part for part in morphemes(piece) if len(part) > 1 and part != stem)
        parts = tuple(dict.fromkeys((*parts, *inside)))
    yield from _usable(stem, stem, parts)


def _stem_korean(word: str) -> str:
    """Take off the longest suffix that leaves two syllables: 의 of 회의 belongs to the noun."""
    for length in range(min(_SUFFIX_MAX_CHARS, len(word) - 2), 0, -1):
        if word[-length:] in _SUFFIXES:
            return word[:-length]
    return word


def _pairs(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text[n : n + 2] for n in range(len(text) - 1)))


def _latin(piece: str) -> Iterator[_Terms]:
    dotted = "." if piece[0] == "." else ""
    pieces = [part for part in _JOINT.split(piece) if part]
    if len(pieces) == 1 or pieces[1:] == ["s"]:
        yield from _usable(piece, dotted + _stem_latin(pieces[0]), ())
        return
    parts = [_stem_latin(part) for part in pieces]
    kept = tuple(part for part in parts if len(part) > 1 and part not in _STOP)
    yield from _usable(piece, dotted + "".join(pieces), kept)


def _stem_latin(word: str) -> str:
    """Enough that designer, designing and designs meet; too much would make all words one."""
    if len(word) < 5 or not (word.isascii() and word.isalpha()):
        return word[:-1] if len(word) == 4 and word.isalpha() and _is_plural(word) else word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif _is_plural(word):
        word = word[:-1]
    for ending, least in (("ing", 4), ("ed", 4), ("ment", 4), ("ion", 5), ("er", 4), ("or", 4)):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= least and _VOWEL.search(stem):
            word = stem
            if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word.removesuffix("e") if len(word) > 4 else word


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))
