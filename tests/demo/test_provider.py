"""The scripted provider over HTTP, as the openai client and an operator see it."""

import asyncio
import logging
import signal
import time
from contextlib import AsyncExitStack

import httpx
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider, scripted_provider
from app.demo.samples import SAMPLES

QUESTION: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": SAMPLES[0].phrase}]


async def test_an_answer_is_labelled_as_scripted_and_counts_tokens(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(model="any", messages=QUESTION)
    reply = raw.parse()

    assert raw.headers["x-naru-scripted"] == "true"
    assert (reply.model, reply.system_fingerprint) == ("naru-scripted-1", "scripted")
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert str(SAMPLES[0].name) in str(reply.choices[0].message.content)


async def test_a_stream_carries_the_same_answer_in_pieces(client: AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="any", messages=QUESTION)
    stream = await client.chat.completions.create(
        model="any", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert len(pieces) > 10
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


async def test_a_truncated_stream_breaks_in_the_middle(
    provider: ScriptedProvider, client: AsyncOpenAI
) -> None:
    provider.fail_with(FaultKind.TRUNCATED, times=1)
    stream = await client.chat.completions.create(model="any", messages=QUESTION, stream=True)
    pieces: list[str] = []

    async def read() -> None:
        async for chunk in stream:
            pieces.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - it breaks off

    with pytest.raises(openai.APIConnectionError):
        await read()
    assert len(pieces) > 1


async def test_an_unfinished_stream_ends_properly_but_says_not_why(
    provider: ScriptedProvider, client: AsyncOpenAI
) -> None:
    provider.fail_with(FaultKind.UNFINISHED, times=1)

    stream = await client.chat.completions.create(model="any", messages=QUESTION, stream=True)
    choices = [chunk.choices[0] async for chunk in stream]

    assert any(choice.delta.content for choice in choices)
    assert {choice.finish_reason for choice in choices} == {None}


async def test_a_stalled_stream_begins_and_stays_open_until_the_client_leaves(
    provider: ScriptedProvider, client: AsyncOpenAI
) -> None:
    provider.fail_with(FaultKind.STALLED, times=1)
    stream = await client.chat.completions.create(model="any", messages=QUESTION, stream=True)
    pieces: list[str | None] = []

    async def read() -> None:
        async with asyncio.timeout(0.3):
            async for chunk in stream:
                pieces.append(chunk.choices[0].delta.content)  # noqa: PERF401 - it does not end

    with pytest.raises(TimeoutError):
        await read()
    assert any(pieces)
    assert provider.connections == 1
    await stream.close()
    async with asyncio.timeout(5):
        while provider.connections:
            await asyncio.sleep(0.005)


async def test_headers_come_with_the_reply_they_were_prepared_with(
    provider: ScriptedProvider, client: AsyncOpenAI
) -> None:
    provider.replies("one", "two", headers={"x-ratelimit-remaining-requests": "7"})
    completions = client.chat.completions

    whole = await completions.with_raw_response.create(model="any", messages=QUESTION)
    async with completions.with_streaming_response.create(
        model="any", messages=QUESTION, stream=True
    ) as streamed:
        told = [whole.headers, streamed.headers]
    plain = await completions.with_raw_response.create(model="any", messages=QUESTION)

    assert [headers["x-ratelimit-remaining-requests"] for headers in told] == ["7", "7"]
    assert all(headers["x-naru-scripted"] == "true" for headers in told)
    assert "x-ratelimit-remaining-requests" not in plain.headers


async def test_replies_are_given_in_order_then_the_script_again(
    provider: ScriptedProvider, client: AsyncOpenAI
) -> None:
    provider.replies("first", {"second": 2})

    said: list[str | None] = []
    for _ in range(3):
        reply = await client.chat.completions.create(model="any", messages=QUESTION)
        said.append(reply.choices[0].message.content)

    assert said[:2] == ["first", '{"second": 2}']
    assert str(SAMPLES[0].name) in str(said[2])


async def test_calls_show_what_reached_the_model_without_the_key(
    provider: ScriptedProvider, client: AsyncOpenAI, http: httpx.AsyncClient
) -> None:
    await client.chat.completions.create(model="asked-for", messages=QUESTION)

    (call,) = provider.calls
    assert (call.endpoint, call.model, call.texts) == ("chat", "asked-for", (SAMPLES[0].phrase,))
    assert "authorization" not in call.headers
    shown = (await http.get("/control/calls")).json()["calls"]
    assert [entry["texts"] for entry in shown] == [[SAMPLES[0].phrase]]
    await http.delete("/control/calls")
    assert provider.calls == ()


async def test_message_parts_are_read_as_one_text(
    provider: ScriptedProvider, client: AsyncOpenAI
) -> None:
    await client.chat.completions.create(
        model="any",
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            }
        ],
    )

    assert provider.calls[0].texts == ("a\nb",)


