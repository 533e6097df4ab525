"""The typed profile of one person, as it is stored (encrypted) and shown."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PartialDate = Annotated[str, Field(pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$")]
"""`YYYY-MM` or `YYYY`."""

Confidence = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Education(_Part):
    """One school. `end` is None while it goes on or where the document does not say."""

    school: str
    degree: str | None = None
    start: PartialDate | None = None
    end: PartialDate | None = None


class Experience(_Part):
    """One position at one employer. An `end` of None with a `start` means: to now."""

    company: str
    title: str | None = None
    start: PartialDate | None = None
    end: PartialDate | None = None


class SpokenLanguage(_Part):
    """A language the person speaks, with the level or score as written."""

    name: str
    level: str | None = None


class Span(_Part):
    """Where a value stands: the characters `start` to `end` of one block of the document.

    `page` counts from 1, `block` from 0. `box` is that of the whole block: left, top, right, bottom in
    points from the page's top left corner; None where the format does not tell.
    """

    page: int
    block: int
    start: int
    end: int
    box: tuple[float, float, float, float] | None = None


class Note(StrEnum):
    """What a reader of the profile should know about how it was made."""

    TRUNCATED = "truncated"
    """The model saw only the beginning and the end: the document is longer than it can read."""
    HIDDEN_TEXT = "hidden_text"
    """The document holds text that nobody sees on the page; it was left out."""
    INSTRUCTIONS_WITHHELD = "instructions_withheld"
    """Sentences that give orders to a machine were kept from the model and from the rules."""
    VALUES_REFUSED = "values_refused"
    """The model gave values that the document does not hold; they were dropped."""
    NAMES_NOBODY = "names_nobody"
    """Neither a name nor a contact was found: the document may be no résumé."""


class Profile(_Part):
    """What a résumé says about its person.

    `language` is the document's main language (`ko` or `en`). `confidence` maps a field's name to
    0..1; a field that was not found has no entry. `headline` is one line for lists, without
    contact data. `sources` maps a value's place in the profile (`name`, `emails.0`,
    `experience.1.company`) to where it stands in the document, one span per line; a value that is
    put together of others has none. `notes` holds members of Note, or those of a later version.
    """

    name: str | None = None
    headline: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    education: tuple[Education, ...] = ()
    experience: tuple[Experience, ...] = ()
    skills: tuple[str, ...] = ()
    languages: tuple[SpokenLanguage, ...] = ()
    summary: str | None = None
    language: str = "en"
    confidence: dict[str, Confidence] = Field(default_factory=dict)
    sources: dict[str, tuple[Span, ...]] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()


def experience_years(profile: Profile, today: date) -> float:
    """Years of working life, overlaps counted once; an open end counts to `today`.

    A date without a month counts from January, as a start and as an end alike.
    """
    spans = sorted(
        (_months(entry.start), _months(entry.end) if entry.end else today.year * 12 + today.month)
        for entry in profile.experience
        if entry.start
    )
    months, reached = 0, 0
    for start, end in spans:
        months += max(0, end - max(start, reached))
        reached = max(reached, end)
    return round(months / 12, 1)


def _months(value: PartialDate) -> int:
    year, _, month = value.partition("-")
    return int(year) * 12 + int(month or 1)
