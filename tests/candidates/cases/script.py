"""The cases as they are written down (first.txt, second.txt), and what a reader must find in them.

One case a block: `== FILE option=value …`, `# name`, `> profession`, `@ contact`, `## heading {exp|edu|
skills|side|table|long}`, then `from..to | organisation | role`, `- deed`, or plain text. The strings stand
in the file exactly as written here, so what is expected follows from them.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HALVES = ("first", "second")

_ENTRY = re.compile(r"(?P<start>\d{4}(?:-\d\d)?)\.\.(?P<end>now|\d{4}(?:-\d\d)?) \| ")
_HEADING = re.compile(r"## (?P<text>.*?)(?: \{(?P<marks>[a-z ]+)\})?")
_TWO_NAMES = re.compile(r"(?P<korean>[가-힣 ]+?) \(?(?P<latin>[A-Z][A-Za-z ,.'-]+)\)?")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A position or a school; dates are `YYYY-MM` or `YYYY`, an `end` of None means to now."""

    start: str
    end: str | None
    org: str
    role: str


@dataclass(slots=True, kw_only=True)
class Section:
    """`lines` are in order: entries, deeds (with a dash in front), rows (cells) or text."""

    heading: str
    marks: frozenset[str] = frozenset()
    lines: list[Entry | str] = field(default_factory=list[Entry | str])

    @property
    def entries(self) -> list[Entry]:
        return [line for line in self.lines if isinstance(line, Entry)]


@dataclass(slots=True, kw_only=True)
class Person:
    """One résumé of a file."""

    name: str
    title: str = ""
    contacts: list[str] = field(default_factory=list[str])
    sections: list[Section] = field(default_factory=list[Section])


@dataclass(slots=True, kw_only=True)
class Case:
    """One file to make."""

    file: str
    options: Mapping[str, str]
    people: list[Person] = field(default_factory=list[Person])

    @property
    def korean(self) -> bool:
        return self.file.startswith("ko-")

    def option(self, name: str, default: str = "") -> str:
        return self.options.get(name, default)


