"""Whether two names can be one person's, however they are written.

Nothing is decided by a name alone: those who are compared share a mail or a phone. Families do,
too, and so do all whom one agency sends; so what differs in a letter is another person.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final


class Likeness(IntEnum):
    """How well two names agree.

    `UNKNOWN`: of different scripts, a name missing, or a single word; letters cannot tell.
    `LOOSE`: they agree as far as they are written: initials, a middle name left out, another
    romanisation of one Korean name.
    """

    DIFFERENT = 0
    UNKNOWN = 1
    LOOSE = 2
    SAME = 3


Words = tuple[str, ...]

_HANGUL: Final = "hangul"
_LATIN: Final = "latin"
_OTHER: Final = "other"

_NO_PART: Final = frozenset(
    {
        "dr", "mr", "mrs", "ms", "miss", "prof", "professor", "sir", "rev", "phd", "md", "mba",
        "jr", "sr", "ii", "iii", "esq", "cpa", "rn", "씨", "님", "박사", "교수",
    }
)  # fmt: skip
_BETWEEN_WORDS: Final = re.compile(r"[\s,./|·()\[\]\"“”]+")
_WITHIN_WORDS: Final = re.compile(r"['’`\-‐-―−]")

# Passports and people write a family name in these ways; the first stands for all.
_FAMILIES: Final = """
kim gim,lee yi rhee ri li i,park pak bak bark,choi choe,jung jeong chung cheong joung,kang gang,
cho jo joh,yoon yun youn,jang chang,lim im rim yim,han,oh o,seo suh so,shin sin,kwon gwon,hwang,
ahn an,song,ryu yoo yu ryoo you yoou,hong,jeon jun chun cheon,ko go koh goh,moon mun,yang ryang,
son sohn,bae pae,baek paik back baik paek,heo hur huh her,nam,sim shim,noh no roh ro,ha hah,
kwak gwak,sung seong,cha,joo ju chu,woo wu u,koo ku gu goo,min,jin chin,ji chi,eom um uhm,
won weon,bang pang,kong gong,byun byeon,yeo yuh,na ra nah,mo mu
"""
_SPELLINGS: Final = [frozenset(group.split()) for group in _FAMILIES.split(",")]

_ONE_SOUND: Final = (
    # Within a closed syllable both are ㅓ or ㅕ; an open one is written `eo` or `uh` alone.
    (re.compile(r"uh(?![aeiouwy])"), "eo"),
    (re.compile(r"eo(?=(?:ng|[nmlkgp])(?![aeiouwy]))"), "u"),
    (re.compile(r"you(?=ng|n(?![aeiouwy]))"), "yu"),
    (re.compile(r"oo"), "u"),
    (re.compile(r"sh(?=[iy])"), "s"),
    (re.compile(r"ee"), "i"),
    (re.compile(r"k"), "g"),
)


def likeness(ours: Sequence[str], theirs: Sequence[str]) -> Likeness:
    """Compare the spellings of one name with those of another, each of its script with its like."""
    pairs = [
        _compare(script, mine, yours)
        for script, mine in _spellings(ours)
        for other, yours in _spellings(theirs)
        if script == other
    ]
    return max(pairs, default=Likeness.UNKNOWN)


def likeness_to_all(ours: Sequence[str], known: Iterable[Sequence[str]]) -> Likeness:
    """Compare a name with those that earlier résumés of one person show.

    One that contradicts outweighs one that is merely abbreviated: `J. Kim` is no bridge from one
    person to another.
    """
    grades = [likeness(ours, theirs) for theirs in known]
    if Likeness.SAME in grades:
        return Likeness.SAME
    return min((each for each in grades if each is not Likeness.UNKNOWN), default=Likeness.UNKNOWN)


def spellings_to_find(name: str) -> Iterator[str]:
    """The forms under which a name is looked up: as written, and whatever the order of its words."""
    yield name
    for _, words in _spellings([name]):
        yield from sorted(_in_any_order(words))


def _spellings(names: Sequence[str]) -> list[tuple[str, Words]]:
    """Each name as its words; one that is written in two scripts at once gives two."""
    found: list[tuple[str, Words]] = []
    for name in names:
        by_script: dict[str, list[str]] = {}
        for word in _words(name):
            by_script.setdefault(_script(word), []).append(word)
        found += [(script, tuple(words)) for script, words in by_script.items()]
    return found


def _words(name: str) -> Words:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(each for each in folded if unicodedata.category(each) != "Mn")
    joined = _WITHIN_WORDS.sub("", unicodedata.normalize("NFC", plain))
    return tuple(word for word in _BETWEEN_WORDS.split(joined) if word and word not in _NO_PART)


def _script(word: str) -> str:
    if all("가" <= each <= "힣" for each in word):
        return _HANGUL
    return _LATIN if word.isascii() or unicodedata.name(word[0], "").startswith("LATIN") else _OTHER


def _compare(script: str, ours: Words, theirs: Words) -> Likeness:
    if _in_any_order(ours) & _in_any_order(theirs):
        return Likeness.SAME
    if script != _LATIN:
        return Likeness.DIFFERENT
    if len(ours) == 1 or len(theirs) == 1:
        shared = set(ours) & set(theirs)
        return Likeness.UNKNOWN if shared else Likeness.DIFFERENT
    if any(_agrees(turned, theirs) for turned in _turned(ours)) or _sounds_like(ours, theirs):
        return Likeness.LOOSE
    return Likeness.DIFFERENT


def _in_any_order(words: Words) -> frozenset[str]:
    """As one word, the family name first, or last. Not the syllables among themselves: 수민 is not 민수."""
    return frozenset("".join(turned) for turned in _turned(words))


def _turned(words: Words) -> tuple[Words, ...]:
    return words, (*words[1:], words[0]), (words[-1], *words[:-1])


def _agrees(ours: Words, theirs: Words) -> bool:
    """Both ends agree, each word with its like or its initial; what one lacks is in the middle."""
    shorter, longer = sorted((ours, theirs), key=len)
    if not (_alike(shorter[0], longer[0]) and _alike(shorter[-1], longer[-1])):
        return False
    if not any(len(mine) > 1 and mine == yours for mine, yours in _ends(shorter, longer)):
        return False  # initials alone are anybody's
    rest = iter(longer[1:-1])
    return all(any(_alike(word, other) for other in rest) for word in shorter[1:-1])


def _ends(ours: Words, theirs: Words) -> tuple[tuple[str, str], tuple[str, str]]:
    return (ours[0], theirs[0]), (ours[-1], theirs[-1])


def _alike(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _sounds_like(ours: Words, theirs: Words) -> bool:
    """Two romanisations of one Korean name."""
    return any(
        family in group and other in group and _sound(given) == _sound(rest)
        for family, given in _split(ours)
        for other, rest in _split(theirs)
        for group in _SPELLINGS
    )


def _split(words: Words) -> tuple[tuple[str, str], tuple[str, str]]:
    """Family and given name, either way round."""
    return (words[0], "".join(words[1:])), (words[-1], "".join(words[:-1]))


def _sound(given: str) -> str:
    for pattern, same in _ONE_SOUND:
        given = pattern.sub(same, given)
    return given
