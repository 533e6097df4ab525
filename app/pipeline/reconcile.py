"""Bring back what was lost: abandoned runs, and jobs that Redis forgot."""

from collections.abc import Awaitable, Callable, Sequence

from app.errors import ErrorCode
from app.pipeline import fencing, records
from app.pipeline.delivery import effects_of, next_attempt
from app.pipeline.tables import RunRow, RunStatus
from app.queue.envelope import NewJob
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
    max_tries: int,
    gave_up: Callable[[RunRow], Awaitable[None]],
) -> int:
    """One look at all runs; returns how many jobs were put into the queue anew.

    Several workers may look at the same time: rows are taken with SKIP LOCKED, and the queue
    refuses an id that it holds already. `gave_up` is told of each run whose worker died at every
    try, once it has ended. Raises DB_CONNECTION or NETWORK_ERROR; the next look
    repeats what this one did not get to.
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
    return await _offer(
        producer,
        [
            *(next_attempt(overdue.run) for overdue in due),
            *(effects_of(run_id, tenant_id) for run_id, tenant_id in with_effects),
        ],
        stuck=[next_attempt(each.run) for each in due if each.overdue_s > lease_s],
    )


async def _offer(producer: Producer, jobs: Sequence[NewJob], *, stuck: Sequence[NewJob]) -> int:
    # Asked first: a trace of each offer would hide the one that counted.
    absent = await producer.absent([job.job_id or "" for job in jobs])
    offered = [job for job in jobs if job.job_id in absent]
    put = sum(each.is_new for each in await producer.enqueue_many(offered))
    if put:
        log.info("jobs_enqueued_again", count=put)
    for job in stuck:
        if job.job_id and job.job_id not in absent:
            await producer.forget_foreign_claim(job.job_id)
    return put
