"""Webhooks over HTTP."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from app.bootstrap import Runtime, open_runtime
from app.settings import Settings
from app.settings.groups import RetrySettings
from app.settings.webhooks import WebhookSettings
from app.webhooks.tables import RUN_EVENTS
from tests.fakes.receiver import Receiver, Reply

PROBLEM = "application/problem+json"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers on loopback, one try."""
    return settings.model_copy(
        update={
            "webhook": WebhookSettings(allow_private=True, max_endpoints=2),
            "retry": RetrySettings(webhook_max=1),
        }
    )


@pytest.fixture
async def runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    async with open_runtime(settings) as opened:
        yield opened


async def added(client: httpx.AsyncClient, url: str) -> dict[str, str]:
    reply = await client.post("/v1/webhooks", json={"url": url})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def test_an_endpoint_is_added_shown_switched_and_removed(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    new = await added(client, receiver.url)
    assert new.pop("secret").startswith("whsec_")
    assert new["events"] == ["run.succeeded", "run.partial", "run.failed", "run.cancelled"]
    path = f"/v1/webhooks/{new['id']}"
    assert (await client.get(path)).json() == new
    assert (await client.get("/v1/webhooks")).json() == {"webhooks": [new]}

    off = (await client.patch(path, json={"state": "disabled"})).json()
    assert (off["state"], off["disabled_by"]) == ("disabled", "operator")
    on = await client.patch(path, json={"state": "active"})
    assert on.json() == new

    rotated = (await client.post(f"{path}/secret")).json()
    assert rotated["secret"].startswith("whsec_")
    assert rotated["old_secret_until"] is not None
    assert "secret" not in (await client.get(path)).json()

    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404


async def test_a_test_message_is_sent_listed_and_sent_again(
    client: httpx.AsyncClient, receiver: Receiver, runtime: Runtime
) -> None:
    receiver.answer(Reply(200), Reply(500))
    new = await added(client, receiver.url)
    path = f"/v1/webhooks/{new['id']}/test"
    good, bad = [(await client.post(path)).json() for _ in range(2)]
    assert (good["status"], good["http_status"], good["event"]) == (
        "delivered",
        200,
        "webhook.test",
    )
    assert (bad["status"], bad["code"], bad["tries"]) == ("failed", "NETWORK_ERROR", 1)

    listed = (await client.get("/v1/webhooks/deliveries")).json()
    assert listed == {"deliveries": [bad, good], "next_cursor": None}
    failed = (await client.get("/v1/webhooks/deliveries", params={"status": "failed"})).json()
    assert failed["deliveries"] == [bad]
    first = (await client.get("/v1/webhooks/deliveries", params={"limit": 1})).json()
    assert first["next_cursor"] == bad["id"]
    params = {"limit": 1, "cursor": first["next_cursor"]}
    second = (await client.get("/v1/webhooks/deliveries", params=params)).json()
    assert second == {"deliveries": [good], "next_cursor": None}
    other = {"webhook_id": str(uuid4())}
    assert not (await client.get("/v1/webhooks/deliveries", params=other)).json()["deliveries"]

    again = await client.post(f"/v1/webhooks/deliveries/{bad['id']}/resend")
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    assert again.json()["message_id"] == bad["message_id"]
    under_way = await client.post(
        f"/v1/webhooks/deliveries/{bad['id']}/resend", headers={"Accept-Language": "ko"}
    )
    assert under_way.status_code == 422
    assert "전송 중" in under_way.json()["detail"]
    async with runtime.database.begin() as session:
        await session.execute(text("UPDATE webhook_deliveries SET status = 'failed'"))
    await client.patch(f"/v1/webhooks/{new['id']}", json={"state": "disabled"})
    disabled = await client.post(f"/v1/webhooks/deliveries/{bad['id']}/resend")
    assert "disabled" in disabled.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": ""},
        {"url": "ftp://example.com/"},
        {"url": "http://user:hunter2@127.0.0.1/"},
        {"url": "http://169.254.169.254/"},
        {"url": "http://2130706433/"},
        {"url": "http://127.0.0.1/" + "x" * 2_000},
        {"url": "http://127.0.0.1/", "events": []},
        {"url": "http://127.0.0.1/", "events": ["run.started"]},
        {"url": "http://127.0.0.1/", "events": ["webhook.test"]},
        {"url": "http://127.0.0.1/", "secret": "whsec_mine"},
        [],
    ],
)
async def test_a_wrong_endpoint_is_refused_with_a_problem(
    client: httpx.AsyncClient, body: object
) -> None:
    reply = await client.post("/v1/webhooks", json=body)
    assert (reply.status_code, reply.headers["content-type"]) == (422, PROBLEM)
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert "hunter2" not in reply.text
    assert (await client.get("/v1/webhooks")).json() == {"webhooks": []}


async def test_an_unknown_event_is_one_fault_that_lists_those_to_ask_for(
    client: httpx.AsyncClient,
) -> None:
    body = {"url": "http://127.0.0.1/", "events": ["run.started"]}
    (fault,) = (await client.post("/v1/webhooks", json=body)).json()["details"]["faults"]
    for event in RUN_EVENTS:
        assert event in fault["reason"]
    assert "webhook.test" not in fault["reason"]


async def test_one_too_many_and_one_that_is_there_are_refused_with_what_to_do(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await added(client, f"{receiver.url}/1")
    twice = await client.post("/v1/webhooks", json={"url": f"{receiver.url}/1"})
    assert "already" in twice.json()["detail"]
    await added(client, f"{receiver.url}/2")
    many = await client.post("/v1/webhooks", json={"url": f"{receiver.url}/3"})
    assert many.status_code == 422
    assert "WEBHOOK__MAX_ENDPOINTS" in many.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks/{id}"), ("DELETE", "/v1/webhooks/{id}"),
        ("POST", "/v1/webhooks/{id}/test"), ("POST", "/v1/webhooks/{id}/secret"),
        ("PATCH", "/v1/webhooks/{id}"), ("POST", "/v1/webhooks/deliveries/{id}/resend"),
        ("GET", "/v1/webhooks/deliveries?cursor={id}"),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_a_problem_and_no_key_sees_nothing(
    method: str, path: str, client: httpx.AsyncClient
) -> None:
    reply = await client.request(method, path.format(id=uuid4()), json={"state": "active"})
    assert (reply.status_code, reply.headers["content-type"]) == (404, PROBLEM)
    wrong = await client.request(method, path.format(id="none"), json={"state": "active"})
    assert wrong.status_code == 422
    del client.headers["Authorization"]
    assert (await client.request(method, path.format(id=uuid4()))).status_code == 401
