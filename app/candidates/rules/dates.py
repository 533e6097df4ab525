# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Dates and periods as résumés write them, Korean and English."""

import re
from dataclasses import dataclass

from app.documents.remembering import remembered

FIRST_YEAR, LAST_YEAR = 1940, 2049
_PIVOT = 50  # a year of two digits: '49 is 2049, '50 is 1950

# One character each, so that positions stay those of the original text.
_ONE_TO_ONE = str.maketrans("‐‑‒–—―−ー─∼〜～˜→‘’´`ʼ", "---------~~~~~'''''")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_YEAR = r"(?:19[4-9]\d|20[0-4]\d)"
_MM = r"(?:1[0-2]|0?[1-9])"
_DD = r"(?:3[01]|[12]\d|0?[1-9])"
_SEASON = r"(?:springs?|summers?|falls?|autumns?|winters?|early|mid|late)"
# The second half of `Sep 18 - March 21`, whose years would be days of a month anywhere else.
_AFTER_DASH = "|".join(
    rf"(?<=[-~]{space}[a-z]{{{letters}}}[ -]\d\d)"
    for letters in range(3, 10)
    for space in ("", r"\ ")
)
_ATOM = re.compile(
    rf"""
    (?=['\dacdefhjlmnopstw현재지근진])  # what any of them begins with: most places need no more
    (?: (?<![\d.]) (?P<open> (?:present|current(?:ly)?|now|today|ongoing|to\ date|till\ (?:date|now|today)|onwards?|heute|aujourd'hui|heden|hoje|hoy|oggi|obecnie|ahora|actualidad|presente|attuale)\b
                | (?<=-\ )date\b | 지금(?:까지)? | 현\s?재(?:\s?재직\s?중?|까지)? | (?:재직|재학|근무|진행)\s?중 | 재직(?!\s?기간) )
    | (?<!\d) (?P<ko_y>{_YEAR}|'\d\d|\d\d(?=\s?년\s?{_MM}\s?월)) \s?년도?
              (?: \s?(?P<ko_m>{_MM})\s?월 (?:\s?{_DD}\s?일)? )?
    | (?<![\d.]) (?P<ymd_y>{_YEAR}) (?:\s?[./]\s?|-) (?P<ymd_m>{_MM}) (?!\d)
              (?: (?:\s?[./]\s?|-) {_DD} (?!\d) (?!\s?[.]\s?\d) )? \.?
    | (?<![\d.]) (?:{_DD}[./-])? (?P<my_m>{_MM}) \s?[./-]\s? (?P<my_y>{_YEAR}) (?!\d)
    | \b (?:(?<![\d.]){_DD}(?:st|nd|rd|th)?\s)? (?P<mon>{_MONTH}) [\s,]* (?:of\s)?
         (?: {_DD}(?:st|nd|rd|th)?,?\s+ )? (?P<mon_y>{_YEAR}|'\d\d(?!\d))
    | \b (?P<short_mon>{_MONTH}) [ -]? (?P<short_y>\d\d) (?![\w,:.]\d|[\w,:])
         (?: (?=\ ?[-~]\ ?(?:{_MONTH}|present|current|now|till|to\ date)) | {_AFTER_DASH} )
    | (?: (?<=[-~]\ ) | (?<=[-~]) | (?<![\d-]) (?=\d{{6,8}}\ ?[-~]) )
         (?P<whole_y>{_YEAR}) (?P<whole_m>0[1-9]|1[0-2]) (?:0[1-9]|[12]\d|3[01])? (?!\d)
    | (?<!\d) (?P<ym_y>{_YEAR}) (?:,?\s|[-/]) (?P<ym_mon>{_MONTH}) (?![a-z]) (?!\s*{_YEAR})
    | (?<![\d.]) (?P<km_m>{_MM}) \s?월 ,?\s (?P<km_y>{_YEAR}) (?!\d|\s?[년.])
    | \b {_SEASON} \s+ (?:of\s)? (?P<season_y>{_YEAR})
    | (?<![\w.]) (?P<q_y>'\d\d|\d\d(?=[./]{_MM}\.?\s?[-~])|(?<=[-~])\d\d|(?<=[-~]\ )\d\d)
          [./] (?P<q_m>0[1-9]|1[0-2]) (?![\d%.]\d) (?![\d%])
    | (?<![\w./]) (?: (?=[\d/]{{4,5}}\ ?[-~]\ ?(?:{_MM}/\d\d(?![\d/])|present|current|now|today)) | (?<=\d/\d\d[-~]) | (?<=\d/\d\d\ [-~]\ ) )
          (?P<s_m>{_MM})/(?P<s_y>\d\d) (?![\d/%]|\.\d)
    | (?<![\d.,$₩]) (?P<year>{_YEAR}) (?![\d%+]|,\d) (?!\.\d) (?!\s?(?:명|만|원|개|건|여|대|x\b|k\b))
    | (?<!\w) (?P<yy>'\d\d) (?![\ds])
    | \b (?P<lone_mon>{_MONTH}) (?=\s*-\s*{_MONTH}[\s,]*{_YEAR}) )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_EDGE = " \t,;:|/~·•-–—"
_DIGIT = re.compile(r"\d")
_TWO_DIGITS = re.compile(r"\d\d")
_FROM = re.compile(r"(?:since|from|\bas of)\s*:?\s*$", re.IGNORECASE)
_BETWEEN = re.compile(
    r"^\s*\.?\s*\(?\s*(?:입학|입사)\s*\)?\s*[,/·]?\s*$|^\s*[.,]?\s*\(?\s*(?:입학|입사)?\s*\)?\s*(?:[-~]+|\bto\b|\buntil\b|\btill\b|\bthrough\b|\bthru\b|부터|에서)\s*\(?\s*$",
    re.IGNORECASE,
)
_ONLY_SPACE = re.compile(r"^\s*$")
_OPEN_TAIL = re.compile(r"^\s*\.?\s*(?:~|-\s*(?=$|[)\]])|부터(?!\w))")
_SHORT_END = re.compile(rf"^\s*[-~]\s*(?P<m>{_MM})\s*(?:월|\.)?(?=\s|$|[),])")
_SHORT_YEAR = re.compile(r"^-(?P<y>\d\d)(?!\d|[.%])")
_BEGINNING = re.compile(r"^\s*\.?\s*\(?\s*(?:입학|입사|부터|시작|편입)")
_DURATION = re.compile(
    r"[\[(]?\s*(?:약\s?|총\s?)?(?<![\d.])\d{1,2}\s?(?:년(?!제)|years?|yrs?\.?)(?:\s?(?:간|차))?\s*(?:,|and)?\s*(?:\d{1,2}\s?(?:개월|months?|mos?\.?|mths?)(?:\s?간)?)?\s*[\])]?"
    r"|[\[(]?\s*(?<![\d.])\d{1,2}\s?(?:개월|months?|mos?\b\.?)(?:\s?간)?\s*[\])]?",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"\s?까지")
_EMPTY_BRACKETS = re.compile(r"[\[(]\s*[,~\-]?\s*[\])]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A time span in a text. `ongoing`: no end because it lasts; `single`: one date, no span.

    `begin` and `stop` are positions in the text it was found in.
    """

    start: str | None
    end: str | None
    ongoing: bool = False
    single: bool = False
    begin: int = 0
    stop: int = 0


@dataclass(frozen=True, slots=True)
class _Atom:
    value: str | None  # None: open end
    begin: int
    stop: int


@remembered
def periods(text: str) -> tuple[Period, ...]:
    """All dates and spans, left to right, none overlapping. Linear in the text's length."""
    if not _TWO_DIGITS.search(text):
        return ()
    text = text.translate(_ONE_TO_ONE)
    atoms = [atom for match in _ATOM.finditer(text) if (atom := _atom(match, text))]
    found: list[Period] = []
    at = 0
    while at < len(atoms):
        period, used = _period(text, atoms, at)
        if period:
            found.append(period)
        at += used
    return tuple(found)


@remembered
def without_periods(text: str) -> str:
    """The text without dates, durations and the brackets they stood in."""
    if not _DIGIT.search(text):
        return _balanced(text)
    kept: list[str] = []
    at = 0
    for period in periods(text):
        kept.append(text[at : period.begin])
        at = period.stop
    kept.append(text[at:])
    rest = _DURATION.sub(" ", " \t ".join(kept))
    rest = _EMPTY_BRACKETS.sub(" ", rest)
    return _balanced(rest)


def _balanced(text: str) -> str:
    text = text.strip(_EDGE)
    if text.count("(") != text.count(")"):
        text = text.strip("()[] ")
    return text


def _period(text: str, atoms: list[_Atom], at: int) -> tuple[Period | None, int]:
    first = atoms[at]
    follower = atoms[at + 1] if at + 1 < len(atoms) else None
    if first.value is None:
        return None, 1
    if follower and _joined(text, first, follower):
        until = _UNTIL.match(text, follower.stop)
        return (
            Period(
                start=first.value,
                end=follower.value,
                ongoing=follower.value is None,
                begin=first.begin,
                stop=until.end() if until else follower.stop,
            ),
            2,
        )
    tail = text[first.stop : first.stop + 24]
    short = _SHORT_END.match(tail)
    if (
        short
        and "-" in first.value
        and _ordered(first.value, end := f"{first.value[:4]}-{int(short['m']):02}")
    ):
        return Period(
            start=first.value, end=end, begin=first.begin, stop=first.stop + short.end()
        ), 1
    academic = _SHORT_YEAR.match(tail) if "-" not in first.value else None
    if academic and _ordered(first.value, end := f"{first.value[:2]}{academic['y']}"):
        return Period(
            start=first.value, end=end, begin=first.begin, stop=first.stop + academic.end()
        ), 1
    opened = _OPEN_TAIL.match(tail)
    since = _FROM.search(text, max(0, first.begin - 8), first.begin)
    if opened or since:
        stop = first.stop + (opened.end() if opened else 0)
        return Period(
            start=first.value,
            end=None,
            ongoing=True,
            begin=since.start() if since else first.begin,
            stop=stop,
        ), 1
    if ended := _BEGINNING.match(tail):
        return Period(
            start=first.value,
            end=None,
            single=True,
            begin=first.begin,
            stop=first.stop + ended.end(),
        ), 1
    return Period(start=None, end=first.value, single=True, begin=first.begin, stop=first.stop), 1


def _joined(text: str, first: _Atom, second: _Atom) -> bool:
    if second.begin - first.stop > 16:
        return False
    if second.value and not _ordered(first.value or "", second.value):
        return False
    between = text[first.stop : second.begin]
    if between == "/" and first.value and second.value:
        return len(first.value) == len(second.value) == len("2012")  # 2012/2015
    if _BETWEEN.match(between):
        return True
    whole = second.value is None or ("-" in second.value and "-" in (first.value or ""))
    return whole and _ONLY_SPACE.match(between) is not None


def _ordered(start: str, end: str) -> bool:
    return start[: len(end)] <= end[: len(start)]


def _atom(match: re.Match[str], text: str) -> _Atom | None:
    value: str | None = None
    if match["open"] is None:
        value = _value(match, text)
        if value is None:
            return None
    return _Atom(value, match.start(), match.end())


def _value(match: re.Match[str], text: str) -> str | None:
    year = next(
        (
            match[k]
            for k in (
                "ko_y",
                "ymd_y",
                "my_y",
                "mon_y",
                "ym_y",
                "km_y",
                "season_y",
                "q_y",
                "s_y",
                "year",
                "yy",
                "short_y",
                "whole_y",
            )
            if match[k]
        ),
        None,
    )
    name = match["mon"] or match["ym_mon"] or match["lone_mon"] or match["short_mon"]
    month = next(
        (match[k] for k in ("ko_m", "ymd_m", "my_m", "km_m", "q_m", "s_m", "whole_m") if match[k]),
        None,
    )
    if match["lone_mon"]:  # `Jun - Aug 2020`: the year is the one that follows
        later = re.search(_YEAR, text[match.end() : match.end() + 24])
        year = later[0] if later else None
    if year is None:
        return None
    if len(year) <= 3:
        two = int(year.lstrip("'"))
        year = str(two + (1900 if two >= _PIVOT else 2000))
    if name:
        return f"{year}-{_MONTHS.index(name[:3].lower()) + 1:02}"
    return f"{year}-{int(month):02}" if month else year
