"""A worker: takes jobs, keeps its leases, and looks after what was lost.

`WorkerSettings` is for arq's own command, which builds arq's own worker: `app.jobs.stock`.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from arq.worker import Function, func

from app.bootstrap import Runtime, open_resume_tools
from app.errors import RetryableError, WorkerError
from app.jobs import registry
from app.jobs.execution import Execution
from app.pipeline.delivery import EFFECTS_FUNCTION, RUN_FUNCTION, next_attempt
from app.pipeline.effects import EffectHandler
from app.pipeline.flow import Flow
from app.pipeline.reconcile import Reconciler
from app.pipeline.schedules import Scheduler
from app.pipeline.tables import RunRow
from app.queue.delivery import Hooks
from app.queue.leases import RENEWALS_PER_LEASE
from app.queue.worker import QueueWorker, Stop
from app.settings.queue import QueueSettings
from app.telemetry.logs import get_logger

log = get_logger(__name__)

NO_TRY_LIMIT = 1_000_000
"""How often a run may be tried is PostgreSQL's to count."""
_ARQ_EXTRA_S = 10
"""arq claims a job for this much longer than it may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker runs; the registry's, unless somebody brings their own."""

    flows: Mapping[str, Flow]
    effects: Mapping[str, EffectHandler]


async def serve(
    runtime: Runtime,
    stop: Stop,
    *,
    ready: asyncio.Event | None = None,
    work: Work | None = None,
) -> None:
    """Work until asked to stop, then finish or hand back what is under way.

    `ready` is set once jobs are taken.
    """
    async with attended(runtime, work) as execution:
        taking = QueueWorker(
            runtime.producer,
            functions(execution.run, execution.effects),
            settings=runtime.settings.queue,
            worker_id=execution.worker,
            hooks=Hooks(on_abort=execution.aborted),
        )
        log.info("worker_started", worker=execution.worker, concurrency=taking.slots)
        await taking.serve(stop, ready=ready)
        log.info("worker_stopped", worker=execution.worker)


def functions(run: Any, effects: Any) -> list[Function]:
    """The job functions, as arq knows them; its protocol is narrower than what it calls."""
    return [
        func(run, name=RUN_FUNCTION, max_tries=NO_TRY_LIMIT),
        # The reconciler offers it again under the same id: no result may stand in the way.
        func(effects, name=EFFECTS_FUNCTION, max_tries=NO_TRY_LIMIT, keep_result=0),
    ]


@asynccontextmanager
async def attended(runtime: Runtime, work: Work | None = None) -> AsyncGenerator[Execution]:
    """The job functions, and beside them what keeps runs alive while the block lasts."""
    worker = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    queue = runtime.settings.queue
    async with open_resume_tools(runtime) as tools:
        work = work or Work(flows=registry.flows(runtime, tools), effects=registry.effects(runtime))
        execution = Execution(runtime, work.flows, work.effects, worker=worker)
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(each)
                for each in (
                    _every(queue.lease / RENEWALS_PER_LEASE, execution.renew_leases),
                    _every(queue.reconcile_every, _reconciler(runtime).look),
                    _scheduler(runtime, work).serve(),
                    _warm(runtime),
                )
            ]
            try:
                yield execution
            finally:
                for task in beside:
                    task.cancel()


def stock_timeout_s(queue: QueueSettings) -> float:
    """What arq's own worker allows a job: runs keep their own time limit, this bounds the rest."""
    return queue.run_timeout + 60


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


def _reconciler(runtime: Runtime) -> Reconciler:
    queue = runtime.settings.queue
    return Reconciler(
        database=runtime.database,
        producer=runtime.producer,
        events=runtime.events,
        every_s=queue.reconcile_every,
        lease_s=queue.lease,
        stock_claim_s=stock_timeout_s(queue) + _ARQ_EXTRA_S,
        max_tries=queue.max_attempts,
    )


def _scheduler(runtime: Runtime, work: Work) -> Scheduler:
    async def deliver(run: RunRow) -> None:
        try:
            await runtime.producer.enqueue(next_attempt(run))
        except RetryableError as error:
            log.warning("job_not_delivered_yet", run_id=str(run.id), code=error.code)

    return Scheduler(
        database=runtime.database,
        keyring=runtime.keyring,
        tenant_id=runtime.tenant_id,
        schedules=[each for each in registry.SCHEDULES if each.flow in work.flows],
        timezone=runtime.settings.queue.timezone,
        run_deadline_s=runtime.settings.queue.run_deadline,
        deliver=deliver,
    )


def __getattr__(name: str) -> type:
    """`WorkerSettings`, made when arq's command asks for it: importing reads no settings."""
    if name != "WorkerSettings":
        raise AttributeError(name)
    from app.jobs.stock import worker_settings  # noqa: PLC0415 - imports this module

    return worker_settings()
