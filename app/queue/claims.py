"""Claims: what a worker asks of the queue, and a claim that waits in Redis until there is work.

A worker with room sends BLPOP for a token, and behind it on the same connection the claim itself,
which Redis runs as soon as the token comes. So a job that is enqueued while a worker waits is on
its way to it at once, not after another round trip.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from app.queue import scripts
from app.queue.producer import Producer
from app.settings.queue import QueueSettings

_RECALL_LIMIT_S = 2.0
_STAND_AGAIN_S = 1.0
_PRIVATE_LIVES_S = 60


@dataclass(frozen=True, slots=True)
class Room:
    """Free slots: for any job, and more that chat alone may use."""

    for_any: int
    for_chat: int

    @property
    def is_there(self) -> bool:
        return self.for_any > 0 or self.for_chat > 0


NO_ROOM = Room(0, 0)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a claim. `token` is what the locks of these jobs hold.

    `next_s`: until something falls due by itself; None: nothing does. `more`: more is due now.
    """

    token: str
    jobs: Sequence[Sequence[Any]]
    next_s: float | None
    more: bool
    aborts: Sequence[bytes]


class Claims:
    """Makes the claims of one worker, each with a token of its own."""

    def __init__(self, settings: QueueSettings, worker_id: str) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._number = 0
        self._options = json.dumps(
            {
                "shares": {"2": settings.ingestion_share, "3": settings.bulk_share},
                "weights": settings.tenant_weights,
                "tenant_limit": settings.tenant_limit or False,
                "key_limits": settings.key_limits,
            }
        )

    def room(self, busy: int) -> Room:
        """What is free while so many jobs run."""
        slots = self._settings.concurrency
        return Room(
            max(slots - busy, 0), max(slots + self._settings.chat_slots - max(busy, slots), 0)
        )

    def call(self, room: Room) -> tuple[str, scripts.Call]:
        """A claim for this room, and its token."""
        self._number += 1
        token = f"{self._worker_id}:{self._number}"
        lease_ms = int(self._settings.lease * 1000)
        arguments = (room.for_any, room.for_chat, lease_ms, token, self._options)
        return token, scripts.Call(scripts.CLAIM, arguments)


def claimed(token: str, answer: Sequence[Any]) -> Claimed:
    """Read what claim.lua answers."""
    jobs, wait_ms, more, aborts = answer
    next_s = max(wait_ms, 1) / 1000 if wait_ms >= 0 else None
    return Claimed(token=token, jobs=jobs, next_s=next_s, more=bool(more), aborts=aborts)


class StandingClaim:
    """The claim that waits. Its room is spoken for: nothing else may claim it meanwhile.

    Of all the workers that wait, Redis gives a token to the one that has waited longest: an
    enqueued job wakes one worker, not all. Chat has tokens of its own, since a worker with room
    for chat alone would take the word for other work, pass it on, and take it again.
    """

    def __init__(
        self,
        producer: Producer,
        claims: Claims,
        *,
        worker_id: str,
        answer: Callable[[Claimed], None],
    ) -> None:
        self._producer = producer
        self._claims = claims
        self._queue = producer.queue_name
        self._private = f"{self._queue}:wake:{worker_id}"
        self._answer = answer
        self._waiting: asyncio.Task[None] | None = None
        self._not_before_s = 0.0
        self.room = NO_ROOM

    def stand(self, room: Room, *, wait_s: float) -> None:
        """Wait for work for this room, for so long; then claim in any case."""
        loop = asyncio.get_running_loop()
        if self._waiting is None and room.is_there and loop.time() >= self._not_before_s:
            self.room = room
            self._waiting = loop.create_task(self._wait(room, wait_s), name="standing-claim")

    async def nudge(self) -> None:
        """Have it claim now. Raises what redis raises."""
        if self._waiting is not None:
            async with self._producer.pipeline(transaction=True) as pipe:
                pipe.rpush(self._private, b"1")
                pipe.expire(self._private, _PRIVATE_LIVES_S)
                await pipe.execute()

    async def recall(self) -> None:
        """Have it claim now and stand no more: what it gets is the worker's, to run or hand back.

        One that cannot be reached is broken off; what Redis gave it then waits for its lease's end.
        """
        if (waiting := self._waiting) is None:
            return
        try:
            async with asyncio.timeout(_RECALL_LIMIT_S):
                await self.nudge()
                await asyncio.wait((waiting,))
        except (RedisError, OSError):  # a TimeoutError is one
            waiting.cancel()
            await asyncio.wait((waiting,))

    async def _wait(self, room: Room, wait_s: float) -> None:
        lists = [self._private, f"{self._queue}:wake:chat"]
        if room.for_any:
            lists.append(f"{self._queue}:wake")
        token, call = self._claims.call(room)
        try:
            answer = await scripts.run_when_told(
                self._producer, self._queue, lists, within_s=wait_s, call=call
            )
        except (RedisError, OSError):  # the worker itself tells of outages
            self._not_before_s = asyncio.get_running_loop().time() + _STAND_AGAIN_S
            answer = None
        finally:
            self._waiting = None
            self.room = NO_ROOM
        self._answer(claimed(token, answer) if answer is not None else _NOTHING)


_NOTHING = Claimed(token="", jobs=(), next_s=None, more=False, aborts=())
