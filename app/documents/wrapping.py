"""Lines of a narrow cell made one text: what a word processor broke inside of a word is whole again.

A blank between the two halves of an address or a number would be a wrong one, that neither finds
the person nor is masked.
"""

import re
from collections.abc import Iterable

_MAIL = re.compile(r"[\w.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,18}", re.IGNORECASE)
_DOMAIN_REST = re.compile(r"[a-z0-9.-]+")
_LOCAL_BEGUN = re.compile(r"(?!e?-?mail\.)[a-z][a-z0-9._+-]{0,60}[._+-]")
_ENDINGS = frozenset({"com", "net", "org", "edu", "info", "dev", "test"})
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS_REST = re.compile(r"[A-Za-z0-9./?&=#%~+_-]+")
_OPEN, _GOING_ON = ("/", "-", "_", ".", "=", "?", "&"), ("/", "_", ".", "=", "?", "&")
_NUMBER = re.compile(r"[\d)]-")
_NUMBER_REST = re.compile(r"\d{3,4}(?![\d.,/])")


def one_text(lines: Iterable[str]) -> str:
    """The lines with a blank between them, but for addresses and phone numbers that go on."""
    text = ""
    for line in lines:
        text += line if not text or goes_on(text, line) else f" {line}"
    return text


def goes_on(upper: str, lower: str) -> bool:
    """Whether the first word of `lower` is the rest of the last one of `upper`."""
    head, rest = _last(upper), _first(lower)
    if not head or not rest:
        return False
    if "@" in head:
        return _is_rest_of_mail(head, rest)
    if "@" in rest:
        return _is_begun_mail(upper, rest)
    if _ADDRESS.fullmatch(head):
        ends = head.endswith(_OPEN) or rest.startswith(_GOING_ON)
        return ends and _ADDRESS_REST.fullmatch(rest) is not None
    return _NUMBER.fullmatch(head[-2:]) is not None and _NUMBER_REST.match(rest) is not None


def _is_rest_of_mail(head: str, rest: str) -> bool:
    domain = head.rpartition("@")[2].casefold()
    ending = domain.rpartition(".")[2]
    unfinished = (
        "." not in domain
        or len(ending) <= 1
        or ending.endswith("-")
        or rest.startswith(".")
        or (ending + rest in _ENDINGS and ending not in _ENDINGS)
    )
    whole = _MAIL.fullmatch(head + rest) is not None
    return unfinished and whole and _DOMAIN_REST.fullmatch(rest) is not None


def _is_begun_mail(upper: str, rest: str) -> bool:
    """Nothing stands above but the first letters of the address, up to a sign in it."""
    begun = _LOCAL_BEGUN.fullmatch(upper) is not None
    return begun and _MAIL.fullmatch(upper + rest) is not None


def _last(text: str) -> str:
    return text[-200:].rpartition(" ")[2] if not text[-1:].isspace() else ""


def _first(text: str) -> str:
    return text[:200].partition(" ")[0]
