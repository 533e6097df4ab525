"""What is measured of one system, one scenario after the other, each on an empty server."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bench.queue_jobs import CANCELLED, LASTING, Row, Rows
from bench.queue_stage import Child, Stage
from bench.queue_systems import System
from bench.queue_wire import counts

Measured = Mapping[str, list[float]]

IDLE_MS = "start, idle, ms"
LOADED_MS = "start, 500 in flight, ms"
NOOP_PER_S = "no-op jobs/s"
DISTANT_PER_S = "no-op jobs/s, 2 ms away"
TRIPS = "round trips a job"
COMMANDS = "commands a job"
CPU_US = "worker's processor, µs a job"
SPANS = "spans received a job"
IDEAL = "1,000 sleepers, share of ideal"
IDLE_MIB = "idle worker, MiB"
ABOVE_IDLE_MIB = "1,000 sleepers, MiB above idle"
IN_TURN_PER_S = "enqueues/s, one by one"
AT_ONCE_PER_S = "enqueues/s, 100 callers"
BULK_PER_S = "enqueues/s, in bulk"
ENQUEUE_TRIPS = "round trips an enqueue"
ENQUEUE_COMMANDS = "commands an enqueue"
CANCEL_MS = "cancel, ms"

_IN_FLIGHT = 500
_LATENCY_CONCURRENCY = 600
_NOOP_CONCURRENCY = 100
_SLEEPERS = 1_000
_SLEEP_S = 1.0
_LEAST_PAUSE_S, _MOST_PAUSE_S = 0.01, 0.04
_READY_WITHIN_S = 30
_SETTLE_S = 0.15
_STAMPS_WITHIN_S = 15
_HELD_WITHIN_S = 8
_JOBS_WITHIN_S = 30
_BULK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything in one repeat."""

    stamps: int = 50
    noops: int = 5_000
    distant_noops: int = 5_000
    enqueues: int = 500
    cancels: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One system, ready to be measured."""

    stage: Stage
    system: System
    producer: Child
    sizes: Sizes
    repeat: int


async def latency(case: Case) -> Measured:
    """From the call of enqueue to the first line of the job; idle, then with 500 jobs in flight."""
    rows = await case.stage.fresh()
    async with case.stage.worker(case.system, rows, _LATENCY_CONCURRENCY) as worker:
        await _ready(case, rows)
        await _stamps(case, rows)
        idle = _latencies(rows.read())
        if case.system.most_concurrency < _IN_FLIGHT:
            return {IDLE_MS: idle}
        before = rows.count()
        await case.producer.ask("many", job=LASTING, count=_IN_FLIGHT, arguments={})
        await rows.wait(before + _IN_FLIGHT, limit_s=_HELD_WITHIN_S)
        before = rows.count()
        await _stamps(case, rows)
        await worker.end()
        return {IDLE_MS: idle, LOADED_MS: _latencies(rows.read()[before:])}


async def noop(case: Case) -> Measured:
    """Jobs enqueued ahead, from the first that starts to the last."""
    count = min(case.sizes.noops, case.system.most_jobs)
    return await _noops(case, count, case.stage.port, NOOP_PER_S)


async def distant(case: Case) -> Measured:
    """The same, with the server a network away from the worker."""
    count = min(case.sizes.distant_noops, case.system.most_distant_jobs)
    measured = await _noops(case, count, case.stage.distant_port, DISTANT_PER_S)
    return {DISTANT_PER_S: measured[DISTANT_PER_S]}


async def sleepers(case: Case) -> Measured:
    """1,000 jobs that wait a second in one worker: from the first start to the last end."""
    if case.system.most_concurrency < _SLEEPERS:
        return {}
    rows = await case.stage.fresh()
    async with case.stage.worker(case.system, rows, _SLEEPERS) as worker:
        await _ready(case, rows)
        idle_mib = worker.rss_mib()
        worker.reset_peak()
        worker.send(signal.SIGSTOP)
        arguments = {"seconds": _SLEEP_S}
        await case.producer.ask("many", job="sleep", count=_SLEEPERS, arguments=arguments)
        worker.send(signal.SIGCONT)
        await rows.wait(1 + _SLEEPERS, limit_s=_JOBS_WITHIN_S)
        peak_mib = worker.rss_mib("VmHWM")
    slept = [row for row in rows.read() if row.first_s > 0]
    took_s = max(row.second_s for row in slept) - min(row.first_s for row in slept)
    measured = {IDEAL: [_SLEEP_S / took_s]}
    if idle_mib is not None and peak_mib is not None:
        measured |= {IDLE_MIB: [idle_mib], ABOVE_IDLE_MIB: [peak_mib - idle_mib]}
    return measured


async def enqueue(case: Case) -> Measured:
    """How fast one asyncio process enqueues."""
    await case.stage.fresh()
    rates = await case.producer.ask("rates", count=case.sizes.enqueues)
    measured = {
        IN_TURN_PER_S: [rates["in_turn_per_s"]],
        AT_ONCE_PER_S: [rates["at_once_per_s"]],
        ENQUEUE_TRIPS: [rates["trips"]],
        ENQUEUE_COMMANDS: [rates["commands"]],
    }
    if case.system.bulk:
        count = _BULK * case.sizes.enqueues
        bulk = await case.producer.ask("many", job="noop", count=count, arguments={})
        measured[BULK_PER_S] = [bulk["per_s"]]
    return measured


async def cancel(case: Case) -> Measured:
    """From the call of cancel to the CancelledError in the running job."""
    if not case.system.cancels:
        return {}
    rows = await case.stage.fresh()
    taken: list[float] = []
    async with case.stage.worker(case.system, rows, _NOOP_CONCURRENCY):
        await _ready(case, rows)
        for _ in range(case.sizes.cancels):
            before = rows.count()
            held = await case.producer.ask("one", job=LASTING, arguments={})
            await rows.wait(before + 1, limit_s=_HELD_WITHIN_S)
            asked = await case.producer.ask("cancel", job_id=held["id"])
            await rows.wait(before + 2, limit_s=_HELD_WITHIN_S)
            row = rows.read()[-1]
            assert row.first_s == CANCELLED
            taken.append((row.second_s - asked["asked_s"]) * 1_000)
    return {CANCEL_MS: taken}


SCENARIOS: Mapping[str, Callable[[Case], Awaitable[Measured]]] = {
    "latency": latency,
    "noop": noop,
    "distant": distant,
    "sleepers": sleepers,
    "enqueue": enqueue,
    "cancel": cancel,
}


async def _noops(case: Case, count: int, port: int, name: str) -> Measured:
    rows = await case.stage.fresh()
    await case.stage.spans()
    async with case.stage.worker(case.system, rows, _NOOP_CONCURRENCY, port=port) as worker:
        await _ready(case, rows)
        # Stopped, it finds all of them when it goes on, as connected as it was.
        worker.send(signal.SIGSTOP)
        await case.producer.ask("many", job="noop", count=count, arguments={})
        before, before_s = counts(case.stage.port), worker.cpu_s()
        worker.send(signal.SIGCONT)
        await rows.wait(1 + count, limit_s=_JOBS_WITHIN_S)
        spent, cpu_s = counts(case.stage.port).since(before), worker.cpu_s()
        if case.system.traced:
            await worker.end(by=signal.SIGTERM)  # only so does it send its last spans
    times = [row.second_s for row in rows.read()[1:]]
    measured = {
        name: [(count - 1) / (max(times) - min(times))],
        TRIPS: [spent.reads / count],
        COMMANDS: [spent.commands / count],
    }
    if before_s is not None and cpu_s is not None:
        measured[CPU_US] = [(cpu_s - before_s) / count * 1e6]
    if case.system.traced:
        received = await case.stage.spans()
        processed = sum(n for title, n in received.items() if title.startswith("process "))
        measured[SPANS] = [processed / (1 + count)]
    return measured


async def _ready(case: Case, rows: Rows) -> None:
    """Until the worker has run a job, and is idle again."""
    await case.producer.ask("one", job="noop", arguments={})
    await rows.wait(1, limit_s=_READY_WITHIN_S)
    await asyncio.sleep(_SETTLE_S)


async def _stamps(case: Case, rows: Rows) -> None:
    before, count = rows.count(), case.sizes.stamps
    await case.producer.ask(
        "stamps",
        count=count,
        least_s=_LEAST_PAUSE_S,
        most_s=_MOST_PAUSE_S,
        seed=case.repeat,
    )
    await rows.wait(before + count, limit_s=_STAMPS_WITHIN_S)


def _latencies(rows: list[Row]) -> list[float]:
    return [(row.second_s - row.first_s) * 1_000 for row in rows if row.first_s > 0]
