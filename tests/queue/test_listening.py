"""What a worker hears while it runs jobs: which of them are to be cancelled."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.queue.listening import Cancellations
from app.queue.producer import Producer
from tests.queue.fleet import until

CHANNEL = "arq:queue:cancel"


async def subscribers(producer: Producer) -> int:
    ((_, number),) = await producer.pubsub_numsub(CHANNEL)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
    return int(number)


@asynccontextmanager
async def heard(producer: Producer) -> AsyncGenerator[list[str]]:
    """The ids that somebody who listens is told."""
    ids: list[str] = []
    listening = asyncio.create_task(Cancellations(producer, ids.append).listen())
    await until(lambda: subscribers(producer))
    yield ids
    listening.cancel()
    await asyncio.wait([listening])
    await until(lambda: _is_alone(producer))


async def _is_alone(producer: Producer) -> bool:
    return await subscribers(producer) == 0


async def test_each_word_is_heard_in_its_order(producer: Producer) -> None:
    async with heard(producer) as ids:
        for number in range(100):
            await producer.publish(CHANNEL, f"j{number}")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        await until(lambda: len(ids) == 100)
    assert ids == [f"j{number}" for number in range(100)]


async def test_a_word_that_is_no_text_ends_nothing(producer: Producer) -> None:
    async with heard(producer) as ids:
        await producer.publish(CHANNEL, b"\xff")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        await producer.publish(CHANNEL, b"j")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        await until(lambda: "j" in ids)


async def test_who_lost_its_connection_listens_again(producer: Producer) -> None:
    async with heard(producer) as ids:
        own = (await producer.client_info())["db"]  # pyright: ignore[reportUnknownMemberType] - typed loosely
        for client in await producer.client_list(_type="pubsub"):  # pyright: ignore[reportUnknownMemberType] - typed loosely
            if client["db"] == str(own):
                await producer.client_kill_filter(_id=client["id"])  # pyright: ignore[reportUnknownMemberType] - typed loosely
        await until(lambda: _hears(producer, ids))


async def _hears(producer: Producer, ids: list[str]) -> bool:
    await producer.publish(CHANNEL, b"j")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    return "j" in ids