async def test_faults_are_switched_over_http(client: AsyncOpenAI, http: httpx.AsyncClient) -> None:
    faults = [{"kind": "status", "status": 503, "times": 1}, {"kind": "quota"}]
    assert (await http.put("/control/faults", json=faults)).json() == {"faults": 2}

    for expected in (openai.InternalServerError, openai.RateLimitError, openai.RateLimitError):
        with pytest.raises(expected):
            await client.chat.completions.create(model="any", messages=QUESTION)
    assert (await http.delete("/control/faults")).status_code == 204
    assert await client.chat.completions.create(model="any", messages=QUESTION)


async def test_a_wrong_fault_is_refused_and_changes_nothing(
    provider: ScriptedProvider, client: AsyncOpenAI, http: httpx.AsyncClient
) -> None:
    provider.fail_with(FaultKind.QUOTA)

    answer = await http.put("/control/faults", json=[{"kind": "unheard of"}])

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == [0, "kind"]
    with pytest.raises(openai.RateLimitError):
        await client.chat.completions.create(model="any", messages=QUESTION)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": "m"}),
        ("/v1/chat/completions", {"model": "m", "messages": []}),
        ("/v1/chat/completions", []),
        ("/v1/embeddings", {"model": "m"}),
        ("/v1/embeddings", {"model": "m", "input": [1, 2]}),
        ("/v1/embeddings", {"model": "m", "input": [""]}),
    ],
)
async def test_a_request_without_its_text_is_refused(
    http: httpx.AsyncClient, path: str, body: object
) -> None:
    answer = await http.post(path, json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in {"messages", "input"}


async def test_a_body_that_is_no_json_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/chat/completions", content=b"{broken")

    assert answer.status_code == 400


async def test_a_message_without_content_is_an_empty_text(
    provider: ScriptedProvider, http: httpx.AsyncClient
) -> None:
    body = {"model": "m", "messages": [{"role": "assistant"}, "no message at all"]}

    assert (await http.post("/v1/chat/completions", json=body)).status_code == 200
    assert provider.calls[0].texts == ("", "")


async def test_cleared_faults_are_gone(provider: ScriptedProvider, client: AsyncOpenAI) -> None:
    provider.fail_with(FaultKind.QUOTA)
    provider.clear_faults()

    assert await client.chat.completions.create(model="any", messages=QUESTION)


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings_have_the_dimensions_asked_for(
    http: httpx.AsyncClient, encoding: str
) -> None:
    body = {"model": "m", "input": ["a", "b"], "dimensions": 512, "encoding_format": encoding}

    answer = (await http.post("/v1/embeddings", json=body)).json()

    assert [entry["index"] for entry in answer["data"]] == [0, 1]
    found = answer["data"][0]["embedding"]
    assert len(found) == (512 if encoding == "float" else 2_732)  # 4 bytes each, in base64


async def test_embeddings_default_to_the_size_of_the_usual_model(client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="m", input="one text")

    assert len(answer.data[0].embedding) == 1_536


async def test_the_only_model_is_listed(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["naru-scripted-1"]


async def test_another_host_name_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.get("/control/calls", headers={"host": "rebound.example.com"})

    assert answer.status_code == 400


@pytest.mark.parametrize("fault", [FaultKind.HANG, FaultKind.LATENCY])
async def test_it_stops_at_once_although_a_client_waits(fault: FaultKind) -> None:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(scripted_provider())
        provider.fail_with(fault, delay_s=60 if fault is FaultKind.LATENCY else 0)
        async with AsyncOpenAI(base_url=provider.base_url, api_key="k", max_retries=0) as client:
            asked = asyncio.create_task(
                client.chat.completions.create(model="any", messages=QUESTION)
            )
            await provider.called()

            began = time.monotonic()
            await stack.aclose()

            assert time.monotonic() - began < 5  # of the 60 s that the client would wait
            with pytest.raises(openai.APIConnectionError):
                await asked


async def test_a_given_port_is_free_again_afterwards() -> None:
    async with scripted_provider() as first:
        port = int(first.base_url.split(":")[2].removesuffix("/v1"))
    async with scripted_provider(port=port) as second:
        assert second.base_url == f"http://127.0.0.1:{port}/v1"


async def test_signals_and_logging_are_left_alone() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    levels = (logging.getLogger().level, logging.getLogger("uvicorn").level)

    async with scripted_provider() as provider, httpx.AsyncClient(trust_env=False) as http:
        await http.get(f"{provider.base_url}/models")
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
        assert (logging.getLogger().level, logging.getLogger("uvicorn").level) == levels
        assert not logging.getLogger("uvicorn").handlers
