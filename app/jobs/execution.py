"""Around every job: begin and fence, trace, error code → run again, or final state."""

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from arq.worker import Retry

from app.bootstrap import Runtime
from app.errors import (
    ErrorCode,
    PermanentError,
    RetryableError,
    WorkerError,
    stored_code,
    unwrap,
)
from app.messages import Message
from app.pipeline import fencing, records, stage_records
from app.pipeline.delivery import RUN_FUNCTION, RunJob, next_attempt
from app.pipeline.effects import EffectHandler, carry_out
from app.pipeline.ending import CANCELLED, end_run
from app.pipeline.fencing import End
from app.pipeline.flow import Flow
from app.pipeline.run import Run, private_place
from app.pipeline.tables import RunId, RunRow, RunStatus
from app.queue.delivery import PARKED_S, Cause, Delivery, Ended, backoff_s
from app.queue.envelope import NewJob, unseal
from app.resilience.deadline import Within
from app.store.keys import TenantId, load_data_key
from app.telemetry.conventions import Attribute
from app.telemetry.logs import bound, get_logger
from app.telemetry.metrics import record_retry
from app.telemetry.spans import current_span

log = get_logger(__name__)

_STAND_BY = timedelta(seconds=0.1)
"""After the end of somebody's lease: whoever renews it in time keeps the run."""


