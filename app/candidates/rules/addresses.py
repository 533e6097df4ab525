# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Mail and web addresses in a text, and those that a narrow column broke in two."""

import re
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.rules.lines import Line
from app.documents.wrapping import goes_on

# RFC 5321: 64 octets of local part; windows of that size keep the scan linear.
_LOCAL_MAX, _DOMAIN_MAX = 64, 190
_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?$")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,18}(?![A-Za-z0-9])"
)
_SPELLED_AT = re.compile(r"\s?[\[(]\s?at\s?[\])]\s?", re.IGNORECASE)
_SPELLED_DOT = re.compile(r"\s?[\[(]\s?dot\s?[\])]\s?", re.IGNORECASE)
_OCR_MAIL_SPACES = re.compile(r"(?<=[A-Za-z0-9])\s?[@©]\s?(?=[A-Za-z0-9][\w-]{0,40}\s?\.)")
_OCR_DOT_SPACES = re.compile(r"(@[\w-]{1,40}) ?\. ?([A-Za-z]{2,10}\b)")

_TLD = "com|org|net|io|dev|me|kr|ai|app|tech|site|xyz|page|edu|info|blog|so|gg|be|us|uk|de|fr|jp|cn|ca|au|eu|ch|nl|se|es|it|in|sg|co|cc|tv|to|works|studio|design|online|space|link|bio|pro|cv|ly|example|test"
_URL = re.compile(
    rf"(?<![\w@.])(?:https?://[^\s<>\"'|,;]{{3,400}}|www\.[^\s<>\"'|,;]{{3,300}}"
    rf"|(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,40}}[A-Za-z0-9])?\.){{1,5}}(?:{_TLD})(?![\w-]|\.\w)(?:[/?#][^\s<>\"'|,;]{{0,300}})?)",
    re.IGNORECASE,
)
SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_WWW = re.compile(r"^www\.", re.IGNORECASE)
_LINK_TRIM = ".,;:)]}>'\"·"
_TECHNOLOGIES = frozenset(
    {
        "asp.net",
        "ado.net",
        "vb.net",
        "socket.io",
        "draw.io",
        "fast.ai",
        "h2o.ai",
        "c.ai",
        "next.js",
        "booking.com",
        "amazon.com",
    }
)
_TAIL = re.compile(r"[^\s|,;]+$")
_BRACKET_TAIL = re.compile(r"\s+\([A-Za-z가-힣 ]{2,20}\)$")  # what kind of address it is
_LETTERS_SHORT = 1.6
_ENDING = re.compile(r"\.[a-z]{2,6}")
_OWN_PATH = re.compile(r"(?:www\.)?[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[a-z]{2,6}/[^\s/]")
_HOST = re.compile(r"[a-z0-9][a-z0-9-]*\.[a-z0-9-]+\.[a-z]{2,6}/?", re.IGNORECASE)
_BEFORE_SIGN = re.compile(r"[^\s|,;]+(?=\s*[|,;·]|$)")
_PIECE = re.compile(r"[./_-]?[A-Za-z0-9][A-Za-z0-9._~%/#?&=+@-]*$")


def emails_in(text: str, *, ocr: bool = False) -> list[str]:
    """Addresses as written (spelled-out and OCR-spaced ones repaired)."""
    if "@" not in text and "at" not in text and not ocr:
        return []
    if len(text) <= 400:
        text = _SPELLED_DOT.sub(".", _SPELLED_AT.sub("@", text))
        if ocr:
            text = _OCR_DOT_SPACES.sub(r"\1.\2", _OCR_MAIL_SPACES.sub("@", text))
    found: list[str] = []
    for at in re.finditer("@", text):
        local = _LOCAL.search(text[max(0, at.start() - _LOCAL_MAX) : at.start()])
        domain = _DOMAIN.match(text, at.end(), at.end() + _DOMAIN_MAX)
        if local and domain:
            found.append(f"{local[0]}@{domain[0]}")
    return found


def links_in(text: str) -> list[str]:
    """URLs and bare domains as written."""
    found: list[str] = []
    for match in _URL.finditer(text):
        value = match[0].rstrip(_LINK_TRIM)
        if value.count("(") < value.count(")"):
            value = value.rstrip(")")
        if value.casefold() in _TECHNOLOGIES or text[match.end() : match.end() + 1] == "@":
            continue
        found.append(value)
    return found


def link_key(value: str) -> str:
    """The same for one address with and without scheme, www. and closing slash."""
    return _WWW.sub("", SCHEME.sub("", value.strip())).rstrip("/").casefold()


