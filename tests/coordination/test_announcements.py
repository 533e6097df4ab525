import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from app.coordination.announcements import Announcements, Message, Topic
from app.settings.groups import RedisSettings
from app.store.redis import RedisPool, open_redis
from tests.coordination.fleet import until
from tests.fakes.wire import Wire


@dataclass(slots=True)
class Listener:
    """One process that listens to everything."""

    announcements: Announcements
    heard: list[Message] = field(default_factory=list[Message])
    connections: int = 0

    async def hear(self, message: Message) -> None:
        self.heard.append(message)

    async def note(self) -> None:
        self.connections += 1

    def numbers(self) -> list[int]:
        return [message["number"] for message in self.heard]


class RedisBehindWire:
    """One server, behind a wire that can be cut."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.wire = Wire(Path(unquote(urlsplit(url).path)))

    @asynccontextmanager
    async def pool(self) -> AsyncGenerator[RedisPool]:
        number = self.url.partition("?db=")[2]
        url = f"redis://127.0.0.1:{self.wire.port}/{number}"
        async with open_redis(RedisSettings(url=SecretStr(url))) as pool:
            yield pool


@pytest.fixture
async def redis(redis_url: str) -> AsyncGenerator[RedisBehindWire]:
    server = RedisBehindWire(redis_url)
    await server.wire.mend()
    yield server
    await server.wire.cut()


@asynccontextmanager
async def listening(
    redis: RedisBehindWire, instance: str, installation: str = "ours"
) -> AsyncGenerator[Listener]:
    async with redis.pool() as pool:
        announcements = Announcements(pool, installation=installation, instance=instance)
        listener = Listener(announcements)
        for topic in Topic:
            announcements.hear(topic, listener.hear)
        announcements.after_connecting(listener.note)
        serving = asyncio.create_task(announcements.serve())
        await until(lambda: listener.connections or serving.done(), within_s=5)
        try:
            yield listener
            assert not serving.done()
        finally:
            serving.cancel()
            await asyncio.wait([serving])


@pytest.fixture
async def here(redis: RedisBehindWire) -> AsyncGenerator[Listener]:
    async with listening(redis, "here") as listener:
        yield listener


@pytest.fixture
async def there(redis: RedisBehindWire) -> AsyncGenerator[Listener]:
    async with listening(redis, "there") as listener:
        yield listener


def say(listener: Listener, *numbers: int, topic: Topic = Topic.BREAKER) -> None:
    for number in numbers:
        listener.announcements.tell(topic, {"number": number})


async def test_the_others_hear_everything_in_order_and_the_teller_nothing(
    redis: RedisBehindWire, here: Listener, there: Listener
) -> None:
    async with listening(redis, "elsewhere", installation="theirs") as elsewhere:
        say(here, *range(500))
        say(here, 500, topic=Topic.ROLLOUT)
        await until(lambda: len(there.heard) == 501, within_s=2)
        say(elsewhere, 7)
        say(there, 1)
        await until(lambda: here.heard, within_s=2)
        assert there.numbers() == list(range(501))
        assert there.heard[500]["topic"] == "rollout"
        assert {message["from"] for message in there.heard} == {"here"}
        assert here.numbers() == [1]
        assert elsewhere.heard == []


async def test_an_announcement_reaches_only_those_who_hear_its_topic(
    redis: RedisBehindWire, here: Listener
) -> None:
    async with redis.pool() as pool:
        choosy = Listener(Announcements(pool, installation="ours", instance="choosy"))
        choosy.announcements.hear(Topic.ORDERED, choosy.hear)
        choosy.announcements.after_connecting(choosy.note)
        serving = asyncio.create_task(choosy.announcements.serve())
        await until(lambda: choosy.connections, within_s=2)
        say(here, 1, topic=Topic.BREAKER)
        say(here, 2, topic=Topic.ORDERED)
        await until(lambda: choosy.heard, within_s=2)
        assert choosy.numbers() == [2]
        serving.cancel()
        await asyncio.wait([serving])


async def test_who_lost_redis_connects_again_and_is_told_that_something_may_be_missed(
    redis: RedisBehindWire, here: Listener, there: Listener
) -> None:
    await redis.wire.cut()
    await asyncio.sleep(0.1)
    await redis.wire.mend()
    await until(lambda: here.connections == there.connections == 2, within_s=5)
    say(here, 1)
    await until(lambda: there.numbers() == [1], within_s=3)


async def test_to_tell_never_waits_and_what_redis_is_too_long_away_for_is_dropped_from_the_front(
    redis: RedisBehindWire, redis_url: str, there: Listener
) -> None:
    """`there` is reached again before the teller's connection comes back."""
    async with open_redis(RedisSettings.model_validate({"url": redis_url})) as pool:
        direct = Listener(Announcements(pool, installation="ours", instance="direct"))
        direct.announcements.hear(Topic.BREAKER, direct.hear)
        direct.announcements.after_connecting(direct.note)
        serving = asyncio.create_task(direct.announcements.serve())
        await until(lambda: direct.connections, within_s=2)
        await redis.wire.cut()
        say(there, *range(1_500))
        await asyncio.sleep(0.1)
        assert direct.heard == []
        await redis.wire.mend()
        await until(lambda: len(direct.heard) == 1_000, within_s=5)
        assert direct.numbers() == list(range(500, 1_500))
        serving.cancel()
        await asyncio.wait([serving])


async def test_whatever_else_reaches_the_channel_is_passed_over(
    redis: RedisBehindWire, here: Listener, there: Listener
) -> None:
    junk = (b"\xff", b"{", b"[]", b"7", b"{}", b'{"topic": "unheard of"}', b'{"from": "x"}')
    async with redis.pool() as pool:
        client: Redis = Redis(connection_pool=pool)
        for said in junk:
            await client.publish("naru:announcements:ours", said)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        say(here, 1)
        await until(lambda: there.heard, within_s=2)
        assert there.numbers() == [1]


async def test_a_connection_that_dies_without_a_word_is_replaced(
    redis: RedisBehindWire, here: Listener, there: Listener
) -> None:
    say(here, 0)
    await until(lambda: there.heard, within_s=2)
    redis.wire.stall()
    say(here, 1)
    await until(lambda: here.connections == there.connections == 2, within_s=6)
    say(here, 2)
    await until(lambda: 2 in there.numbers(), within_s=3)


async def test_a_topic_that_is_no_word_is_passed_over(
    redis: RedisBehindWire, here: Listener, there: Listener
) -> None:
    async with redis.pool() as pool:
        client: Redis = Redis(connection_pool=pool)
        await client.publish("naru:announcements:ours", b'{"topic": []}')  # pyright: ignore[reportUnknownMemberType] - typed loosely
        say(here, 1)
        await until(lambda: there.heard, within_s=2)
