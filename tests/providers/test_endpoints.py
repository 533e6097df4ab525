"""What surrounds a call of a model: limits, spans, metrics."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from pydantic import BaseModel

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, RetryableError, WorkerError
from app.providers.embedders import open_embedder
from app.providers.endpoints import open_endpoint
from app.providers.llm import Llm, open_llm
from app.settings.groups import EmbeddingSettings, RetrySettings
from app.settings.llm import LlmSettings
from app.telemetry.spans import RecordedSpan, SpanKind

CANARY = "gildong.canary@example.com"


class Empty(BaseModel):
    name: str | None


async def ask(llm: Llm) -> None:
    await llm.ask(system=CANARY, user=CANARY, schema=Empty, schema_name="empty")


def only(exporter: list[RecordedSpan]) -> RecordedSpan:
    (span,) = exporter
    return span


async def test_a_call_is_one_client_span_that_tells_nothing_of_its_content(
    traced: list[RecordedSpan], provider: ScriptedProvider, llm: Llm
) -> None:
    await ask(llm)

    span = only(traced)
    assert (span.name, span.kind) == ("chat first", SpanKind.CLIENT)
    port = int(provider.base_url.rsplit(":")[2].removesuffix("/v1"))
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "127.0.0.1",
        "gen_ai.request.model": "first",
        "gen_ai.request.max_tokens": 4_000,
        "gen_ai.output.type": "json",
        "server.address": "127.0.0.1",
        "server.port": port,
        "gen_ai.response.model": "naru-scripted-1",
        "gen_ai.response.id": "chatcmpl-scripted-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 18,
        "gen_ai.usage.output_tokens": 5,
    }
    assert not span.failed


async def test_a_failed_call_marks_its_span_with_the_code(
    traced: list[RecordedSpan], provider: ScriptedProvider, llm: Llm
) -> None:
    provider.fail_with(FaultKind.STATUS, times=1)

    with pytest.raises(WorkerError):
        await ask(llm)

    span = only(traced)
    assert span.failed
    assert span.attributes["error.type"] == "NETWORK_ERROR"
    assert CANARY not in repr((span.name, span.attributes, span.events))


async def test_embeddings_have_a_span_too(
    traced: list[RecordedSpan], provider: ScriptedProvider
) -> None:
    settings = EmbeddingSettings.model_validate({"base_url": provider.base_url, "model": "vectors"})
    async with open_embedder(settings, RetrySettings.model_validate({})) as embedder:
        await embedder.embed(["abc"])

    span = only(traced)
    assert (span.name, span.kind) == ("embeddings vectors", SpanKind.CLIENT)
    told = span.attributes
    assert told["gen_ai.embeddings.dimension.count"] == 512
    assert told["gen_ai.usage.input_tokens"] == 1


async def test_calls_and_tokens_are_counted(
    measured: InMemoryMetricReader, provider: ScriptedProvider, llm: Llm
) -> None:
    await ask(llm)
    provider.fail_with(FaultKind.QUOTA, times=1)
    with pytest.raises(WorkerError):
        await ask(llm)

    found = measured.get_metrics_data()
    assert found is not None
    points = {
        metric.name: [dict(point.attributes or {}) for point in metric.data.data_points]
        for resource in found.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    base = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "127.0.0.1",
        "gen_ai.request.model": "first",
    }
    assert points["gen_ai.client.operation.duration"] == [
        base,
        {**base, "error.type": "QUOTA_EXCEEDED"},
    ]
    assert points["gen_ai.client.token.usage"] == [
        {**base, "gen_ai.token.type": "input"},
        {**base, "gen_ai.token.type": "output"},
    ]


async def test_a_server_that_drips_is_stopped_by_the_limit_of_the_whole_call() -> None:
    async with dripping_server() as base_url:
        settings = LlmSettings.model_validate({"base_url": base_url})
        async with open_llm(settings, RetrySettings.model_validate({"llm_timeout": 0.4})) as llm:
            began = asyncio.get_running_loop().time()
            with pytest.raises(RetryableError) as caught:
                await ask(llm)
            took_s = asyncio.get_running_loop().time() - began

    assert caught.value.code is ErrorCode.LLM_TIMEOUT
    assert took_s < 5  # of the 50 s that the drip would take


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, provider: ScriptedProvider
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async with open_llm(
        LlmSettings.model_validate({"base_url": provider.base_url}),
        RetrySettings.model_validate({}),
    ) as llm:
        await ask(llm)


async def test_without_a_key_the_environments_key_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-somebody-else")

    async with open_endpoint(
        "https://models.example.com/v1",
        api_key=None,
        model="m",
        timeout_s=1,
        connect_timeout_s=1,
    ) as endpoint:
        assert endpoint.client.api_key == "none"
        assert (endpoint.address, endpoint.port) == ("models.example.com", 443)
        assert endpoint.vendor == "models.example.com"


async def test_the_conventions_own_name_is_used_for_the_vendor_that_has_one() -> None:
    async with open_endpoint(
        "https://api.openai.com/v1", api_key=None, model="m", timeout_s=1, connect_timeout_s=1
    ) as endpoint:
        assert endpoint.vendor == "openai"


@asynccontextmanager
async def dripping_server() -> AsyncGenerator[str]:
    """Answers a byte every 50 ms: no single read ever takes long."""
    closing = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not closing.is_set():
            writer.write(b" ")
            await asyncio.sleep(0.05)
        writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(drip(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        closing.set()
        server.close()
        await server.wait_closed()
        await asyncio.wait(tasks)
