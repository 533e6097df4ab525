"""A worker: takes jobs, keeps its leases, and looks after what was lost."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from uuid import uuid4

from app.bootstrap import Runtime, open_resume_tools
from app.errors import RetryableError, WorkerError
from app.jobs import registry
from app.jobs.execution import Execution
from app.pipeline import records
from app.pipeline.reconcile import reconcile
from app.queue.producer import EFFECTS_FUNCTION, RUN_FUNCTION
from app.queue.worker import QueueWorker
from app.telemetry.logs import get_logger

log = get_logger(__name__)

_RENEWALS_PER_LEASE = 3
_HOUR_S = 3_600


async def serve(
    runtime: Runtime, stopping: asyncio.Event, *, ready: asyncio.Event | None = None
) -> None:
    """Work until `stopping` is set, then finish or hand back what is under way.

    `ready` is set once jobs are taken.
    """
    worker = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    queue = runtime.settings.queue
    async with open_resume_tools(runtime) as tools:
        execution = Execution(
            runtime,
            registry.flows(runtime, tools),
            registry.effects(runtime),
            worker=worker,
        )
        taking = QueueWorker(
            runtime.producer,
            {RUN_FUNCTION: execution.run, EFFECTS_FUNCTION: execution.effects},
            concurrency=queue.concurrency,
            # Runs keep their own time limit; this one only bounds what hangs beside them.
            job_timeout_s=queue.run_timeout + 60,
        )
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(
                _every(queue.lease / _RENEWALS_PER_LEASE, _heartbeat(runtime, execution))
            )
            looking = group.create_task(_every(queue.reconcile_every, _reconciliation(runtime)))
            cleaning = group.create_task(_every(_HOUR_S, _cleaning(runtime)))
            warming = group.create_task(_warm(runtime))
            log.info("worker_started", worker=worker, concurrency=queue.concurrency)
            if ready is not None:
                ready.set()
            try:
                await taking.serve(stopping, drain_timeout_s=queue.drain_timeout)
            finally:
                for task in (beating, looking, cleaning, warming):
                    task.cancel()
                await _withdraw(runtime, worker)
            log.info("worker_stopped", worker=worker)


async def _withdraw(runtime: Runtime, worker: str) -> None:
    try:
        await runtime.producer.withdraw_worker(worker)
    except RetryableError as error:
        log.warning("worker_not_withdrawn", code=error.code)  # it expires with its lease


async def _warm(runtime: Runtime) -> None:
    """Load the embedding model before the first run needs it; that takes a second."""
    try:
        await runtime.embedder.warm()
    except WorkerError as error:
        log.warning("embedder_not_warm", code=error.code)


async def _every(seconds: float, action: Callable[[], Awaitable[object]]) -> None:
    """Act, then wait, for ever. A server that is away is a reason to try again, not to stop."""
    while True:
        try:
            await action()
        except RetryableError as error:
            log.warning("upkeep_postponed", code=error.code)
        await asyncio.sleep(seconds)


def _heartbeat(runtime: Runtime, execution: Execution) -> Callable[[], Awaitable[object]]:
    lease_s = runtime.settings.queue.lease

    async def beat() -> None:
        await execution.renew_leases()
        await runtime.producer.announce_worker(execution.worker, ttl_s=lease_s)

    return beat


def _reconciliation(runtime: Runtime) -> Callable[[], Awaitable[object]]:
    queue = runtime.settings.queue

    async def look() -> None:
        await reconcile(
            runtime.database,
            runtime.producer,
            lease_s=queue.lease,
            max_tries=queue.max_attempts,
        )

    return look


def _cleaning(runtime: Runtime) -> Callable[[], Awaitable[object]]:
    days = runtime.settings.retention.checkpoints_days

    async def clean() -> None:
        async with runtime.database.begin() as session:
            await records.drop_old_checkpoints(session, older_than_days=days)

    return clean
