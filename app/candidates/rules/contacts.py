# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""E-mail addresses, phone numbers and links, and whether they are the person's own."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.candidates.rules.addresses import SCHEME, emails_in, link_key, links_in, rejoined
from app.candidates.rules.headings import Kind
from app.candidates.rules.labels import Label, labels_of, pairs
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.phones import PHONE_MIN_DIGITS, digits_of, phone_key, phones_in
from app.candidates.rules.sections import Section
from app.candidates.rules.wordlists import words

_OTHERS_WORD = re.compile(
    r"추천인|보증인|비상\s?연락|긴급\s?연락|보호자|지도\s?교수|직속\s?상사|회사\s?전화|대표\s?전화|인사\s?담당|\b(?:referees?|reference|supervisor|emergency contact|advis[eo]r|manager|line manager)\b\s*[:(]",
    re.IGNORECASE,
)

_PRINTED = re.compile(
    r"출력(?:되었|한|일시)|인쇄(?:되었|일)|\b(?:printed (?:from|by)|generated (?:by|with)|powered by)\b"
    r"|^https?://\S+\s+\d{1,3}/\d{1,3}$",
    re.IGNORECASE,
)
"""What a site or a browser writes under its print of a résumé."""

_MAY_HOLD = re.compile(
    r"@|©|[\[(]\s?at\s?[\])]|\d[\d\s().\-/·]{5}|[A-Za-z]\s?\.\s?[A-Za-z]|://", re.IGNORECASE
)
_PROFILE_HOSTS = re.compile(
    r"^(?:[\w-]+\.)?(?:github\.com/[\w.-]+/?$|github\.io|gitlab\.com/[\w.-]+/?$|linkedin\.com/(?:in|pub)/|behance\.net/"
    r"|dribbble\.com/|notion\.(?:so|site)|medium\.com/@|velog\.io|tistory\.com|brunch\.co\.kr/@|blog\.naver\.com/"
    r"|stackoverflow\.com/users/|kaggle\.com/[\w-]+/?$|scholar\.google\.[a-z.]+/citations|orcid\.org/|twitter\.com/\w+/?$"
    r"|x\.com/\w+/?$|instagram\.com/[\w.-]+/?$|bitbucket\.org/[\w-]+/?$|leetcode\.com/|huggingface\.co/[\w-]+/?$"
    r"|dev\.to/\w+/?$|researchgate\.net/profile/|codepen\.io/[\w-]+/?$|acmicpc\.net/user/|solved\.ac/profile/|public\.tableau\.com/(?:app/)?profile/|youtube\.com/@)",
    re.IGNORECASE,
)
_NOT_PROFILE_HOSTS = re.compile(
    r"^(?:[\w-]+\.)?(?:doi\.org|arxiv\.org|dl\.acm\.org|ieee\.org|patents\.google|youtube\.com/(?!@)|youtu\.be)",
    re.IGNORECASE,
)
_ADDRESS_MAX_CHARS = 200
_TOP_LINES, _DISPLAY_RATIO = 40, 1.3
_SHORT_TEXT = 2
_LETTERS = re.compile(r"[^\W\d_]+")
_NAME_MIN_CHARS = 4
_NOWHERE = Line(index=-1, text="")
_SIGN = re.compile(r"\s*[|｜·•;,\t]\s*|\s{2,}|\s+[/–—-]\s+")
_NATIONAL = re.compile(r"\(?0\d{1,4}\)?[\s.-]\d{2,4}[\s.-]?\d{2,4}(?:[\s.-]\d{2,4}){0,2}")
_OCR_SCHEME = re.compile(r"(?<=http)\s?:\s?/\s?/\s?|(?<=https)\s?:\s?/\s?/\s?")
_OCR_WWW = re.compile(r"\bwww\s?\.\s?(?=\w)", re.IGNORECASE)
_SITES = words(
    "linkedin github gitlab behance dribbble notion medium velog tistory brunch naver stackoverflow kaggle"
    " scholar orcid twitter instagram huggingface tableau mastodon"
)
_SHOWN = words(
    "my personal professional public full pdf download view see visit open online page profile link here 보기 바로가기 링크 온라인 개인 나의 페이지 프로필"
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


def find_contacts(
    sections: Sequence[Section], targets: Sequence[str], texts: Sequence[str] = ()
) -> Contacts:
    """The person's own data. `targets` are the file's hyperlinks, `texts` the words they stand behind."""
    emails: list[Found] = []
    phones: list[Found] = []
    links: list[Found] = []
    target_keys = [link_key(t) for t in targets if SCHEME.match(t)]
    for section in sections:
        for line in rejoined(section.lines, target_keys):
            if _MAY_HOLD.search(line.text):
                _read(section, line, emails, phones, links)
    own_links = _own_links(links, emails + phones)
    texts = texts or [""] * len(targets)
    behind = dict(zip(targets, texts, strict=True))
    name_parts = _name_parts(f.value for f in emails if f.place is not Place.OTHERS)
    own_links += _from_targets(behind, own_links, links, sections, name_parts)
    mails = [t[7:].split("?")[0] for t in targets if t.casefold().startswith("mailto:")]
    own_emails = _own(emails, str.casefold)
    if not own_emails and mails and not emails:
        own_emails = [Found(value=mails[0], place=Place.NEUTRAL, line=_NOWHERE)]
    return Contacts(
        emails=tuple(own_emails), phones=tuple(_own(phones, phone_key)), links=tuple(own_links)
    )


def _from_targets(
    targets: Mapping[str, str],
    own: Sequence[Found],
    shown: Sequence[Found],
    sections: Sequence[Section],
    name_parts: Collection[str],
) -> list[Found]:
    """Hyperlinks without a written address that are the person's own."""
    kept, written = ({link_key(found.value) for found in rows} for rows in (own, shown))
    top = [line for s in sections if s.kind in _OWN_KINDS for line in s.lines[:_TOP_LINES]]
    named = " ".join(line.text for line in top).casefold()
    for korean, site in _KOREAN_SITES.items():
        named = named.replace(korean, f" {site} ")
    large = {squeeze(line.text) for line in top if line.ratio >= _DISPLAY_RATIO}
    unique: dict[str, Found] = {}
    for target, text in targets.items():
        key = link_key(target)
        if not SCHEME.match(target) or key in kept or _NOT_PROFILE_HOSTS.match(key):
            continue
        site = any(name in key and re.search(rf"\b{name}\b(?!\.)", named) for name in _SITES)
        profile = _is_profile(target) and (site or not written)
        ends = _ends_like_a_site(text) and text.casefold() in named
        told = profile or ends or _names_a_site(text) or (text and squeeze(text) in large)
        if (told and key not in written) or _bears_the_name(text, key, name_parts):
            unique.setdefault(key, Found(value=target, place=Place.NEUTRAL, line=_NOWHERE))
    accounts = tuple(
        f"{link_key(f.value)}/" for f in (*own, *unique.values()) if _is_profile(f.value)
    )
    for target in targets if accounts else ():
        key = link_key(target)
        if key.startswith(accounts) and key not in written:
            unique.setdefault(key, Found(value=target, place=Place.NEUTRAL, line=_NOWHERE))
    return list(unique.values())


def _bears_the_name(text: str, key: str, name_parts: Collection[str]) -> bool:
    """Whether a link stands behind its account, or a mere sign, and the account is named after the person.

    Any other may be that of whoever made the template.
    """
    account = key.rsplit("/", 1)[-1].lstrip("@")
    told = text.casefold()
    broken = told.rpartition(" ")[2]  # at the end of its line
    shown = account in told or (len(broken) > _NAME_MIN_CHARS and account.startswith(broken))
    shown = shown or (not text and _is_profile(key))
    return shown and any(part in squeeze(account) for part in name_parts)


def _name_parts(mails: Iterable[str]) -> frozenset[str]:
    """What mail addresses tell of a name: `taekyung.yoon@…` has taekyung, yoon and taekyungyoon."""
    local = [mail.casefold().rpartition("@")[0] for mail in mails]
    parts = (*map(squeeze, local), *(part for name in local for part in _LETTERS.findall(name)))
    return frozenset(part for part in parts if len(part) >= _NAME_MIN_CHARS)


def _names_a_site(text: str) -> bool:
    """GitHub, My portfolio, 포트폴리오 보기: words for an address of one's own."""
    if Label.LINK in labels_of(text):  # 기술 블로그
        return True
    told = [word for word in text.replace("/", " ").split() if squeeze(word)]
    naming = [w for w in told if Label.LINK in labels_of(w) or squeeze(w) in _SITES]
    return bool(naming) and all(squeeze(w) in _SHOWN for w in told if w not in naming)


def _ends_like_a_site(text: str) -> bool:
    """Reading blog, Design portfolio: the person's own where it stands in the head of the file."""
    told = text.split()
    return len(told) == _SHORT_TEXT and Label.LINK in labels_of(told[-1])


def _read(
    section: Section, line: Line, emails: list[Found], phones: list[Found], links: list[Found]
) -> None:
    place = _place(section, line)
    mails = emails_in(line.text, ocr=line.ocr)
    emails += (Found(value=v, place=place, line=line) for v in mails)
    own = place is Place.OWN
    phones += (Found(value=v, place=place, line=line) for v in _phones_of(line, own=own))
    text = line.text
    for mail in mails:
        text = text.replace(mail, " ")
    if line.ocr:
        text = _OCR_WWW.sub("www.", _OCR_SCHEME.sub("://", text))
    if section.kind is Kind.PROJECTS:
        place = Place.OWN  # what somebody has made is theirs to show
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
    if _PRINTED.search(line.text[:400]):
        return Place.OTHERS
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
    profiles = [f for f in found if _is_profile(f.value)]
    own = [
        f.line.index
        for f in (*others, *profiles)
        if f.place is not Place.OTHERS and f.line.page == 1
    ]
    for row in found:
        profile = _is_profile(row.value) or _stands_with(row, own)
        if row.place is Place.OTHERS or _NOT_PROFILE_HOSTS.match(link_key(row.value)):
            continue
        if row.place is Place.OWN or profile:
            kept.append(row)
    accounts = tuple(f"{link_key(f.value)}/" for f in kept if _is_profile(f.value))
    kept += [f for f in found if accounts and link_key(f.value).startswith(accounts)]
    if not kept:
        kept = [f for f in found if f.place is Place.NEUTRAL and SCHEME.match(f.value)][:1]
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
