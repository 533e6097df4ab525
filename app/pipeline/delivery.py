"""The jobs of a run: one per attempt, and one for what its end owes."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.pipeline.tables import RunRow
from app.queue.envelope import NewJob, Priority

RUN_FUNCTION = "run"
EFFECTS_FUNCTION = "effects"


class RunJob(BaseModel):
    """What a job of a run carries; one of another version may carry more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: UUID
    tenant_id: UUID
    attempt: int


def job_id_of(run_id: UUID, attempt: int) -> str:
    return f"{run_id}:{attempt}"


def next_attempt(run: RunRow, *, wait_s: float = 0) -> NewJob:
    """The job of the attempt that the run waits for."""
    attempt = run.attempt + 1
    carried = RunJob(run_id=run.id, tenant_id=run.tenant_id, attempt=attempt)
    return NewJob(
        function=RUN_FUNCTION,
        kwargs=carried.model_dump(mode="json"),
        job_id=job_id_of(run.id, attempt),
        priority=Priority(run.priority),
        tenant=str(run.tenant_id),
        limit_key=run.limit_key,
        wait_s=wait_s,
        traceparent=run.traceparent,
    )


def effects_of(run_id: UUID, tenant_id: UUID, *, traceparent: str | None = None) -> NewJob:
    """The job that carries out what an ended run owes. Its id is free again once it has ended."""
    carried = RunJob(run_id=run_id, tenant_id=tenant_id, attempt=0)
    return NewJob(
        function=EFFECTS_FUNCTION,
        kwargs=carried.model_dump(mode="json"),
        job_id=f"{run_id}:effects",
        tenant=str(tenant_id),
        traceparent=traceparent,
    )
