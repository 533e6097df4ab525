"""Characters: how bytes of a text file become them, and which of them a résumé means."""

import re
import unicodedata

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SAMPLE_BYTES = 4096
_MIN_ZERO_SHARE = 0.2  # UTF-16 text without a mark: every space, digit and Latin letter has a zero

_EVERYDAY = re.compile("[\t\n\r -~\u00a1-\u024f\u2000-\u206f\u3000-\u30ff\u4e00-\u9fff가-힣]+")
_MIN_EVERYDAY_SHARE = 0.9  # any pairs of bytes are UTF-16, but not of characters that people write

_SYLLABLE = re.compile("[가-힣]")
_LATIN_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z][a-z]{3,}(?![A-Za-z])")  # not acronyms
_VOWEL = re.compile("[aeiouyAEIOUY]")
_USUAL_LETTERS, _MIN_USUAL_SHARE = "etaoinsrl", 0.42
_ENOUGH = 20
# Letters beyond those of Latin, Greek, Cyrillic, kana, Chinese and Korean writing.
_FOREIGN = re.compile("[\u0530-\u10ff\u1200-\u1cff\u2c00-\u2dff\ua000-\ua95f\ua980-\uabff]")
_MAX_FOREIGN_SHARE, _TOO_MANY_SCRIPTS = 0.2, 3
_MAX_RARE_SHARE, _MAX_MUTE_SHARE = 0.08, 0.3
_SIGN = re.compile(r"[^\w\s!-~]")
_MAX_SIGN_SHARE = 0.5
_ACCENTED, _MAX_ACCENTED_SHARE = re.compile("[\u00c0-\u02af]"), 0.5

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffc-\uffff"
    "\ud800-\udfff]"
)
# How the bullets of word processors are called in a PDF: they are of Symbol and of Wingdings.
_BULLETS = str.maketrans(dict.fromkeys("\uf0b7\uf0a7\uf0d8\uf0fc\uf076", "•"))
# Icon fonts live in the private areas: they stand beside a phone number, they are not text.
_ICONS = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]+")
_SPACES = re.compile(r"[^\S\t\n]+")


def decode_text(data: bytes) -> str | None:
    """The text of a file without markup, or None where it is none.

    Detectors guess BIG5 or UTF-16 for short Korean files; strict decoding in this order does not.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding)
    sample = data[:_SAMPLE_BYTES]
    if b"\x00" in sample:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) < len(sample) // 2 * _MIN_ZERO_SHARE:
            return None
        text = _strict(data, "utf-16-be" if even > odd else "utf-16-le") or ""
        known = sum(map(len, _EVERYDAY.findall(text)))
        return text if known > len(text) * _MIN_EVERYDAY_SHARE else None
    text = _strict(data, "utf-8")
    return text if text is not None else _strict(data, "cp949")


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def clean(text: str) -> str:
    """Composed (NFC), without ligatures, icons, invisible and control characters.

    Runs of blanks become one space; tabs and line breaks stay.
    """
    text = _DROPPED.sub("", _ICONS.sub(" ", text.translate(_BULLETS))).translate(_LIGATURES)
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text))


def is_gibberish(text: str) -> bool:
    """Whether letters make no language: a font that tells wrong meanings for its glyphs.

    A page of signs that are no letters, and of many kinds, is none. A text in a foreign script has one, not Thaana beside Devanagari and Arabic. Korean is written with the 2,350 syllables of KS X 1001 but for one in two hundred; of all
    11,172 they are a fifth. Words of other languages have vowels, and nine letters make up two
    thirds of their text.
    """
    if len(signs := _SIGN.findall(text)) >= _ENOUGH and len(signs) > _MAX_SIGN_SHARE * letters(
        text
    ):
        return len(set(signs)) >= _ENOUGH  # a ruled line is drawn with few
    accented = _ACCENTED.findall(text)
    if len(accented) >= _ENOUGH and len(accented) > _MAX_ACCENTED_SHARE * letters(text):
        return True  # of Vietnamese they are a quarter
    foreign = _FOREIGN.findall(text)
    if len(foreign) > _MAX_FOREIGN_SHARE * letters(text) and len(foreign) >= _ENOUGH:
        scripts = {unicodedata.name(char, "?").split()[0] for char in foreign}
        return len(scripts) >= _TOO_MANY_SCRIPTS
    syllables = _SYLLABLE.findall(text)
    if len(syllables) >= _ENOUGH:
        rare = sum(1 for syllable in syllables if not _is_usual(syllable))
        return rare > _MAX_RARE_SHARE * len(syllables)
    found = _LATIN_WORD.findall(text)
    if len(found) < _ENOUGH:
        return False
    mute = sum(1 for word in found if not _VOWEL.search(word))
    written = "".join(found).lower()
    usual = sum(map(written.count, _USUAL_LETTERS))
    return mute > _MAX_MUTE_SHARE * len(found) or usual < _MIN_USUAL_SHARE * len(written)


def _is_usual(syllable: str) -> bool:
    return len(syllable.encode("euc-kr")) == 2  # noqa: PLR2004 - rarer ones are spelt in eight bytes


def letters(text: str) -> int:
    """How many letters and digits there are."""
    return sum(1 for char in text if char.isalnum())
