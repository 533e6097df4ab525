"""The queue over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx
import pytest

from app.api import queue
from app.queue.envelope import NewJob
from app.queue.producer import Producer
from app.settings import Settings, load_settings
from tests.api.served import served
from tests.queue.fleet import Workshop, job, patient, redis_pool, until, working


@dataclass(frozen=True, slots=True)
class Served:
    """What the routes take from the runtime."""

    settings: Settings
    producer: Producer


@pytest.fixture
async def producer(redis_url: str) -> AsyncGenerator[Producer]:
    async with redis_pool(redis_url) as pool:
        yield Producer(pool, patient())


@pytest.fixture
async def client(producer: Producer) -> AsyncGenerator[httpx.AsyncClient]:
    async with served(Served(load_settings(), producer), queue.router) as opened:
        yield opened


async def test_a_key_is_needed(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    for method, path in (("GET", ""), ("POST", "/pause"), ("POST", "/resume")):
        assert (await client.request(method, f"/v1/queue{path}")).status_code == 401


async def test_the_queue_is_shown_with_its_workers(
    client: httpx.AsyncClient, producer: Producer
) -> None:
    shop = Workshop()
    async with working(producer, job(shop.carry), worker_id="w1"):
        await producer.enqueue(NewJob(function="job"))
        await shop.started()
        await producer.enqueue(NewJob(function="job", wait_s=600))

        async def is_shown() -> bool:
            return bool((await client.get("/v1/queue")).json()["workers"])

        await until(is_shown)
        shown = (await client.get("/v1/queue")).json()
        depth = shown["depth"]
        assert (depth["running"], depth["deferred"], depth["due"]) == (1, 1, 0)
        assert depth["due_by_priority"] == {"chat": 0, "ingestion": 0, "bulk": 0}
        assert [worker["id"] for worker in shown["workers"]] == ["w1"]


async def test_a_pause_is_ordered_and_ended(client: httpx.AsyncClient, producer: Producer) -> None:
    order = {"reason": "  the model is moved ", "for_s": 60}
    paused = (await client.post("/v1/queue/pause", json=order)).json()["depth"]["paused"]
    assert (paused["reason"], paused["by"]) == ("the model is moved", "api")
    assert await producer.exists("arq:queue:paused")
    resumed = await client.post("/v1/queue/resume")
    assert (resumed.status_code, resumed.json()["depth"]["paused"]) == (200, None)
    assert not await producer.exists("arq:queue:paused")


WRONG_ORDERS: list[dict[str, object]] = [
    {},
    {"reason": "  "},
    {"reason": "r", "for_s": 0},
    {"reason": "r", "for_s": 1e9},
    {"reason": "r", "until": "tomorrow"},
]


@pytest.mark.parametrize("order", WRONG_ORDERS)
async def test_a_wrong_order_pauses_nothing(
    client: httpx.AsyncClient, producer: Producer, order: dict[str, object]
) -> None:
    reply = await client.post("/v1/queue/pause", json=order)
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    assert not await producer.exists("arq:queue:paused")
