"""Bring back what was lost: abandoned runs, and jobs that Redis forgot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.errors import ErrorCode, RetryableError
from app.pipeline import fencing, records
from app.pipeline.delivery import effects_of, job_id_of, next_attempt
from app.pipeline.ending import end_run
from app.pipeline.fencing import Due, Effect, End
from app.pipeline.tables import RunRow, RunStatus
from app.queue.events import Events
from app.queue.producer import Producer
from app.store.database import Database
from app.telemetry.logs import get_logger

log = get_logger(__name__)

DEAD_LETTER: Final = "dead_letter"
"""The effect that buries the job of a run whose worker died at every try."""


@dataclass(slots=True, kw_only=True, eq=False)
class Reconciler:
    """Looks after runs that nobody carries, every `every_s` seconds.

    `stock_claim_s` is how long arq's own worker claims a job. A look deals with `max_runs` of each
    kind; where it leaves off, the next one goes on. A transaction that takes longer than
    `transaction_s` ends the look: its connection may have gone silent.
    """

    database: Database
    producer: Producer
    events: Events
    every_s: float
    lease_s: float
    stock_claim_s: float
    max_tries: int
    max_runs: int = 500
    transaction_s: float = 30
    _due_after: Due | None = field(default=None, init=False)
    _owing_after: UUID | None = field(default=None, init=False)

    async def look(self) -> int:
        """One look at runs; returns how many jobs were put into the queue anew.

        A run that has been due for less than `every_s` is left to the next look: its job is most
        likely on its way. So one that is lost at once is found when it has been due for one to two
        times as long, and a look later for each `max_runs` that are due before it.

        Several workers may look at the same time: the fence lets one of them put a run back or end
        it, and the queue refuses an id that it holds already. Raises DB_CONNECTION or
        NETWORK_ERROR; the next look repeats what this one did not get to.
        """
        abandoned = await self._reclaim()
        await self._end_spent()
        async with self.database.begin(within_s=self.transaction_s) as session:
            due = await fencing.due(
                session, for_s=self.every_s, after=self._due_after, max_runs=self.max_runs
            )
            owing = await records.runs_with_open_effects(
                session, after=self._owing_after, max_runs=self.max_runs
            )
        waiting = {
            **{_next_job_id(each): each.run_id for each in due},
            **{job_id_of(run.id, run.attempt + 1): run.id for run in abandoned},
        }
        put = await self._offer(waiting, owing)
        await self.producer.forget_foreign_claims(
            [_next_job_id(each) for each in due if each.overdue_s > self.lease_s],
            lasts_s=self.stock_claim_s,
            held_for_s=self.lease_s,
        )
        self._due_after = due[-1] if len(due) == self.max_runs else None
        self._owing_after = owing[-1][0] if len(owing) == self.max_runs else None
        return put

    async def _reclaim(self) -> Sequence[RunRow]:
        async with self.database.begin(within_s=self.transaction_s) as session:
            abandoned = await fencing.reclaim_abandoned(session, max_runs=self.max_runs)
        for run in abandoned:
            log.warning("run_abandoned", run_id=str(run.id), attempt=run.attempt, worker=run.worker)
        return abandoned

    async def _end_spent(self) -> None:
        async with self.database.begin(within_s=self.transaction_s) as session:
            spent = await fencing.spent(session, max_tries=self.max_tries, max_runs=self.max_runs)
        for run in spent:
            how = End(
                status=RunStatus.FAILED,
                code=ErrorCode.WORKER_ERROR,
                details={"reason": "its worker died each time", "tries": run.tries},
                effects=(_letter(run),),
                keep_checkpoints=True,
            )
            try:
                await end_run(self.database, self.events, run, how, within_s=self.transaction_s)
            except RetryableError as error:
                if error.code is not ErrorCode.LEASE_LOST:
                    raise
                continue  # another worker was first, or somebody cancelled it
            log.error("run_gave_up", run_id=str(run.id), tries=run.tries)

    async def _offer(self, waiting: dict[str, UUID], owing: Iterable[tuple[UUID, UUID]]) -> int:
        effects = {job.job_id or "": job for job in (effects_of(*each) for each in owing)}
        # Asked first: nearly all are there, and only of the others is there more to be read. Also,
        # a trace of each offer would hide the one that counted.
        absent = await self.producer.absent([*waiting, *effects])
        jobs = [job for job_id, job in effects.items() if job_id in absent]
        if lost := [run_id for job_id, run_id in waiting.items() if job_id in absent]:
            async with self.database.begin(within_s=self.transaction_s) as session:
                jobs += map(next_attempt, await fencing.still_due(session, lost))
        answers = await self.producer.enqueue_many(jobs)
        if put := sum(answer.is_new for answer in answers):
            log.info("jobs_enqueued_again", count=put)
        return put


def _letter(run: RunRow) -> Effect:
    return Effect(
        kind=DEAD_LETTER,
        key=f"{DEAD_LETTER}:{run.id}:{run.attempt}",
        payload={"run_id": str(run.id), "attempt": run.attempt},
    )


def _next_job_id(due: Due) -> str:
    return job_id_of(due.run_id, due.attempt + 1)
