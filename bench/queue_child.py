"""A process of one system: a worker, or a producer that does what it is told, line by line.

Runs in the environment of its system, so it uses the standard library and the adapter alone.
"""

import asyncio
import json
import logging
import random
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.queue_jobs import bodies, now_s
from bench.queue_systems import Adapter, Place, adapter
from bench.queue_wire import Counts, counts

Command = Callable[..., Awaitable[Mapping[str, Any]]]

_CALLERS = 100


def main() -> None:
    """`worker` or `producer`, then what it is told as one JSON object."""
    role, told = sys.argv[1], json.loads(sys.argv[2])
    warnings.simplefilter("ignore")  # a library's deprecations are not what is asked here
    logging.basicConfig(level=logging.ERROR)
    place = Place(**told["place"])
    system = adapter(told["adapter"], place)
    if role == "worker":
        with system.recorded():
            asyncio.run(system.work(bodies(Path(told["rows"]))))
    else:
        asyncio.run(_produce(system, place, told["packages"]))


async def _produce(system: Adapter, place: Place, packages: list[str]) -> None:
    producing = _Producing(system, place)
    async with system.opened():
        _say({name: version(name) for name in packages})
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            command: Command = getattr(producing, asked.pop("do"))
            # One recording per command: what it sent is at the sink before anything is measured.
            with system.recorded():
                answer = await command(**asked)
            _say(answer)


def _say(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


class _Producing:
    """The commands, by name."""

    def __init__(self, system: Adapter, place: Place) -> None:
        self._system = system
        self._port = place.port

    async def one(self, *, job: str, arguments: dict[str, Any]) -> Mapping[str, Any]:
        """Enqueue one job."""
        return {"id": await self._system.enqueue(job, arguments)}

    async def many(self, *, job: str, count: int, arguments: dict[str, Any]) -> Mapping[str, Any]:
        """Enqueue many as quickly as it goes."""
        began_s = now_s()
        await self._system.enqueue_many(job, count, arguments)
        return {"per_s": count / (now_s() - began_s)}

    async def stamps(
        self, *, count: int, least_s: float, most_s: float, seed: int
    ) -> Mapping[str, Any]:
        """Enqueue one job after the other with pauses, each with the time at which it was sent."""
        pauses = random.Random(seed)  # noqa: S311 - the same pauses for every system
        for _ in range(count):
            await self._system.enqueue("stamp", {"sent_s": now_s()})
            await asyncio.sleep(pauses.uniform(least_s, most_s))
        return {}

    async def rates(self, *, count: int) -> Mapping[str, Any]:
        """Enqueues per second: one after the other, and 100 callers at once."""
        before, began_s = counts(self._port), now_s()
        for _ in range(count):
            await self._system.enqueue("noop", {})
        in_turn = count / (now_s() - began_s)
        spent: Counts = counts(self._port).since(before)
        began_s = now_s()
        async with asyncio.TaskGroup() as callers:
            for _ in range(_CALLERS):
                callers.create_task(self._several(count // _CALLERS))
        at_once = _CALLERS * (count // _CALLERS) / (now_s() - began_s)
        return {
            "in_turn_per_s": in_turn,
            "at_once_per_s": at_once,
            "trips": spent.reads / count,
            "commands": spent.commands / count,
        }

    async def _several(self, count: int) -> None:
        for _ in range(count):
            await self._system.enqueue("noop", {})

    async def cancel(self, *, job_id: str) -> Mapping[str, Any]:
        """Ask for the end of a running job; answers when it was asked."""
        asked_s = now_s()
        await self._system.cancel(job_id)  # pyright: ignore - ours alone
        return {"asked_s": asked_s}
