"""What of a résumé may leave the person's key, and what the person is known by."""

import base64
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from app.candidates.analysis import Analysis, Analyst
from app.candidates.computing import computed
from app.candidates.namesakes import Likeness, likeness, spellings_to_find
from app.candidates.privacy import mask, redact_rrn
from app.candidates.profile import Profile, experience_years
from app.candidates.rules.persons import main_name, resumes
from app.candidates.rules.reading import sections_of
from app.candidates.tables import CandidateId, LookupKind
from app.candidates.tools import ResumeTools
from app.documents.blocks import Document
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.store.crypto import BlindIndex, Place

_CANDIDATES = UUID("6e617275-0000-4000-8000-000063616e64")
"""Name space in which a candidate's id follows from its run's: saving twice cannot make two."""


class Protected(BaseModel):
    """What of a résumé is stored, and what of it may leave the person's key.

    `profile` is sealed when it is saved: only then is it known whether the person has a key already.
    `names` are the spellings of the person's name that the document shows.
    """

    model_config = ConfigDict(frozen=True)

    profile: Profile
    names: tuple[str, ...]
    masked_profile: Profile
    masked_text: str
    lookups: tuple[tuple[LookupKind, str], ...]
    years: float
    analyst: Analyst


@stage("protect", policy=PolicyName.LOCAL, version=3)
async def protect(
    analysis: Analysis, document: Document, run: Run, tools: ResumeTools
) -> Protected:
    """Mask what goes to search and to embedders, and find what the person is known by."""

    def work() -> Protected:
        profile = redacted(analysis.profile)
        names = names_shown(profile, document)
        summary = mask(profile.summary, names=names).text if profile.summary else None
        return Protected(
            profile=profile,
            names=names,
            masked_profile=profile.model_copy(
                update={"name": None, "emails": (), "phones": (), "links": (), "summary": summary}
            ),
            masked_text=mask(document.text, names=names).text,
            lookups=tuple(_lookups(profile, names, tools.index)),
            years=experience_years(profile, run.clock.now().date()),
            analyst=analysis.analyst,
        )

    return await computed(work)


def candidate_of(run: Run) -> CandidateId:
    """The candidate that a run makes; the same at every attempt."""
    return CandidateId(uuid5(_CANDIDATES, str(run.id)))


def profile_place(candidate_id: UUID) -> Place:
    return Place(table="candidates", column="profile", row=str(candidate_id))


def redacted(profile: Profile) -> Profile:
    """The profile without resident numbers, wherever they were written."""
    return Profile.model_validate_json(redact_rrn(profile.model_dump_json()))


def names_shown(profile: Profile, document: Document) -> tuple[str, ...]:
    """The person's name, and how else the document writes it: `윤가온 (Gaon Yun)`."""
    if not profile.name:
        return ()
    sections = sections_of(document)
    main, _ = main_name(sections)
    pairs = [(main.name, main.alias)] if main else []
    pairs += [
        (resume.header.name, resume.header.alias) for resume in resumes(sections) if resume.header
    ]
    shown = tuple(name for pair in pairs for name in pair if name)
    # Of somebody else, where the analyst read another name: then nothing here is an alias.
    if likeness([profile.name], shown) is not Likeness.SAME:
        shown = ()
    return tuple(dict.fromkeys((profile.name, *shown)))


def _lookups(
    profile: Profile, names: Sequence[str], index: BlindIndex
) -> Iterator[tuple[LookupKind, str]]:
    values = [(LookupKind.EMAIL, index.email(value)) for value in profile.emails]
    values += [(LookupKind.PHONE, index.phone(value)) for value in profile.phones]
    values += [
        (LookupKind.NAME, index.name(form)) for name in names for form in spellings_to_find(name)
    ]
    for kind, value in dict.fromkeys(values):
        yield kind, base64.b64encode(value).decode()
