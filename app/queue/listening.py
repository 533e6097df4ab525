"""The word that a job is to be cancelled."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.queue.producer import Producer

_RECONNECT_S = 1.0
_BLOCK_S = 5
_SILENT_S = 5.0
"""A connection that says nothing for this much longer than it was asked to wait has died."""


class Cancellations:
    """Hears which jobs are to be cancelled. What it misses is found in arq's abort set."""

    def __init__(self, producer: Producer, cancel: Callable[[str, str], None]) -> None:
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
                with suppress(ValueError, TypeError):  # not a word of ours
                    job_id, token = json.loads(heard["data"])
                    self._cancel(job_id, token)
