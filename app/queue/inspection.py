"""What a queue holds and who works on it; and the orders to pause, to go on, and to run empty."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from arq.constants import in_progress_key_prefix, job_key_prefix
from pydantic import BaseModel, ConfigDict

from app.errors import RetryableError
from app.queue import scripts
from app.queue.envelope import Priority, UnknownVersion, unseal
from app.queue.producer import WORKER_KEY, Producer
from app.store.failures import redis_errors
from app.telemetry.gauges import QueueGauges, observe_queue
from app.telemetry.logs import get_logger

log = get_logger(__name__)

PAUSE_S = 43_200.0
"""A pause that nobody ends is over after half a day, half of the time that a run has (`run_deadline`)."""
WATCH_EVERY_S = 5.0
_LOOKS_PER_COUNT = 6
"""Workers are counted less often: that passes through all keys of the server."""
_LOOK_AGAIN_S = 0.2
_KEYS_PER_SCAN = 1_000
_RUNNING_TOLD = 20


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Pause(_Model):
    """No worker takes a job until then. One that was not ordered here has no times."""

    since: datetime | None
    until: datetime | None
    reason: str
    by: str


class TenantDepth(_Model):
    """What of one tenant waits, in one priority; `running` counts all of its priorities."""

    tenant: str
    priority: Priority
    due: int
    running: int
    at_limit: bool


class QueueDepth(_Model):
    """How many jobs stand where, by Redis' clock.

    `due` may start as soon as a worker has room, `held` when its tenant or key is below the limit
    again: more workers do not help those, so their ages stand apart. `parked` were written by a
    newer version; they are deferred too, and looked at again each minute. What a worker of arq's
    own runs stays due. Of `tenants` that wait, 100 are told.
    """

    queue: str
    at: datetime
    due: int
    held: int
    deferred: int
    running: int
    dead: int
    parked: int
    due_by_priority: dict[Priority, int]
    oldest_age_s: dict[Priority, float]
    oldest_held_age_s: dict[Priority, float]
    tenants: tuple[TenantDepth, ...] = ()
    paused: Pause | None = None


class WorkerView(_Model):
    """One live worker, as it said itself; `reported_s_ago` is None where it does not say."""

    id: str
    host: str = ""
    pid: int = 0
    version: str = ""
    slots: int = 0
    used: int = 0
    loop_lag_ms: float = 0
    reported_s_ago: float | None = None


class RunningJob(_Model):
    """A job in a worker's hands; `function` is None where it cannot be read."""

    id: str
    function: str | None
    worker: str


@dataclass(frozen=True, slots=True)
class Drained:
    """`running` is what did not end in time, the first 20 of `depth.running`."""

    depth: QueueDepth
    running: tuple[RunningJob, ...]


async def depth(producer: Producer) -> QueueDepth:
    """In one round trip. Raises NETWORK_ERROR."""
    with redis_errors():
        (answer,) = await scripts.run(
            producer, producer.queue_name, scripts.Call(scripts.DEPTH, ())
        )
    now_ms, counts, due, ages_ms, held_ages_ms, tenants, pause, pause_left_ms = answer
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    held, deferred, running, dead, parked = counts
    return QueueDepth(
        queue=producer.queue_name,
        at=at,
        due=sum(due),
        held=held,
        deferred=deferred,
        running=running,
        dead=dead,
        parked=parked,
        due_by_priority=dict(zip(Priority, due, strict=True)),
        oldest_age_s=_ages_s(ages_ms),
        oldest_held_age_s=_ages_s(held_ages_ms),
        tenants=tuple(
            TenantDepth(
                tenant=tenant.decode(errors="replace"),
                priority=Priority.of_rank(rank.decode()),
                due=waiting,
                running=in_flight,
                at_limit=bool(at_limit),
            )
            for tenant, rank, waiting, in_flight, at_limit in tenants
        ),
        paused=_pause(pause, at, pause_left_ms) if pause else None,
    )


async def workers(producer: Producer) -> list[WorkerView]:
    """Those that live, in the order of their ids. Raises NETWORK_ERROR."""
    prefix = f"{WORKER_KEY}{producer.queue_name}:"
    pattern = f"{_literally(prefix)}*"
    found: list[WorkerView] = []
    with redis_errors():
        scanned = producer.scan_iter(pattern, _KEYS_PER_SCAN)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
        keys: list[bytes] = [key async for key in scanned]  # pyright: ignore[reportUnknownVariableType] - typed loosely
        async with producer.pipeline(transaction=False) as asked:
            for key in keys:
                asked.get(key)
                asked.pttl(key)
            answers = await asked.execute() if keys else []
    for key, report, left_ms in zip(keys, answers[::2], answers[1::2], strict=True):
        if report is not None:
            worker_id = key.decode(errors="replace").removeprefix(prefix)
            found.append(_worker(worker_id, report, left_ms))
    return sorted(found, key=lambda worker: worker.id)


