"""Streams of the model, piece by piece, and what may go wrong in their middle."""

import asyncio
import traceback
from typing import Any

import pytest

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, RetryableError, WorkerError
from app.providers.answers import Answer, Undelivered
from app.providers.llm import Llm, open_llm
from app.settings.groups import RetrySettings
from app.settings.llm import LlmSettings

CANARY = "gildong.canary@example.com"
TALK = "나루터에서 강을 건너는 이야기입니다. " * 20


class Listener:
    """Keeps the pieces of a stream, and fails when told to."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.fails_with: Exception | None = None
        self.listening = asyncio.Event()

    async def __call__(self, text: str) -> None:
        self.pieces.append(text)
        self.listening.set()
        if self.fails_with:
            raise self.fails_with


@pytest.fixture
def listener() -> Listener:
    return Listener()


async def stream(llm: Llm, listener: Listener) -> Answer:
    return await llm.stream(system="Talk.", user=CANARY, emit=listener)


async def test_a_stream_is_the_same_answer_in_pieces(
    provider: ScriptedProvider, llm: Llm, listener: Listener
) -> None:
    provider.replies(TALK)

    answer = await stream(llm, listener)

    assert len(listener.pieces) > 3
    assert "".join(listener.pieces) == answer.text == TALK
    assert (answer.model, answer.finish_reason) == ("naru-scripted-1", "stop")
    assert answer.input_tokens > 0
    assert answer.output_tokens > 0
    body: Any = provider.calls[0].body
    assert "response_format" not in body
    assert body["max_completion_tokens"] == 4_000


@pytest.mark.parametrize("fault", [FaultKind.TRUNCATED, FaultKind.UNFINISHED])
async def test_a_stream_that_ends_early_is_a_network_error_and_no_short_answer(
    provider: ScriptedProvider, llm: Llm, listener: Listener, fault: FaultKind
) -> None:
    provider.replies(TALK)
    provider.fail_with(fault, times=1)

    with pytest.raises(RetryableError) as caught:
        await stream(llm, listener)

    assert caught.value.code is ErrorCode.NETWORK_ERROR
    assert TALK.startswith("".join(listener.pieces))
    assert 0 < len("".join(listener.pieces)) < len(TALK)


@pytest.mark.parametrize("fault", [FaultKind.GARBLED, FaultKind.PAGE])
async def test_a_page_instead_of_a_stream_is_a_network_error(
    provider: ScriptedProvider, llm: Llm, listener: Listener, fault: FaultKind
) -> None:
    provider.fail_with(fault, times=1)

    with pytest.raises(RetryableError) as caught:
        await stream(llm, listener)

    assert caught.value.code is ErrorCode.NETWORK_ERROR
    assert listener.pieces == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FaultKind.RATE_LIMIT, ErrorCode.LLM_RATE_LIMIT),
        (FaultKind.QUOTA, ErrorCode.QUOTA_EXCEEDED),
        (FaultKind.STATUS, ErrorCode.NETWORK_ERROR),
        (FaultKind.RESET, ErrorCode.NETWORK_ERROR),
    ],
)
async def test_a_refused_stream_has_the_code_of_a_refused_question(
    provider: ScriptedProvider, llm: Llm, listener: Listener, fault: FaultKind, code: ErrorCode
) -> None:
    provider.fail_with(fault, times=1)

    with pytest.raises(WorkerError) as caught:
        await stream(llm, listener)

    assert caught.value.code is code
    assert CANARY not in f"{''.join(traceback.format_exception(caught.value))}"


async def test_a_stream_that_stalls_is_a_timeout(
    provider: ScriptedProvider, hasty_llm: Llm, listener: Listener
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.STALLED, times=1)

    with pytest.raises(RetryableError) as caught:
        await stream(hasty_llm, listener)

    assert caught.value.code is ErrorCode.LLM_TIMEOUT
    assert listener.pieces


async def test_a_listener_that_times_out_is_not_the_models_failure(
    provider: ScriptedProvider, llm: Llm, listener: Listener
) -> None:
    provider.replies(TALK)
    listener.fails_with = TimeoutError()

    with pytest.raises(Undelivered) as caught:
        await stream(llm, listener)

    assert caught.value.reason is listener.fails_with
    assert len(listener.pieces) == 1


async def test_a_cancelled_stream_closes_its_connection(
    provider: ScriptedProvider, llm: Llm, listener: Listener
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.STALLED, times=1)
    listening = asyncio.create_task(stream(llm, listener))
    await listener.listening.wait()
    assert provider.connections == 1

    listening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await listening
    async with asyncio.timeout(5):
        while provider.connections:
            await asyncio.sleep(0.005)


async def test_what_the_server_says_is_left_comes_with_a_stream_too(
    provider: ScriptedProvider, llm: Llm, listener: Listener
) -> None:
    provider.replies(
        TALK,
        headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"},
    )

    answer = await stream(llm, listener)

    assert answer.remaining == {"requests": (0.0, pytest.approx(0.12))}


async def test_a_stream_that_was_cut_at_the_limit_says_so(
    provider: ScriptedProvider, listener: Listener
) -> None:
    provider.replies(TALK)
    settings = LlmSettings.model_validate({"base_url": provider.base_url, "max_output_tokens": 3})
    async with open_llm(settings, RetrySettings.model_validate({})) as llm:
        answer = await stream(llm, listener)

    assert (answer.text, answer.finish_reason) == (TALK[:9], "length")
