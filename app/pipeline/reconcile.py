"""Bring back what was lost: abandoned runs, and jobs that Redis forgot."""

from app.errors import ErrorCode
from app.pipeline import fencing, records
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import Envelope
from app.queue.producer import Producer
from app.store.database import Database
from app.telemetry.logs import get_logger

log = get_logger(__name__)

_MAX_RUNS_AT_ONCE = 500


async def reconcile(
    database: Database, producer: Producer, *, lease_s: float, max_tries: int
) -> int:
    """One look at all runs; returns how many jobs were put into the queue anew.

    Several workers may look at the same time: rows are taken with SKIP LOCKED, and the queue
    refuses an id that it holds already. Raises DB_CONNECTION or NETWORK_ERROR; the next look
    repeats what this one did not get to.
    """
    async with database.begin() as session:
        abandoned = await fencing.reclaim_abandoned(session, max_runs=_MAX_RUNS_AT_ONCE)
    for run in abandoned:
        log.warning("run_abandoned", run_id=str(run.id), attempt=run.attempt, worker=run.worker)
    async with database.begin() as session:
        for run in await fencing.spent(session, max_tries=max_tries, max_runs=_MAX_RUNS_AT_ONCE):
            log.error("run_gave_up", run_id=str(run.id), tries=run.tries)
            await fencing.end(
                session,
                run,
                fencing.End(
                    status=RunStatus.FAILED,
                    code=ErrorCode.WORKER_ERROR,
                    details={"reason": "its worker died each time", "tries": run.tries},
                    keep_checkpoints=True,
                ),
            )
    async with database.begin() as session:
        due = await fencing.due(session, max_runs=_MAX_RUNS_AT_ONCE)
        with_effects = await records.runs_with_open_effects(session, max_runs=_MAX_RUNS_AT_ONCE)
    enqueued = 0
    for overdue in due:
        envelope = next_attempt(overdue.run)
        if await producer.enqueue_run(envelope):
            enqueued += 1
        elif overdue.overdue_s > lease_s:
            await producer.forget_claim(envelope)
    for run_id, tenant_id in with_effects:
        envelope = Envelope(run_id=run_id, tenant_id=tenant_id, attempt=0)
        enqueued += await producer.enqueue_effects(envelope)
    if enqueued:
        log.info("jobs_enqueued_again", count=enqueued)
    return enqueued


def next_attempt(run: RunRow) -> Envelope:
    """The envelope of the attempt that the run waits for."""
    return Envelope(
        run_id=run.id,
        tenant_id=run.tenant_id,
        attempt=run.attempt + 1,
        traceparent=run.traceparent,
        deadline=run.deadline_at,
    )
