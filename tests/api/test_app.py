import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from openapi_spec_validator import validate
from pydantic import SecretStr

from app.api.app import create_app
from app.bootstrap import Runtime, api_keys
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.settings.groups import ApiSettings
from tests.flows.conftest import working

PROBLEM = "application/problem+json"


async def test_a_browser_opens_the_docs_with_the_key_as_password_and_without_a_network(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    (key,) = api_keys(runtime.settings)
    basic = base64.b64encode(f"anyone:{key}".encode()).decode()
    page = await client.get("/docs", headers={"Authorization": f"Basic {basic}"})
    assert page.status_code == 200
    assert "https://" not in page.text
    script = await client.get("/docs/swagger-ui-bundle.js")
    assert script.status_code == 200
    assert len(script.content) > 100_000
    assert (await client.get("/docs/..%2fapp.py")).status_code == 404
    assert "/v1/resumes" in (await client.get("/openapi.json")).json()["paths"]


async def test_no_answer_is_stored_on_the_way(client: httpx.AsyncClient) -> None:
    run = (await client.post("/v1/resumes", files={"file": ("a.txt", b"one")})).json()["run_id"]
    await client.post(f"/v1/runs/{run}/cancel")
    for method, path, body, status in (
        ("GET", "/v1/queue", None, 200),
        ("POST", "/v1/candidates/lookup?reveal=true", {"name": "윤가온"}, 200),
        ("POST", "/v1/candidates/search?reveal=true", {"query": "Kafka"}, 200),
        ("GET", f"/v1/runs/{run}/events", None, 200),
        ("GET", "/metrics", None, 200),
        ("GET", "/docs", None, 200),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/v1/runs", None, 405),
        ("GET", "/v1/runs/x", None, 422),
    ):
        reply = await client.request(method, path, json=body)
        assert reply.status_code == status, reply.text
        assert reply.headers.get_list("cache-control") == ["no-store"], path
    del client.headers["Authorization"]
    assert (await client.get("/v1/runs")).headers["cache-control"] == "no-store"


async def test_the_description_tells_of_keys_problems_and_what_is_required(
    client: httpx.AsyncClient,
) -> None:
    description = (await client.get("/openapi.json")).json()
    assert [
        header
        for header in ("Accept-Language", "X-Request-Id")
        if header not in description["info"]["description"]
    ] == []
    assert "HTTPValidationError" not in description["components"]["schemas"]
    (scheme,) = description["components"]["securitySchemes"]
    for path, operations in description["paths"].items():
        if path.startswith("/health"):
            continue
        for operation in operations.values():
            assert operation["security"] == [{scheme: []}]
            assert "422" not in operation["responses"]
            (media_type,) = operation["responses"]["4XX"]["content"]
            assert media_type == PROBLEM
    body = description["paths"]["/v1/resumes"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"].keys() == {"multipart/form-data", "application/x-www-form-urlencoded"}
    assert "204" in description["paths"]["/v1/runs/{run_id}/events"]["get"]["responses"]


async def test_the_description_is_one_that_tools_can_read(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()
    assert description["openapi"].startswith("3.1.")
    validate(description)
    for reference in re.findall(r'"\$ref": "([^"]*)"', json.dumps(description)):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in description["components"][kind], reference


async def test_a_resume_goes_in_and_its_candidate_comes_out(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    text = "윤가온\ngaon.yun@example.kr\n010-0000-2101\n\n기술\nPython, Kafka\n"
    async with working(runtime):
        reply = await client.post("/v1/resumes", files={"file": ("cv.txt", text.encode())})
        assert reply.status_code == 202
        url = reply.headers["location"]
        assert reply.json()["status_url"] == url
        while (run := (await client.get(url)).json())["status"] in ("queued", "running"):
            pass
    assert run["status"] == "succeeded"
    assert run["file"] == "*.txt"
    assert run["profile"] is None
    candidate = await client.get(f"/v1/candidates/{run['candidate_id']}")
    assert candidate.json()["name"] == "윤**"
    assert "gaon" not in candidate.text
    revealed = await client.get(f"/v1/candidates/{run['candidate_id']}?reveal=true")
    assert revealed.json()["profile"]["emails"] == ["gaon.yun@example.kr"]


async def test_a_stage_that_failed_says_what_its_run_says(
    client: httpx.AsyncClient, runtime: Runtime
) -> None:
    empty, missing = {"files": {"file": ("a.txt", b"")}}, {"data": {"key": "inbox/none.pdf"}}
    async with working(runtime):
        for sent, told in ((empty, Message.FILE_EMPTY), (missing, Message.STORED_FILE_MISSING)):
            url = (await client.post("/v1/resumes", **sent)).headers["location"]  # pyright: ignore[reportArgumentType] - form fields
            while (run := (await client.get(url)).json())["status"] in ("queued", "running"):
                pass
            assert run["message"] == told.english
            failed = [stage for stage in run["stages"] if stage["code"]]
            assert [stage["message"] for stage in failed] == [told.english]


async def test_an_idempotency_key_is_honoured(client: httpx.AsyncClient) -> None:
    async def post(content: bytes) -> httpx.Response:
        return await client.post(
            "/v1/resumes", files={"file": ("a.txt", content)}, headers={"Idempotency-Key": "k1"}
        )

    first, again, other = await post(b"one"), await post(b"one"), await post(b"two")
    assert first.json()["run_id"] == again.json()["run_id"]
    assert other.status_code == 409
    assert other.json()["code"] == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize("path", ["resumes", "credits/grants", "credits/adjustments"])
async def test_an_empty_idempotency_key_is_a_mistake(client: httpx.AsyncClient, path: str) -> None:
    reply = await client.post(
        f"/v1/{path}",
        files={"file": ("a.txt", b"one")} if path == "resumes" else None,
        json=None if path == "resumes" else {"credits": 1, "note": "n"},
        headers={"Idempotency-Key": ""},
    )
    assert reply.status_code == 422
    (fault,) = reply.json()["details"]["faults"]
    assert fault["field"] == "header.idempotency-key"


async def test_the_same_request_is_answered_with_the_state_of_its_run(
    client: httpx.AsyncClient,
) -> None:
    async def post() -> httpx.Response:
        return await client.post(
            "/v1/resumes", files={"file": ("a.txt", b"one")}, headers={"Idempotency-Key": "k1"}
        )

    first = await post()
    cancelled = await client.post(f"{first.json()['status_url']}/cancel")
    assert cancelled.status_code == 200
    again = await post()
    assert (again.status_code, again.json()["status"]) == (202, "cancelled")
    assert again.json()["run_id"] == first.json()["run_id"]


async def test_a_file_above_the_limit_heeds_the_idempotency_key_too(runtime: Runtime) -> None:
    intake = replace(runtime.intake, max_file_bytes=100)
    first, again = [
        await intake.accept("a.pdf", bytes(1_000), idempotency_key="k1") for _ in range(2)
    ]
    assert (first.is_new, first.status) == (True, "failed")
    assert (again.run_id, again.is_new, again.status) == (first.run_id, False, "failed")
    for other in (bytes(2_000), b"small"):
        with pytest.raises(PermanentError) as refused:
            await intake.accept("a.pdf", other, idempotency_key="k1")
        assert refused.value.code is ErrorCode.IDEMPOTENCY_CONFLICT


async def test_a_body_above_the_limit_is_refused_declared_or_not(
    client: httpx.AsyncClient,
) -> None:
    big = bytes(21 * 1024 * 1024)
    declared = await client.post("/v1/resumes", files={"file": ("a.pdf", big)})

    async def pieces():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(42):
            yield bytes(512 * 1024)
        yield b"\r\n--b--\r\n"

    streamed = await client.post(
        "/v1/resumes",
        content=pieces(),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    just_above = bytes(20 * 1024 * 1024 + 1)
    barely = await client.post("/v1/resumes", files={"file": ("a.pdf", just_above)})
    assert "20 MiB" in barely.json()["detail"]
    for reply in (declared, streamed, barely):
        assert reply.status_code == 413
        assert reply.json()["code"] == "PAYLOAD_TOO_LARGE"


async def test_a_body_that_stops_on_its_way_is_waited_for_so_long_and_no_longer(
    runtime: Runtime,
) -> None:
    impatient = ApiSettings(keys=(SecretStr("k" * 20),), body_timeout=0.05)
    settings = runtime.settings.model_copy(update={"api": impatient})
    transport = httpx.ASGITransport(create_app(replace(runtime, settings=settings)))
    never = asyncio.Event()

    async def stalled() -> AsyncGenerator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        await never.wait()

    async with httpx.AsyncClient(transport=transport, base_url="http://naru") as client:
        reply = await client.post(
            "/v1/resumes",
            content=stalled(),
            headers={
                "Content-Type": "multipart/form-data; boundary=b",
                "Authorization": f"Bearer {'k' * 20}",
            },
        )
    assert (reply.status_code, reply.json()["code"]) == (408, "REQUEST_TIMEOUT")
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        ({"data": {}}, 422, "VALIDATION_ERROR"),
        ({"data": {"key": "elsewhere/cv.pdf"}}, 422, "VALIDATION_ERROR"),
        ({"data": {"key": "inbox/../originals/x"}}, 422, "VALIDATION_ERROR"),
        ({"data": {"key": "inbox/"}}, 422, "VALIDATION_ERROR"),
        ({"data": {"key": "inbox//x"}}, 422, "VALIDATION_ERROR"),
        ({"data": {"key": "inbox/./x"}}, 422, "VALIDATION_ERROR"),
        ({"data": {"key": "inbox/a\\b"}}, 422, "VALIDATION_ERROR"),
    ],
)
async def test_a_wrong_request_is_a_problem_with_a_code(
    send: dict[str, dict[str, str]], status: int, code: str, client: httpx.AsyncClient
) -> None:
    reply = await client.post("/v1/resumes", **send)  # pyright: ignore[reportArgumentType] - form fields
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == PROBLEM


async def test_what_is_wrong_with_a_request_is_told_in_the_readers_language(
    client: httpx.AsyncClient,
) -> None:
    client.headers["Accept-Language"] = "ko"
    for form, sentence in (
        ({}, "`file`과 `key` 중 하나만"),
        ({"key": "inbox/../x"}, "`inbox/` 아래의 경로"),
    ):
        reply = await client.post("/v1/resumes", data=form)
        assert sentence in reply.json()["detail"]
        assert reply.json()["details"].keys() <= {"provider"}
    (fault,) = (await client.post("/v1/resumes", data={"file": "hello"})).json()["details"][
        "faults"
    ]
    assert fault == {"field": "body.file", "reason": Message.FIELD_NO_FILE.korean}
    (fault,) = (await client.get("/v1/runs/x")).json()["details"]["faults"]
    assert fault["reason"] == Message.FIELD_NO_ID.korean


@pytest.mark.parametrize(
    ("field", "parts"),
    [
        ("file", {"files": [("file", ("a.txt", b"one")), ("file", ("b.txt", b"two"))]}),
        ("key", {"data": {"key": ["inbox/a.pdf", "inbox/b.pdf"]}}),
    ],
)
async def test_a_field_that_comes_twice_is_refused_and_neither_is_taken(
    client: httpx.AsyncClient, field: str, parts: dict[str, Any]
) -> None:
    reply = await client.post("/v1/resumes", **parts, headers={"Accept-Language": "en"})
    assert (reply.status_code, reply.json()["code"]) == (422, "VALIDATION_ERROR")
    (fault,) = reply.json()["details"]["faults"]
    assert fault == {"field": f"body.{field}", "reason": Message.FIELD_REPEATED.english}
    assert (await client.get("/v1/runs")).json()["runs"] == []


async def test_json_that_is_not_sent_as_json_is_told_so(client: httpx.AsyncClient) -> None:
    reply = await client.post(
        "/v1/candidates/lookup",
        content=b'{"phone": "010-0000-2101"}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},  # what curl's -d sends
    )
    (fault,) = reply.json()["details"]["faults"]
    assert "Content-Type: application/json" in fault["reason"]


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    for path in (f"/v1/runs/{uuid4()}", f"/v1/candidates/{uuid4()}", "/nowhere", "/v1/runs/"):
        reply = await client.get(path)
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")
    assert (await client.get("/v1/runs/not-an-id")).status_code == 422
    assert (await client.delete("/v1/resumes")).json()["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/webhooks", "GET, POST"),
        ("PUT", "/v1/webhooks/x", "DELETE, GET, PATCH"),
        ("DELETE", "/v1/breakers/llm", "GET, PUT"),
        ("POST", "/v1/rollouts/model_analyst", "GET, PUT"),
        ("PUT", "/v1/dead-letters/x/retry", "DELETE, GET, POST"),
        ("OPTIONS", "/v1/runs", "GET"),
        # Words, and no ids.
        ("GET", "/v1/candidates/search", "POST"),
        ("DELETE", "/v1/candidates/lookup", "POST"),
        ("PATCH", "/v1/webhooks/deliveries", "GET"),
        ("POST", "/health/live", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_taken_is_told_all_that_are(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    reply = await client.request(method, path)
    assert (reply.status_code, reply.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert reply.headers["allow"] == allowed


async def test_a_probe_may_ask_for_the_head_alone(client: httpx.AsyncClient) -> None:
    for path in ("/health/live", "/health/ready"):
        assert (await client.head(path)).status_code == 200


@pytest.mark.parametrize(
    ("header", "korean"),
    [
        ("ko", True),
        ("ko-KR,en;q=0.5", True),
        ("en, ko;q=0.9", False),
        ("fr", False),
        ("*;q=x", False),
    ],
)
async def test_a_problem_speaks_the_language_that_was_asked_for(
    header: str,
    korean: bool,
    client: httpx.AsyncClient,
) -> None:
    reply = await client.get(f"/v1/runs/{uuid4()}", headers={"Accept-Language": header})
    detail = reply.json()["detail"]
    assert any("가" <= char <= "힣" for char in detail) is korean


async def test_every_answer_carries_a_request_id_and_an_unsafe_one_is_replaced(
    client: httpx.AsyncClient,
) -> None:
    given = await client.get("/health/live", headers={"X-Request-ID": "abc-123"})
    assert given.headers["x-request-id"] == "abc-123"
    problem = await client.get("/nowhere", headers={"X-Request-ID": "abc-124"})
    assert problem.json()["request_id"] == problem.headers["x-request-id"] == "abc-124"
    unsafe = await client.get("/health/live", headers={"X-Request-ID": "a\tb<script>"})
    assert unsafe.headers["x-request-id"] not in ("", "a\tb<script>")


async def test_metrics_are_there_for_prometheus(client: httpx.AsyncClient) -> None:
    reply = await client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain")