async def running(producer: Producer, *, top_k: int = _RUNNING_TOLD) -> list[RunningJob]:
    """What workers of ours have in hand, the first to lose its lease first. Raises NETWORK_ERROR."""
    with redis_errors():
        ids: list[bytes] = await producer.zrange(f"{producer.queue_name}:leases", 0, top_k - 1)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        async with producer.pipeline(transaction=False) as asked:
            for job_id in ids:
                asked.get(in_progress_key_prefix.encode() + job_id)
                asked.get(job_key_prefix.encode() + job_id)
            answers = await asked.execute() if ids else []
    return [
        RunningJob(
            id=job_id.decode(errors="replace"),
            function=_function(payload),
            worker=holder.decode(errors="replace").rpartition(":")[0],
        )
        for job_id, holder, payload in zip(ids, answers[::2], answers[1::2], strict=True)
        if holder is not None  # it has ended meanwhile
    ]


async def pause(producer: Producer, *, reason: str, by: str, for_s: float = PAUSE_S) -> QueueDepth:
    """Have no worker take a job for that long; what runs goes on. Raises NETWORK_ERROR."""
    order = json.dumps({"reason": reason, "by": by, "for_s": for_s})
    with redis_errors():
        await producer.set(f"{producer.queue_name}:paused", order, px=max(int(for_s * 1000), 1))
    log.info("queue_paused", queue=producer.queue_name, by=by, for_s=for_s)
    return await depth(producer)


async def resume(producer: Producer) -> bool:
    """End the pause, whether there was one; workers start at once. Raises NETWORK_ERROR."""
    with redis_errors():
        (was_paused,) = await scripts.run(
            producer, producer.queue_name, scripts.Call(scripts.RESUME, ())
        )
    log.info("queue_resumed", queue=producer.queue_name, was_paused=bool(was_paused))
    return bool(was_paused)


async def drain(
    producer: Producer, *, reason: str, by: str, within_s: float, for_s: float = PAUSE_S
) -> Drained:
    """Pause, and wait until nothing runs, or for so long. The queue stays paused."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + within_s
    seen = await pause(producer, reason=reason, by=by, for_s=for_s)
    while seen.running and loop.time() < until_s:
        await asyncio.sleep(min(_LOOK_AGAIN_S, max(until_s - loop.time(), 0)))
        seen = await depth(producer)
    return Drained(seen, tuple(await running(producer)) if seen.running else ())


async def watch(producer: Producer, *, every_s: float = WATCH_EVERY_S) -> None:
    """Show the queue's depth as metrics, until cancelled. While Redis is away, nothing is shown.

    To be run wherever metrics are read from; all show the same.
    """
    shown: QueueGauges | None = None
    looks, alive = 0, 0
    with ExitStack() as stack:
        stack.callback(observe_queue(lambda: shown))
        while True:
            try:
                if looks % _LOOKS_PER_COUNT == 0:
                    alive = len(await workers(producer))
                shown = _gauges(await depth(producer), alive)
                looks += 1
            except RetryableError:  # others tell of the outage
                shown, looks = None, 0
            await asyncio.sleep(every_s)


def _ages_s(ages_ms: list[int]) -> dict[Priority, float]:
    return {
        priority: age_ms / 1000
        for priority, age_ms in zip(Priority, ages_ms, strict=True)
        if age_ms >= 0
    }


def _gauges(seen: QueueDepth, alive: int) -> QueueGauges:
    return QueueGauges(
        queue=seen.queue,
        jobs={
            "held": seen.held,
            "deferred": seen.deferred,
            "running": seen.running,
            "dead": seen.dead,
            "parked": seen.parked,
        },
        due={priority.value: count for priority, count in seen.due_by_priority.items()},
        oldest_age_s={
            (state, priority.value): ages_s.get(priority, 0.0)
            for state, ages_s in (("due", seen.oldest_age_s), ("held", seen.oldest_held_age_s))
            for priority in Priority
        },
        workers=alive,
        paused=seen.paused is not None,
    )


def _pause(order: bytes, at: datetime, left_ms: int) -> Pause:
    """Whatever stands there pauses, so whatever stands there is shown."""
    until = at + timedelta(milliseconds=left_ms) if left_ms >= 0 else None
    try:
        read = json.loads(order)
        since = until and until - timedelta(seconds=float(read["for_s"]))
        return Pause(since=since, until=until, reason=read["reason"], by=read["by"])
    except (ValueError, TypeError, KeyError):
        return Pause(since=None, until=until, reason="", by="unknown")


def _worker(worker_id: str, report: bytes, left_ms: int) -> WorkerView:
    try:
        read = json.loads(report)
        told = WorkerView.model_validate({**read, "id": worker_id})
        ago_s = round(float(read["lease_s"]) - left_ms / 1000, 1) if "lease_s" in read else None
    except (ValueError, TypeError):  # a ValidationError is a ValueError
        return WorkerView(id=worker_id)
    return told.model_copy(update={"reported_s_ago": ago_s and max(ago_s, 0.0)})


def _function(payload: bytes | None) -> str | None:
    try:
        return unseal(payload or b"").function
    except (ValueError, UnknownVersion):
        return None


def _literally(text: str) -> str:
    """As a pattern of SCAN that means just this."""
    return "".join(f"\\{sign}" if sign in "*?[]\\" else sign for sign in text)
