"""What processes tell each other at once, through Redis pub/sub.

An announcement is never the truth and may be lost: it only saves waiting for the next look at
PostgreSQL. Nobody waits for Redis here; while it is away, each process decides by what it knows.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from app.errors import ErrorCode, RetryableError
from app.store.failures import redis_errors
from app.store.redis import RedisPool
from app.telemetry.logs import get_logger

log = get_logger(__name__)

Message = Mapping[str, Any]
Hear = Callable[[Message], Awaitable[None]]

_RECONNECT_S = 1.0
_POLL_S = 1.0
"""A connection that died without a word is noticed within twice that."""
_SPEAK_LIMIT_S = 2.0
_MAX_UNSAID = 1_000


class Topic(StrEnum):
    """What an announcement is about."""

    BREAKER = "breaker"
    BREAKER_CONTROL = "breaker_control"
    ROLLOUT = "rollout"
    ORDERED = "ordered"


class Announcements:
    """One channel per installation, shared by all its processes.

    `installation` keeps apart those that share a Redis server: pub/sub knows no database numbers.
    `instance` names this process; it does not hear itself.
    """

    def __init__(self, pool: RedisPool, *, installation: str, instance: str) -> None:
        self._redis: Redis = Redis(connection_pool=pool)
        self._channel = f"naru:announcements:{installation}"
        self.instance = instance
        self._hearers: dict[Topic, list[Hear]] = {}
        self._on_connected: list[Callable[[], Awaitable[None]]] = []
        self._unsaid: deque[str] = deque(maxlen=_MAX_UNSAID)
        self._connected = True
        self._spoken = asyncio.Event()
        self._all_said = asyncio.Event()
        self._all_said.set()

    def hear(self, topic: Topic, hear: Hear) -> None:
        """Call `hear` for each announcement of other processes. To be said before `serve`."""
        self._hearers.setdefault(topic, []).append(hear)

    def after_connecting(self, load: Callable[[], Awaitable[None]]) -> None:
        """Call `load` each time the channel was (re)opened: announcements may have been missed."""
        self._on_connected.append(load)

    def tell(self, topic: Topic, message: Message) -> None:
        """Announce soon; never waits, never fails. While Redis is away the oldest are dropped."""
        said = {"from": self.instance, "topic": topic.value, **message}
        self._unsaid.append(json.dumps(said))
        self._all_said.clear()
        self._spoken.set()

    async def said(self, *, within_s: float = 0.5) -> None:
        """Wait until everything was announced, for one that is about to stop; not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._all_said.wait()

    async def serve(self) -> None:
        """Speak and listen until cancelled; Redis may come and go."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._speak(), name="announcements-speak")
            group.create_task(self._listen(), name="announcements-listen")

    async def _speak(self) -> None:
        while True:
            await self._spoken.wait()
            self._spoken.clear()
            while self._unsaid:
                said = self._unsaid[0]
                try:
                    with redis_errors():
                        async with asyncio.timeout(_SPEAK_LIMIT_S):
                            await self._redis.publish(self._channel, said)  # pyright: ignore[reportUnknownMemberType] - typed loosely
                except RetryableError:
                    await asyncio.sleep(_RECONNECT_S)
                    continue
                # The deque may have dropped it meanwhile, when more was said than it holds.
                if self._unsaid and self._unsaid[0] is said:
                    self._unsaid.popleft()
            self._all_said.set()

    async def _listen(self) -> None:
        while True:
            try:
                with redis_errors():
                    async with self._redis.pubsub() as channel:  # pyright: ignore[reportUnknownMemberType] - typed loosely
                        await self._hear_all(channel)
            except RetryableError as error:
                if self._connected:  # once an outage, not once a try
                    log.warning("announcements_interrupted", code=error.code)
                self._connected = False
                await asyncio.sleep(_RECONNECT_S)

    async def _hear_all(self, channel: PubSub) -> None:
        await channel.subscribe(self._channel)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        self._connected = True
        for load in self._on_connected:
            await load()
        silent = False
        while True:
            # A time limit, so that a connection that died silently is noticed by the ping.
            heard = cast(
                "Message | None",
                await channel.get_message(ignore_subscribe_messages=True, timeout=_POLL_S),
            )
            if heard is None and silent:
                raise RetryableError(ErrorCode.NETWORK_ERROR, details={"service": "redis"})
            silent = heard is None
            if heard is None:
                await channel.ping()  # pyright: ignore[reportUnknownMemberType] - typed loosely
            elif heard["type"] == "message":
                await self._pass_on(heard["data"])

    async def _pass_on(self, said: bytes) -> None:
        message = _parsed(said)
        if message is None or message.get("from") == self.instance:
            return
        for topic, hearers in tuple(self._hearers.items()):
            if message.get("topic") == topic:
                for hear in hearers:
                    await hear(message)


def _parsed(said: bytes) -> dict[str, Any] | None:
    """A message of ours; None for anything else that reaches the channel."""
    try:
        message = json.loads(said)
    except ValueError:
        return None
    return cast("dict[str, Any]", message) if isinstance(message, dict) else None
