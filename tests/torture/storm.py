"""A storm: runs are accepted and carried out while everything around them fails.

A seed gives the blows and their order, not the instants at which a machine gets round to them.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from app.bootstrap import Runtime
from app.errors import RetryableError
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import next_attempt
from app.pipeline.tables import AttemptRow, EffectRow, RunRow, RunStatus
from app.queue.envelope import Priority
from tests.torture.blows import CLOCKS_OFF_H, AtServers, AtWorkers, Blows
from tests.torture.chance import chance_of
from tests.torture.fleet import Fleet, ungrouped
from tests.torture.flow import FLOW
from tests.torture.servers import KillableRedis
from tests.torture.sink import Sink
from tests.torture.timeline import Timeline
from tests.torture.verification import left_in_redis, of_the_logs, verify_runs

LIMIT_KEY = "torture"
CLIENTS = 5
BACKLOG = 60
"""Runs that wait or run at most: a slow machine gets them later, not in a heap."""
CALM_WITHIN_S = 120
"""From the last blow to the end of all runs; a bound for what hangs, not a promise."""


@dataclass(slots=True, kw_only=True)
class Storm:
    """One set of servers and workers, and what is done to them."""

    seed: int
    runtime: Runtime
    redis: KillableRedis
    fleet: Fleet
    sink: Sink
    timeline: Timeline
    run_ids: list[UUID] = field(default_factory=list[UUID])
    at_workers: AtWorkers = field(init=False)
    _at_servers: AtServers = field(init=False)
    _blows: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        lease_s = self.runtime.settings.queue.lease
        self.at_workers = AtWorkers(fleet=self.fleet, timeline=self.timeline, lease_s=lease_s)
        self._at_servers = AtServers(
            redis=self.redis, database=self.runtime.database, timeline=self.timeline
        )

    async def rage(self, *, runs: int, for_s: float) -> str:
        """Accept so many runs while blows fall, and see all of them end; the figures of it.

        Raises AssertionError, which tells all there is to know.
        """
        for hours in (*CLOCKS_OFF_H, 0.0):
            await self.at_workers.start(hours)
        with ungrouped():
            async with asyncio.TaskGroup() as group:
                for client in range(CLIENTS):
                    numbers = range(client, runs, CLIENTS)
                    group.create_task(self.accept(numbers, within_s=0.6 * for_s))
                for name, blows in (
                    ("workers", self.at_workers.all()),
                    ("servers", self._at_servers.all()),
                ):
                    chance = chance_of(self.seed, name)
                    group.create_task(self._strike(blows, chance, for_s=for_s))
        self.timeline.tell("calm")
        await self.at_workers.replace_the_fallen(chance_of(self.seed))
        figures = await self.see_them_end()
        blows = ", ".join(f"{name} {count}" for name, count in sorted(self._blows.items()))
        return f"{figures}; {blows}"

    async def accept(self, numbers: range, *, within_s: float = 0, **run_input: Any) -> None:
        """One client that sends runs, now in a burst, now after a pause."""
        chance = chance_of(self.seed, numbers.start)
        for number in numbers:
            while await self.open_runs() > BACKLOG:
                await asyncio.sleep(0.2)
            await self.accept_one(number=number, **run_input)
            await asyncio.sleep(within_s / len(numbers) * chance.choice((0, 0, 3)))

    async def accept_one(self, **run_input: Any) -> UUID:
        """Accept a run and deliver its job, if Redis lets us."""
        run = await self._accepted(run_input)
        self.run_ids.append(run.id)
        with suppress(RetryableError):  # it is accepted all the same; the reconciler delivers it
            await self.runtime.producer.enqueue(next_attempt(run))
        return run.id

    async def begun(self, run_id: UUID, *, attempt: int) -> None:
        """Wait until a worker has begun this attempt."""
        begun = select(func.count()).select_from(AttemptRow)
        begun = begun.where(AttemptRow.run_id == run_id, AttemptRow.attempt == attempt)
        async with asyncio.timeout(CALM_WITHIN_S):
            while not await self._count(begun):
                await asyncio.sleep(0.05)

    async def see_them_end(self) -> str:
        """Wait for the end of all runs, stop the workers and look at what is left; its figures."""
        queue = self.runtime.settings.queue.name
        await self.all_ended()
        left = await left_in_redis(self.redis, queue, workers_gone=False)
        for worker in self.fleet.living:
            await self.at_workers.end_in_order(worker)
        left += await left_in_redis(self.redis, queue, workers_gone=True)
        outcome = await verify_runs(self.runtime.database, self.sink, self.run_ids)
        self.timeline.hold(
            [
                *outcome.faults,
                *(f"left in Redis: {line}" for line in dict.fromkeys(left)),
                *(f"logged: {line}" for line in of_the_logs(self.timeline.folder)),
            ]
        )
        return outcome.figures

    async def all_ended(self) -> None:
        """Wait until no run, effect or job is under way; not for ever."""
        until_s = time.monotonic() + CALM_WITHIN_S
        queue = self.runtime.settings.queue.name
        while time.monotonic() < until_s and (
            await self.open_runs() + await self._open_effects()
            or await left_in_redis(self.redis, queue, workers_gone=False)
        ):
            await asyncio.sleep(0.1)
        self.timeline.tell("the end, or the end of patience")

    async def _accepted(self, run_input: dict[str, Any]) -> RunRow:
        """Sent again until it is known to be there: a commit may fail, or only seem to."""
        number: int = run_input["number"]
        priorities = list(Priority)
        accepted = new_run(
            self.runtime.keyring,
            self.runtime.tenant_id,
            FLOW,
            priority=priorities[number % len(priorities)],
            limit_key=LIMIT_KEY if number % 5 == 0 else "",
            run_input=run_input,
        )
        is_there = select(func.count()).select_from(RunRow).where(RunRow.id == accepted.run.id)
        try:
            async with self.runtime.database.begin() as session:
                await accept(session, accepted, deadline_s=3_600)
        except RetryableError:
            if not await self._count(is_there):
                return await self._accepted(run_input)
        return accepted.run

    async def _strike(self, blows: Blows, chance: random.Random, *, for_s: float) -> None:
        """Each once, then by weight; one after the other."""
        planned = [blow for blow, _ in blows]
        chance.shuffle(planned)
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            drawn = chance.choices([blow for blow, _ in blows], [share for _, share in blows])[0]
            blow = planned.pop() if planned else drawn
            self._blows[blow.__name__] += 1
            await blow(chance)
            await asyncio.sleep(chance.uniform(0.2, 1.2))

    async def open_runs(self) -> int:
        states = (RunStatus.QUEUED, RunStatus.RUNNING)
        return await self._count(
            select(func.count()).select_from(RunRow).where(RunRow.status.in_(states))
        )

    async def _open_effects(self) -> int:
        return await self._count(
            select(func.count()).select_from(EffectRow).where(EffectRow.done_at.is_(None))
        )

    async def _count(self, asked: Select[int]) -> int:
        while True:
            try:
                async with self.runtime.database.begin() as session:
                    return await session.scalar(asked) or 0
            except RetryableError:
                await asyncio.sleep(0.1)  # a blow has hit our own connection
