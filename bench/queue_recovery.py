"""Time from the kill of a worker until its job starts again in another that is already up.

It is waiting, mostly: all systems and repeats wait at the same time, each with a server of its own.
"""

import asyncio
import random
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.queue_jobs import LASTING, NotDoneError, Rows, now_s
from bench.queue_stage import Child, stage
from bench.queue_systems import System

_CONCURRENCY = 10
_READY_WITHIN_S = 30
_ASK_EVERY_S = 0.05
_SETTLE_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A worker that is to be killed. `lease_s` only says something to ours."""

    system: System
    lease_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Seconds until the job ran again; None: not within `bound_s`, or `fault` came before."""

    death: Death
    bound_s: float
    after_s: float | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class _Scene:
    """`first` runs a job, `second` is up and could."""

    death: Death
    first: Child
    second: Child
    rows: Rows


async def recoveries(
    folder: Path, sink_port: int, deaths: Sequence[Death], *, bound_s: float
) -> list[Recovered]:
    """Kill them all, and wait until the last has recovered, `bound_s` at most."""
    failed: list[Recovered] = []
    scenes: list[_Scene] = []
    async with AsyncExitStack() as stack:
        for death in deaths:
            try:
                scenes.append(await stack.enter_async_context(_scene(folder, sink_port, death)))
            except NotDoneError as fault:
                failed.append(Recovered(death=death, bound_s=bound_s, fault=str(fault)))
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(_kill(scene, bound_s)) for scene in scenes]
    return [*failed, *(task.result() for task in waiting)]


@asynccontextmanager
async def _scene(folder: Path, sink_port: int, death: Death) -> AsyncGenerator[_Scene]:
    system, lease = death.system, {"lease_s": death.lease_s}
    async with stage(folder, sink_port) as here, here.producer(system) as (producer, _):
        rows = await here.fresh()
        async with (
            here.worker(system, rows, _CONCURRENCY, **lease) as first,
            AsyncExitStack() as later,
        ):
            # A job that is there when SAQ starts can be swept, and so run twice, before the kill.
            await producer.ask("one", job="noop", arguments={})
            await rows.wait(1, limit_s=_READY_WITHIN_S)
            await asyncio.sleep(_SETTLE_S)
            await producer.ask("one", job=LASTING, arguments={})
            await rows.wait(2, limit_s=_READY_WITHIN_S)
            second = await later.enter_async_context(
                here.worker(system, rows, _CONCURRENCY, **lease)
            )
            await _take_part(producer, rows, second)
            yield _Scene(death, first, second, rows)


async def _take_part(producer: Child, rows: Rows, second: Child) -> None:
    """Until the second worker has run a job: no-ops, one after the other, until one falls to it."""
    end_s = now_s() + _READY_WITHIN_S
    while second.pid not in {row.pid for row in rows.read()}:
        if now_s() > end_s:
            raise NotDoneError("the second worker took no job")
        await producer.ask("one", job="noop", arguments={})
        await asyncio.sleep(_ASK_EVERY_S)


async def _kill(scene: _Scene, bound_s: float) -> Recovered:
    # Anywhere between two heartbeats.
    await asyncio.sleep(random.uniform(0, scene.death.lease_s / 3))  # noqa: S311 - no secret
    before, killed_s = scene.rows.count(), now_s()
    scene.first.send(signal.SIGKILL)
    try:
        await scene.rows.wait(before + 1, limit_s=bound_s)
    except NotDoneError:
        return Recovered(death=scene.death, bound_s=bound_s)
    after_s = scene.rows.read()[before].second_s - killed_s
    return Recovered(death=scene.death, bound_s=bound_s, after_s=after_s)
