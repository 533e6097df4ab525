"""Bring back what was lost: abandoned runs, and jobs that Redis forgot."""

from collections.abc import Awaitable, Callable

from app.errors import ErrorCode
from app.pipeline import fencing, records
from app.pipeline.delivery import effects_of, job_id_of, next_attempt
from app.pipeline.tables import RunRow, RunStatus
from app.queue.producer import Producer
from app.store.database import Database
from app.telemetry.logs import get_logger

log = get_logger(__name__)

_MAX_RUNS_AT_ONCE = 500


async def reconcile(
    database: Database,
    producer: Producer,
    *,
    lease_s: float,
    stock_claim_s: float,
    max_tries: int,
    gave_up: Callable[[RunRow], Awaitable[None]],
) -> int:
    """One look at all runs; returns how many jobs were put into the queue anew.

    Several workers may look at the same time: rows are taken with SKIP LOCKED, and the queue
    refuses an id that it holds already. `gave_up` is told of each run whose worker died at every
    try, once it has ended. `stock_claim_s` is how long arq's own worker claims a job. Raises
    DB_CONNECTION or NETWORK_ERROR; the next look repeats what this one did not get to.
    """
    async with database.begin() as session:
        abandoned = await fencing.reclaim_abandoned(session, max_runs=_MAX_RUNS_AT_ONCE)
    for run in abandoned:
        log.warning("run_abandoned", run_id=str(run.id), attempt=run.attempt, worker=run.worker)
    async with database.begin() as session:
        spent = await fencing.spent(session, max_tries=max_tries, max_runs=_MAX_RUNS_AT_ONCE)
        for run in spent:
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
    for run in spent:
        await gave_up(run)
    async with database.begin() as session:
        due = await fencing.due(session, max_runs=_MAX_RUNS_AT_ONCE)
        with_effects = await records.runs_with_open_effects(session, max_runs=_MAX_RUNS_AT_ONCE)
    # Asked first: a trace of each offer would hide the one that counted.
    offers = [
        *(next_attempt(overdue.run) for overdue in due),
        *(effects_of(run_id, tenant_id) for run_id, tenant_id in with_effects),
    ]
    absent = await producer.absent([job.job_id or "" for job in offers])
    answers = await producer.enqueue_many([job for job in offers if job.job_id in absent])
    if put := sum(answer.is_new for answer in answers):
        log.info("jobs_enqueued_again", count=put)
    overdue_ids = [
        job_id_of(each.run.id, each.run.attempt + 1) for each in due if each.overdue_s > lease_s
    ]
    await producer.forget_foreign_claims(overdue_ids, lasts_s=stock_claim_s, held_for_s=lease_s)
    return put
