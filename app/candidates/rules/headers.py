# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Identity blocks: the places where a file says whose résumé begins here."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.candidates.rules.addresses import emails_in
from app.candidates.rules.headings import Kind
from app.candidates.rules.labels import Label, pairs
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.names import Candidate, names_in
from app.candidates.rules.phones import phone_key, phones_in
from app.candidates.rules.sections import Section

REACH_LINES = 8  # how far own mail or phone may stand from the name
_SECTION_LINES = 400
_CONTACT = re.compile(r"@|\d[\d\s().\-/·년월]{5}")
_LARGE = 1.25
_RESUME_KINDS = frozenset(
    {
        Kind.EXPERIENCE,
        Kind.EDUCATION,
        Kind.SKILLS,
        Kind.CAREER_DETAIL,
        Kind.SUMMARY,
        Kind.CERTIFICATES,
    }
)
_NEVER = frozenset({Kind.REFERENCES, Kind.FAMILY, Kind.PUBLICATIONS, Kind.PROJECTS})
_CAREERS = frozenset({Kind.EXPERIENCE, Kind.EDUCATION})


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A name with the mail, phone or birth date that stands with it; `at` is its section's number."""

    name: str
    alias: str | None
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    birth: str | None
    line: Line
    at: int
    labelled: bool

    @property
    def keys(self) -> frozenset[str]:
        """What two headers of one person share."""
        return frozenset(
            {*(e.casefold() for e in self.emails), *(phone_key(p) for p in self.phones)}
        )

    @property
    def names(self) -> frozenset[str]:
        """The name and its other spelling, comparable."""
        return frozenset(name_key(n) for n in (self.name, self.alias) if n)


def name_key(name: str) -> str:
    """The same whatever the order of given and family name."""
    if not name.isascii():
        return squeeze(name)
    return "".join(sorted(squeeze(w) for w in name.replace("-", "").split()))


def find_headers(sections: Sequence[Section], main: Candidate | None) -> list[Header]:
    """All headers in the file's order. The first is the main person's if any was found."""
    found: list[Header] = []
    for at, section in enumerate(sections):
        lines = (
            section.lines
            if section.heading is None or section.kind is Kind.OTHER
            else (section.heading, *section.lines)
        )
        reach = _with_contact_near(lines[:_SECTION_LINES])
        for position, line in enumerate(lines[:_SECTION_LINES]):
            is_main = main is not None and line is main.line
            if not (is_main or reach[position]):
                continue
            if section.kind in _NEVER and not is_main and not _stands_out(line):
                continue
            if (
                header := _header(lines, position, sections, at, force=is_main)
            ) and header.line.index not in {h.line.index for h in found}:
                found.append(header)
    return found


def _with_contact_near(lines: Sequence[Line]) -> list[bool]:
    """For each line whether mail, phone or birth date may stand on it or on the next ones.

    The last lines may: their section goes on in the next.
    """
    marks = [bool(_CONTACT.search(line.text)) for line in lines] + [True] * REACH_LINES
    return [any(marks[at : at + REACH_LINES + 1]) for at in range(len(lines))]


def _stands_out(line: Line) -> bool:
    return line.ratio >= 1.6


def _header(
    lines: Sequence[Line], position: int, sections: Sequence[Section], at: int, *, force: bool
) -> Header | None:
    line = lines[position]
    if line.bullet and not force:
        return None
    for name, form, labelled, alias in names_in(line):
        # Within a line of other things a name is only believed at the main place.
        if not (force or labelled or form >= 0.7 or line.ratio >= _LARGE):
            continue
        near = list(_near(lines, position, sections, at))
        texts = [x.text for x in near]
        emails = tuple(e for x in near for e in emails_in(x.text, ocr=x.ocr))
        phones = tuple(dict.fromkeys(p for t in texts for p in phones_in(t)))
        birth = (
            next(
                (
                    v
                    for x in near
                    for labels, v in pairs(x)
                    if labels & {Label.PERSONAL} and _is_birth(v)
                ),
                None,
            )
            if labelled
            else None
        )
        return Header(
            name=name,
            alias=alias,
            emails=emails,
            phones=phones,
            birth=birth,
            line=line,
            at=at,
            labelled=labelled,
        )
    return None


def _is_birth(value: str) -> bool:
    return sum(c.isdigit() for c in value) >= 6 and len(value) <= 24


def _near(
    lines: Sequence[Line], position: int, sections: Sequence[Section], at: int
) -> Iterator[Line]:
    """The lines around the name, on into the next section when that is about contact."""
    above = 2 if sections[at].kind in (Kind.HEADER, Kind.CONTACT, Kind.TITLE) else 0
    yield from lines[max(0, position - above) : position + REACH_LINES + 1]
    left = REACH_LINES - (len(lines) - position - 1)
    for section in sections[at + 1 : at + 3]:
        if left <= 0:
            return
        if section.kind not in (Kind.CONTACT, Kind.HEADER, Kind.LINKS, Kind.TITLE):
            return
        yield from section.lines[:left]
        left -= len(section.lines)


def resume_starts(headers: Sequence[Header], sections: Sequence[Section]) -> list[Header]:
    """The headers at which a résumé really begins: with contact data, and its sections after it."""
    starts: list[Header] = []
    for number, header in enumerate(headers):
        later = [h.at for h in headers[number + 1 :] if not _same(h, header)]
        stop = later[0] if later else len(sections)
        after = {s.kind for s in sections[header.at + 1 : stop]} & _RESUME_KINDS
        if not starts:
            starts.append(header)
        elif header.keys or header.birth:
            before = {s.kind for s in sections[: header.at + 1]}
            # Inside a career a name with a phone may be an employer: there the career must start anew.
            again = (
                after
                & before
                & (_CAREERS if sections[header.at].kind in _CAREERS else _RESUME_KINDS)
            )
            if again or _top_of_page(header, starts[0], after):
                starts.append(header)
    return starts


def _top_of_page(header: Header, first: Header, after: set[Kind]) -> bool:
    """As large as the first name, on a later page, with sections of its own."""
    return (
        bool(after)
        and header.line.page > first.line.page
        and header.line.ratio >= max(_LARGE, 0.9 * first.line.ratio)
    )


def _same(one: Header, other: Header) -> bool:
    return bool(one.keys & other.keys or one.names & other.names)


def same_person(one: Header, other: Header) -> bool:
    """One name, one mail or one phone in common; or nothing that tells them apart."""
    if _same(one, other):
        return True
    if one.birth and other.birth and not (one.keys and other.keys):
        return one.birth == other.birth
    return not (one.keys and other.keys)
