# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""E-mail addresses, phone numbers and links, and whether they are the person's own."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.candidates.rules.headings import Kind
from app.candidates.rules.labels import Label, labels_of, pairs
from app.candidates.rules.lines import Line
from app.candidates.rules.phones import PHONE_MIN_DIGITS, digits_of, phone_key, phones_in
from app.candidates.rules.sections import Section
from app.candidates.rules.wordlists import words

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

_OTHERS_WORD = re.compile(
    r"추천인|보증인|비상\s?연락|긴급\s?연락|보호자|지도\s?교수|직속\s?상사|회사\s?전화|대표\s?전화|인사\s?담당|\b(?:referees?|reference|supervisor|emergency contact|advis[eo]r|manager|line manager)\b\s*[:(]",
    re.IGNORECASE,
)

_TLD = "com|org|net|io|dev|me|kr|ai|app|tech|site|xyz|page|edu|info|blog|so|gg|be|us|uk|de|fr|jp|cn|ca|au|eu|ch|nl|se|es|it|in|sg|co|cc|tv|to|works|studio|design|online|space|link|bio|pro|cv|ly|example|test"
_URL = re.compile(
    rf"(?<![\w@.])(?:https?://[^\s<>\"'|,;]{{3,400}}|www\.[^\s<>\"'|,;]{{3,300}}"
    rf"|(?:[A-Za-z0-9](?:[A-Za-z0-9-]{{0,40}}[A-Za-z0-9])?\.){{1,5}}(?:{_TLD})(?![\w-]|\.\w)(?:[/?#][^\s<>\"'|,;]{{0,300}})?)",
    re.IGNORECASE,
)
_MAY_HOLD = re.compile(
    r"@|©|[\[(]\s?at\s?[\])]|\d[\d\s().\-/·]{5}|[A-Za-z]\s?\.\s?[A-Za-z]|://", re.IGNORECASE
)
_SCHEME = re.compile(r"^https?://", re.IGNORECASE)
_WWW = re.compile(r"^www\.", re.IGNORECASE)
_PROFILE_HOSTS = re.compile(
    r"^(?:[\w-]+\.)?(?:github\.com/[\w.-]+/?$|github\.io|gitlab\.com/[\w.-]+/?$|linkedin\.com/(?:in|pub)/|behance\.net/"
    r"|dribbble\.com/|notion\.(?:so|site)|medium\.com/@|velog\.io|tistory\.com|brunch\.co\.kr/@|blog\.naver\.com/"
    r"|stackoverflow\.com/users/|kaggle\.com/[\w-]+/?$|scholar\.google\.[a-z.]+/citations|orcid\.org/|twitter\.com/\w+/?$"
    r"|x\.com/\w+/?$|instagram\.com/[\w.-]+/?$|bitbucket\.org/[\w-]+/?$|leetcode\.com/|huggingface\.co/[\w-]+/?$"
    r"|dev\.to/\w+/?$|researchgate\.net/profile/|codepen\.io/[\w-]+/?$|acmicpc\.net/user/|solved\.ac/profile/)",
    re.IGNORECASE,
)
_NOT_PROFILE_HOSTS = re.compile(
    r"^(?:[\w-]+\.)?(?:doi\.org|arxiv\.org|dl\.acm\.org|ieee\.org|patents\.google|youtube|youtu\.be)",
    re.IGNORECASE,
)
_ADDRESS_MAX_CHARS = 200
_SIGN = re.compile(r"\s*[|｜·•;,\t]\s*|\s{2,}|\s+[/–—-]\s+")
_NATIONAL = re.compile(r"\(?0\d{1,4}\)?[\s.-]\d{2,4}[\s.-]?\d{2,4}(?:[\s.-]\d{2,4}){0,2}")
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


_OCR_SCHEME = re.compile(r"(?<=http)\s?:\s?/\s?/\s?|(?<=https)\s?:\s?/\s?/\s?")
_OCR_WWW = re.compile(r"\bwww\s?\.\s?(?=\w)", re.IGNORECASE)
_SITES = words(
    "linkedin github gitlab behance dribbble notion medium velog tistory brunch naver stackoverflow kaggle"
    " scholar orcid twitter instagram huggingface"
)
_KOREAN_SITES = {
    "노션": "notion",
    "깃허브": "github",
    "링크드인": "linkedin",
    "브런치": "brunch",
    "벨로그": "velog",
}


