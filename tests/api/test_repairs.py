"""A partial run is made whole by a request; what is refused stands in test_runs."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from app.bootstrap import Runtime
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from tests.api.test_candidates import ended, send
from tests.flows.conftest import working
from tests.flows.persons import resume

pytestmark = pytest.mark.timeout(120)


async def test_a_partial_run_is_repaired_by_a_run_of_its_own_that_is_answered_again(
    client: httpx.AsyncClient, runtime: Runtime, provider: ScriptedProvider
) -> None:
    provider.fail_with(FaultKind.STATUS, endpoint="embeddings")
    async with working(runtime):
        sent = await send(client, resume())
        run = await ended(client, sent)
        assert (run["status"], run["code"]) == ("partial", "EMBEDDING_PARTIAL")
        provider.clear_faults()
        await runtime.breakers.reset("embedding", reason="it is well", by="test")

    # Nobody works now: the repair stays where it is asked for twice.
    at = f"{sent.json()['status_url']}/repair"
    asked, again = await client.post(at), await client.post(at)
    assert (asked.status_code, again.status_code) == (202, 202)
    assert asked.json() == again.json()
    assert asked.json()["status"] == "queued"
    assert asked.json()["run_id"] != run["id"]
    assert asked.headers["location"] == asked.json()["status_url"]

    async with working(runtime):
        assert (await ended(client, asked))["status"] == "succeeded"
        async with asyncio.timeout(60):
            while (await client.get(sent.json()["status_url"])).json()["status"] != "succeeded":
                await asyncio.sleep(0.05)
    assert (await client.post(at)).json()["code"] == "NOT_REPAIRABLE"


async def test_nobody_repairs_without_a_key(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    assert (await client.post(f"/v1/runs/{uuid4()}/repair")).status_code == 401
