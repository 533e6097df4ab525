# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The headline and the summary: short texts for people, free of contact data."""

import re
from collections.abc import Iterator, Sequence

from app.candidates.profile import Experience
from app.candidates.rules.addresses import emails_in, links_in
from app.candidates.rules.dates import periods
from app.candidates.rules.entries import is_sentence
from app.candidates.rules.headings import Kind
from app.candidates.rules.labels import Label, pairs
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.names import Candidate
from app.candidates.rules.phones import phones_in
from app.candidates.rules.places import is_place
from app.candidates.rules.sections import Section
from app.candidates.rules.vocabulary import title_score

_SUMMARY_MAX_CHARS = 800
_HEADLINE_MAX_CHARS = 90
_NEAR_NAME = 5
_NUMBERS = re.compile(r"\d[\d\s\-*]{7,}")
_PIECES = re.compile(r"\s*[|·•]\s*|\t|\s{3,}")


def is_private(text: str) -> bool:
    """Whether a line holds contact data or a long number."""
    return bool(emails_in(text) or phones_in(text) or links_in(text) or _NUMBERS.search(text))


def find_summary(sections: Sequence[Section]) -> str | None:
    """The text of the summary section; without one, the first paragraph of the header."""
    lines = [line for s in sections if s.kind is Kind.SUMMARY for line in s.lines]
    if not lines:
        lines = [
            x
            for s in sections
            if s.kind is Kind.HEADER
            for x in s.lines
            if len(x.text) > 50 and is_sentence(x.text)
        ]
    kept: list[str] = []
    size = 0
    for line in lines:
        if any(not p.single for p in periods(line.text)) and not is_sentence(line.text):
            break  # a career whose heading was not read
        if is_private(line.text[:2_000]) or any(labels for labels, _ in pairs(line)):
            continue
        kept.append(line.text)
        size += len(line.text)
        if size > _SUMMARY_MAX_CHARS:
            break
    text = " ".join(kept).strip()
    if len(text) > _SUMMARY_MAX_CHARS:
        cut = text.rfind(". ", 0, _SUMMARY_MAX_CHARS)
        text = text[: cut + 1 if cut > 200 else _SUMMARY_MAX_CHARS].rstrip()
    return text or None


def find_headline(
    sections: Sequence[Section], name: Candidate | None, experience: Sequence[Experience]
) -> str | None:
    """The line under the name that tells the profession, else the present position."""
    for text in _subtitles(sections, name):
        if title_score(text) >= 0.5:
            return text[:_HEADLINE_MAX_CHARS]
    current = next(
        (x for x in experience if x.start and x.end is None), experience[0] if experience else None
    )
    if current is None:
        return None
    headline = f"{current.title} · {current.company}" if current.title else current.company
    return None if is_private(headline) else headline[:_HEADLINE_MAX_CHARS]


def _subtitles(sections: Sequence[Section], name: Candidate | None) -> Iterator[str]:
    """Lines that may tell the profession, labelled ones first, then those next to the name."""
    headers = [s for s in sections if s.kind in (Kind.HEADER, Kind.TITLE, Kind.CONTACT)]
    for line in (x for s in headers for x in s.lines[:60]):
        for labels, value in pairs(line):
            if labels & {Label.HEADLINE} and not is_private(value):
                yield value
    for section in headers:
        lines = section.lines
        at = next((i for i, x in enumerate(lines) if name and x is name.line), 0)
        near: list[Line] = [*lines[at : at + _NEAR_NAME], *lines[max(0, at - 2) : at]]
        for line in (x for x in near if len(x.text) < 300):
            for piece in _PIECES.split(line.text):
                text = _without_name(piece.strip(" ,-–—"), name)
                if text and not is_private(text) and not is_place(text) and not is_sentence(text):
                    yield text


def _without_name(text: str, name: Candidate | None) -> str:
    if name and squeeze(name.name) in squeeze(text):
        text = re.sub(re.escape(name.name), "", text, flags=re.IGNORECASE).strip(" ,-–—/|()")
    return text if text.count("(") == text.count(")") else text.partition("(")[0].strip()
