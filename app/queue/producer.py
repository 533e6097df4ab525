"""Into the queue. The run is in PostgreSQL before it comes here, so losing Redis loses nothing."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from arq.connections import ArqRedis
from arq.constants import in_progress_key_prefix, job_key_prefix

from app.queue.envelope import Envelope, decode, encode
from app.store.failures import redis_errors
from app.store.redis import RedisPool
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.metrics import record_sent
from app.telemetry.spans import ActiveSpan, SpanKind, span

RUN_FUNCTION = "run"
EFFECTS_FUNCTION = "effects"
_WORKER_KEY = "naru:worker:"


class Producer:
    """Puts jobs into one queue. Raises NETWORK_ERROR when Redis cannot be reached."""

    def __init__(self, pool: RedisPool, queue_name: str) -> None:
        self.redis = ArqRedis(
            pool, job_serializer=encode, job_deserializer=decode, default_queue_name=queue_name
        )
        self.queue_name = queue_name

    async def enqueue_run(self, envelope: Envelope, *, wait_s: float = 0) -> bool:
        """Deliver one attempt under the id `<run>:<attempt>`; False when that id is there already.

        The envelope's own trace context is replaced by that of the `send` span.
        """
        job_id = f"{envelope.run_id}:{envelope.attempt}"
        if await self._is_there(job_id):
            return False
        with self._sending(job_id, RUN_FUNCTION, wait_s, parent=envelope.traceparent) as sending:
            carried = envelope.model_copy(update={"traceparent": sending.traceparent})
            return await self._enqueue(
                RUN_FUNCTION, carried.model_dump(mode="json"), job_id, wait_s
            )

    async def enqueue_effects(self, envelope: Envelope) -> bool:
        """Deliver the effects of an ended run."""
        job_id = f"{envelope.run_id}:effects"
        if await self._is_there(job_id):
            return False
        with self._sending(job_id, EFFECTS_FUNCTION, 0, parent=envelope.traceparent) as sending:
            carried = envelope.model_copy(update={"traceparent": sending.traceparent})
            return await self._enqueue(EFFECTS_FUNCTION, carried.model_dump(mode="json"), job_id, 0)

    async def forget_claim(self, envelope: Envelope) -> None:
        """Let the next worker claim a job whose claimer died before it began the run.

        arq's claim outlives its worker by the job's whole time limit. Dropping the claim of a
        worker that lives is harmless: the fence in PostgreSQL lets one of the two begin.
        """
        with redis_errors():
            await self.redis.delete(f"{in_progress_key_prefix}{envelope.run_id}:{envelope.attempt}")

    async def ping(self) -> None:
        """Raise NETWORK_ERROR unless Redis answers."""
        with redis_errors():
            await self.redis.ping()  # pyright: ignore[reportUnknownMemberType] - typed loosely

    async def server_version(self) -> str:
        """Name and version of the server."""
        with redis_errors():
            info: dict[str, str] = await self.redis.info("server")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        if "valkey_version" in info:
            return f"Valkey {info['valkey_version']}"
        return f"Redis {info['redis_version']}"

    async def announce_worker(self, worker: str, *, ttl_s: float) -> None:
        """Tell for `ttl_s` seconds that this worker lives."""
        with redis_errors():
            await self.redis.set(f"{_WORKER_KEY}{worker}", b"1", px=int(ttl_s * 1000))

    async def withdraw_worker(self, worker: str) -> None:
        """Tell that this worker takes no more jobs."""
        with redis_errors():
            await self.redis.delete(f"{_WORKER_KEY}{worker}")

    async def has_worker(self) -> bool:
        """Whether any worker announced itself lately."""
        with redis_errors():
            keys = self.redis.scan_iter(match=f"{_WORKER_KEY}*", count=1000)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
            return await anext(keys, None) is not None  # pyright: ignore[reportUnknownArgumentType] - typed loosely

    def _sending(
        self, job_id: str, function: str, wait_s: float, *, parent: str | None
    ) -> AbstractContextManager[ActiveSpan]:
        return span(
            SpanName.SEND,
            self.queue_name,
            kind=SpanKind.PRODUCER,
            parent=parent,
            attributes={
                Attribute.MESSAGING_SYSTEM: "arq",
                Attribute.MESSAGING_OPERATION_NAME: "send",
                Attribute.MESSAGING_OPERATION_TYPE: "send",
                Attribute.MESSAGING_DESTINATION_NAME: self.queue_name,
                Attribute.MESSAGING_MESSAGE_ID: job_id,
                Attribute.JOB_FUNCTION: function,
                Attribute.JOB_DEFER_SECONDS: wait_s,
            },
        )

    async def _is_there(self, job_id: str) -> bool:
        """Whether a job of this id waits or runs.

        Asked first: the reconciler offers every waiting run anew, and a trace of each offer would
        hide the one that counted.
        """
        with redis_errors():
            return bool(await self.redis.exists(f"{job_key_prefix}{job_id}"))

    async def _enqueue(
        self, function: str, payload: dict[str, Any], job_id: str, wait_s: float
    ) -> bool:
        with redis_errors():
            job = await self.redis.enqueue_job(
                function,
                payload,
                _job_id=job_id,
                _defer_by=timedelta(seconds=wait_s) if wait_s else None,
            )
        if job is not None:
            record_sent(self.queue_name)
        return job is not None
