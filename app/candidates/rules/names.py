# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Names of persons: what looks like one, and which one the résumé is about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.candidates.rules.addresses import emails_in, links_in
from app.candidates.rules.dates import periods
from app.candidates.rules.headings import Kind
from app.candidates.rules.labels import Label, labels_of, pairs
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.name_forms import (
    foreign_korean_name,
    korean_name,
    latin_name,
    long_korean_name,
)
from app.candidates.rules.phones import phones_in
from app.candidates.rules.places import is_place
from app.candidates.rules.sections import Section
from app.candidates.rules.vocabulary import (
    company_score,
    has_degree,
    is_department,
    title_score,
)

_AROUND = re.compile(
    r"^(?:(?:국문|영문|입사)?\s?이\s?력\s?서|자기소개서|경력기술서|지원서|r[ée]sum[ée](?:\s+of)?|curriculum vitae(?:\s+of)?|cv(?:\s+of)?|portfolio(?:\s+of)?|포트폴리오|name|성\s?명|이\s?름"
    r"|(?:(?:hi|hello|hey)(?:\s+there)?[\s,!.]+)?(?:i['’]?\s?a?m|my\s+name\s+is)(?=\s))\s*[-–—|:_/]?\s*|"
    r"(?:['’]s)?\s*[-–—|:_/]?\s*(?:의\s)?(?:이력서|자기소개서|경력기술서|지원서|포트폴리오|r[ée]sum[ée]|curriculum vitae|cv|portfolio|님|\(인\)|\(서명\)|印)$",
    re.IGNORECASE,
)
# What job sites print beside the name: 남, 1988년 (만 37세).
_PERSONAL_TAIL = re.compile(
    r"[\s(|,·/]+(?:남|여)(?:자|성)?[\s,·/|)]*(?:\(?(?:만\s?)?\d{1,2}세|\d{2,4}\s?[년.-]).{0,24}$"
    r"|[\s(|,·/]+(?:19|20)\d\d년?(?:생)?[\s,·/(|]*(?:\(?(?:만\s?)?\d{1,2}세|남|여).{0,12}$"
)
# A space before a small letter that begins none of the words which names write small.
_FALLEN_APART = re.compile(
    r"(?<=[A-Za-zÀ-ž]) (?=[a-zß-öø-ž])(?!(?:de|da|do|dos|das|del|della|di|du|la|le|van|von|der|den|ten|ter|bin|ibn|al|el|y|e|zu|af|av)\b|[dl]['’])"
)
_HYPHEN_END = re.compile(r"(?<=[a-zß-öø-ž])- (?=[A-ZÀ-ÖØ-ÞĀ-Ž])")  # a name over two lines
_LABEL_BEHIND = re.compile(
    r"^(?P<name>[^\s:|,]+(?: [^\s:|,]+){0,2}) (?P<label>[^\s:|,]{2,16})\s?:\s"
)
# Pictures of people, hands and pens that stand before or behind a name.
_SIGNS = re.compile(r"^[^\w(\[\"'“‘@+#.,:;/&|-]+|[^\w)\]\"'”’@+#.,:;/&|-]+$")
_OTHER_SCRIPT = re.compile(r"(?<=[가-힣])\s*[(\[]?\s*(?:한자|한문|漢字)\s*[)\]]?\s*:?")
_HANJA = re.compile(r"\s*[(（]?[一-鿿]{1,4}(?:\s[一-鿿]){0,3}[)）]?\s*")
_PICTURES = frozenset({"사진", "증명사진", "photo", "picture", "image"})
_PIECES = re.compile(r"\s*[|｜/·•,;:]\s*|\s+[-–—]\s+|\s{2,}|\t|\n")
_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]{2,40})[)\]]\s*")
_SECTION_LINES = 150
_INTRODUCTION = re.compile(
    r"(?:^|[\s,])([가-힣]{2,4}?)(?:이라고\s?합니다|라고\s?합니다|입니다)\s*[.!]?$"
)
_SIGNED = re.compile(r"[가-힣]\s?\((?:인|서명)\)$")  # 위와 같이 사실임 … 김서연 (인)
_HEADER_LINES = 40
_NAME_MAX_CHARS = 48
_DISPLAY_RATIO = 1.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible name with its score; higher is likelier, 1.0 is about sure."""

    name: str
    line: Line
    score: float
    labelled: bool = False
    alias: str | None = None


def names_in(line: Line) -> Iterator[tuple[str, float, bool, str | None]]:
    """(name, score of its form, labelled, second name) for every name-like piece of a line."""
    for labels, value in pairs(line):
        if Label.NAME in labels and not labels & {Label.OTHERS}:
            yield from _labelled(value)
    if len(line.text) > 160:
        return
    line = _as_typed(line)
    whole = _AROUND.sub("", _AROUND.sub("", _PERSONAL_TAIL.sub("", line.text))).strip()
    bracket = _BRACKET.search(whole)
    if bracket and (first := _any_name(_BRACKET.sub(" ", whole, count=1).strip())):
        yield first, 0.75, False, _any_name(bracket[1])
        return
    if name := _any_name(whole):
        yield name, 0.7, False, None
        return
    if both := _two_scripts(whole):
        yield both[0], 0.75, False, both[1]
        return
    if (told := _INTRODUCTION.search(whole)) and (name := korean_name(told[1])):
        yield name, 0.6, False, None
        return
    yield from _in_pieces(line, whole)


def _as_typed(line: Line) -> Line:
    """Less what design adds to a name: a monogram, wide letters that fall apart, a label behind it."""
    text = line.text
    if line.ratio >= _DISPLAY_RATIO:
        text = _HYPHEN_END.sub("-", _FALLEN_APART.sub(_joint, text))
    text = _SIGNS.sub("", text)
    if not text.isascii() and (named := _HANJA.sub(" ", text).strip()):
        text = named  # 김서연 金瑞妍
    words = text.split()
    if len(words) > 2 and words[0].isupper() and _initials(words[1:]).startswith(words[0]):
        text = " ".join(words[1:])  # PR | Priya Rao
    behind = _LABEL_BEHIND.match(text)
    if behind and labels_of(behind["label"]):
        text = behind["name"]  # 김서연 Position: CFO
    return replace(line, text=text, cells=()) if text != line.text else line


def _joint(space: re.Match[str]) -> str:
    """Nothing before a small letter: capitals with accents lie between the small ones."""
    return "" if space.string[space.end()].islower() else " "


def _initials(words: Sequence[str]) -> str:
    return "".join(w[0] for w in words if w[0].isupper()) if len(words) < 6 else ""


def _in_pieces(line: Line, whole: str) -> Iterator[tuple[str, float, bool, str | None]]:
    """A name that shares its line with other things."""
    cells = [_PERSONAL_TAIL.sub("", cell) for cell in line.cells] or [whole]
    pieces = [p for cell in cells for p in _PIECES.split(cell) if p and squeeze(p) not in _PICTURES]
    if len(pieces) > 1:
        yield from _among(pieces)
        return
    whole = pieces[0] if len(line.cells) > 1 and pieces else whole  # less the cell of a photo
    if name := _any_name(whole):
        yield name, 0.7, False, None
    large = line.ratio >= _DISPLAY_RATIO
    if large and (name := long_korean_name(whole) or latin_name(whole, sure=True)):
        yield name, 0.5, False, None
    yield from _foreign(whole) if large and foreign_korean_name(whole) else _with_title(whole)


def _foreign(text: str) -> Iterator[tuple[str, float, bool, str | None]]:
    if name := foreign_korean_name(text):
        yield name, 0.5, False, None


def _labelled(value: str) -> Iterator[tuple[str, float, bool, str | None]]:
    value = _OTHER_SCRIPT.split(value)[0] or value  # (한글) 김서연 (한자) 金瑞妍
    value = re.sub(r"^[(\[]?(?:한글|국문)[)\]]?\s*:?\s*", "", value.strip())
    bracket = _BRACKET.search(value)
    inner = _any_name(bracket[1].removeprefix("영문").strip(" :")) if bracket else None
    outer = _BRACKET.sub(" ", value).strip()
    outer = _AROUND.sub("", outer).strip()
    both = _two_scripts(outer)
    name = (
        (both[0] if both else None)
        or _any_name(outer)
        or _with_given(outer)
        or _any_name(_PIECES.split(outer)[0])
    )
    name = name or latin_name(outer, sure=True) or long_korean_name(outer)
    name = name or foreign_korean_name(outer)
    if name:
        yield name, 1.25, True, inner or (both[1] if both else None)


def _with_given(text: str) -> str | None:
    """`Tan Mei Hua, Alice` stays as it is; `Moreau, Alice` has its surname first."""
    before, comma, given = text.partition(", ")
    words = before.split()
    if not comma or len(given.split()) > 2 or not latin_name(f"{before} {given}", sure=True):
        return None
    return text if len(words) > 2 else latin_name(f"{given} {before}", sure=True)


def _any_name(text: str) -> str | None:
    return korean_name(text) or latin_name(text)


def _two_scripts(text: str) -> tuple[str, str] | None:
    """김서연 Seoyeon Kim, in either order."""
    match = re.match(r"^([가-힣][가-힣\s]{1,6}?)\s*[/|,]?\s*([A-Z][A-Za-z .\-,]{3,40})$", text)
    if match and (ko := korean_name(match[1])) and (en := latin_name(match[2].replace(",", ""))):
        return ko, en
    match = re.match(r"^([A-Z][A-Za-z .\-]{3,40}?)\s*[/|,]?\s*([가-힣][가-힣\s]{1,6})$", text)
    if match and (en := latin_name(match[1])) and (ko := korean_name(match[2])):
        return ko, en
    return None


def _among(pieces: Sequence[str]) -> Iterator[tuple[str, float, bool, str | None]]:
    """A name beside a title, an address or contact data: `Jane Doe | Engineer | jane@…`."""
    first = _any_name(pieces[0])
    telling = any(
        title_score(p) or emails_in(p) or phones_in(p) or is_place(p) or links_in(p) or periods(p)
        for p in pieces[1:]
    )
    if first:
        second = _any_name(pieces[1])
        other_script = second if second and first[0].isascii() != second[0].isascii() else None
        yield first, 0.6 if telling else 0.35, False, other_script
    elif title_score(pieces[0]) and (name := _any_name(pieces[1])):
        yield name, 0.5, False, None


def _with_title(text: str) -> Iterator[tuple[str, float, bool, str | None]]:
    """백엔드 개발자 김서연, 김서연 백엔드 개발자."""
    words = text.split()
    if not 2 <= len(words) <= 6:
        return
    for name, rest in ((words[0], words[1:]), (words[-1], words[:-1])):
        if (found := korean_name(name)) and title_score(" ".join(rest)) >= 0.6:
            yield found, 0.5, False, None
            return
    if text.isascii():
        for width in (2, 3):
            if (
                len(words) > width
                and (found := latin_name(" ".join(words[:width])))
                and title_score(" ".join(words[width:])) >= 0.9
            ):
                yield found, 0.45, False, None
                return


_ALLOWED = frozenset(
    {Kind.HEADER, Kind.TITLE, Kind.CONTACT, Kind.SUMMARY, Kind.LINKS, Kind.COVER_LETTER}
)


def candidates(sections: Sequence[Section], emails: Sequence[str]) -> list[Candidate]:
    """All possible names of the person, best first."""
    top = max(
        (line.ratio for s in sections for line in s.lines[:200] if line.page == 1), default=1.0
    )
    found: list[Candidate] = []
    # Many nouns have the form of a Korean name: without any address near, looks must tell.
    reachable = bool(emails) or any(_has_phone(s) for s in sections)
    position = 0
    for section in sections:
        if section.heading and section.kind in (Kind.TITLE, Kind.CONTACT, Kind.SUMMARY):
            found += _score(section.heading, section, position, top, emails)
        for line in section.lines[:_SECTION_LINES]:
            position += 1
            if (
                section.kind in _ALLOWED
                or _SIGNED.search(line.text)
                or (line.ratio >= 1.3 and line.page == 1 and section.kind is not Kind.REFERENCES)
            ):
                found += _score(line, section, position, top, emails)
    found += _in_parts(sections)
    first = next((line for s in sections for line in s.lines[:1]), None)
    if first and not found and reachable and (name := foreign_korean_name(first.text)):
        found.append(Candidate(name=name, line=first, score=0.55))
    if not reachable:
        found = [c if c.labelled else replace(c, score=c.score - 0.5) for c in found]
    return sorted(found, key=lambda c: -c.score)


def _has_phone(section: Section) -> bool:
    return section.kind in _ALLOWED and any(
        phones_in(line.text) for line in section.lines[:_SECTION_LINES]
    )


def _score(
    line: Line, section: Section, position: int, top: float, emails: Sequence[str]
) -> Iterator[Candidate]:
    named = [*names_in(line)]
    if not named and emails and len(line.text) <= _NAME_MAX_CHARS:
        named = [*_as_in_mail(line, position, emails)]
    for name, form, labelled, alias in named:
        if line.bullet and section.kind is not Kind.HEADER and not labelled:
            continue
        score = form
        if line.ratio >= 1.25:
            score += 0.35 if line.ratio >= 0.95 * top else 0.15
        elif top >= 1.5 and not labelled:
            score -= 0.15
        score += 0.1 * line.bold
        if section.kind in (Kind.HEADER, Kind.TITLE) and position <= _HEADER_LINES:
            score += max(0.0, 0.3 - 0.03 * position)
        elif section.kind in (Kind.SUMMARY, Kind.COVER_LETTER, Kind.LINKS) and not labelled:
            score -= 0.3
        score -= 0.15 * min(line.page - 1, 2)
        score += 0.3 * bool(_in_mail(name, alias, emails))
        if company_score(name) or has_degree(name) or is_department(name):
            score -= 0.3
        yield Candidate(name=name, line=line, score=score, labelled=labelled, alias=alias)


def _as_in_mail(
    line: Line, position: int, emails: Sequence[str]
) -> Iterator[tuple[str, float, bool, str | None]]:
    """Words that may be something else are a name where the mail address holds them: jane doe, April Page."""
    text = line.text.title() if line.text.islower() else line.text
    name = latin_name(text, sure=True)
    if name and _in_mail(name, None, emails) >= (1 if position == 1 or line.ratio >= 1.25 else 2):
        yield name, 0.5, False, None


def _in_parts(sections: Sequence[Section]) -> Iterator[Candidate]:
    """First name and surname that a form asks for one by one."""
    parts: dict[Label, tuple[str, Line]] = {}
    for line in (x for s in sections if s.kind in _ALLOWED for x in s.lines[:_HEADER_LINES]):
        if "name" in line.text.casefold():
            for labels, value in pairs(line):
                for label in labels & {Label.GIVEN_NAME, Label.FAMILY_NAME}:
                    parts.setdefault(label, (value, line))
    if len(parts) == 2:
        (given, line), (family, _) = parts[Label.GIVEN_NAME], parts[Label.FAMILY_NAME]
        if name := latin_name(f"{given} {family}", sure=True):
            yield Candidate(name=name, line=line, score=1.3, labelled=True)


def _in_mail(name: str, alias: str | None, emails: Sequence[str]) -> int:
    """How many words of a name the mail addresses hold."""
    words = [squeeze(w) for n in (name, alias or "") for w in n.replace("-", " ").split()]
    locals_ = [squeeze(e.partition("@")[0]) for e in emails]
    return sum(any(len(w) >= 3 and w in local for local in locals_) for w in words)
