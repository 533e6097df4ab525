# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Phone numbers, told from dates, resident numbers and accounts."""

import re

import phonenumbers

PHONE_MIN_DIGITS = 7
_PHONE = re.compile(
    r"(?<![\w.,/#-])(?:\+\s?\d|\(\+?\d|\d)[\d\s().\-/·]{5,22}\d(?![\w-])(?!\.\d)(?!,\d{3})"
)
_DATES_INSIDE = re.compile(
    r"(?:19|20)\d\d\s?[.\-/]\s?(?:0?[1-9]|1[0-2])(?!\d)|(?:19|20)\d\d\s?-\s?(?:19|20)\d\d"
)
_RRN = re.compile(r"(?<!\d)\d{6}\s?-\s?[0-9*]\d{0,6}")
_KOREAN_PHONE = re.compile(r"0(?:1[016789]\d{7,8}|2\d{7,8}|[3-6]\d\d{7,8}|70\d{7,8}|50\d\d{7,8})$")
_AMERICAN = re.compile(r"(?:\+?1[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}$")
_PHONE_WORD = re.compile(
    r"(?:휴대|핸드폰|전화|연락처|모바일|\b(?:tel|phone|mobile|cell|call|h\.?p|t|m|p)\b\.?)\s*[:：)]?\s*$",
    re.IGNORECASE,
)
_NOT_PHONE_WORD = re.compile(
    r"(?:계좌|은행|주민|여권|면허|사업자|등록\s?번호|자격\s?번호|사번|팩스|\bfax\b|\bf\s?[:.]|account|passport|iban|swift|ssn|isbn|issn|patent|doi|카드)[^,|;]{0,24}$",
    re.IGNORECASE,
)


def phones_in(text: str, *, labelled: bool = False) -> list[str]:
    """Phone numbers as written; never dates, resident or account numbers."""
    found: list[str] = []
    for match in _PHONE.finditer(text):
        value = match[0].strip(" .-/·")
        before = text[max(0, match.start() - 40) : match.start()]
        if _NOT_PHONE_WORD.search(before):
            continue
        sure = labelled or _PHONE_WORD.search(before[-14:]) is not None
        pieces = [p for p in _phone_pieces(value) if is_phone(p, labelled=sure)]
        found += map(_closed, pieces)
    return found


def _phone_pieces(value: str) -> list[str]:
    """`010-… / 02-…` is one match of two numbers, `70899 (225) 555-0186` a town's and a phone's."""
    parted = re.split(r"\s*/\s*|\s{2,}|\s·\s|(?<=\d{5})\s(?=\(\d{3}\))", value)
    pieces = [p.strip(" .-/·") for p in parted]
    whole = [p for p in pieces if len(digits_of(p)) >= PHONE_MIN_DIGITS]
    # 244 / 010-…: what is left of an icon or of a house number is no part of the number.
    return whole or [value]


def _closed(value: str) -> str:
    if value.count("(") > value.count(")"):
        return value.replace("(", "", 1)
    return value + ")" if value.count(")") < value.count("(") else value


def is_phone(value: str, *, labelled: bool) -> bool:
    """Lenient on number ranges, strict on form."""
    digits = digits_of(value)
    if _RRN.match(value) or not PHONE_MIN_DIGITS <= len(digits) <= 15:
        return False
    if _DATES_INSIDE.search(value) and not digits.startswith("0") and not value.startswith("+"):
        return False
    if "/" in value and not labelled:
        return False
    if value.startswith(("+", "(+")) or digits.startswith("00"):
        return _possible("+" + digits.lstrip("0"), None)
    if digits.startswith("82") and _KOREAN_PHONE.match("0" + digits[2:].lstrip("0")):
        return True
    if _KOREAN_PHONE.match(digits):
        # Without separators only mobile numbers are beyond doubt.
        return labelled or digits.startswith("01") or not value.isdigit()
    if _AMERICAN.match(value):
        return True
    return (
        labelled
        and 8 <= len(digits) <= 13
        and any(_possible(value, r) for r in ("KR", "US", "GB", "DE", "FR", "JP"))
    )


def _possible(value: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(value, region))
    except phonenumbers.NumberParseException:
        return False


def digits_of(text: str) -> str:
    """Its digits alone."""
    return "".join(c for c in text if c.isdigit())


def phone_key(value: str) -> str:
    """The same for one number written in national or international form."""
    digits = digits_of(value).removeprefix("00")
    if digits.startswith("82") and len(digits) > 9:
        return "0" + digits[2:].lstrip("0")
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
