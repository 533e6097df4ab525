"""The last line of defence: whatever reaches a log line has personal data and secrets masked.

The first line is that nobody logs them. Patterns are wide on purpose: a masked version number costs
less than a leaked phone. All of them run in linear time.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from enum import Enum
from pathlib import PurePath
from typing import cast
from uuid import UUID

MASK = "***"
MAX_VALUE_CHARS = 20_000
"""Longer texts are cut: a log line is no place for a document."""

_MAX_DEPTH = 6
_SECRET_KEY = re.compile(
    r"passw(?:or)?d|passphrase|secret|credential|api[-_]?key|encryption[-_]?(?:previous[-_]?)?key"
    r"|access[-_]?key|private[-_]?key|authorization|cookie|(?:^|[-_])(?:token|jwt|dsn)$",
    re.IGNORECASE,
)

# Most values are ids, counts and words, and are left at once: a line has 10 values and 11 rules.
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?::\d{1,6})?")
_SUSPECT = re.compile(r"[\d@=:\x00-\x08\x0b-\x1f\x7f-\x9f]|[spr]k[-_]|bearer|basic", re.IGNORECASE)

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _if_birth_date(match: re.Match[str]) -> str:
    # Thirteen digits are also a time in milliseconds: only what starts with a date is a number
    # of a person.
    month, day = int(match["month"]), int(match["day"])
    return MASK if 1 <= month <= 12 and 1 <= day <= 31 else match[0]  # noqa: PLR2004 - the numbers are the format's own


def _if_enough_digits(match: re.Match[str]) -> str:
    return MASK if sum(map(str.isdigit, match[0])) >= 8 else match[0]  # noqa: PLR2004 - the numbers are the format's own


# Every repetition is bounded, so a long run of one letter costs linear time.
_RULES: tuple[_Rule, ...] = (
    # name=value and "name": "value" in running text
    (
        re.compile(
            r"(?i)(passw(?:or)?d|passphrase|secret|api[-_]?key|encryption[-_]key"
            r"|access[-_]key|token|authorization|cookie)(\\?['\"]?\s{0,3}[=:]\s{0,3}\\?['\"]?)"
            r"(?:(?:bearer|basic)\s{1,3})?[^\s'\",;&)}\]]{1,4096}"
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,3}[a-z0-9._~+/=-]{8,4096}"), rf"\1 {MASK}"),
    # scheme://user:password@host
    (re.compile(r"(://[^\s:/@]{0,256}):[^\s/@]{1,256}@"), rf"\1:{MASK}@"),
    (re.compile(r"(?<![A-Za-z0-9])[spr]k[-_][A-Za-z0-9_-]{16,256}"), MASK),
    # exactly 64 hex digits: the shape of an encryption key
    (re.compile(r"(?<![0-9A-Za-z])[0-9a-fA-F]{64}(?![0-9A-Za-z])"), MASK),
    (re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"), MASK),
    (
        re.compile(
            r"(?<![0-9A-Za-z])\d{2}(?P<month>\d{2})(?P<day>\d{2})[ \t]?[-–]?[ \t]?"
            r"\d[\d*]{6}(?![0-9A-Za-z])"
        ),
        _if_birth_date,
    ),
    (re.compile(r"(?<![\w+-])\+\d[\d\-. ()]{6,20}\d(?![\w-])"), _if_enough_digits),
    (re.compile(r"(?<![0-9A-Za-z-])01[016789][-. ]?\d{3,4}[-. ]?\d{4}(?![0-9A-Za-z-])"), MASK),
    (re.compile(r"(?<![0-9A-Za-z-])0\d{1,2}[-. )]\d{3,4}[-. ]\d{4}(?![0-9A-Za-z-])"), MASK),
    (re.compile(r"(?<![\w-])(?:\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}(?![\w-])"), MASK),
)
# A file's colour codes and stray carriage returns must not reach a terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def redact_text(text: str) -> str:
    """Mask mail addresses, phones, resident registration numbers and secrets in a text."""
    if _ID.fullmatch(text) or not _SUSPECT.search(text):
        return text[:MAX_VALUE_CHARS]
    if len(text) > MAX_VALUE_CHARS:
        text = f"{text[:MAX_VALUE_CHARS]}… ({len(text)} chars)"
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _CONTROL.sub("�", text)


def redact_field(key: str, value: object) -> object:
    """Mask one named value, and all that it contains.

    An object of an unknown class becomes the name of its class: its `repr` may show anything.
    """
    return _redact(key, value, 0)


def _redact(key: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_KEY.search(key):
        return MASK
    match value:
        case Enum():
            return _redact(key, value.value, depth)
        case str():
            return redact_text(value)
        case UUID() | date() | time() | PurePath():
            return redact_text(str(value))
        case BaseException():
            return redact_text(f"{type(value).__qualname__}: {value}")
        case _:
            return _redact_container(key, value, depth + 1)


def _redact_container(key: str, value: object, depth: int) -> object:
    match value:
        case Mapping() if depth <= _MAX_DEPTH:
            pairs = cast("Mapping[object, object]", value).items()
            return {
                redact_text(str(name)): _redact(str(name), inner, depth) for name, inner in pairs
            }
        case list() | tuple() | set() | frozenset() if depth <= _MAX_DEPTH:
            items = cast("Iterable[object]", value)
            return [_redact(key, inner, depth) for inner in items]
        case _:
            return f"<{type(value).__qualname__}>"
