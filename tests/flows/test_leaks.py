"""Nothing personal leaves: canaries go in by every way, and everything that comes out is searched."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from typing import Any, Final
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from app.api.app import create_app
from app.bootstrap import Runtime, api_keys, open_runtime
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.demo.samples import SAMPLES
from app.pipeline.tables import RunStatus
from app.settings import Settings
from app.settings.groups import LogLevel
from app.settings.webhooks import WebhookSettings
from app.telemetry import configure_telemetry
from app.telemetry.conventions import SpanName
from app.telemetry.logs import configure_logs, get_logger
from app.telemetry.spans import span
from tests.fakes.collector import Collector
from tests.fakes.leaks import Places, columns, everything_in, files, watched
from tests.fakes.receiver import Receiver, Reply
from tests.flows.conftest import with_model, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(180)]

PDF = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")
TWO = next(sample for sample in SAMPLES if sample.file == "bad-two-people.pdf")

PERSONAL: Final[Mapping[str, str]] = {
    "name": "견서린",
    "latin name": "Seorin Kyeon",
    "mail": "seorin.leak@example.org",
    "phone": "010-0000-7391",
    "number of identity": "900315-2345678",
    "address": "카나리로77길 7391",
    "link": "kanari-portfolio.example.net/seorin",
    "file name": "견서린_지원서_누출.txt",
    "damaged file": "damaged-file-canary-4411",
    "words of the model": "invented-by-the-model-5522",
    "url of a webhook": "hook-path-canary-6633",
    "answer of a receiver": "receiver-answer-canary-7744",
    "words of a request": "request-body-canary-8855",
    "key of an object": "견서린-object-key-canary-9966.pdf",
    "name in a PDF": PDF.name or "",
    "mail in a PDF": PDF.emails[0],
    "phone in a PDF": PDF.phones[0],
    "first of two people": TWO.names[0],
    "second of two people": TWO.names[1],
}
"""May be nowhere but under seal."""

ASKED_FOR = "010-0000-7392"
"""In the words of a search."""

WORDS: Final[Mapping[str, str]] = {"employer": "카나리물산주식회사", "task": "정산엔진누출시험"}
"""Of a résumé, but of nobody: they may stand in the masked text that is searched."""

PLAIN: Final[Mapping[tuple[str, str], tuple[frozenset[str], str]]] = {
    ("chunks", "text"): (frozenset(WORDS), "the masked text that is searched"),
}
"""Columns in which some canaries may stand, and why (docs/security.md)."""

ANSWERED: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "/v1/candidates/search": (frozenset(WORDS), "the masked text around what was found"),
    "/v1/candidates/lookup": (frozenset(WORDS), "the headline: what the person is, and where"),
    "/v1/webhooks": (frozenset({"url of a webhook"}), "told to those who may change it"),
}
"""Answers without the right to reveal in which some canaries may stand, and why."""

SEALED: Final[Mapping[tuple[str, str], str]] = {
    ("data_keys", "wrapped"): "a data key under ENCRYPTION_KEY",
    ("tenants", "index_secret_sealed"): "the secret of the blind index",
    ("runs", "private_sealed"): "names in an error",
    ("files", "name_sealed"): "the name of the file",
    ("files", "source_key_sealed"): "what a client named its object",
    ("checkpoints", "value_sealed"): "results of stages",
    ("candidates", "profile_sealed"): "the newest profile",
    ("candidate_versions", "profile_sealed"): "the profile of a version",
    ("candidate_versions", "names_sealed"): "how the résumé writes the name",
    ("webhook_endpoints", "url_sealed"): "it may hold a token",
    ("webhook_endpoints", "secret_sealed"): "it signs",
    ("webhook_endpoints", "previous_secret_sealed"): "it signs during a rotation",
}
"""Columns that hold what is sealed, and what that is."""

TEXT = f"""{PERSONAL["name"]} ({PERSONAL["latin name"]})
생년월일 1990.03.15  주민등록번호 {PERSONAL["number of identity"]}
이메일: {PERSONAL["mail"]}
휴대폰: {PERSONAL["phone"]}
주소: 서울특별시 강남구 {PERSONAL["address"]}, 101동 1502호
포트폴리오: https://{PERSONAL["link"]}

