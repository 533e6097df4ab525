"""Cancel a run: its final state first, then the job that carries it."""

from uuid import UUID

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.pipeline import records
from app.pipeline.delivery import effects_of, job_id_of
from app.pipeline.ending import Made, cut_short, made_nothing
from app.pipeline.tables import RunRow, RunStatus
from app.queue.events import Events
from app.queue.producer import Cancelled, Producer
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger

log = get_logger(__name__)

_LIMIT_S = 10.0
"""A stage that is committing is waited for; a worker that froze in the middle of it is not."""


async def cancel_run(
    database: Database,
    producer: Producer,
    events: Events,
    tenant_id: TenantId,
    run_id: UUID,
    *,
    made: Made = made_nothing,
) -> RunRow:
    """End the run as `cancelled`, whether it waits or runs; one that is cancelled already is fine.

    From then on nothing of it commits, also while Redis is away and its worker cannot be told.
    Raises NOT_FOUND, DB_CONNECTION, and RUN_ENDED when it has ended in another way or has `made` what
    it was for: then it ends as it would have.
    """
    while True:
        async with database.begin() as session:
            run = await records.find(session, tenant_id, run_id)
        if run is None:
            raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
        if run.status == RunStatus.CANCELLED:
            return run
        if RunStatus(run.status).final:
            raise PermanentError(ErrorCode.RUN_ENDED, details={"status": run.status})
        try:
            await cut_short(database, events, run, made=made, within_s=_LIMIT_S)
        except RetryableError as error:
            if error.code is not ErrorCode.LEASE_LOST:
                raise
            continue  # it began, ended or was cancelled meanwhile
        log.info("run_cancelled", run_id=str(run.id), was=run.status, attempt=run.attempt)
        await _cancel_job(producer, run)


async def _cancel_job(producer: Producer, run: RunRow) -> None:
    """Whichever carries it: a job that another worker took over has begun a later attempt."""
    newest = run.attempt + 1 if run.status == RunStatus.QUEUED else run.attempt
    try:
        if run.owes:
            await producer.enqueue(effects_of(run.id, run.tenant_id, traceparent=run.traceparent))
        for attempt in range(newest, 0, -1):
            if await producer.cancel(job_id_of(run.id, attempt)) is not Cancelled.UNKNOWN:
                return
    except RetryableError as error:
        # It is taken out later, or runs until its next commit, which is refused.
        log.warning("job_not_cancelled", run_id=str(run.id), code=error.code)
