"""Breakers over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx
import pytest

from app.api import breakers
from app.coordination.breakers import BreakerControl
from app.resilience.breaker_states import State, Verdict
from app.settings import Settings, load_settings
from tests.api.served import served
from tests.coordination.fleet import Fleet, Process, end_call, open_fleet, trip


@dataclass(frozen=True, slots=True)
class Served:
    """What the routes take from the runtime."""

    settings: Settings
    breakers: BreakerControl


@pytest.fixture
async def fleet(database_url: str, redis_url: str) -> AsyncGenerator[Fleet]:
    async with open_fleet(database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def process(fleet: Fleet) -> AsyncGenerator[Process]:
    async with fleet.process("api") as opened:
        yield opened


@pytest.fixture
async def client(process: Process) -> AsyncGenerator[httpx.AsyncClient]:
    async with served(Served(load_settings(), process.control), breakers.router) as opened:
        yield opened


async def test_a_key_is_needed(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    for method, path in (
        ("GET", "/v1/breakers"),
        ("GET", "/v1/breakers/llm"),
        ("PUT", "/v1/breakers/llm"),
        ("POST", "/v1/breakers/llm/reset"),
    ):
        assert (await client.request(method, path)).status_code == 401


async def test_breakers_are_listed_with_state_counts_and_history(
    client: httpx.AsyncClient, process: Process
) -> None:
    end_call(process.breaker(), Verdict.SUCCESS)
    trip(process.breaker())
    listed = (await client.get("/v1/breakers")).json()
    assert listed["complete"] is True
    llm, storage = listed["breakers"]
    assert (storage["name"], storage["mode"], storage["processes"]) == ("storage", "automatic", [])
    (shown,) = llm["processes"]
    assert (shown["instance"], shown["state"], shown["calls"], shown["failures"]) == (
        "api", "open", 4, 3,
    )  # fmt: skip
    assert shown["failure_percent"] == 75
    assert 29 < shown["open_for_s"] <= 30
    one = (await client.get("/v1/breakers/llm")).json()
    assert [change["cause"] for change in one["processes"][0]["history"]] == ["failures"]


async def test_a_mode_is_ordered_with_its_reason_and_taken_back(
    client: httpx.AsyncClient, process: Process
) -> None:
    for mode, state in (("forced_open", State.FORCED_OPEN), ("automatic", State.CLOSED)):
        order = {"mode": mode, "reason": "  the provider\0is repaired "}
        reply = await client.put("/v1/breakers/llm", json=order)
        assert reply.status_code == 200
        told = reply.json()
        assert (told["mode"], told["reason"], told["changed_by"]) == (
            mode, "the provider is repaired", "api",
        )  # fmt: skip
        assert process.state is state


async def test_a_reset_closes_an_open_circuit(client: httpx.AsyncClient, process: Process) -> None:
    trip(process.breaker())
    reply = await client.post("/v1/breakers/llm/reset", json={"reason": "repaired"})
    assert reply.status_code == 200
    assert reply.json()["processes"][0]["state"] == "closed"
    assert process.state is State.CLOSED


async def test_an_unknown_breaker_is_a_problem_that_lists_the_known(
    client: httpx.AsyncClient,
) -> None:
    order = {"mode": "disabled", "reason": "r"}
    for reply in (
        await client.get("/v1/breakers/lllm", headers={"Accept-Language": "en"}),
        await client.put("/v1/breakers/lllm", json=order),
        await client.post("/v1/breakers/lllm/reset", json={"reason": "r"}),
    ):
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
        assert reply.json()["detail"].endswith("Known: llm, storage.")


WRONG_ORDERS: dict[str, dict[str, str]] = {
    "no mode to order": {"mode": "half_open", "reason": "r"},
    "no reason": {"mode": "disabled"},
    "blank reason": {"mode": "disabled", "reason": "   "},
    "reason that nobody can see": {"mode": "disabled", "reason": "\u200b \7"},
    "endless reason": {"mode": "disabled", "reason": "r" * 501},
    "unknown field": {"mode": "disabled", "reason": "r", "name": "other"},
}


async def test_a_wrong_order_changes_nothing(client: httpx.AsyncClient, process: Process) -> None:
    for why, order in WRONG_ORDERS.items():
        reply = await client.put("/v1/breakers/llm", json=order)
        assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR"), why
    assert (await client.post("/v1/breakers/llm/reset", json={})).status_code == 422
    assert process.state is State.CLOSED
    assert process.changes == []


async def test_without_redis_this_process_is_shown_and_without_the_database_too(
    client: httpx.AsyncClient, process: Process, fleet: Fleet
) -> None:
    process.breaker()
    await fleet.redis.cut()
    await fleet.database.cut()
    listed = (await client.get("/v1/breakers")).json()
    assert listed["complete"] is False
    assert len(listed["breakers"][0]["processes"]) == 1
    reply = await client.put("/v1/breakers/llm", json={"mode": "disabled", "reason": "r"})
    assert (reply.status_code, reply.json()["code"]) == (503, "DB_CONNECTION")