경력사항
{PERSONAL["name"]}디자인연구소  대표  2022.06 ~ 현재
{WORDS["employer"]}  백엔드 개발자  2019.03 ~ 2022.05
- {WORDS["task"]} 설계와 운영

기술
Python, PostgreSQL, Kafka
"""


@pytest.fixture
def settings(settings: Settings, provider: ScriptedProvider, collector: Collector) -> Settings:
    """With a model, a collector and webhooks on loopback, and every line logged."""
    return with_model(settings, provider).model_copy(
        update={
            "log_level": LogLevel.DEBUG,
            "webhook": WebhookSettings(allow_private=True),
            "otel_exporter_otlp_endpoint": collector.endpoint,
            "queue": settings.queue.model_copy(update={"max_attempts": 2}),
        }
    )


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Every line of the whole process at its finest."""
    stream = StringIO()
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    configure_logs("DEBUG", json=True, stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


@dataclass(frozen=True, slots=True)
class Outside:
    """Whom the service talks to."""

    provider: ScriptedProvider
    collector: Collector
    receiver: Receiver
    redis_url: str


@pytest.fixture
def outside(
    provider: ScriptedProvider, collector: Collector, receiver: Receiver, redis_url: str
) -> Outside:
    return Outside(provider, collector, receiver, redis_url)


async def test_nothing_personal_is_found_in_anything_that_leaves(
    settings: Settings, outside: Outside, log: StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    places = Places({**PERSONAL, **WORDS})
    answers: list[tuple[str, bytes]] = []
    redis = b""
    with configure_telemetry(settings, role="up"):
        async with AsyncExitStack() as stack:
            commands = await stack.enter_async_context(watched(outside.redis_url))
            runtime = await stack.enter_async_context(open_runtime(settings))
            client = await stack.enter_async_context(_client(runtime, answers))
            statuses = await _cancel_one(client)  # while no worker is there
            await stack.enter_async_context(working(runtime))
            statuses |= await _go_every_way(client, outside)
            places.search("metrics of Prometheus", (await client.get("/metrics")).content)
            redis = await everything_in(outside.redis_url)
            async for table, column, values in columns(runtime.database):
                may_be, _ = PLAIN.get((table, column), (frozenset[str](), ""))
                places.search(f"{table}.{column}", "\n".join(values), allowed=may_be)
                if (table, column) in SEALED:
                    assert all(re.match(r"v1\.|$", value) for value in values), (table, column)
                else:
                    assert not column.endswith("_sealed"), f"{table}.{column}: say why in SEALED"
    assert statuses == {"succeeded", "partial", "failed", "cancelled"}

    for path, body in answers:
        may_be, _ = ANSWERED.get(path, (frozenset[str](), ""))
        places.search("answers of the API", body, allowed=may_be)
    places.search("keys and values of Redis", redis)
    places.search("commands to Redis", bytes(commands))
    places.search("logs", log.getvalue())
    places.search("output of all processes", "".join(capfd.readouterr()))
    for body in outside.collector.bodies:
        places.search("spans and metrics", body)
    for request in outside.receiver.received:
        places.search("webhooks", request.body + str(request.headers).encode())
    for name, content in files(settings.data.folder / "blobs"):
        places.search("names of blobs", name)
        places.search("blobs", content)
        assert content.startswith(b"v1"), name
    assert places.found == set()
    # What saw nothing proves nothing.
    for place in ("logs", "spans and metrics", "commands to Redis", "keys and values of Redis",
                  "metrics of Prometheus", "answers of the API", "webhooks", "blobs",
                  "chunks.text", "runs.details", "effects.payload"):  # fmt: skip
        assert places.bytes_seen[place] > 0, place


async def _go_every_way(client: httpx.AsyncClient, outside: Outside) -> set[str]:
    """Send the canaries in, rightly and wrongly; returns the states in which runs ended."""
    provider, receiver = outside.provider, outside.receiver
    receiver.always(Reply(500, body=PERSONAL["answer of a receiver"].encode()))
    hook = {"url": f"{receiver.url}/{PERSONAL['url of a webhook']}"}
    assert (await client.post("/v1/webhooks", json=hook)).is_success
    model = PERSONAL["words of the model"]

    async def send(name: str, data: bytes) -> UUID:
        reply = await client.post("/v1/resumes", files={"file": (name, data)})
        return UUID(reply.json()["run_id"])

    provider.replies(f"{{broken {model}", json.dumps({"name": model, "summary": model}))
    run_ids = [
        await send(PERSONAL["file name"], TEXT.encode()),  # the model, then the rules
        await send(f"{PDF.name}.pdf", PDF.path.read_bytes()),  # with a picture
        await send(f"{TWO.names[0]}.pdf", TWO.path.read_bytes()),
        await send("a.pdf", f"%PDF-1.7 {PERSONAL['damaged file']}".encode()),
        await send("b.docx", b"PK\x03\x04" + PERSONAL["damaged file"].encode()),
    ]
    states = await _ended(client, run_ids)
    query = {"query": f"{WORDS['task']} {ASKED_FOR}"}  # an answer repeats what was asked
    assert (await client.post("/v1/candidates/search", json=query)).is_success
    asked = json.dumps([call.body for call in provider.calls], ensure_ascii=False)
    told = Places({name: PERSONAL[name] for name in _NOT_FOR_MODELS} | {"query": ASKED_FOR})
    told.search("what models and embedders were asked", asked)
    assert told.found == set()

    provider.fail_with(FaultKind.STATUS, endpoint="embeddings")
    states |= await _ended(client, [await send("견서린 2.txt", f"{TEXT}\n둘째 판".encode())])
    provider.clear_faults()

    states |= await _ended(client, [await _accept_object(client)])  # there is none
    await _ask_wrongly(client)
    await _look(client)
    return states


_NOT_FOR_MODELS = ("mail", "phone", "number of identity", "link", "mail in a PDF", "phone in a PDF")


async def _ask_wrongly(client: httpx.AsyncClient) -> None:
    """Requests that are refused, with canaries in every part."""
    word = PERSONAL["words of a request"]
    wrong: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("GET", f"/v1/runs/{word}", {}),
        ("GET", f"/v1/{word}?q={word}", {}),
        ("GET", "/v1/runs", {"headers": {"Authorization": f"Bearer {word}"}}),
        ("POST", "/v1/resumes", {"data": {"key": word, "bulk": word}}),
        ("POST", "/v1/resumes", {"content": word.encode()}),
        ("POST", "/v1/candidates/lookup", {"json": {"mail": [word], "surname": word}}),
        ("POST", "/v1/candidates/search", {"json": {"query": {word: word}, "top_k": word}}),
        (
            "POST",
            "/v1/webhooks",
            {"json": {"url": f"http://{word}.example/{word}", "secret": word}},
        ),
        ("POST", "/v1/webhooks", {"content": f'{{"url": {word}'.encode()}),
    )
    for method, path, given in wrong:
        reply = await client.request(method, path, **given)
        assert reply.is_client_error, (method, path.replace(word, "…"), reply.status_code)


async def _look(client: httpx.AsyncClient) -> None:
    """Requests that are answered, without the right to see names."""
    for path, order in (
        ("/v1/candidates/lookup", {"mail": PERSONAL["mail"]}),
        ("/v1/candidates/lookup", {"name": PERSONAL["name"]}),
        ("/v1/candidates/search", {"query": f"{WORDS['task']} 설계"}),
    ):
        reply = await client.post(path, json=order)
        assert reply.is_success, (path, reply.text)
    for path in ("/v1/dead-letters", "/v1/webhooks", "/v1/webhooks/deliveries", "/v1/queue"):
        assert (await client.get(path)).is_success, path


async def _cancel_one(client: httpx.AsyncClient) -> set[str]:
    run_id = await _accept_object(client)
    assert (await client.post(f"/v1/runs/{run_id}/cancel")).is_success
    return await _ended(client, [run_id])


async def _accept_object(client: httpx.AsyncClient) -> UUID:
    reply = await client.post("/v1/resumes", data={"key": f"inbox/{PERSONAL['key of an object']}"})
    return UUID(reply.json()["run_id"])


async def _ended(client: httpx.AsyncClient, run_ids: Sequence[UUID]) -> set[str]:
    """Wait until all of these have ended, by asking the API; returns their states."""
    states: set[str] = set()
    async with asyncio.timeout(90):
        for run_id in run_ids:
            while True:
                view = (await client.get(f"/v1/runs/{run_id}")).json()
                if RunStatus(view["status"]).final:
                    states.add(view["status"])
                    break
                await asyncio.sleep(0.05)
    return states


@asynccontextmanager
async def _client(
    runtime: Runtime, answers: list[tuple[str, bytes]]
) -> AsyncGenerator[httpx.AsyncClient]:
    """Carries the key, and keeps what it is answered."""

    async def keep(response: httpx.Response) -> None:
        answers.append((response.request.url.path, await response.aread()))
        answers.append((response.request.url.path, str(response.headers).encode()))

    (key,) = api_keys(runtime.settings)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False),
        base_url="http://naru",
        headers={"Authorization": f"Bearer {key}"},
        event_hooks={"response": [keep]},
    ) as opened:
        yield opened


