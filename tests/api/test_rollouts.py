"""Rollouts over HTTP."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.api import problems, rollouts
from app.coordination.announcements import Announcements
from app.coordination.rollouts import Rollouts, open_rollouts
from app.coordination.tables import RolloutRow
from app.resilience.rollout_config import Extent, Limits, RolloutSpec
from app.resilience.rollout_guard import Result
from app.settings import Settings
from app.store.database import Database
from app.store.redis import open_redis

PROBLEM = "application/problem+json"
SPECS = (
    RolloutSpec(
        name="reader",
        description="Reads in columns.",
        limits=Limits(min_samples=1, max_error_rate=0.5),
    ),
    RolloutSpec(name="analyst", description="Asks twice.", default=Extent(shadow=True)),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """What these routes take from a runtime."""

    settings: Settings
    rollouts: Rollouts


@pytest.fixture
async def declared(settings: Settings, database: Database) -> AsyncGenerator[Rollouts]:
    """Two rollouts that nobody serves: only what is said here changes them."""
    async with open_redis(settings.redis) as pool:
        announcements = Announcements(pool, installation="tests", instance="api")
        async with open_rollouts(SPECS, database, announcements) as opened:
            yield opened


@pytest.fixture
async def client(settings: Settings, declared: Rollouts) -> AsyncGenerator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.runtime = Opened(settings, declared)
    problems.install(app)
    app.include_router(rollouts.router)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://naru") as opened:
        yield opened


async def test_every_declared_rollout_is_listed_with_its_default(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/rollouts")).json()["rollouts"]
    assert [(one["name"], one["stage"], one["changed_by"]) for one in listed] == [
        ("reader", "off", None),
        ("analyst", "shadow", None),
    ]
    assert listed[1]["default_stage"] == "shadow"


async def test_a_rollout_is_switched_and_shown(
    client: httpx.AsyncClient, declared: Rollouts, database: Database
) -> None:
    reply = await client.put(
        "/v1/rollouts/reader", json={"shadow": True, "share": "12.5%", "reason": "trial week"}
    )
    assert reply.status_code == 200
    body = reply.json()
    assert (body["stage"], body["shadow"], body["share"]) == ("12.5% + shadow", True, "12.5%")
    assert (body["reason"], body["changed_by"]) == ("trial week", "api")
    assert (await client.get("/v1/rollouts/reader")).json() == body
    assert declared["reader"].extent == Extent(shadow=True, share_bp=1_250)
    async with database.begin() as session:
        row = (await session.scalars(select(RolloutRow))).one()
    assert (row.name, row.shadow, row.share_bp) == ("reader", True, 1_250)


async def test_what_is_left_out_is_off(client: httpx.AsyncClient) -> None:
    await client.put("/v1/rollouts/reader", json={"share": "50%", "reason": "trial"})
    off = await client.put("/v1/rollouts/reader", json={"reason": "enough"})
    assert off.json()["stage"] == "off"


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_an_unknown_name_is_a_problem_that_lists_the_known_ones(
    client: httpx.AsyncClient, method: str
) -> None:
    for name in ("readr", "%00", "..%2Freader"):
        reply = await client.request(
            method, f"/v1/rollouts/{name}", json={"share": "10%", "reason": "x"}
        )
        assert reply.status_code == 404
        assert reply.headers["content-type"] == PROBLEM
        assert reply.json()["code"] == "NOT_FOUND"
    reply = await client.get("/v1/rollouts/readr", headers={"Accept-Language": "ko"})
    assert "analyst, reader" in reply.json()["detail"]
    assert "롤아웃" in reply.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"share": "120%", "reason": "trial"},
        {"share": "0.001%", "reason": "trial"},
        {"share": "10", "reason": "trial"},
        {"share": "off", "reason": "trial"},
        {"share": 10, "reason": "trial"},
        {"share": "1" * 1_000, "reason": "trial"},
        {"shadow": "perhaps", "reason": "trial"},
        {"reason": "x" * 501},
        {"part": "10%", "reason": "trial"},
        {},
        {"share": "10%"},
        {"share": "10%", "reason": " "},
        [],
    ],
)
async def test_a_wrong_change_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, declared: Rollouts, body: object
) -> None:
    reply = await client.put("/v1/rollouts/analyst", json=body)
    assert reply.status_code == 422
    assert reply.headers["content-type"] == PROBLEM
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert declared.status("analyst").decision is None


async def test_a_wrong_share_is_told_in_a_sentence(client: httpx.AsyncClient) -> None:
    reply = await client.put("/v1/rollouts/reader", json={"share": "120%", "reason": "x"})
    assert reply.json()["detail"] == (
        "The share must be from 0% to 100% in steps of 0.01%, such as 12.5%."
    )


async def test_a_reason_is_cleaned_of_what_would_move_a_terminal(
    client: httpx.AsyncClient,
) -> None:
    reply = await client.put(
        "/v1/rollouts/reader", json={"share": "1%", "reason": "nul \0, red \x1b[31m, 나루"}
    )
    assert (reply.status_code, reply.json()["reason"]) == (200, "nul  , red  [31m, 나루")
    half = await client.put(
        "/v1/rollouts/reader",
        content=rb'{"share": "1%", "reason": "half \ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert half.status_code == 422


async def test_counts_and_a_verdict_that_is_not_written_yet_are_shown(
    client: httpx.AsyncClient, declared: Rollouts
) -> None:
    await client.put("/v1/rollouts/reader", json={"share": "100%", "reason": "trial"})
    declared["reader"].report(Result.ERROR_NEW)
    shown = (await client.get("/v1/rollouts/reader")).json()
    assert shown["counts"] == {"error_new": 1}
    assert (shown["stage"], shown["changed_by"], shown["changed_at"]) == ("off", "guard", None)
    assert shown["reason"].startswith("The error rate was 100.00% over 1 samples")
    assert await declared.look()
    written = (await client.get("/v1/rollouts/reader")).json()
    assert (written["reason"], written["changed_by"]) == (shown["reason"], "guard")
    assert written["changed_at"] is not None
