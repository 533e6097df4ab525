"""What wakes a worker: a token in a list when work is due, a word when a job is to be cancelled."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.queue.producer import Producer

_RECONNECT_S = 1.0
_BLOCK_S = 5
_SILENT_S = 5.0
"""A connection that says nothing for this much longer than it was asked to wait has died."""


class Room:
    """Whether a worker has room for a job: for any, or in the slots that only chat may use."""

    def __init__(self, slots: int, chat_slots: int) -> None:
        self._slots = slots
        self._all_slots = slots + chat_slots
        self.for_any, self.for_chat_alone = asyncio.Event(), asyncio.Event()
        self.for_any.set()

    def count(self, busy: int) -> None:
        """So many jobs run now."""
        for room, is_there in (
            (self.for_any, busy < self._slots),
            (self.for_chat_alone, self._slots <= busy < self._all_slots),
        ):
            if is_there:
                room.set()
            else:
                room.clear()


class WakeUps:
    """Waits for a token while there is room for a job.

    Of all the workers that wait, Redis gives a token to the one that has waited longest: an
    enqueued job wakes one worker, not all. Chat has tokens of its own, since a worker with room
    for chat alone would take the word for other work, pass it on, and take it again.
    """

    def __init__(self, producer: Producer, changed: asyncio.Event, room: Room) -> None:
        self._redis = producer
        self._any = f"{producer.queue_name}:wake"
        self._chat = f"{self._any}:chat"
        self._changed = changed
        self._room = room

    async def listen(self, until: asyncio.Event) -> None:
        """Set `changed` for each token. Redis may come and go.

        A worker that is to stop listens no more: the word is for others.
        """
        async with asyncio.TaskGroup() as group:
            listening = [
                group.create_task(self._hear([self._chat, self._any], self._room.for_any)),
                group.create_task(self._hear([self._chat], self._room.for_chat_alone)),
            ]
            await until.wait()
            self._changed.set()
            for task in listening:
                task.cancel()

    async def _hear(self, lists: list[str], room: asyncio.Event) -> None:
        while True:
            await room.wait()
            try:
                async with asyncio.timeout(_BLOCK_S + _SILENT_S):
                    token = await self._redis.blpop(lists, timeout=_BLOCK_S)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportGeneralTypeIssues] - typed loosely
            except (RedisError, OSError):  # TimeoutError is one; the worker itself tells of outages
                await asyncio.sleep(_RECONNECT_S)
                continue
            if token is not None:
                # Also without room by now: claiming nothing still passes the token on.
                self._changed.set()


class Cancellations:
    """Hears which jobs are to be cancelled. What it misses is found in arq's abort set."""

    def __init__(self, producer: Producer, cancel: Callable[[str], None]) -> None:
        self._redis = producer
        self._channel = f"{producer.queue_name}:cancel"
        self._cancel = cancel

    async def listen(self) -> None:
        """Until cancelled. Redis may come and go."""
        while True:
            try:
                async with self._redis.pubsub() as channel:  # pyright: ignore[reportUnknownMemberType] - typed loosely
                    await self._hear(channel)
            except (RedisError, OSError):
                await asyncio.sleep(_RECONNECT_S)

    async def _hear(self, channel: PubSub) -> None:
        await channel.subscribe(self._channel)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        while True:
            async with asyncio.timeout(_BLOCK_S + _SILENT_S):
                heard = cast(
                    "Mapping[str, Any] | None",
                    await channel.get_message(ignore_subscribe_messages=True, timeout=_BLOCK_S),
                )
                if heard is None:
                    await channel.ping()  # pyright: ignore[reportUnknownMemberType] - typed loosely
            if heard is not None and heard["type"] == "message":
                self._cancel(heard["data"].decode(errors="replace"))