class Place(StrEnum):
    """Where a contact was found, best first."""

    OWN = "own"
    NEUTRAL = "neutral"
    OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One contact datum as written, with its line."""

    value: str
    place: Place
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """What belongs to the person, in order of appearance, duplicates removed."""

    emails: tuple[Found, ...]
    phones: tuple[Found, ...]
    links: tuple[Found, ...]


_OTHERS_KINDS = frozenset({Kind.REFERENCES, Kind.FAMILY, Kind.PUBLICATIONS})
_OWN_KINDS = frozenset({Kind.HEADER, Kind.CONTACT, Kind.LINKS, Kind.TITLE})


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
    return _WWW.sub("", _SCHEME.sub("", value.strip())).rstrip("/").casefold()


def find_contacts(sections: Sequence[Section], targets: Sequence[str]) -> Contacts:
    """The person's own data. `targets` are the file's hyperlinks."""
    emails: list[Found] = []
    phones: list[Found] = []
    links: list[Found] = []
    target_keys = [link_key(t) for t in targets if _SCHEME.match(t)]
    for section in sections:
        for line in _rejoined(section.lines, target_keys):
            if _MAY_HOLD.search(line.text):
                _read(line, _place(section, line), emails, phones, links)
                if section.kind is Kind.PROJECTS:  # what somebody has made is theirs to show
                    links += [
                        Found(value=v, place=Place.OWN, line=line) for v in links_in(line.text)
                    ]
    own_links = _own_links(links, emails + phones)
    own_links += _from_targets(targets, links, sections)
    mails = [t[7:].split("?")[0] for t in targets if t.casefold().startswith("mailto:")]
    own_emails = _own(emails, str.casefold)
    if not own_emails and mails and not emails:
        own_emails = [Found(value=mails[0], place=Place.NEUTRAL, line=Line(index=-1, text=""))]
    return Contacts(
        emails=tuple(own_emails), phones=tuple(_own(phones, phone_key)), links=tuple(own_links)
    )


def _from_targets(
    targets: Sequence[str], shown: Sequence[Found], sections: Sequence[Section]
) -> list[Found]:
    """Hyperlinks without a written address: the site is named at the top, or no address is written."""
    written = {link_key(f.value) for f in shown}
    top = " ".join(
        line.text for s in sections if s.kind in _OWN_KINDS for line in s.lines[:40]
    ).casefold()
    for korean, site in _KOREAN_SITES.items():
        top = top.replace(korean, f" {site} ")
    unique: dict[str, Found] = {}
    for target in targets:
        key = link_key(target)
        named = any(site in key and re.search(rf"\b{site}\b(?!\.)", top) for site in _SITES)
        if (
            _SCHEME.match(target)
            and _is_profile(target)
            and key not in written
            and (named or not written)
        ):
            unique.setdefault(
                key, Found(value=target, place=Place.NEUTRAL, line=Line(index=-1, text=""))
            )
    return list(unique.values())


def _read(
    line: Line, place: Place, emails: list[Found], phones: list[Found], links: list[Found]
) -> None:
    mails = emails_in(line.text, ocr=line.ocr)
    emails += (Found(value=v, place=place, line=line) for v in mails)
    own = place is Place.OWN
    phones += (Found(value=v, place=place, line=line) for v in _phones_of(line, own=own))
    text = line.text
    for mail in mails:
        text = text.replace(mail, " ")
    if line.ocr:
        text = _OCR_WWW.sub("www.", _OCR_SCHEME.sub("://", text))
    links += (Found(value=v, place=place, line=line) for v in links_in(text))


def _national(text: str) -> list[str]:
    """Numbers without a country's code that stand alone between signs: 020 7946 0000 | jane@example.org."""
    pieces = _SIGN.split(text) if "0" in text and len(text) <= _ADDRESS_MAX_CHARS else []
    alone = [piece for piece in pieces if _NATIONAL.fullmatch(piece)]
    return [value for piece in alone for value in phones_in(piece, labelled=True)]


def _phones_of(line: Line, *, own: bool) -> list[str]:
    if len(digits_of(line.text)) < PHONE_MIN_DIGITS:
        return []
    labelled: list[str] = []
    unwanted: set[str] = set()
    for found, value in pairs(line):
        if found & {Label.PHONE} and not found & {Label.OTHERS}:
            labelled += phones_in(value, labelled=True)
        elif found & {Label.SENSITIVE, Label.OTHERS}:
            unwanted.update(digits_of(v) for v in phones_in(value, labelled=True))
    everything = labelled + phones_in(line.text) + (_national(line.text) if own else [])
    kept: dict[str, str] = {}
    for value in everything:
        if digits_of(value) not in unwanted:
            kept.setdefault(phone_key(value), value)
    return list(kept.values())


