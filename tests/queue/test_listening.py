"""What a worker hears while it runs jobs: which of them are to be cancelled."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.queue.listening import Cancellations
from app.queue.producer import Producer
from tests.queue.fleet import commands, until

CHANNEL = "arq:queue:cancel"


async def subscribers(producer: Producer) -> int:
    ((_, number),) = await commands(producer).pubsub_numsub(CHANNEL)
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
            await commands(producer).publish(CHANNEL, f"j{number}")
        await until(lambda: len(ids) == 100)
    assert ids == [f"j{number}" for number in range(100)]


async def test_a_word_that_is_no_text_ends_nothing(producer: Producer) -> None:
    async with heard(producer) as ids:
        await commands(producer).publish(CHANNEL, b"\xff")
        await commands(producer).publish(CHANNEL, b"j")
        await until(lambda: "j" in ids)


async def test_who_lost_its_connection_listens_again(producer: Producer) -> None:
    async with heard(producer) as ids:
        own = (await commands(producer).client_info())["db"]
        for client in await commands(producer).client_list(_type="pubsub"):
            if client["db"] == str(own):
                await commands(producer).client_kill_filter(_id=client["id"])
        await until(lambda: _hears(producer, ids))


async def _hears(producer: Producer, ids: list[str]) -> bool:
    await commands(producer).publish(CHANNEL, b"j")
    return "j" in ids
