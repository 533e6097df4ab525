"""Around every job: begin and fence, trace, error code → run again, or final state."""

import asyncio
import json
import math
import random
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.bootstrap import Runtime
from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError, unwrap
from app.pipeline import fencing, records
from app.pipeline.effects import EffectHandler, carry_out
from app.pipeline.fencing import End
from app.pipeline.flow import Flow
from app.pipeline.reconcile import next_attempt
from app.pipeline.run import Run, private_place
from app.pipeline.tables import RunId, RunRow, RunStatus
from app.queue.envelope import Envelope
from app.resilience.deadline import Within
from app.resilience.layers import retry_after_s
from app.store.keys import load_data_key
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.logs import bound, get_logger
from app.telemetry.metrics import record_consumed, record_process, record_retry, record_run
from app.telemetry.spans import ActiveSpan, SpanKind, span

log = get_logger(__name__)


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
        self._lost: set[RunId] = set()

    async def run(self, ctx: dict[Any, Any], payload: dict[str, Any]) -> None:
        """One attempt of one run. Never raises: how it went is in PostgreSQL."""
        del ctx
        envelope = Envelope.model_validate(payload)
        queue = self._queue.name
        record_consumed(queue)
        started_s = self._runtime.clock.monotonic()
        with (
            bound(run_id=str(envelope.run_id), attempt=envelope.attempt),
            span(
                SpanName.PROCESS,
                queue,
                kind=SpanKind.CONSUMER,
                parent=envelope.traceparent,
                link=envelope.traceparent,
                attributes={
                    Attribute.MESSAGING_SYSTEM: "arq",
                    Attribute.MESSAGING_OPERATION_NAME: "process",
                    Attribute.MESSAGING_OPERATION_TYPE: "process",
                    Attribute.MESSAGING_DESTINATION_NAME: queue,
                    Attribute.MESSAGING_MESSAGE_ID: f"{envelope.run_id}:{envelope.attempt}",
                    Attribute.MESSAGING_CLIENT_ID: self.worker,
                    Attribute.RUN_ID: str(envelope.run_id),
                    Attribute.JOB_ATTEMPT: envelope.attempt,
                    Attribute.JOB_MAX_ATTEMPTS: self._queue.max_attempts,
                },
            ) as active,
        ):
            try:
                outcome = await self._begin_and_run(envelope, active)
            except RetryableError as error:
                # PostgreSQL went away, or another worker has the run. Either way nothing can be
                # written here, and the reconciler sees to the run.
                log.warning("attempt_not_recorded", code=error.code)
                active.fail(error.code)
                outcome = "aborted"
            active.set(Attribute.JOB_OUTCOME, outcome)
        seconds = self._runtime.clock.monotonic() - started_s
        record_process(queue, "run", seconds, outcome=outcome)

    async def effects(self, ctx: dict[Any, Any], payload: dict[str, Any]) -> None:
        """Carry out what an ended run owes; what fails is delivered again by the reconciler."""
        del ctx
        envelope = Envelope.model_validate(payload)
        with bound(run_id=str(envelope.run_id)):
            try:
                await carry_out(self._runtime.database, self._effects, envelope.run_id)
            except RetryableError as error:
                log.warning("effects_postponed", code=error.code)

    async def renew_leases(self) -> None:
        """Renew the leases of all runs held here; stop those that another worker took over."""
        held = dict(self._held)  # what begins while PostgreSQL answers is not part of the question
        async with self._runtime.database.begin() as session:
            ours = await fencing.renew_leases(session, self.worker, lease_s=self._queue.lease)
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
                self._lost.add(run_id)
                task.cancel()

    async def _begin_and_run(self, envelope: Envelope, active: ActiveSpan) -> str:
        run_id = RunId(envelope.run_id)
        async with self._runtime.database.begin() as session:
            row = await fencing.begin(
                session,
                run_id,
                attempt=envelope.attempt,
                worker=self.worker,
                lease_s=self._queue.lease,
            )
            if row is None:
                log.info("attempt_not_to_be_had")
                return "aborted"
            # PostgreSQL's clock for both: ours may be off, or jump.
            now = await fencing.now(session)
            waited_s = (now - row.next_attempt_at).total_seconds()
            attempt = _Attempt(
                row=row,
                saved=await records.checkpoints(session, run_id),
                spent=await records.tries_spent(session, run_id),
                ends_at_s=_ends_at_s(row, now, self._runtime.clock.monotonic()),
            )
        active.set(Attribute.JOB_QUEUE_WAIT, waited_s)
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a job runs in a task")
        self._held[run_id] = (row.attempt, task)
        try:
            return await self._carry_through(attempt, active)
        except asyncio.CancelledError:
            if run_id in self._lost:
                raise RetryableError(ErrorCode.LEASE_LOST) from None
            await self._hand_back(row)
            raise
        finally:
            del self._held[run_id]
            self._lost.discard(run_id)

    async def _carry_through(self, attempt: "_Attempt", active: ActiveSpan) -> str:
        row = attempt.row
        flow = self._flows[row.flow]
        run: Run | None = None
        try:
            run = await self._open(attempt)
            result = await self._within_limits(flow, run, attempt)
        except Exception as raised:  # noqa: BLE001 - every job's failure becomes a state of its run
            return await self._fail(attempt, run, flow, unwrap(raised), active)
        status = RunStatus.PARTIAL if run.partial_codes else RunStatus.SUCCEEDED
        how = End(
            status=status,
            code=run.partial_codes[0] if run.partial_codes else None,
            partial_codes=run.partial_codes,
            result=result,
            keep_checkpoints=status is RunStatus.PARTIAL,
        )
        await self._end(row, how)
        return "success"

    async def _open(self, attempt: "_Attempt") -> Run:
        runtime, row = self._runtime, attempt.row
        if row.data_key_id is None:
            raise PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": "key destroyed"})
        async with runtime.database.begin() as session:
            key = await load_data_key(session, runtime.keyring, row.data_key_id)
        return Run(
            row=row,
            key=key,
            database=runtime.database,
            policies=runtime.policies,
            clock=runtime.clock,
            saved=attempt.saved,
            spent=attempt.spent,
        )

    async def _within_limits(self, flow: Flow, run: Run, attempt: "_Attempt") -> dict[str, Any]:
        """The deadline of the run crossed the queue with it; what it calls inherits it."""
        left_s = attempt.ends_at_s - self._runtime.clock.monotonic()
        seconds = max(min(self._queue.run_timeout, left_s), 0)
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
        active: ActiveSpan,
    ) -> str:
        row = attempt.row
        if not isinstance(error, WorkerError):
            log.error("run_crashed", error_type=type(error).__name__, exc_info=error)
            error = PermanentError(
                ErrorCode.WORKER_ERROR, details={"error_type": type(error).__name__}
            )
        if error.code is ErrorCode.LEASE_LOST:
            raise RetryableError(ErrorCode.LEASE_LOST)
        active.fail(error.code)
        if error.code.run_again_later and row.tries < self._queue.max_attempts:
            wait_s = self._wait_s(row, error)
            # A wait past the deadline could only end in DEADLINE_EXCEEDED, which says less.
            if self._runtime.clock.monotonic() + wait_s < attempt.ends_at_s:
                await self._postpone(row, error, wait_s)
                return "retry"
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
        return "failed"

    async def _end(self, row: RunRow, how: End) -> None:
        async with self._runtime.database.begin() as session:
            await fencing.end(session, row, how)
        record_run(how.status, code=how.code)
        log.info("run_ended", status=how.status, code=how.code, attempt=row.attempt)
        if how.effects:
            await self._deliver(row, self._runtime.producer.enqueue_effects(next_attempt(row)))

    def _wait_s(self, row: RunRow, error: WorkerError) -> float:
        queue = self._queue
        growing_s = min(queue.retry_base_wait * 2 ** (row.tries - 1), queue.retry_max_wait)
        # Jitter, so that what failed together does not come back together.
        wait_s = growing_s * random.uniform(0.5, 1)  # noqa: S311 - not a secret
        return max(wait_s, retry_after_s(error)) if isinstance(error, RetryableError) else wait_s

    async def _postpone(self, row: RunRow, error: WorkerError, wait_s: float) -> None:
        async with self._runtime.database.begin() as session:
            await fencing.postpone(
                session, row, wait_s=wait_s, code=error.code, details=error.details
            )
        record_retry("run", error_type=error.code)
        log.warning("run_postponed", code=error.code, wait_s=round(wait_s, 1), tries=row.tries)
        await self._deliver(
            row, self._runtime.producer.enqueue_run(next_attempt(row), wait_s=wait_s)
        )

    async def _hand_back(self, row: RunRow) -> None:
        """This worker stops: the run goes back at once, and the attempt is not spent."""
        async with self._runtime.database.begin() as session:
            await fencing.postpone(session, row, wait_s=0, code=None, details={}, spends_try=False)
        log.info("run_handed_back", run_id=str(row.id), attempt=row.attempt)
        await self._deliver(row, self._runtime.producer.enqueue_run(next_attempt(row)))

    async def _deliver(self, row: RunRow, delivery: Awaitable[bool]) -> None:
        try:
            await delivery
        except RetryableError as error:
            # The row says what is due; the reconciler delivers it once Redis answers.
            log.warning("job_not_delivered_yet", run_id=str(row.id), code=error.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """What was loaded for one attempt. `ends_at_s` is its deadline by our monotonic clock."""

    row: RunRow
    saved: dict[tuple[str, str, int], str]
    spent: dict[str, int]
    ends_at_s: float


def _ends_at_s(row: RunRow, now: datetime, monotonic_s: float) -> float:
    if row.deadline_at is None:
        return math.inf
    return monotonic_s + (row.deadline_at - now).total_seconds()


def _seal_private(run: Run, error: WorkerError) -> str | None:
    if not error.private:
        return None
    return run.key.seal(json.dumps(error.private, ensure_ascii=False), private_place(run.id))
