"""Personal data found by rules and replaced by placeholders that can be taken back.

What leaves for a model, an embedder, a search index or a log carries `[PHONE_1]` instead of the
number. A resident registration number (also a foreigner's) is never given back: Korean law wants a
legal basis for keeping one, so only `950315-2******` survives.

Every pattern runs in linear time: repetitions are bounded, possessive, or start only where a word
starts.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a placeholder stands for, and the word in it."""

    RRN = "RRN"
    IDENTITY = "IDENTITY"
    HANDLE = "HANDLE"
    LINK = "LINK"
    EMAIL = "EMAIL"
    CARD = "CARD"
    LICENCE = "LICENCE"
    PASSPORT = "PASSPORT"
    PHONE = "PHONE"
    ACCOUNT = "ACCOUNT"
    BIRTH_DATE = "BIRTHDATE"
    ADDRESS = "ADDRESS"
    NAME = "NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A text with placeholders, and what each of them stands for.

    The originals are personal data; those of resident numbers are not kept.
    """

    text: str
    placeholders: Mapping[str, str]


def mask(text: str, *, names: Sequence[str] = ()) -> Masked:
    """Replace personal data by `[EMAIL_1]`, numbered by first appearance; equal values share one.

    `names` are masked too, however they are spaced. Never raises.
    """
    spans = sorted(_spans(text, names))
    reserved = {found[0] for found in _PLACEHOLDER.finditer(text)}
    labels: dict[tuple[Kind, str], str] = {}
    counts = dict.fromkeys(Kind, 0)
    placeholders: dict[str, str] = {}
    parts: list[str] = []
    position = 0
    for start, end, kind in spans:
        value = text[start:end]
        if (kind, value) not in labels:
            label = _next_label(kind, counts, reserved)
            labels[kind, value] = label
            placeholders[label] = redact_rrn(value) if kind is Kind.RRN else value
        parts += text[position:start], labels[kind, value]
        position = end
    parts.append(text[position:])
    return Masked(text="".join(parts), placeholders=placeholders)


def unmask(value: str, placeholders: Mapping[str, str]) -> str:
    """Put back what the placeholders stand for; an unknown one stays as it is."""
    return _PLACEHOLDER.sub(lambda found: placeholders.get(found[0], found[0]), value)


def redact_rrn(text: str) -> str:
    """Turn every resident registration number into `950315-2******`."""
    return _RRN.sub(_redacted, text)


def _redacted(found: re.Match[str]) -> str:
    if not _is_rrn(found) or not found["rest"].isdecimal():
        return found[0]
    return f"{found['birth']}-{found['century']}******"


def _next_label(kind: Kind, counts: dict[Kind, int], reserved: set[str]) -> str:
    while True:
        counts[kind] += 1
        label = f"[{kind.value}_{counts[kind]}]"
        if label not in reserved:  # the document may hold this very text
            return label


def _spans(text: str, names: Sequence[str]) -> Iterator[tuple[int, int, Kind]]:
    """Where the rules match. What an earlier rule took is left out of a later one's match."""
    taken = bytearray(len(text))
    rules = (*_RULES, *_name_rules(names))
    for rule in rules:
        group = "value" if "value" in rule.pattern.groupindex else 0
        for found in rule.pattern.finditer(text):
            if rule.holds is None or rule.holds(found):
                for start, end in _free(taken, *found.span(group)):
                    if any(map(str.isalnum, text[start:end])):
                        taken[start:end] = b"\x01" * (end - start)
                        yield start, end, rule.kind