async def test_a_leak_that_is_planted_anywhere_is_found(
    runtime: Runtime, redis_url: str, log: StringIO, collector: Collector
) -> None:
    """Each searcher of the test above sees what is put before it."""
    name, found = PERSONAL["name"], Places(PERSONAL)
    client: Redis = Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    async with watched(redis_url) as commands:
        await client.set("passing", name)
        await client.delete("passing")
        await client.xadd("stream", {"field": name})
    found.search("commands to Redis", bytes(commands))
    found.search("Redis", await everything_in(redis_url))
    await client.aclose()

    get_logger("planted").info("planted", value=name)
    found.search("logs", log.getvalue())

    settings = runtime.settings.model_copy(
        update={"otel_exporter_otlp_endpoint": collector.endpoint}
    )
    await asyncio.to_thread(_send_span, settings, name)
    for body in collector.bodies:
        found.search("spans", body)

    accepted = await runtime.intake.accept("cv.txt", b"text")
    async with runtime.database.begin() as session:
        details = json.dumps({"reason": name})
        await session.execute(
            text("UPDATE runs SET details = CAST(:details AS jsonb) WHERE id = :id"),
            {"details": details, "id": accepted.run_id},
        )
    async for table, column, values in columns(runtime.database):
        found.search(f"{table}.{column}", "\n".join(values))
    await runtime.blobs.put("thumbnails/plain", name.encode())
    for path, content in files(runtime.settings.data.folder / "blobs"):
        found.search(path, content)
    assert {place for place, _ in found.found} == {
        "commands to Redis", "Redis", "logs", "spans", "runs.details", "thumbnails/plain",
    }  # fmt: skip


async def test_every_column_that_is_sealed_is_there_and_no_other_says_so(runtime: Runtime) -> None:
    named = {
        (table, column)
        async for table, column, _ in columns(runtime.database)
        if column.endswith("_sealed") or column == "wrapped"
    }
    assert named == set(SEALED)


def _send_span(settings: Settings, value: str) -> None:
    with configure_telemetry(settings, role="up"), span(SpanName.STAGE, value):
        pass
