"""What is understood of a document by rules: carried out in a parser process, far from the loop.

Each takes and gives plain data, and needs neither servers nor settings.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from app.candidates import rules
from app.candidates.excerpt import excerpt
from app.candidates.grounding import SourceText
from app.candidates.identity import Person, people
from app.candidates.instructions import without_instructions
from app.candidates.name_parts import with_telling_parts
from app.candidates.namesakes import Likeness, likeness, spellings_to_find
from app.candidates.orders import visible
from app.candidates.privacy import Kind, mask, redact_rrn, unmask
from app.candidates.profile import (
    Education,
    Experience,
    Profile,
    SpokenLanguage,
    experience_years,
)
from app.candidates.prompts.analysis import ResumeAnswer
from app.candidates.rules.reading import outline_of
from app.candidates.sources import with_sources
from app.candidates.verification import Verified, verified
from app.documents.blocks import Document
from app.documents.work import work

Row = TypeVar("Row", Experience, Education, SpokenLanguage)

_LEADING_NAME = re.compile(r"^\[NAME_\d+\](?:\s*[,|·:–—-]\s*|\s+|$)")
"""`Jane Doerfler, Photographer`: lists show the name beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A document read by the rules.

    `names` are all spellings of the main person's name that it shows. `text` is the document
    without sentences that give orders to machines, `withheld` where they stood, by block.
    """

    people: tuple[Person, ...]
    names: tuple[str, ...]
    profile: Profile
    text: str
    withheld: Mapping[int, Sequence[tuple[int, int]]]
    withheld_count: int


@work
def read(document: Document) -> Facts:
    """Whose it is, and the rules' profile of the person with the place of each value."""
    cleaned = without_instructions(document)
    source = SourceText(document.blocks, cleaned.withheld)
    return Facts(
        people=people(document),
        names=_names_shown(document),
        profile=with_sources(rules.analyze(cleaned.document), source),
        text=visible(cleaned.document.text),
        withheld=cleaned.withheld,
        withheld_count=cleaned.count,
    )


def _names_shown(document: Document) -> tuple[str, ...]:
    """`윤가온 (Gaon Yun)` is two."""
    outline = outline_of(document)
    own = [outline.name.name, outline.name.alias] if outline.name else []
    names = [name for name in own if name]
    for header in (each.header for each in outline.resumes):
        told = [name for name in (header.name, header.alias) if name] if header else []
        # Two words of a sidebar may look like a name: one that cannot be this person's is none.
        if not names or likeness(names, told) is not Likeness.DIFFERENT:
            names += told
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A text, and how much of it a model can read."""

    text: str
    max_chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a model is shown, and what its placeholders stand for."""

    text: str
    placeholders: Mapping[str, str]
    left_out_chars: int


@work
def show(window: Window) -> Shown:
    """As much of the text as fits, masked."""
    part = excerpt(window.text, window.max_chars)
    masked = mask(part.text)
    return Shown(
        text=masked.text, placeholders=masked.placeholders, left_out_chars=part.left_out_chars
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A model's answer, and what it is held against."""

    answer: ResumeAnswer
    document: Document
    withheld: Mapping[int, Sequence[tuple[int, int]]]
    placeholders: Mapping[str, str]
    known: Profile


@work
def check(claim: Claim) -> Verified:
    """The profile that answer and document support."""
    source = SourceText(claim.document.blocks, claim.withheld)
    return verified(claim.answer, source, claim.placeholders, claim.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A finished profile, the spellings of the name in its document, the document's whole text."""

    profile: Profile
    names: tuple[str, ...]
    text: str
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What of it is stored, what may leave the person's key, and the names to find it by."""

    profile: Profile
    names: tuple[str, ...]
    spellings: tuple[str, ...]
    masked_profile: Profile
    masked_text: str
    years: float


@work
def withhold(known: Known) -> Withheld:
    """Mask what goes to search and to embedders, and drop resident numbers everywhere.

    The headline, which lists show, is masked in both profiles.
    """
    profile = redacted(known.profile)
    names = _names_of(profile, known.names)
    hidden = with_telling_parts(names)
    masked = _masked(profile, hidden)
    return Withheld(
        profile=profile.model_copy(update={"headline": masked.headline}),
        names=names,
        spellings=tuple(form for name in names for form in spellings_to_find(name)),
        masked_profile=masked,
        masked_text=mask(known.text, names=hidden).text,
        years=experience_years(profile, known.today),
    )


def _masked(profile: Profile, names: tuple[str, ...]) -> Profile:
    """The profile without name and contacts, also where these are part of other values."""

    def told(text: str | None) -> str:
        return mask(text or "", names=names).text

    def row(each: Row, *cells: str) -> Row:
        return each.model_copy(update={cell: _cell(getattr(each, cell), names) for cell in cells})

    return profile.model_copy(
        update={
            "name": None,
            "emails": (),
            "phones": (),
            "links": (),
            "headline": _LEADING_NAME.sub("", told(profile.headline)) or None,
            "summary": told(profile.summary) or None,
            "experience": tuple(row(each, "company", "title") for each in profile.experience),
            "education": tuple(row(each, "school", "degree") for each in profile.education),
            "languages": tuple(row(each, "name", "level") for each in profile.languages),
            # A skill with something masked in it was none.
            "skills": tuple(skill for skill in profile.skills if told(skill) == skill),
        }
    )


def _cell(text: str | None, names: tuple[str, ...]) -> str | None:
    """Masked, but for what reads like an address: that is how some employers are called."""
    found = mask(text or "", names=names)
    addresses = {k: v for k, v in found.placeholders.items() if k.startswith(f"[{Kind.ADDRESS}_")}
    return unmask(found.text, addresses) or None


def redacted(profile: Profile) -> Profile:
    """The profile without resident numbers, wherever they were written."""
    return Profile.model_validate_json(redact_rrn(profile.model_dump_json()))


def _names_of(profile: Profile, shown: tuple[str, ...]) -> tuple[str, ...]:
    """The person's name, and how else the document writes it."""
    if not profile.name:
        return ()
    # Of somebody else, where the analyst read another name: then nothing there is an alias.
    same = likeness([profile.name], shown) is Likeness.SAME
    return tuple(dict.fromkeys((profile.name, *(shown if same else ()))))