def _free(taken: bytearray, start: int, end: int) -> list[tuple[int, int]]:
    free: list[tuple[int, int]] = []
    while start < end:
        stop = taken.find(1, start, end)
        if stop == -1:
            stop = end
        if stop > start:
            free.append((start, stop))
        resume = taken.find(0, stop, end)
        start = end if resume == -1 else resume
    return free


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern and what else must hold; its group `value`, if any, is what is masked."""

    kind: Kind
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool] | None = None


_PLACEHOLDER: Final = re.compile(r"\[[A-Z]{2,12}_\d{1,7}\]")
_GAP: Final = r"[^\S\n]"
_DASH: Final = r"[-‐-―−－]"
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_RRN: Final = re.compile(
    rf"(?<!\d)(?P<birth>\d{{2}}(?P<month>\d{{2}})(?P<day>\d{{2}})){_GAP}{{0,2}}{_DASH}?{_GAP}{{0,2}}"
    r"(?P<century>[1-8])(?P<rest>\d{6}|[*●○xX]{6})(?!\d)"
)
_CORPORATE: Final = re.compile(r"법인(?:등록)?\s?번호\W{0,5}\Z")


def _is_rrn(found: re.Match[str]) -> bool:
    # Not the checksum: numbers given out since October 2020 end in six random digits.
    month, day = int(found["month"]), int(found["day"])
    if not (1 <= month <= len(_DAYS) and 1 <= day <= _DAYS[month - 1]):
        return False
    # A company's register number has the same shape and is public.
    return not _CORPORATE.search(found.string[max(0, found.start() - 20) : found.start()])


def _is_luhn(found: re.Match[str]) -> bool:
    # ISO/IEC 7812-1, annex B.
    digits = [int(digit) for digit in found[0] if digit.isdecimal()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]  # noqa: PLR2004 - the numbers are the format's own
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_DATE_AHEAD: Final = re.compile(r"\(?(?:19|20)\d{2}(?:\D|(?:0[1-9]|1[0-2])(?:\D|[0-3]\d(?!\d)))")


def _is_no_date(found: re.Match[str]) -> bool:
    return not _DATE_AHEAD.match(found["value"])


# --- Links: any URL, and the pages of persons on well-known hosts without a scheme. ---

_URL_CHARACTERS: Final = r"[A-Za-z0-9._~:/?#@!$&*+,;=%-]"
_URL_END: Final = r"(?<![.,;:!?])"
_PAGE_HOSTS: Final = (
    r"(?:github|gitlab|linkedin|facebook|instagram|twitter|medium|behance|dribbble|kaggle|naver"
    r"|stackoverflow|rocketpunch)\.com|(?:velog|bitbucket)\.(?:io|org)|x\.com|brunch\.co\.kr"
)
_OWN_HOSTS: Final = (
    r"github\.io|gitlab\.io|tistory\.com|notion\.site|netlify\.app|vercel\.app|oopy\.io|medium\.com"
)
_NO_HOST_BEFORE: Final = r"(?<![A-Za-z0-9_@./-])"
_LINKS: Final = (
    rf"(?i)(?<![a-z0-9])https?://{_URL_CHARACTERS}+{_URL_END}",
    rf"(?i){_NO_HOST_BEFORE}www\.{_URL_CHARACTERS}+{_URL_END}",
    rf"(?i){_NO_HOST_BEFORE}(?:[a-z0-9-]++\.)*(?:{_PAGE_HOSTS})/{_URL_CHARACTERS}+{_URL_END}",
    (
        rf"(?i){_NO_HOST_BEFORE}[a-z0-9-]{{1,63}}\.(?:{_OWN_HOSTS})(?![a-z0-9-])"
        rf"(?:/{_URL_CHARACTERS}*{_URL_END})?"
    ),
)

# --- Names on sites that take no link: of a messenger, or behind an @. ---

_SITE: Final = (
    r"(?:twitter|instagram|insta|telegram|kakao(?:\s?talk)?|wechat|skype|discord|github|gitlab|threads|mastodon|x(?=\s?:)"
    r"|카카오톡|카톡|인스타(?:그램)?|트위터|텔레그램|깃허브|깃헙|디스코드|위챗)"
)
_HANDLE_VALUE: Final = r"(?P<value>@?[A-Za-z0-9][\w.-]{1,30}[A-Za-z0-9_])(?![A-Za-z0-9@/])"
_HANDLES: Final = (
    rf"(?i)(?<![a-z]){_SITE}[^\w\n@]{{0,6}}(?P<value>@[A-Za-z0-9_][\w.]{{1,30}})",
    (
        rf"(?i)(?<![a-z]){_SITE}{_GAP}{{0,2}}(?:id\b(?:{_GAP}is\b)?[^\w\n]{{1,4}}"
        rf"|(?:handle|user\s?name|account|nick(?:name)?)(?:{_GAP}is{_GAP}|{_GAP}?[:=]{_GAP}?)){_HANDLE_VALUE}"
    ),
    rf"(?i)\bmy{_GAP}{_SITE}{_GAP}is{_GAP}{_HANDLE_VALUE}",
    rf"(?i){_SITE}{_GAP}?(?:아이디{_GAP}|(?:아이디|계정){_GAP}?(?:은|는|[:=|])){_GAP}?{_HANDLE_VALUE}",
    rf"(?i){_SITE}{_GAP}?(?:은|는){_GAP}?{_HANDLE_VALUE}(?={_GAP}?(?:이고|이며|입니다|이에요|예요|이다|[,.]|$))",
)

# --- Phones ---

_JOIN: Final = rf"{_GAP}?(?:{_DASH}|\.)?{_GAP}?"
_HARD_JOIN: Final = rf"{_GAP}?(?:{_DASH}|\.|\)){_GAP}?"
_START: Final = r"(?<!\d)(?<!\d[-.])"
_PHONES: Final = (
    # Korean mobile, with or without country code
    (
        rf"{_START}(?:\+{_GAP}?82|0082|82(?=[-. ])){_JOIN}\(?0?\)?{_JOIN}1[016789]{_JOIN}"
        rf"\d{{3,4}}{_JOIN}\d{{4}}(?!\d)"
    ),
    rf"{_START}\(?01[016789]\)?{_JOIN}\d{{3,4}}{_JOIN}\d{{4}}(?!\d)",
    # Korean fixed line, with its area code
    (
        rf"{_START}\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|[78]0|50\d){_HARD_JOIN}\d{{3,4}}{_HARD_JOIN}"
        r"\d{4}(?!\d)"
    ),
    # E.164 and its spellings
    r"(?<![\d+])\+[1-9](?:[-. ()‐-―−\u00a0]{0,3}\d){8,14}(?!\d)",
    # North America
    r"(?<![\d.+-])(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.])[2-9]\d{2}[-.]\d{4}(?!\d)",
)
_LABELLED_PHONE: Final = (
    r"(?i)(?<![a-z])(?:tel|phone|mobile|cell|fax|h\.?p|전화(?:\s?번호)?|연락처|휴대(?:폰|전화)"
    r"(?:\s?번호)?|핸드폰|팩스)[^\w\n+]{0,6}(?P<value>\(?\d(?:[-. ()]{0,3}\d){7,14})(?!\d)"
)

# --- Numbers of documents and accounts ---

_REGIONS: Final = (
    r"서울|부산|대구|인천|광주|대전|울산|경기|강원|충북|충남|전북|전남|경북|경남|제주|세종"
)
_LICENCES: Final = (
    rf"(?<![\d-])(?:1[1-9]|2[0-8]){_DASH}\d{{2}}{_DASH}\d{{6}}{_DASH}\d{{2}}(?![\d-])",
    rf"(?:{_REGIONS}){_GAP}?\d{{2}}{_DASH}\d{{6}}{_DASH}\d{{2}}(?!\d)",
    (
        r"(?i)(?:면허\s?번호|licen[cs]e\s?(?:no\.?|number|#))[^\w\n]{0,6}"
        r"(?P<value>(?=[A-Z0-9-]{0,8}\d{4})[A-Z0-9][A-Z0-9-]{5,20})(?![A-Z0-9])"
    ),
)
_PASSPORTS: Final = (
    r"(?<![A-Za-z0-9])M(?:\d{8}|\d{3}[A-Z]\d{4})(?![A-Za-z0-9])",
    (
        r"(?i:여권(?:\s?번호)?|passport(?:\s?(?:no\.?|number|#))?)[^\w\n]{0,6}"
        r"(?P<value>[A-Z]{1,2}\d{6,8}|[A-Z]\d{3}[A-Z]\d{4}|\d{9})(?![A-Za-z0-9])"
    ),
)
# Of the United States (social security) and the United Kingdom (national insurance).
_IDENTITIES: Final = (
    r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])",
    r"(?i)(?:\bssn|social\s?security(?:\s?(?:no\.?|number|#))?)[^\w\n]{0,6}(?P<value>\d{3}[- ]?\d{2}[- ]?\d{4})(?!\d)",
    r"(?<![A-Z0-9])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Z0-9])",
)
_CARDS: Final = (
    r"(?<![\d-])[2-6]\d{3}(?P<join>[ -]?)\d{4}(?P=join)\d{4}(?P=join)\d{4}(?![\d-])",
    r"(?<![\d-])3[47]\d{2}(?P<join>[ -]?)\d{6}(?P=join)\d{5}(?![\d-])",
)
_ACCOUNT_NUMBER: Final = r"[^\d\n]{0,15}(?P<value>\d(?:-?\d){9,15})(?![\d-])"
_ACCOUNT: Final = rf"(?i)(?:계좌|account\s?(?:no\.?|number|#)|iban){_ACCOUNT_NUMBER}"
_BANK_ACCOUNT: Final = (
    r"(?:(?:국민|신한|우리|하나|기업|산업|제일|씨티|부산|대구|광주|전북|경남|제주|수협)은행|농협|우체국"
    rf"|새마을금고|신협|(?:카카오|토스|케이)뱅크){_ACCOUNT_NUMBER}"
)

# --- Dates of birth, by their label only: other dates are what a résumé is made of. ---

_MONTHS: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_BIRTH_DATE: Final = (
    r"(?i)(?:생\s{0,4}년\s{0,4}월\s{0,4}일|출생(?:일|\s?년월일)?|생일|date\s?of\s?birth|d\.o\.b\.?"
    rf"|\bdob|birth\s?da(?:te|y)|\bborn(?:\s?on)?){_GAP}{{0,5}}[:：|]?\s{{0,5}}(?P<value>"
    r"\d{4}\s?[-./년]\s?\d{1,2}\s?[-./월]\s?\d{1,2}(?:\s?일)?"
    r"|\d{1,2}\s?[-./년]\s?\d{1,2}\s?[-./월]\s?(?:\d{4}|\d{1,2})(?:\s?일)?"
    rf"|{_MONTHS}\s?\d{{1,2}}(?:st|nd|rd|th)?,?\s?\d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s?{_MONTHS},?\s?\d{{4}}"
    r"|\d{8}|\d{6})(?!\d)"
)

# --- Postal addresses ---

_PROVINCE: Final = (
    r"(?:(?:서울|부산|대구|인천|광주|대전|울산)(?:특별시|광역시|시)?|세종(?:특별자치시|시)?"
    r"|경기도?|강원(?:특별자치도|도)?|제주(?:특별자치도|도)?|전북특별자치도"
    r"|(?:충청|전라|경상)[남북]도|[충전경][남북])"
)
_STREET_AND_NUMBER: Final = (
    rf"(?:{_GAP}{{0,2}}[가-힣]{{1,5}}[읍면])?{_GAP}{{0,2}}[가-힣A-Za-z0-9·.]{{1,20}}[로길동리가]"
    rf"{_GAP}{{0,2}}(?:산{_GAP}?)?\d{{1,5}}(?:-\d{{1,4}})?(?:번길{_GAP}?\d{{1,5}}(?:-\d{{1,4}})?|번지)?"
    rf"(?:,?{_GAP}{{0,2}}(?:\([^()\n]{{1,30}}\)"
    r"|[가-힣A-Za-z0-9]{1,15}(?:아파트|빌딩|빌라|타워|오피스텔|맨션|주택)"
    r"|[A-Za-z0-9가-힣]{1,4}동(?![가-힣])|\d{1,5}호|(?:지하)?\d{1,3}층)){0,5}"
)
_DISTRICTS: Final = rf"(?:{_GAP}{{0,2}}[가-힣]{{1,5}}[시군구]){{1,2}}"
_ZIP: Final = rf"(?:(?<!\d)\(?(?:우\)?{_GAP}?)?\d{{5}}\)?{_GAP}{{0,2}})?"
_ADDRESSES: Final = (
    rf"{_ZIP}(?<![가-힣]){_PROVINCE}{_DISTRICTS}{_STREET_AND_NUMBER}",
    rf"{_ZIP}(?<![가-힣])세종(?:특별자치시|시)?{_STREET_AND_NUMBER}",
    rf"(?:주{_GAP}{{0,4}}소|거주지)[^\w\n]{{0,6}}(?P<value>{_PROVINCE}?{_DISTRICTS}{_STREET_AND_NUMBER})",
    # Korean streets in Latin letters
    (
        r"(?<!\d)\d{1,5}(?:-\d{1,4})?,? ?[A-Z][a-z]{1,20}(?:-?\d{1,3})?-(?:daero|ro|gil)"
        r"(?: ?\d{1,4}(?:beon)?-gil)?(?:, ?[A-Z][A-Za-z]{1,20}-(?:dong|gu|si|gun|do|eup|myeon)){1,4}"
        r"(?:, ?Seoul)?"
    ),
    # Streets of the United States
    (
        r"(?<![\d.,-])\d{1,6} (?:[NSEW]\.? )?(?:[A-Z0-9][A-Za-z0-9.']{0,20} ){1,4}"
        r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Terrace"
        r"|Parkway|Pkwy|Circle|Cir|Highway|Hwy)\b\.?"
        r"(?:,? (?:(?:Apt|Apartment|Suite|Ste|Unit|Floor)\.? ?|# ?)[A-Za-z0-9-]{1,6})?"
        r"(?:, ?[A-Z][A-Za-z. ]{1,30}, ?[A-Z]{2} \d{5}(?:-\d{4})?)?"
    ),
    r"\bP\.? ?O\.? ?Box \d{1,6}\b",
)


def _rules(
    kind: Kind, *patterns: str, holds: Callable[[re.Match[str]], bool] | None = None
) -> tuple[_Rule, ...]:
    return tuple(_Rule(kind, re.compile(pattern), holds) for pattern in patterns)


# In order: what is surest to be what it looks like comes first.
_RULES: Final = (
    _Rule(Kind.RRN, _RRN, _is_rrn),
    *_rules(Kind.LINK, *_LINKS),
    *_rules(
        Kind.EMAIL,
        r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++[@＠](?:[A-Za-z0-9-]++\.)+[A-Za-z]{2,24}",
    ),
    *_rules(Kind.HANDLE, *_HANDLES),
    *_rules(Kind.IDENTITY, *_IDENTITIES),
    *_rules(Kind.CARD, *_CARDS, holds=_is_luhn),
    *_rules(Kind.LICENCE, *_LICENCES),
    *_rules(Kind.ACCOUNT, _ACCOUNT),
    *_rules(Kind.PHONE, *_PHONES),
    *_rules(Kind.PHONE, _LABELLED_PHONE, holds=_is_no_date),
    *_rules(Kind.PASSPORT, *_PASSPORTS),
    *_rules(Kind.ACCOUNT, _BANK_ACCOUNT, holds=_is_no_date),
    *_rules(Kind.BIRTH_DATE, _BIRTH_DATE),
    *_rules(Kind.ADDRESS, *_ADDRESSES),
)

_HANGUL_NAME: Final = re.compile(r"[가-힣]{2,10}")
_SHORT_NAME: Final = 2
_PARTICLES: Final = r"(?:은|는|이|가|을|를|의|과|와|도|님|씨|에|으로|로|입니다|이라)"
_MAX_NAME_CHARS: Final = 100


def _name_rules(names: Sequence[str]) -> Iterator[_Rule]:
    # The longest first: a part of a name may be another person's whole name.
    for name in sorted({" ".join(name.split()) for name in names}, key=lambda n: (-len(n), n)):
        if _SHORT_NAME <= len(name) <= _MAX_NAME_CHARS:
            yield _Rule(Kind.NAME, _name_pattern(name))


def _name_pattern(name: str) -> re.Pattern[str]:
    joined = name.replace(" ", "")
    if _HANGUL_NAME.fullmatch(joined):
        spaced = rf"{_GAP}{{0,4}}".join(joined)
        if len(joined) == _SHORT_NAME:  # else it would be found inside of common words
            spaced = rf"(?<![가-힣]){spaced}(?=[^가-힣]|\Z|{_PARTICLES}(?![가-힣]))"
        return re.compile(spaced)
    words = [re.escape(word) for word in re.split(r"[\s-]+", name) if word] or [re.escape(name)]
    if len(words) == 1:  # as it is written, for `will` and `mark` are words as well
        return re.compile(rf"(?<!\w)(?:{words[0]}|{words[0].upper()})(?![^\W\d_가-힣])")
    in_order = r"[\s-]{0,3}".join(words)
    family_first = r"[\s,-]{0,3}".join((words[-1], *words[:-1]))
    return re.compile(rf"(?<!\w)(?:{in_order}|{family_first})(?![^\W\d_가-힣])", re.IGNORECASE)
