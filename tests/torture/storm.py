"""A storm: runs are accepted and carried out while everything around them fails, in an order that
the seed gives.

What the seed does not give is when a machine gets round to it: a seed replays the same blows in the
same order, not the same instants.
"""

import asyncio
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from sqlalchemy import Select, func, select, text

from app.bootstrap import Runtime
from app.errors import RetryableError
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import next_attempt
from app.pipeline.tables import EffectRow, RunRow, RunStatus
from app.queue.envelope import Priority
from tests.torture.flow import FLOW
from tests.torture.fleet import Fleet, Worker
from tests.torture.servers import KillableRedis
from tests.torture.sink import Sink
from tests.torture.verification import left_in_redis, verify_runs

CLOCKS_OFF_H = (0.0, 1.0, -1.0)
CLIENTS = 5
BACKLOG = 60
"""Runs that wait or run at most: a slow machine gets them later, not in a heap."""
LIMIT_KEY = "torture"
START_WITHIN_S = 60
CALM_WITHIN_S = 200
"""From the last blow to the end of all runs; a bound for what hangs, not a promise."""


Blows = Sequence[tuple[Callable[[random.Random], Awaitable[None]], int]]
"""What can be done, and how often beside the others."""


@dataclass(slots=True, kw_only=True)
class Storm:
    """One storm over one set of servers. `timeline` tells what was done to whom, and when."""

    seed: int
    runtime: Runtime
    redis: KillableRedis
    fleet: Fleet
    sink: Sink
    folder: Path
    timeline: list[str] = field(default_factory=list[str])
    blows: Counter[str] = field(default_factory=Counter[str])
    run_ids: list[UUID] = field(default_factory=list[UUID])
    _began_s: float = field(default_factory=time.monotonic)

    async def rage(self, *, runs: int, for_s: float) -> None:
        """Accept so many runs while blows fall, and see all of them end. Raises AssertionError."""
        for hours in (*CLOCKS_OFF_H, 0.0):
            await self._another(hours)
        async with asyncio.TaskGroup() as group:
            for client in range(CLIENTS):
                numbers = range(client, runs, CLIENTS)
                group.create_task(self._accept(numbers, within_s=0.6 * for_s))
            for name, blows in (("workers", self._at_workers()), ("servers", self._at_servers())):
                chance = random.Random(f"{self.seed} {name}")
                group.create_task(self._strike(blows, chance, for_s=for_s))
        await self._calm()
        await self._see_them_end()

    async def _accept(self, numbers: range, *, within_s: float) -> None:
        """One client that sends runs, now in a burst, now after a pause."""
        chance = random.Random(f"{self.seed} {numbers.start}")
        for number in numbers:
            while await self._open_runs() > BACKLOG:
                await asyncio.sleep(0.2)
            run = await self._accepted(number)
            self.run_ids.append(run.id)
            try:
                await self.runtime.producer.enqueue(next_attempt(run))
            except RetryableError:
                pass  # it is accepted all the same; the reconciler delivers it
            await asyncio.sleep(within_s / len(numbers) * chance.choice((0, 0, 3)))

    async def _accepted(self, number: int) -> RunRow:
        """Sent again until it is known to be there: a commit may fail, or only seem to."""
        priorities = list(Priority)
        accepted = new_run(
            self.runtime.keyring,
            self.runtime.tenant_id,
            FLOW,
            priority=priorities[number % len(priorities)],
            limit_key=LIMIT_KEY if number % 5 == 0 else "",
            run_input={"number": number},
        )
        try:
            async with self.runtime.database.begin() as session:
                await accept(session, accepted, deadline_s=3_600)
        except RetryableError:
            async with self.runtime.database.begin() as session:
                if await session.get(RunRow, accepted.run.id) is None:
                    return await self._accepted(number)
        return accepted.run

    async def _strike(self, blows: Blows, chance: random.Random, *, for_s: float) -> None:
        """Each once at least, then by weight, one after the other."""
        planned = [blow for blow, _ in blows]
        chance.shuffle(planned)
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            drawn = chance.choices([blow for blow, _ in blows], [share for _, share in blows])[0]
            blow = planned.pop() if planned else drawn
            self.blows[blow.__name__] += 1
            await blow(chance)
            await asyncio.sleep(chance.uniform(0.2, 1.2))

    def _at_workers(self) -> Blows:
        return (
            (self.kill_a_worker, 5),
            (self.stop_a_worker_in_order, 3),
            (self.stop_a_worker_at_once, 3),
            (self.freeze_a_worker, 6),
        )

    def _at_servers(self) -> Blows:
        return (
            (self.kill_redis, 3),
            (self.take_redis_away, 3),
            (self.freeze_redis, 3),
            (self.cut_connections_to_redis, 4),
            (self.empty_redis, 4),
            (self.lose_redis, 2),
            (self.forget_scripts, 1),
            (self.cut_connections_to_postgresql, 2),
        )

    # --- blows ----------------------------------------------------------------------------------

    async def kill_a_worker(self, chance: random.Random) -> None:
        worker = await self._somebody(chance)
        self.tell(f"kill -9 {worker}")
        await self.fleet.end(worker, signal.SIGKILL)
        await self._another(chance.choice(CLOCKS_OFF_H))

    async def stop_a_worker_in_order(self, chance: random.Random) -> None:
        worker = await self._somebody(chance)
        self.tell(f"SIGTERM {worker}")
        await self._another(chance.choice(CLOCKS_OFF_H))
        self._ended_in_order(worker, await self.fleet.end(worker))

    async def stop_a_worker_at_once(self, chance: random.Random) -> None:
        worker = await self._somebody(chance)
        self.tell(f"SIGTERM twice {worker}")
        await self._another(chance.choice(CLOCKS_OFF_H))
        await self.fleet.send(worker, signal.SIGTERM)
        await asyncio.sleep(chance.uniform(0.02, 0.2))
        self._ended_in_order(worker, await self.fleet.end(worker))

    async def freeze_a_worker(self, chance: random.Random) -> None:
        """Past its lease, or not quite: then its successor and it are there at the same time."""
        worker = await self._somebody(chance)
        seconds = self.runtime.settings.queue.lease * chance.uniform(0.5, 2.5)
        self.tell(f"SIGSTOP {worker} for {seconds:.1f} s")
        await self.fleet.send(worker, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        await self.fleet.send(worker, signal.SIGCONT)
        self.tell(f"SIGCONT {worker}")

    async def kill_redis(self, _: random.Random) -> None:
        self.tell("kill -9 Redis, start it again")
        await self.redis.kill()
        await self.redis.start()

    async def take_redis_away(self, chance: random.Random) -> None:
        seconds = chance.uniform(0.5, 4)
        self.tell(f"Redis away for {seconds:.1f} s")
        await self.redis.stop()
        await asyncio.sleep(seconds)
        await self.redis.start()
        self.tell("Redis back")

    async def freeze_redis(self, chance: random.Random) -> None:
        seconds = chance.uniform(0.2, 3)
        self.tell(f"Redis silent for {seconds:.1f} s")
        self.redis.freeze()
        await asyncio.sleep(seconds)
        self.redis.thaw()

    async def cut_connections_to_redis(self, _: random.Random) -> None:
        self.tell("CLIENT KILL TYPE normal, pubsub")
        await self.redis.order("CLIENT", "KILL", "TYPE", "normal")
        await self.redis.order("CLIENT", "KILL", "TYPE", "pubsub")

    async def empty_redis(self, _: random.Random) -> None:
        self.tell("FLUSHALL")
        await self.redis.order("FLUSHALL")

    async def lose_redis(self, _: random.Random) -> None:
        self.tell("Redis killed and its disk lost")
        await self.redis.lose()
        await self.redis.start()

    async def forget_scripts(self, _: random.Random) -> None:
        self.tell("SCRIPT FLUSH")
        await self.redis.order("SCRIPT", "FLUSH")

    async def cut_connections_to_postgresql(self, _: random.Random) -> None:
        self.tell("PostgreSQL ends all connections of the workers")
        async with self.runtime.database.begin() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    # --- after it -------------------------------------------------------------------------------

    async def _calm(self) -> None:
        self.tell("calm")
        self.redis.thaw()
        for worker in self.fleet.living:
            await self.fleet.send(worker, signal.SIGCONT)
        await self._replace_those_that_fell(random.Random(self.seed))

    async def _see_them_end(self) -> None:
        queue = self.runtime.settings.queue.name
        until_s = time.monotonic() + CALM_WITHIN_S
        while time.monotonic() < until_s and await self._open_runs() + await self._open_effects():
            await asyncio.sleep(0.1)
        while time.monotonic() < until_s and await left_in_redis(
            self.redis, queue, workers_gone=False
        ):
            await asyncio.sleep(0.1)
        self.tell("all that ended has ended")
        left = await left_in_redis(self.redis, queue, workers_gone=False)
        for worker in self.fleet.living:
            self._ended_in_order(worker, await self.fleet.end(worker))
        left += await left_in_redis(self.redis, queue, workers_gone=True)
        outcome = await verify_runs(self.runtime.database, self.sink, self.run_ids)
        print(f"torture seed {self.seed}: {outcome.figures}; {self._blows_told()}")
        (self.folder / "timeline").write_text(self._told())
        (self.folder / "faults").write_text("\n".join(outcome.faults))
        self.hold([*outcome.faults, *(f"left in Redis: {line}" for line in dict.fromkeys(left))])

    async def _open_runs(self) -> int:
        states = (RunStatus.QUEUED, RunStatus.RUNNING)
        return await self._count(
            select(func.count()).select_from(RunRow).where(RunRow.status.in_(states))
        )

    async def _open_effects(self) -> int:
        return await self._count(
            select(func.count()).select_from(EffectRow).where(EffectRow.done_at.is_(None))
        )

    async def _count(self, asked: Select[tuple[int]]) -> int:
        while True:
            try:
                async with self.runtime.database.begin() as session:
                    return await session.scalar(asked) or 0
            except RetryableError:
                await asyncio.sleep(0.1)  # a blow has hit our own connection

    def hold(self, faults: Sequence[str]) -> None:
        """Raise AssertionError with all there is to know, unless there is no fault."""
        if not faults:
            return
        shown = "\n".join(f"  {fault}" for fault in faults[:20])
        raise AssertionError(
            f"{len(faults)} faults; again with TORTURE_SEED={self.seed}\n{shown}\n"
            f"what was done:\n{self._told()}\nwhat the workers say of it:\n{self._logs(faults)}"
        )

    def tell(self, what: str) -> None:
        self.timeline.append(f"{time.monotonic() - self._began_s:7.2f} s  {what}")

    def _told(self) -> str:
        return "\n".join(f"  {line}" for line in self.timeline)

    def _blows_told(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in sorted(self.blows.items()))

    def _logs(self, faults: Sequence[str]) -> str:
        """Lines of the logs about the first run at fault; their clocks may be an hour off."""
        ids = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", " ".join(faults))[:1]
        lines = [
            f"  {log.stem} {line}"
            for log in sorted(self.folder.glob("w*.log"))
            for line in log.read_text().splitlines()
            if any(each in line for each in ids)
        ]
        return "\n".join(lines[-60:])

    async def _somebody(self, chance: random.Random) -> Worker:
        """A worker that takes jobs."""
        while True:
            await self._replace_those_that_fell(chance)
            worker = chance.choice(self.fleet.living)
            async with asyncio.timeout(START_WITHIN_S):
                await worker.settled.wait()
            if not worker.ended.is_set():
                break
        if abs(worker.off_by_s - worker.hours * 3_600) > 60:
            self.hold([f"{worker} has a clock that is {worker.off_by_s:.0f} s off"])
        return worker

    async def _another(self, hours: float) -> None:
        worker = await self.fleet.start(hours)
        self.tell(f"start {worker}")

    async def _replace_those_that_fell(self, chance: random.Random) -> None:
        """Without PostgreSQL at its start, a worker ends with an error; who runs it starts it again."""
        while self.fleet.fallen:
            worker = self.fleet.fallen.pop()
            self.tell(f"{worker} ended by itself with {worker.code}")
            if worker.has_started:
                self.hold([f"{worker} ended by itself with {worker.code}"])
            await self._another(chance.choice(CLOCKS_OFF_H))

    def _ended_in_order(self, worker: Worker, code: int) -> None:
        self.tell(f"{worker} ended with {code}")
        if code != 0:
            self.hold([f"{worker} was asked to stop and ended with {code}"])
