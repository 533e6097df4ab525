"""Repair of what partial runs lack."""

from uuid import UUID

from fastapi import APIRouter, Response

from app.api.dependencies import Context
from app.api.resumes import AcceptedRun
from app.pipeline.tables import RunStatus

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.post("/{run_id}/repair", status_code=202)
async def repair(run_id: UUID, runtime: Context, response: Response) -> AcceptedRun:
    """Do again what a partial run lacks, by a run of its own; the run itself then changes its state.

    A repair that is under way is answered again. 409 NOT_REPAIRABLE says why nothing can be done.
    """
    asked = await runtime.repairs.ask(run_id)
    status_url = f"/v1/runs/{asked.run.id}"
    response.headers["Location"] = status_url
    return AcceptedRun(
        run_id=asked.run.id, status=RunStatus(asked.run.status), status_url=status_url
    )
