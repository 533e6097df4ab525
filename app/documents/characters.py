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

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
)
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufffc-\uffff"
    "\ud800-\udfff]"
)
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
    text = _DROPPED.sub("", _ICONS.sub(" ", text)).translate(_LIGATURES)
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text))


def letters(text: str) -> int:
    """How many letters and digits there are."""
    return sum(1 for char in text if char.isalnum())