def _place(section: Section, line: Line) -> Place:
    if section.kind in _OTHERS_KINDS:  # 연구실적 | https://… among the contacts is one's own list
        listed = section.kind is Kind.PUBLICATIONS and section.within in _OWN_KINDS
        return Place.OWN if listed else Place.OTHERS
    if _OTHERS_WORD.search(line.text[:400]) and not _begins_with_own(line):
        return Place.OTHERS
    if section.kind in _OWN_KINDS and not (line.bullet and len(line.text) > 80):
        return Place.OWN
    labels = {label for found, _ in pairs(line) for label in found}
    if labels & {Label.EMAIL, Label.PHONE, Label.LINK} and not line.bullet:
        return Place.OWN
    return Place.OTHERS if line.bullet else Place.NEUTRAL


def _begins_with_own(line: Line) -> bool:
    """연락처 | 010-… | 비상연락 | …: the first pair of a row is the person's."""
    first = labels_of(line.cells[0]) if len(line.cells) > 2 else frozenset[Label]()
    own = first & {Label.EMAIL, Label.PHONE, Label.LINK} and not first & {Label.OTHERS}
    return bool(own) and _OTHERS_WORD.search(" ".join(line.cells[:2])) is None


def _own(found: Iterable[Found], key: Callable[[str], str]) -> list[Found]:
    """Those from the header or a contact section; failing that, from anywhere but others' places."""
    rows = [f for f in found if f.place is not Place.OTHERS]
    best = [f for f in rows if f.place is Place.OWN] or rows
    unique: dict[str, Found] = {}
    for row in best:
        unique.setdefault(key(row.value), row)
    return list(unique.values())


def _own_links(found: Sequence[Found], others: Sequence[Found]) -> list[Found]:
    kept: list[Found] = []
    own = [f.line.index for f in others if f.place is not Place.OTHERS and f.line.page == 1]
    for row in found:
        profile = _is_profile(row.value) or _stands_with(row, own)
        if row.place is Place.OTHERS or _NOT_PROFILE_HOSTS.match(link_key(row.value)):
            continue
        if row.place is Place.OWN or profile:
            kept.append(row)
    accounts = tuple(f"{link_key(f.value)}/" for f in kept if _is_profile(f.value))
    kept += [f for f in found if accounts and link_key(f.value).startswith(accounts)]
    if not kept:
        kept = [f for f in found if f.place is Place.NEUTRAL and _SCHEME.match(f.value)][:1]
    unique: dict[str, Found] = {}
    for row in kept:
        unique.setdefault(link_key(row.value), row)
    return list(unique.values())


def _stands_with(row: Found, own: Sequence[int]) -> bool:
    """Whether an address is listed among mail and phone, under whatever heading."""
    text = row.line.text
    return (
        len(text) <= _ADDRESS_MAX_CHARS
        and len(text.split()) <= 3
        and any(abs(row.line.index - index) <= 2 for index in own)
    )


def _is_profile(value: str) -> bool:
    return _PROFILE_HOSTS.match(link_key(value)) is not None


def _rejoined(lines: Sequence[Line], targets: Sequence[str]) -> list[Line]:
    """Lines with addresses that a narrow column broke in two put together again."""
    result: list[Line] = []
    for line in lines:
        if result and (joined := _broken(result[-1], line, lines, targets)):
            result[-1] = replace(result[-1], text=joined, box=line.box)
            continue
        result.append(line)
    return result


_TAIL = re.compile(r"[^\s|,;]+$")
_BRACKET_TAIL = re.compile(r"\s+\([A-Za-z가-힣 ]{2,20}\)$")  # what kind of address it is
_LETTERS_SHORT = 1.6
_ENDING = re.compile(r"\.[a-z]{2,6}")
_OWN_PATH = re.compile(r"(?:www\.)?[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[a-z]{2,6}/[^\s/]")
_HOST = re.compile(r"[a-z0-9][a-z0-9-]*\.[a-z0-9-]+\.[a-z]{2,6}/?", re.IGNORECASE)
_BEFORE_SIGN = re.compile(r"[^\s|,;]+(?=\s*[|,;·]|$)")
_PIECE = re.compile(r"[./_-]?[A-Za-z0-9][A-Za-z0-9._~%/#?&=+@-]*$")


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
    unfinished = _SCHEME.match(head) and head.endswith(("-", "/", "_", ".", "="))
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
    mailed = _SCHEME.match(head) is None and "/" not in head.partition("@")[0]
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
    if not (_SCHEME.match(head) or links_in(head)):
        return None
    hostless = _SCHEME.match(head) and "." not in head  # https://ann-, below it own.example.com
    own = _SCHEME.match(lower.text) or _OWN_PATH.match(lower.text) or _HOST.fullmatch(lower.text)
    if own and not hostless:
        return None  # an address of its own
    key = link_key(whole)
    if any(t == key or (t.startswith(key) and t != link_key(head)) for t in targets):
        return upper.text + lower.text
    sure = _SCHEME.match(head) or _OWN_PATH.match(head)
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
