"""What of a profile may leave the person's key, and the rest sealed under it."""

import asyncio
import base64
from collections.abc import Iterator
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict

from app.candidates.analysis import Analysis, Analyst
from app.candidates.privacy import mask, redact_rrn
from app.candidates.profile import Profile, experience_years
from app.candidates.tables import CandidateId
from app.candidates.tools import ResumeTools
from app.documents.blocks import Document
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.store.crypto import BlindIndex, Place
from app.store.keys import new_data_key

_CANDIDATES = UUID("6e617275-0000-4000-8000-000063616e64")
"""Name space in which a candidate's id follows from its run's: saving twice cannot make two."""


class Protected(BaseModel):
    """What may leave the person's key: masked text, index values, and the profile already sealed.

    `wrapped_key` is the candidate's data key under ENCRYPTION_KEY; it is stored with the candidate.
    """

    model_config = ConfigDict(frozen=True)

    candidate_id: UUID
    key_id: UUID
    wrapped_key: str
    profile_sealed: str
    masked_profile: Profile
    masked_text: str
    lookups: tuple[tuple[str, str], ...]
    years: float
    analyst: Analyst


@stage("protect", policy=PolicyName.LOCAL)
async def protect(
    analysis: Analysis, document: Document, run: Run, tools: ResumeTools
) -> Protected:
    """Mask what goes to search and to embedders, seal the rest under a key of the candidate."""

    def work() -> Protected:
        profile = redacted(analysis.profile)
        candidate_id = candidate_of(run)
        key, key_row = new_data_key(tools.keyring, run.tenant_id)
        names = (profile.name,) if profile.name else ()
        summary = mask(profile.summary, names=names).text if profile.summary else None
        return Protected(
            candidate_id=candidate_id,
            key_id=key.id,
            wrapped_key=key_row.wrapped,
            profile_sealed=key.seal(profile.model_dump_json(), profile_place(candidate_id)),
            masked_profile=profile.model_copy(
                update={"name": None, "emails": (), "phones": (), "links": (), "summary": summary}
            ),
            masked_text=mask(document.text, names=names).text,
            lookups=tuple(_lookups(profile, tools.index)),
            years=experience_years(profile, run.clock.now().date()),
            analyst=analysis.analyst,
        )

    return await asyncio.to_thread(work)


def candidate_of(run: Run) -> CandidateId:
    """The candidate that a run makes; the same at every attempt."""
    return CandidateId(uuid5(_CANDIDATES, str(run.id)))


def profile_place(candidate_id: UUID) -> Place:
    return Place(table="candidates", column="profile", row=str(candidate_id))


def redacted(profile: Profile) -> Profile:
    """The profile without resident numbers, wherever they were written."""
    return Profile.model_validate_json(redact_rrn(profile.model_dump_json()))


def _lookups(profile: Profile, index: BlindIndex) -> Iterator[tuple[str, str]]:
    values = [("email", index.email(value)) for value in profile.emails]
    values += [("phone", index.phone(value)) for value in profile.phones]
    if profile.name:
        values.append(("name", index.name(profile.name)))
    for kind, value in values:
        yield kind, base64.b64encode(value).decode()