class Execution:
    """The job functions of one worker, and the runs that it holds."""

    def __init__(
        self,
        runtime: Runtime,
        flows: Mapping[str, Flow],
        effects: Mapping[str, EffectHandler],
        *,
        worker: str,
    ) -> None:
        self._runtime = runtime
        self._flows = flows
        self._effects = effects
        self._queue = runtime.settings.queue
        self.worker = worker
        self._held: dict[RunId, tuple[int, asyncio.Task[Any]]] = {}
        self._lost: set[tuple[RunId, int]] = set()

    async def run(self, ctx: dict[Any, Any], **carried: Any) -> Ended:
        """One attempt of one run. How it went is in PostgreSQL; the queue is told in short.

        Raises DB_CONNECTION before the attempt has begun, and arq's Retry while another worker has
        the run: then the job comes again.
        """
        job = RunJob.model_validate(carried)
        active = current_span()
        active.set(Attribute.RUN_ID, str(job.run_id))
        with bound(run_id=str(job.run_id)):
            attempt = await self._begin(job)
            if attempt is None:
                log.info("attempt_not_to_be_had", attempt=job.attempt)
                return await self._ended_before(job)
            active.set(Attribute.JOB_ATTEMPT, attempt.row.attempt)
            active.set(Attribute.JOB_MAX_ATTEMPTS, self._queue.max_attempts)
            self._tell(attempt.row, RunStatus.RUNNING)
            with bound(attempt=attempt.row.attempt):
                try:
                    return await self._held_through(attempt, ctx.get("delivery"))
                except RetryableError as error:
                    # PostgreSQL went away, or another worker has the run. Either way nothing can be
                    # written here, and the reconciler sees to the run.
                    log.warning("attempt_not_recorded", code=error.code)
                    active.fail(error.code)
                    return Ended(outcome="aborted")

    async def effects(self, ctx: dict[Any, Any], **carried: Any) -> Ended:
        """Carry out what a run still owes that ended elsewhere, or whose worker failed to."""
        del ctx
        job = RunJob.model_validate(carried)
        with bound(run_id=str(job.run_id)):
            carried_out = await self._carry_out(RunId(job.run_id))
        return Ended() if carried_out else Ended(outcome="retry")

    async def aborted(self, payload: bytes) -> None:
        """Somebody aborted a waiting job of a run by arq's means: the run is cancelled."""
        envelope = unseal(payload)
        if envelope.function == RUN_FUNCTION:
            job = RunJob.model_validate(envelope.kwargs)
            async with self._runtime.database.begin() as session:
                row = await records.find(session, TenantId(job.tenant_id), job.run_id)
            if row is not None and not RunStatus(row.status).final:
                await self._cancel(row)

    async def renew_leases(self) -> None:
        """Renew the leases of all runs held here; stop those that another worker took over."""
        if not self._held:
            return
        held = dict(self._held)  # what begins while PostgreSQL answers is not part of the question
        # Later than a lease lasts, there is nothing left to renew.
        async with self._runtime.database.begin(within_s=self._queue.lease) as session:
            ours = await fencing.renew_leases(session, self.worker, held, lease_s=self._queue.lease)
            missing = [
                run_id for run_id, (attempt, _) in held.items() if ours.get(run_id) != attempt
            ]
            overtaken = await fencing.overtaken(
                session, {run_id: held[run_id][0] for run_id in missing}
            )
        for run_id in overtaken:
            attempt, task = held[run_id]
            if self._held.get(run_id) == (attempt, task) and not task.done():
                log.warning("lease_lost", run_id=str(run_id), attempt=attempt)
                self._lost.add((run_id, attempt))
                task.cancel()

    async def _begin(self, job: RunJob) -> "_Attempt | None":
        run_id, lease_s = RunId(job.run_id), self._queue.lease
        async with self._runtime.database.autocommit() as connection:
            taken = await fencing.begin(
                connection, run_id, attempt=job.attempt, worker=self.worker, lease_s=lease_s
            )
        if taken is None:
            async with self._runtime.database.begin() as session:
                taken = await fencing.take_over(
                    session,
                    run_id,
                    worker=self.worker,
                    lease_s=lease_s,
                    max_tries=self._queue.max_attempts,
                )
        if isinstance(taken, timedelta):
            # A worker has it, or had: this one stands by until the lease has ended.
            raise Retry(defer=taken + _STAND_BY)
        if taken is None:
            return None
        attempt = _Attempt(row=taken, ends_at_s=self._ends_at_s(taken))
        if taken.attempt > 1:
            async with self._runtime.database.begin() as session:
                attempt.saved = await stage_records.checkpoints(session, run_id)
                attempt.spent = await stage_records.tries_spent(session, run_id)
        return attempt

    async def _ended_before(self, job: RunJob) -> Ended:
        """How an attempt failed whose worker may have died before Redis heard of it.

        Told anew, it leaves the dead letter without which nobody could open the run again.
        """
        async with self._runtime.database.begin() as session:
            row = await records.find(session, TenantId(job.tenant_id), job.run_id)
        if row is None or (row.status, row.attempt) != (RunStatus.FAILED, job.attempt):
            return Ended(outcome="aborted")
        # One of a newer version has a code and a flow that are not known here.
        code = stored_code(row.code) or ErrorCode.WORKER_ERROR
        flow = self._flows.get(row.flow)
        refused = flow is not None and code in flow.refusals
        error = WorkerError(code, details=row.details)
        return Ended(outcome="failed", error=error, dead=not refused, tries=row.tries)

    def _ends_at_s(self, row: RunRow) -> float:
        if row.deadline_at is None or row.lease_until is None:
            return math.inf
        # PostgreSQL's clock, by which the lease began just now: ours may be off, or jump.
        now = row.lease_until - timedelta(seconds=self._queue.lease)
        return self._runtime.clock.monotonic() + (row.deadline_at - now).total_seconds()

    async def _held_through(self, attempt: "_Attempt", delivery: Delivery | None) -> Ended:
        row = attempt.row
        run_id = RunId(row.id)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a job runs in a task")
        self._held[run_id] = (row.attempt, task)
        try:
            return await self._carry_through(attempt)
        except asyncio.CancelledError:
            if (run_id, row.attempt) in self._lost:
                raise RetryableError(ErrorCode.LEASE_LOST) from None
            if delivery is not None and delivery.cause is Cause.ORDERED:
                await self._cancel(row)
            else:  # this worker stops
                await self._put_back(row)
                log.info("run_handed_back", run_id=str(run_id), attempt=row.attempt)
            raise
        finally:
            # A later attempt may have come to this worker meanwhile; then it is held by that one.
            if self._held.get(run_id) == (row.attempt, task):
                del self._held[run_id]
            self._lost.discard((run_id, row.attempt))

    async def _carry_through(self, attempt: "_Attempt") -> Ended:
        row = attempt.row
        flow = self._flows.get(row.flow)
        if flow is None:  # of a newer version of the program: for a worker that knows it
            log.error("flow_unknown", flow=row.flow)
            await self._put_back(row, wait_s=PARKED_S)
            return Ended(outcome="retry", value=_in_short(row, RunStatus.QUEUED, None))
        run: Run | None = None
        try:
            run = await self._open(attempt)
            result = await self._within_limits(flow, run, attempt)
        except asyncio.CancelledError as raised:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this job: what it awaited was. Handed back, it would come again for
            # ever, since that spends no try.
            return await self._fail(attempt, run, flow, raised)
        except Exception as raised:  # noqa: BLE001 - every job's failure becomes a state of its run
            return await self._fail(attempt, run, flow, unwrap(raised))
        status = RunStatus.PARTIAL if run.partial_codes else RunStatus.SUCCEEDED
        how = End(
            status=status,
            code=run.partial_codes[0] if run.partial_codes else None,
            partial_codes=run.partial_codes,
            result=result,
            keep_checkpoints=status is RunStatus.PARTIAL,
        )
        await self._end(row, how)
        return Ended(value=_in_short(row, status, how.code))

    async def _open(self, attempt: "_Attempt") -> Run:
        runtime, row = self._runtime, attempt.row
        if row.data_key_id is None:
            raise PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": "key destroyed"})
        async with runtime.database.autocommit() as connection:
            key = await load_data_key(connection, runtime.keyring, row.data_key_id)
        return Run(
            row=row,
            key=key,
            database=runtime.database,
            policies=runtime.policies,
            clock=runtime.clock,
            saved=attempt.saved,
            spent=attempt.spent,
            tell=runtime.events.tell,
        )

    async def _within_limits(self, flow: Flow, run: Run, attempt: "_Attempt") -> dict[str, Any]:
        """The deadline of the run crossed the queue with it; what it calls inherits it."""
        left_s = attempt.ends_at_s - self._runtime.clock.monotonic()
        if left_s <= 0:
            raise PermanentError(
                ErrorCode.DEADLINE_EXCEEDED,
                Message.RUN_WAITED_TOO_LONG,
                details={"overdue_s": round(-left_s)},
            )
        seconds = min(self._queue.run_timeout, left_s)
        try:
            async with Within(seconds):
                return await flow.call(run)
        except PermanentError as error:
            if error.code is ErrorCode.DEADLINE_EXCEEDED and not error.details:
                error.details["limit_s"] = round(seconds)
            raise

    async def _fail(
        self,
        attempt: "_Attempt",
        run: Run | None,
        flow: Flow,
        error: BaseException,
    ) -> Ended:
        row = attempt.row
        if not isinstance(error, WorkerError):
            log.error("run_crashed", error_type=type(error).__name__, exc_info=error)
            error = PermanentError(
                ErrorCode.WORKER_ERROR, details={"error_type": type(error).__name__}
            )
        if error.code is ErrorCode.LEASE_LOST:
            raise RetryableError(ErrorCode.LEASE_LOST)
        current_span().fail(error.code)
        if error.code.run_again_later and row.tries < self._queue.max_attempts:
            wait_s = backoff_s(self._queue, row.tries, error)
            # A wait past the deadline could only end in DEADLINE_EXCEEDED, which says less.
            if self._runtime.clock.monotonic() + wait_s < attempt.ends_at_s:
                await self._put_back(row, wait_s=wait_s, error=error)
                record_retry("run", error_type=error.code)
                log.warning(
                    "run_postponed", code=error.code, wait_s=round(wait_s, 1), tries=row.tries
                )
                return Ended(outcome="retry", value=_in_short(row, RunStatus.QUEUED, error.code))
        refused = run is not None and error.code in flow.refusals
        how = End(
            status=RunStatus.FAILED,
            code=error.code,
            message=error.message.name if error.message else None,
            details=error.details,
            private_sealed=_seal_private(run, error) if run else None,
            effects=flow.on_refusal(run) if run and refused else (),
            keep_checkpoints=not refused,
        )
        await self._end(row, how)
        return Ended(outcome="failed", error=error, dead=not refused, tries=row.tries)

    async def _end(self, row: RunRow, how: End) -> None:
        await end_run(self._runtime.database, self._runtime.events, row, how)
        log.info("run_ended", status=how.status, code=how.code, attempt=row.attempt)
        if how.effects or row.owes:
            await self._carry_out(RunId(row.id))

    async def _carry_out(self, run_id: RunId) -> bool:
        """What an ended run owes; the reconciler has the rest of it delivered as a job."""
        try:
            await carry_out(self._runtime.database, self._effects, run_id, hold_s=self._queue.lease)
        except RetryableError as error:
            log.warning("effects_postponed", code=error.code)
        except Exception as raised:
            # The run has ended, whatever becomes of what it owes.
            log.exception("effects_crashed", error_type=type(raised).__name__)
        else:
            return True
        return False

    async def _put_back(
        self, row: RunRow, *, wait_s: float = 0, error: WorkerError | None = None
    ) -> None:
        """Queue the run for its next attempt; only an error spends this one."""
        code = error.code if error else None
        async with self._runtime.database.begin() as session:
            await fencing.postpone(
                session,
                row,
                wait_s=wait_s,
                code=code,
                details=error.details if error else {},
                spends_try=error is not None,
            )
        self._tell(row, RunStatus.QUEUED, code)
        await self._deliver(next_attempt(row, wait_s=wait_s))

    def _tell(self, row: RunRow, status: RunStatus, code: ErrorCode | None = None) -> None:
        """Tell a state that is not final; `end_run` tells the others."""
        self._runtime.events.run_changed(
            row.id, status, attempt=row.attempt, ended=False, code=code
        )

    async def _cancel(self, row: RunRow) -> None:
        try:
            await self._end(row, CANCELLED)
        except RetryableError as error:
            if error.code is not ErrorCode.LEASE_LOST:  # it has ended already: what was ordered
                raise

    async def _deliver(self, job: NewJob) -> None:
        try:
            await self._runtime.producer.enqueue(job)
        except RetryableError as error:
            # The row says what is due; the reconciler delivers it once Redis answers.
            log.warning("job_not_delivered_yet", job_id=job.job_id, code=error.code)


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One attempt, and what earlier ones left. `ends_at_s` is its deadline by our monotonic clock."""

    row: RunRow
    ends_at_s: float
    saved: dict[tuple[str, str, int], str] = field(default_factory=dict[tuple[str, str, int], str])
    spent: dict[str, int] = field(default_factory=dict[str, int])


def _in_short(row: RunRow, status: RunStatus, code: ErrorCode | None) -> dict[str, Any]:
    """What `Job.result` gives: where to look."""
    return {"run_id": str(row.id), "attempt": row.attempt, "status": status, "code": code}


def _seal_private(run: Run, error: WorkerError) -> str | None:
    if not error.private:
        return None
    return run.key.seal(json.dumps(error.private, ensure_ascii=False), private_place(run.id))
