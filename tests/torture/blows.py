"""What is done to the workers and to the servers of a storm."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.store.database import Database
from tests.torture.fleet import Fleet, Worker
from tests.torture.servers import KillableRedis
from tests.torture.timeline import Timeline

Blows = Sequence[tuple[Callable[[random.Random], Awaitable[None]], int]]
"""What can be done, and how often beside the others."""

CLOCKS_OFF_H = (0.0, 1.0, -1.0)
START_WITHIN_S = 60
"""A bound for what hangs, not a promise: a machine may be slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWorkers:
    """Each worker that ends is replaced. `lease_s` is what they hold a run for."""

    fleet: Fleet
    timeline: Timeline
    lease_s: float

    def all(self) -> Blows:
        return (
            (self.kill, 5),
            (self.stop_in_order, 3),
            (self.stop_at_once, 3),
            (self.freeze, 6),
        )

    async def kill(self, chance: random.Random) -> None:
        worker = await self._somebody(chance)
        self.timeline.tell(f"kill -9 {worker}")
        await self.fleet.end(worker, signal.SIGKILL)
        await self.start(chance.choice(CLOCKS_OFF_H))

    async def stop_in_order(self, chance: random.Random) -> None:
        worker = await self._somebody(chance)
        self.timeline.tell(f"SIGTERM {worker}")
        await self.start(chance.choice(CLOCKS_OFF_H))
        await self.end_in_order(worker)

    async def stop_at_once(self, chance: random.Random) -> None:
        worker = await self._somebody(chance)
        self.timeline.tell(f"SIGTERM twice {worker}")
        await self.start(chance.choice(CLOCKS_OFF_H))
        await self.fleet.send(worker, signal.SIGTERM)
        await asyncio.sleep(chance.uniform(0.02, 0.2))
        await self.end_in_order(worker)

    async def freeze(self, chance: random.Random) -> None:
        """Past its lease, or not quite: then its successor and it are there at the same time."""
        worker = await self._somebody(chance)
        seconds = self.lease_s * chance.uniform(0.5, 2.5)
        self.timeline.tell(f"SIGSTOP {worker} for {seconds:.1f} s")
        await self.fleet.send(worker, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        await self.fleet.send(worker, signal.SIGCONT)
        self.timeline.tell(f"SIGCONT {worker}")

    async def start(self, hours: float = 0) -> Worker:
        """A new one, which may still be starting."""
        worker = await self.fleet.start(hours)
        self.timeline.tell(f"start {worker}")
        return worker

    async def end_in_order(self, worker: Worker) -> None:
        """Raises AssertionError when it was asked to stop and ended with an error."""
        code = await self.fleet.end(worker)
        self.timeline.tell(f"{worker} ended with {code}")
        if code != 0:
            self.timeline.hold([f"{worker} was asked to stop and ended with {code}"])

    async def replace_the_fallen(self, chance: random.Random) -> None:
        """One that finds no PostgreSQL at its start ends with an error; who runs it tries again."""
        while self.fleet.fallen:
            worker = self.fleet.fallen.pop()
            self.timeline.tell(f"{worker} ended by itself with {worker.code}")
            if worker.has_started:
                self.timeline.hold([f"{worker} ended by itself with {worker.code}"])
            await self.start(chance.choice(CLOCKS_OFF_H))

    async def _somebody(self, chance: random.Random) -> Worker:
        """A worker that takes jobs."""
        while True:
            await self.replace_the_fallen(chance)
            worker = chance.choice(self.fleet.living)
            async with asyncio.timeout(START_WITHIN_S):
                await worker.settled.wait()
            if not worker.ended.is_set():
                break
        if abs(worker.off_by_s - worker.hours * 3_600) > 60:
            self.timeline.hold([f"the clock of {worker} is {worker.off_by_s:.0f} s off"])
        return worker


@dataclass(frozen=True, slots=True, kw_only=True)
class AtServers:
    """Redis in all ways; of PostgreSQL only the connections, for it is the truth."""

    redis: KillableRedis
    database: Database
    timeline: Timeline

    def all(self) -> Blows:
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

    async def kill_redis(self, _: random.Random) -> None:
        self.timeline.tell("kill -9 Redis, start it again")
        await self.redis.kill()
        await self.redis.start()

    async def take_redis_away(self, chance: random.Random) -> None:
        seconds = chance.uniform(0.5, 4)
        self.timeline.tell(f"Redis away for {seconds:.1f} s")
        await self.redis.stop()
        await asyncio.sleep(seconds)
        await self.redis.start()
        self.timeline.tell("Redis back")

    async def freeze_redis(self, chance: random.Random) -> None:
        seconds = chance.uniform(0.2, 3)
        self.timeline.tell(f"Redis silent for {seconds:.1f} s")
        self.redis.freeze()
        await asyncio.sleep(seconds)
        self.redis.thaw()

    async def cut_connections_to_redis(self, _: random.Random) -> None:
        self.timeline.tell("Redis ends all connections")
        await self.redis.order("CLIENT", "KILL", "TYPE", "normal")
        await self.redis.order("CLIENT", "KILL", "TYPE", "pubsub")

    async def empty_redis(self, _: random.Random) -> None:
        self.timeline.tell("FLUSHALL")
        await self.redis.order("FLUSHALL")

    async def lose_redis(self, _: random.Random) -> None:
        self.timeline.tell("Redis killed and its disk lost")
        await self.redis.lose()
        await self.redis.start()

    async def forget_scripts(self, _: random.Random) -> None:
        self.timeline.tell("SCRIPT FLUSH")
        await self.redis.order("SCRIPT", "FLUSH")

    async def cut_connections_to_postgresql(self, _: random.Random) -> None:
        self.timeline.tell("PostgreSQL ends all connections")
        async with self.database.begin() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
