"""Into the queue, in one round trip; and what there is to ask and to order of it."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix, result_key_prefix
from arq.jobs import Job, deserialize_result, serialize_result
from arq.utils import to_ms, to_unix_ms

from app.errors import ErrorCode, PermanentError
from app.queue import scripts
from app.queue.envelope import NewJob, Priority, decode, encode, seal
from app.settings.queue import QueueSettings
from app.store.failures import redis_errors
from app.store.redis import RedisPool
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.metrics import record_sent
from app.telemetry.spans import ActiveSpan, SpanKind, span

_PAYLOAD_OUTLIVES_MS = 30 * 86_400_000
"""A job is not lost because its queue stood still for a month; arq's own payloads live a day."""
_JOBS_PER_CALL = 1_000
"""One script holds Redis up for about 10 ms then."""
_LOOK_AGAIN_S = 5.0
_FOREIGN_CLAIM = b"1"
"""What arq's own workers write into their lock."""

WORKER_KEY = "naru:worker:"
"""Before the queue's name and a worker's: its report, which expires with its lease."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """`is_new` False: a job of this id, or with this idempotency key, was there before."""

    job_id: str
    is_new: bool


class Cancelled(StrEnum):
    """What became of an order to cancel a job."""

    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    """It waited, and is gone."""
    TOLD = "told"
    """It runs; its worker was told."""


class Producer(ArqRedis):
    """Puts jobs into one queue. Raises NETWORK_ERROR when Redis cannot be reached.

    It is arq's own client too: arq's methods work, and what `enqueue_job` puts in wakes a worker.
    """

    def __init__(self, pool: RedisPool, settings: QueueSettings) -> None:
        super().__init__(
            pool,
            job_serializer=encode,
            job_deserializer=decode,
            default_queue_name=settings.name,
            expires_extra_ms=_PAYLOAD_OUTLIVES_MS,
        )
        self._limit_bytes = settings.max_payload_kib * 1024
        self._keep_result_ms = int(settings.keep_result * 1000)

    @property
    def queue_name(self) -> str:
        return self.default_queue_name

    async def enqueue(self, job: NewJob) -> Enqueued:
        """One round trip. Raises PAYLOAD_TOO_LARGE and VALIDATION_ERROR for what is no job."""
        return (await self.enqueue_many([job]))[0]

    async def enqueue_many(self, jobs: Sequence[NewJob]) -> list[Enqueued]:
        """All of them, in their order, with one `send` span; a call of Redis per 1,000 of them.

        What fails in between leaves the first thousands in the queue: to be sent again, they need
        ids or idempotency keys.
        """
        if not jobs:
            return []
        with self._sending(jobs) as sending:
            prepared = [
                # In a batch each stays in the trace that it comes from.
                self._prepared(
                    job,
                    sending.traceparent
                    if len(jobs) == 1
                    else job.traceparent or sending.traceparent,
                )
                for job in jobs
            ]
            answers: list[Enqueued] = []
            for start in range(0, len(jobs), _JOBS_PER_CALL):
                answers += await self._put(prepared[start : start + _JOBS_PER_CALL])
            new = sum(answer.is_new for answer in answers)
            if new < len(jobs):
                sending.set(Attribute.JOB_DEDUPLICATED, value=True)
        record_sent(self.queue_name, count=new)
        return answers

    async def enqueue_job(
        self,
        function: str,
        *args: Any,
        _job_id: str | None = None,
        _queue_name: str | None = None,
        _defer_until: datetime | None = None,
        _defer_by: float | timedelta | None = None,
        _expires: float | timedelta | None = None,
        _job_try: int | None = None,
        **kwargs: Any,
    ) -> Job | None:
        """As arq's own: a Job, or None when one of this id waits, runs or has its result kept."""
        if _defer_until and _defer_by:
            raise ValueError("give _defer_until or _defer_by, not both")
        if _queue_name not in {None, self.queue_name} or _expires or _job_try:
            return await super().enqueue_job(
                function,
                *args,
                _job_id=_job_id,
                _queue_name=_queue_name,
                _defer_until=_defer_until,
                _defer_by=_defer_by,
                _expires=_expires,
                _job_try=_job_try,
                **kwargs,
            )
        enqueued = await self.enqueue(
            NewJob(
                function=function,
                args=args,
                kwargs=kwargs,
                job_id=_job_id,
                run_at=_defer_until,
                wait_s=(to_ms(_defer_by) or 0) / 1000,
            )
        )
        return self.job(enqueued.job_id) if enqueued.is_new else None

    def job(self, job_id: str) -> Job:
        """As arq sees a job."""
        return Job(job_id, self, _queue_name=self.queue_name, _deserializer=decode)

    async def cancel(self, job_id: str) -> Cancelled:
        """Take a waiting job out, or tell the worker that runs it, at once.

        An unknown id is answered with UNKNOWN, and a later job of that id is not hit.
        """
        result = cancelled_result(job_id, self.queue_name)
        call = scripts.Call(scripts.CANCEL, (job_id, result, self._keep_result_ms))
        with redis_errors():
            (answer,) = await scripts.run(self, self.queue_name, call)
        return Cancelled(answer.decode())

    async def result(self, job_id: str, *, within_s: float) -> Any:
        """Wait for a job's result, by push. Takes a connection while it waits.

        Raises what the job failed with, CancelledError when it was cancelled, NOT_FOUND for a job
        that is neither there nor has left a result, and TimeoutError.
        """
        async with asyncio.timeout(within_s):
            with redis_errors():  # inside: the caller's time limit is no fault of Redis
                raw = await self._written_result(job_id)
        found = deserialize_result(raw, deserializer=decode)
        if found.success:
            return found.result
        if isinstance(found.result, BaseException):
            raise found.result
        raise PermanentError(ErrorCode.WORKER_ERROR, details={"reason": str(found.result)})

    async def _written_result(self, job_id: str) -> bytes:
        async with self.pubsub() as channel:  # pyright: ignore[reportUnknownMemberType] - typed loosely
            await channel.subscribe(f"{self.queue_name}:done:{job_id}")  # pyright: ignore[reportUnknownMemberType] - typed loosely
            while True:
                async with self.pipeline(transaction=True) as asked:
                    asked.get(f"{result_key_prefix}{job_id}")
                    asked.zscore(self.queue_name, job_id)
                    raw, waits_since = await asked.execute()
                if raw is not None:
                    return raw
                if waits_since is None:
                    raise PermanentError(ErrorCode.NOT_FOUND, details={"job_id": job_id})
                # Looked at anyway now and then: a worker of arq's own says nothing.
                await channel.get_message(timeout=_LOOK_AGAIN_S)

    async def absent(self, job_ids: Sequence[str]) -> set[str]:
        """Those of the ids that neither wait nor run, and have left no result."""
        if not job_ids:
            return set()
        with redis_errors():
            waiting_since = await self.zmscore(self.queue_name, list(job_ids))
            # In this order: a job leaves the queue in the moment in which its result comes.
            gone = [
                job_id
                for job_id, since in zip(job_ids, waiting_since, strict=True)
                if since is None
            ]
            async with self.pipeline(transaction=False) as asked:
                for job_id in gone:
                    asked.exists(f"{result_key_prefix}{job_id}")
                have_results = await asked.execute()
        return {job_id for job_id, has_one in zip(gone, have_results, strict=True) if not has_one}

    async def forget_foreign_claims(
        self, job_ids: Sequence[str], *, lasts_s: float, held_for_s: float
    ) -> None:
        """Drop the claims that a worker of arq's own has held on these for so long.

        Such a claim outlives its worker: it lasts `lasts_s`, and is never renewed. Dropping that of
        one that lives is harmless where a fence lets one of the two begin.
        """
        locks = [f"{in_progress_key_prefix}{job_id}" for job_id in job_ids]
        with redis_errors():
            if not locks:
                return
            holders: list[bytes | None] = await self.mget(locks)
            for lock, holder in zip(locks, holders, strict=True):
                if holder == _FOREIGN_CLAIM and (
                    await self.pttl(lock) / 1000 < lasts_s - held_for_s
                ):
                    await self.delete(lock)

    async def has_worker(self) -> bool:
        """Whether any worker of this queue has said lately that it lives."""
        with redis_errors():
            keys = self.scan_iter(match=f"{WORKER_KEY}{self.queue_name}:*", count=1000)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
            return await anext(keys, None) is not None  # pyright: ignore[reportUnknownArgumentType] - typed loosely

    async def payload(self, job_id: str) -> bytes | None:
        """What was put in under this id, while it waits or runs."""
        with redis_errors():
            return await self.get(f"{job_key_prefix}{job_id}")

    async def ping(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - answers or raises
        """Raise NETWORK_ERROR unless Redis answers."""
        with redis_errors():
            await super().ping()  # pyright: ignore[reportUnknownMemberType] - typed loosely

    async def _put(
        self, prepared: Sequence[tuple[str, tuple[scripts.Argument, ...]]]
    ) -> list[Enqueued]:
        arguments: list[scripts.Argument] = [_PAYLOAD_OUTLIVES_MS]
        for _, each in prepared:
            arguments += each
        with redis_errors():
            (answers,) = await scripts.run(
                self, self.queue_name, scripts.Call(scripts.ENQUEUE, arguments)
            )
        return [
            Enqueued(job_id, is_new=answer == b"1")
            if answer in {b"0", b"1"}
            else Enqueued(answer.decode(), is_new=False)
            for (job_id, _), answer in zip(prepared, answers, strict=True)
        ]

    def _prepared(
        self, job: NewJob, traceparent: str | None
    ) -> tuple[str, tuple[scripts.Argument, ...]]:
        job_id = job.job_id or uuid4().hex
        raw = seal(
            job,
            enqueued_ms=int(time.time() * 1000),
            traceparent=traceparent,
            limit_bytes=self._limit_bytes,
        )
        return job_id, (
            job_id,
            raw,
            index_entry(job.priority, job.tenant, job.limit_key),
            int(job.wait_s * 1000),
            to_unix_ms(job.run_at) if job.run_at else 0,
            job.idempotency_key,
            int(job.idempotency_s * 1000),
        )

    def _sending(self, jobs: Sequence[NewJob]) -> AbstractContextManager[ActiveSpan]:
        first = jobs[0]
        attributes: dict[str, str | int | float] = {
            Attribute.MESSAGING_SYSTEM: "arq",
            Attribute.MESSAGING_OPERATION_NAME: "send",
            Attribute.MESSAGING_OPERATION_TYPE: "send",
            Attribute.MESSAGING_DESTINATION_NAME: self.queue_name,
            Attribute.JOB_FUNCTION: first.function,
        }
        if len(jobs) > 1:
            attributes[Attribute.MESSAGING_BATCH_MESSAGE_COUNT] = len(jobs)
        else:
            attributes[Attribute.JOB_DEFER_SECONDS] = first.wait_s
            if first.job_id:
                attributes[Attribute.MESSAGING_MESSAGE_ID] = first.job_id
        return span(
            SpanName.SEND,
            self.queue_name,
            kind=SpanKind.PRODUCER,
            parent=first.traceparent if len(jobs) == 1 else None,
            attributes=attributes,
        )


def index_entry(priority: Priority, tenant: str, limit_key: str) -> str:
    """As the scripts keep it. Raises VALIDATION_ERROR for a tenant that holds their separator."""
    if "|" in tenant:
        raise PermanentError(ErrorCode.VALIDATION_ERROR, details={"tenant": "must not hold |"})
    return f"{priority.rank}|{tenant}|{limit_key}"


def cancelled_result(job_id: str, queue_name: str) -> bytes:
    """What `Job.result` and `Job.abort` of arq read of a job that never ran."""
    now_ms = int(time.time() * 1000)
    written = serialize_result(
        function="",
        args=(),
        kwargs={},
        job_try=0,
        enqueue_time_ms=now_ms,
        success=False,
        result=asyncio.CancelledError(),
        start_ms=now_ms,
        finished_ms=now_ms,
        ref=job_id,
        queue_name=queue_name,
        job_id=job_id,
        serializer=encode,
    )
    return written or b""
