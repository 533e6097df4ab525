"""What wakes a worker: a token in a list when work is due, a word when a job is to be cancelled."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.queue.producer import Producer

_RECONNECT_S = 1.0
_BLOCK_S = 5
_SILENT_S = 5.0
"""A connection that says nothing for this much longer than it was asked to wait has died."""


WAKE = "wake"
WAKE_FOR_CHAT = "wake:chat"


class WakeUps:
    """Waits for a token in one of some lists while there is room for a job of theirs.

    Of all the workers that wait, Redis gives a token to the one that has waited longest: an
    enqueued job wakes one worker, not all.
    """

    def __init__(
        self,
        producer: Producer,
        lists: Sequence[str],
        *,
        changed: asyncio.Event,
        room: asyncio.Event,
    ) -> None:
        self._redis = producer
        self._keys = [f"{producer.queue_name}:{name}" for name in lists]
        self._changed = changed
        self._room = room

    async def listen(self) -> None:
        """Set `changed` for each token, until cancelled. Redis may come and go."""
        while True:
            await self._room.wait()
            try:
                async with asyncio.timeout(_BLOCK_S + _SILENT_S):
                    token = await self._redis.blpop(self._keys, timeout=_BLOCK_S)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportGeneralTypeIssues] - typed loosely
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