def cases(half: str) -> Iterator[Case]:
    """The cases of one half, in order."""
    case: Case | None = None
    for line in (HERE / f"{half}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            if case:
                yield case
            file, *options = line[3:].split()
            case = Case(file=file, options=dict(option.split("=") for option in options))
        elif case and line.startswith("# "):
            case.people.append(Person(name=line[2:]))
        elif case and line:
            _take(case.people[-1], line)
    if case:
        yield case


def _take(person: Person, line: str) -> None:
    if line.startswith("> "):
        person.title = line[2:]
    elif line.startswith("@ "):
        person.contacts.append(line[2:])
    elif match := _HEADING.fullmatch(line):
        marks = frozenset((match["marks"] or "").split())
        person.sections.append(Section(heading=match["text"], marks=marks))
    elif match := _ENTRY.match(line):
        org, _, role = line[match.end() :].partition(" | ")
        end = None if match["end"] == "now" else match["end"]
        person.sections[-1].lines.append(Entry(start=match["start"], end=end, org=org, role=role))
    else:
        person.sections[-1].lines.append(line)


_LAYOUTS = [
    "plain",
    "stacked",
    "labels",
    "side-left",
    "side-left-late",
    "side-right",
    "side-right-dark",
    "dates-left",
    "centered",
    "chips",
    "header-band",
    "newspaper",
    "serif",
    "caps",
    "same-size",
    "spaced",
    "form",
    "grid",
    "boxes",
]
_OFFICE_LAYOUTS = ("plain", "stacked", "labels", "form", "table")
_ENTRIES = [
    "company-right",
    "title-company",
    "stacked",
    "title-comma",
    "date-first",
    "slashes",
    "bars",
    "bullet",
    "date-line",
]
_DATES = {
    True: ("dots", "dotspad", "hangul", "iso", "slashyear", "apos", "short", "days"),
    False: ("mon", "month", "slash", "monapos", "comma", "year", "iso"),
}
_FORMATS = ("pdf", "pdf", "docx", "odt", "rtf", "hwp", "hwpx", "txt")


def recombined(seed: int) -> Iterator[Case]:
    """The same persons in formats, layouts, orders and date styles drawn by lot."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    for case in (case for half in HALVES for case in cases(half)):
        marks = {mark for section in case.people[0].sections for mark in section.marks}
        if "long" in marks or case.options.keys() & {"error", "damage", "scan"}:
            continue
        suffix = chance.choice(_FORMATS)
        options = {
            "layout": chance.choice(_LAYOUTS if suffix == "pdf" else _OFFICE_LAYOUTS),
            "entry": chance.choice(_ENTRIES),
            "dates": chance.choice(_DATES[case.korean]),
        }
        name = "-".join((case.file.partition(".")[0], *options.values()))
        yield Case(file=f"{name}.{suffix}", options=options, people=case.people)


# --- how things are written ----------------------------------------------------------------------


def date(value: str, style: str) -> str:
    """`2021-03` in one of the ways people write it."""
    year, _, month = value.partition("-")
    if not month or style == "year":
        return year
    name = _MONTHS[int(month) - 1]
    return {
        "dots": f"{year}.{month}",
        "dotspad": f"{year}. {int(month)}.",
        "hangul": f"{year}년 {int(month)}월",
        "iso": value,
        "slash": f"{month}/{year}",
        "slashyear": f"{year}/{month}",
        "apos": f"'{year[2:]}.{month}",
        "short": f"{year[2:]}.{month}",
        "days": f"{year}.{month}.01",
        "mon": f"{name[:3]} {year}",
        "month": f"{name} {year}",
        "monapos": f"{name[:3]} '{year[2:]}",
        "comma": f"{name[:3]}. {year}",
    }[style]


def span(entry: Entry, case: Case) -> str:
    """The period of an entry as this file writes it."""
    style = case.option("dates", "dots")
    open_end = case.option("now", "현재" if case.korean else "Present").replace("_", " ")
    dash = case.option("dash", "~" if case.korean else "–")
    end = open_end if entry.end is None else date(entry.end, style)
    return f"{date(entry.start, style)} {dash} {end}"


# --- what must be found --------------------------------------------------------------------------


def expected(case: Case) -> dict[str, Any]:
    """The answer in the form that `bench/accuracy_score.py` reads."""
    if error := case.option("error"):
        names = [person.name for person in case.people]
        return {"error": error, **({"names": names} if error == "MULTI_IDENTITY" else {})}
    person = case.people[0]
    answer: dict[str, Any] = {"name": person.name}
    if match := _TWO_NAMES.fullmatch(person.name):
        answer |= {"name": match["korean"], "name_en": match["latin"]}
    elif alias := case.option("alias"):
        answer["name_en"] = alias.replace("_", " ")
    contacts = person.contacts
    answer["emails"] = [c for c in contacts if "@" in c and "/" not in c]
    answer["links"] = [c for c in contacts if is_link(c)]
    answer["phones"] = [c for c in contacts if is_phone(c)]
    years = case.option("dates") == "year"
    for mark, key, org, role in (
        ("edu", "education", "school", "degree"),
        ("exp", "experience", "company", "title"),
    ):
        answer[key] = [
            {
                org: entry.org,
                role: entry.role,
                "start": entry.start[:4] if years else entry.start,
                "end": entry.end and (entry.end[:4] if years else entry.end),
            }
            for section in person.sections
            if mark in section.marks
            for entry in section.entries
        ]
    answer["skills"] = [
        skill.strip()
        for section in person.sections
        if "skills" in section.marks
        for line in section.lines
        if isinstance(line, str)
        for skill in re.split(r"[,·|/]", line.removeprefix("- ").rpartition(": ")[2])
    ]
    answer["language"] = "ko" if case.korean else "en"
    return answer


def is_link(contact: str) -> bool:
    return contact.startswith("http") or ("/" in contact and "@" not in contact)


def is_phone(contact: str) -> bool:
    return sum(c.isdigit() for c in contact) >= 7 and not is_link(contact) and "@" not in contact
