"""What a worker hears while it runs jobs: which of them are to be cancelled."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.queue.listening import Cancellations
from app.queue.producer import Producer
from tests.queue.fleet import commands, listeners, until

CHANNEL = "arq:queue:cancel"
"""Of the server: tests that run beside these use it too."""


@asynccontextmanager
async def heard(producer: Producer) -> AsyncGenerator[list[str]]:
    """What somebody who listens is told under this test's token."""
    ids: list[str] = []

    def cancel(job_id: str, token: str) -> None:
        if token == "heard:1":
            ids.append(job_id)

    listening = asyncio.create_task(Cancellations(producer, cancel).listen())
    await until(lambda: listeners(producer))
    yield ids
    listening.cancel()
    await asyncio.wait([listening])
    await until(lambda: _is_alone(producer))


async def _is_alone(producer: Producer) -> bool:
    return await listeners(producer) == 0


async def say(producer: Producer, job_id: str) -> None:
    await commands(producer).publish(CHANNEL, json.dumps([job_id, "heard:1"]))


async def test_each_word_is_heard_in_its_order(producer: Producer) -> None:
    async with heard(producer) as ids:
        for number in range(100):
            await say(producer, f"j{number}")
        await until(lambda: len(ids) == 100)
    assert ids == [f"j{number}" for number in range(100)]


async def test_a_word_that_is_none_of_ours_ends_nothing(producer: Producer) -> None:
    async with heard(producer) as ids:
        for word in (b"\xff", b"j", b"5", b"[]", b"{}", b'[{"a": 1}, [2]]'):
            await commands(producer).publish(CHANNEL, word)
        await say(producer, "j")
        await until(lambda: ids == ["j"])


async def test_who_lost_its_connection_listens_again(producer: Producer) -> None:
    async with heard(producer) as ids:
        own = (await commands(producer).client_info())["db"]
        for client in await commands(producer).client_list(_type="pubsub"):
            if client["db"] == str(own):
                await commands(producer).client_kill_filter(_id=client["id"])

        async def hears() -> bool:
            await say(producer, "j")
            return "j" in ids

        await until(hears)
