"""Runs: how far, how long, and what went wrong."""

from uuid import UUID

from fastapi import APIRouter

from app.api.dependencies import Context, Reader
from app.candidates.views import RunView, view_run
from app.errors import ErrorCode, PermanentError
from app.pipeline import records

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.get("/{run_id}")
async def show_run(
    run_id: UUID, runtime: Context, language: Reader, *, reveal: bool = False
) -> RunView:
    """One run with its stages; `reveal` adds names and the profile."""
    async with runtime.database.begin() as session:
        run = await records.find(session, runtime.tenant_id, run_id)
        if run is None:
            raise PermanentError(ErrorCode.NOT_FOUND)
        return await view_run(session, runtime.keyring, run, language=language, reveal=reveal)
