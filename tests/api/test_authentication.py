"""Who may call."""

import base64
from collections.abc import AsyncGenerator

import httpx
import pytest

from app.bootstrap import Runtime, api_keys

PROBLEM = "application/problem+json"
GUARDED = (
    ("POST", "/v1/resumes"),
    ("GET", "/v1/runs/00000000-0000-4000-8000-000000000000"),
    ("GET", "/v1/candidates/00000000-0000-4000-8000-000000000000"),
    ("GET", "/v1/breakers"),
    ("PUT", "/v1/breakers/llm"),
    ("GET", "/v1/rollouts"),
    ("PUT", "/v1/rollouts/model_analyst"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/docs/swagger-ui.css"),
    ("GET", "/openapi.json"),
)
WRONG_KEYS = (None, "Bearer wrong", "Bearer ", "Basic !!", "Basic Zm9vOmJhcg==", "Digest x")


async def test_every_route_but_health_asks_for_a_key(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    for method, path in GUARDED:
        for wrong in WRONG_KEYS:
            headers = {} if wrong is None else {"Authorization": wrong}
            reply = await client.request(method, path, headers=headers)
            assert reply.status_code == 401, (method, path, wrong)
            assert reply.headers["content-type"] == PROBLEM
            assert reply.json()["code"] == "UNAUTHENTICATED"
            assert "Basic" in reply.headers["www-authenticate"]


async def test_no_byte_of_a_body_is_read_without_a_key(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    sent: list[int] = []

    async def body() -> AsyncGenerator[bytes]:
        for size in (1_000, 1_000):
            sent.append(size)
            yield bytes(size)

    for length in ("2000", "300000000"):
        headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": length}
        reply = await client.post("/v1/resumes", content=body(), headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (401, "UNAUTHENTICATED")
    assert sent == []


async def test_health_asks_for_none_and_names_what_is_away(client: httpx.AsyncClient) -> None:
    del client.headers["Authorization"]
    assert (await client.get("/health/live")).json() == {"status": "alive"}
    ready = await client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "checks": {"database": "ok", "redis": "ok"}}


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://other.naru"}, 403),
        ({"Origin": "http://evil.example"}, 403),  # over plain http browsers tell no more
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://proxied.example"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://naru"}, 200),
        ({}, 200),
    ],
)
async def test_another_site_changes_nothing_with_the_password_that_a_browser_keeps(
    client: httpx.AsyncClient, runtime: Runtime, sent: dict[str, str], status: int
) -> None:
    bearer = client.headers["Authorization"]
    (key,) = api_keys(runtime.settings)
    client.headers["Authorization"] = f"Basic {base64.b64encode(f'x:{key}'.encode()).decode()}"

    reply = await client.post("/v1/queue/resume", headers=sent)
    assert reply.status_code == status
    if status == 403:
        assert reply.json()["code"] == "CROSS_ORIGIN"
    # Pages of other sites may link here, and see nothing of the answer.
    assert (await client.get("/v1/queue", headers=sent)).status_code == 200
    # No browser adds this one by itself.
    sent["Authorization"] = bearer
    assert (await client.post("/v1/queue/resume", headers=sent)).status_code == 200
