"""Candidates: what the résumés became."""

from uuid import UUID

from fastapi import APIRouter

from app.api.dependencies import Context
from app.candidates import records
from app.candidates.views import CandidateView, view_candidate
from app.errors import ErrorCode, PermanentError

router = APIRouter(prefix="/v1/candidates", tags=["candidates"])


@router.get("/{candidate_id}")
async def show_candidate(
    candidate_id: UUID, runtime: Context, *, reveal: bool = False
) -> CandidateView:
    """One candidate; `reveal` adds the profile with name and contacts."""
    async with runtime.database.begin() as session:
        candidate = await records.find(session, runtime.tenant_id, candidate_id)
        if candidate is None:
            raise PermanentError(ErrorCode.NOT_FOUND)
        return await view_candidate(session, runtime.keyring, candidate, reveal=reveal)