def rejoined(lines: Sequence[Line], targets: Sequence[str]) -> list[Line]:
    """Lines with addresses that a narrow column broke in two put together again."""
    result: list[Line] = []
    for line in (_less_spaces(line, targets) for line in lines):
        joined = None
        if result and _goes_on(result[-1], line):
            joined = result[-1].text + line.text
        elif result:
            joined = _broken(result[-1], line, lines, targets)
        if joined:
            result[-1] = replace(result[-1], text=joined, box=line.box)
        else:
            result.append(line)
    return result


def _goes_on(upper: Line, lower: Line) -> bool:
    """Whether a mail address or a number does; of others more must be known."""
    tail = _TAIL.search(upper.text[-200:])
    lines = not upper.cells and not lower.cells
    return lines and bool(tail and not links_in(tail[0])) and goes_on(upper.text, lower.text)


def _less_spaces(line: Line, targets: Sequence[str]) -> Line:
    """A cell's two lines are one text with a space; where a link leads tells of an address in it."""
    text = line.text
    for link in links_in(text) if "/ " in text or "- " in text else ():
        before, _, behind = text.partition(f"{link} ")
        word = _BEFORE_SIGN.match(behind)
        if word and link_key(link + word[0]) in targets:
            text = f"{before}{link}{behind}"
    return line if text == line.text else replace(line, text=text)


def _fills_its_column(upper: Line, lower: Line, lines: Sequence[Line]) -> bool:
    """Whether a line runs as far as any other of its column, and the next begins under it."""
    if upper.box is None or lower.box is None:
        return False
    left, right = upper.box.left, upper.box.right
    if abs(lower.box.left - left) > 2 or not 0 < lower.box.top - upper.box.top < 30:
        return False
    letter = (right - left) / max(len(upper.text), 1)
    others = [x.box.right for x in lines if x.box and abs(x.box.left - left) <= 2]
    return right >= max(others) - _LETTERS_SHORT * letter  # m is wider than i


def _rest_of_address(head: str, below: str) -> str | None:
    """What may go on an address on the next line: all of it, or its first word after a hyphen."""
    bare = _BRACKET_TAIL.sub("", below)
    if _PIECE.match(bare):
        return bare
    first = _BEFORE_SIGN.match(below)
    unfinished = SCHEME.match(head) and head.endswith(("-", "/", "_", ".", "="))
    return first[0] if unfinished and first and _PIECE.match(first[0]) else None


def _broken(upper: Line, lower: Line, lines: Sequence[Line], targets: Sequence[str]) -> str | None:
    tail = _TAIL.search(upper.text[-200:])
    if (
        not tail
        or upper.cells
        or lower.cells
        or len(lower.text) > 120
        or not (rest := _rest_of_address(tail[0], lower.text))
    ):
        return None
    head = tail[0]
    whole = head + rest
    # brunch.example.com/@me is no mail address
    mailed = SCHEME.match(head) is None and "/" not in head.partition("@")[0]
    if mailed and ("@" in head) != ("@" in whole) and "@" in lower.text:
        return None if not head.endswith((".", "_", "-", "@")) else upper.text + lower.text
    if mailed and "@" in head:
        domain = head.rpartition("@")[2]
        unfinished = (
            "." not in domain
            or head.endswith((".", "-"))
            or len(domain.rpartition(".")[2]) < 2
            or _ENDING.fullmatch(rest) is not None
        )
        return upper.text + lower.text if unfinished and "." in whole.rpartition("@")[2] else None
    # A browser may draw no hyphen where it breaks a word.
    joint = next((sign for sign in ("", "-") if link_key(head + sign + rest) in targets), None)
    if joint is not None:
        return upper.text + joint + lower.text
    hostless = SCHEME.match(head) and "." not in head  # https://ann-, below it own.example.com
    own = SCHEME.match(lower.text) or _OWN_PATH.match(lower.text) or _HOST.fullmatch(lower.text)
    if (
        not (SCHEME.match(head) or links_in(head))
        or (own and not hostless)
        or lower.text in emails_in(lower.text)
        or link_key(head) in targets
    ):
        return None  # no address, a whole one, or one above another of its own
    key = link_key(whole)
    if any(t.startswith(key) and t != link_key(head) for t in targets):
        return upper.text + lower.text
    sure = SCHEME.match(head) or _OWN_PATH.match(head)
    if (
        (lower.text[0].islower() or lower.text[0].isdigit())
        and sure
        and _fills_its_column(upper, lower, lines)
    ):
        return upper.text + lower.text
    return (
        upper.text + lower.text
        if head.endswith(("/", "-", "_", "=", ".")) or lower.text.startswith(("/", ".", "-", "_"))
        else None
    )
