"""Candidates: what the résumés became; looking one up, telling two apart, exporting and erasing one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints

from app.api.dependencies import Context
from app.candidates import erasure
from app.candidates.anonymous import AnonymousProfile, Keep, export
from app.candidates.distinct import tell_apart
from app.candidates.erasure import Erased, Eraser
from app.candidates.lookup import look_up
from app.candidates.views import CandidateList, CandidateView, view_candidate

router = APIRouter(prefix="/v1/candidates", tags=["candidates"])

_Given = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320)]


class LookupOrder(BaseModel):
    """All that is given must be the person's."""

    model_config = ConfigDict(extra="forbid")

    mail: _Given | None = None
    phone: _Given | None = None
    name: _Given | None = None


# In the body: addresses end up in the logs of every proxy on the way, and in histories.
@router.post("/lookup")
async def look_up_candidates(
    order: LookupOrder, runtime: Context, *, reveal: bool = False
) -> CandidateList:
    """Who has this mail, phone or name; 100 at most, the newest first."""
    async with runtime.database.begin() as session:
        found = await look_up(
            session,
            runtime.index,
            runtime.tenant_id,
            mail=order.mail,
            phone=order.phone,
            name=order.name,
        )
        return CandidateList(
            candidates=[
                await view_candidate(session, runtime.keyring, candidate, reveal=reveal)
                for candidate in found
            ]
        )


@router.get("/{candidate_id}")
async def show_candidate(
    candidate_id: UUID, runtime: Context, *, reveal: bool = False, versions: bool = False
) -> CandidateView:
    """One candidate; `reveal` adds the profile with name and contacts, `versions` the older ones."""
    async with runtime.database.begin() as session:
        candidate = await erasure.existing(session, runtime.tenant_id, candidate_id)
        return await view_candidate(
            session, runtime.keyring, candidate, reveal=reveal, versions=versions
        )


@router.get("/{candidate_id}/anonymous")
async def export_anonymously(
    candidate_id: UUID,
    runtime: Context,
    *,
    keep_employers: bool = False,
    keep_schools: bool = False,
) -> AnonymousProfile:
    """One candidate without what says, or hints at, who it is."""
    keep = Keep(employers=keep_employers, schools=keep_schools)
    async with runtime.database.begin() as session:
        candidate = await erasure.existing(session, runtime.tenant_id, candidate_id)
        return await export(session, runtime.keyring, runtime.index, candidate, keep)


@router.post("/{candidate_id}/not-duplicate")
async def tell_candidates_apart(
    candidate_id: UUID, runtime: Context, *, reveal: bool = False
) -> CandidateView:
    """Take back `possible_duplicate_of`, for good: later résumés of the two flag them no more."""
    async with runtime.database.begin() as session:
        candidate = await tell_apart(session, runtime.tenant_id, candidate_id)
        return await view_candidate(session, runtime.keyring, candidate, reveal=reveal)


@router.delete("/{candidate_id}")
async def erase_candidate(candidate_id: UUID, runtime: Context) -> Erased:
    """Erase a person for good: all versions, keys, look-ups and files.

    Once this answers, nothing of it can be read. The files are deleted soon after.
    """
    eraser = Eraser(
        database=runtime.database,
        producer=runtime.producer,
        events=runtime.events,
        keyring=runtime.keyring,
        tenant_id=runtime.tenant_id,
    )
    return (await eraser.erase(candidate_id)).erased
