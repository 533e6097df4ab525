"""What of a résumé may leave the person's key, and what the person is known by."""

import base64
from collections.abc import Iterator
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from app.candidates.analysis import Analysis, Analyst
from app.candidates.profile import Profile
from app.candidates.reading import Reading
from app.candidates.tables import CandidateId, LookupKind
from app.candidates.tools import ResumeTools
from app.candidates.understanding import Known, Withheld, withhold
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


@stage("protect", policy=PolicyName.PARSER, version=4)
async def protect(analysis: Analysis, reading: Reading, run: Run, tools: ResumeTools) -> Protected:
    """Mask what goes to search and to embedders, and find what the person is known by."""
    known = Known(
        profile=analysis.profile,
        names=(await reading.facts()).names,
        text=reading.document.text,
        today=run.clock.now().date(),
    )
    found = await reading.compute(withhold, known)
    return Protected(
        profile=found.profile,
        names=found.names,
        masked_profile=found.masked_profile,
        masked_text=found.masked_text,
        lookups=tuple(_lookups(found, tools.index)),
        years=found.years,
        analyst=analysis.analyst,
    )


def candidate_of(run: Run) -> CandidateId:
    """The candidate that a run makes; the same at every attempt."""
    return CandidateId(uuid5(_CANDIDATES, str(run.id)))


def profile_place(candidate_id: UUID) -> Place:
    return Place(table="candidates", column="profile", row=str(candidate_id))


def _lookups(found: Withheld, index: BlindIndex) -> Iterator[tuple[LookupKind, str]]:
    profile = found.profile
    values = [(LookupKind.EMAIL, index.email(value)) for value in profile.emails]
    values += [(LookupKind.PHONE, index.phone(value)) for value in profile.phones]
    values += [(LookupKind.NAME, index.name(form)) for form in found.spellings]
    for kind, value in dict.fromkeys(values):
        yield kind, base64.b64encode(value).decode()
