"""The order of the models, and what each failure of one of them leads to."""

import asyncio
import logging
from typing import Any, cast

import pytest

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.modelchain import Model, ModelChain, open_model_chain
from app.resilience.breaker_states import State
from app.resilience.deadline import LEAST_ATTEMPT_S, Within
from app.resilience.registry import registry
from app.settings import Settings
from app.settings.groups import Environment, RetrySettings
from app.settings.llm import LlmSettings
from app.telemetry.conventions import SpanName
from app.telemetry.spans import RecordedSpan, span
from tests.modelchain.conftest import Open
from tests.modelchain.listening import Person, ask


async def test_the_first_model_answers_and_the_second_is_not_called(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain
) -> None:
    provider.replies("by the first")

    answer = await chain.first(ask)

    assert answer.text == "by the first"
    assert [call.model for call in provider.calls] == ["first"]
    assert second.calls == ()


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (FaultKind.RATE_LIMIT, {}),
        (FaultKind.QUOTA, {}),
        (FaultKind.STATUS, {"status": 401}),
        (FaultKind.STATUS, {"status": 404}),
        (FaultKind.STATUS, {"status": 503}),
        (FaultKind.RESET, {}),
        (FaultKind.GARBLED, {}),
        (FaultKind.TRUNCATED, {}),
    ],
)
async def test_a_model_that_fails_is_followed_by_the_next_one(
    provider: ScriptedProvider,
    second: ScriptedProvider,
    chain: ModelChain,
    fault: FaultKind,
    options: dict[str, Any],
) -> None:
    provider.fail_with(fault, **options)
    second.replies("by the second")

    answer = await chain.first(ask)

    assert answer.text == "by the second"
    assert (len(provider.calls), len(second.calls)) == (1, 1)


async def test_a_model_that_does_not_answer_in_time_is_followed_by_the_next_one(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain, opened: Open
) -> None:
    provider.fail_with(FaultKind.HANG)
    second.replies("by the second")

    async with opened(retry=RetrySettings(llm_max=1, llm_timeout=0.3)) as hasty:
        answer = await ModelChain((hasty.models[0], chain.models[1])).first(ask)

    assert answer.text == "by the second"


async def test_work_that_understands_no_answer_goes_on_with_the_next_model(
    chain: ModelChain,
) -> None:
    async def understand(model: Model) -> str:
        if model.name == "llm:first":
            raise PermanentError(ErrorCode.LLM_PARSE_ERROR)
        return model.name

    assert await chain.first(understand) == "llm:second"


@pytest.mark.parametrize(
    "code",
    [
        ErrorCode.LEASE_LOST,
        ErrorCode.CANCELLED,
        ErrorCode.WORKER_ERROR,
        ErrorCode.DEADLINE_EXCEEDED,
    ],
)
async def test_what_is_about_the_run_ends_the_chain(chain: ModelChain, code: ErrorCode) -> None:
    asked: list[str] = []

    async def lose(model: Model) -> None:
        asked.append(model.name)
        raise (RetryableError if code.retryable else PermanentError)(code)

    with pytest.raises(WorkerError) as caught:
        await chain.first(lose)

    assert caught.value.code is code
    assert asked == ["llm:first"]


async def test_a_bug_is_not_hidden_behind_the_next_model(chain: ModelChain) -> None:
    async def stumble(model: Model) -> None:
        raise LookupError(model.name)

    with pytest.raises(LookupError, match="llm:first"):
        await chain.first(stumble)


async def test_a_cancelled_call_asks_no_other_model(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain
) -> None:
    provider.fail_with(FaultKind.HANG)
    waiting = asyncio.create_task(chain.first(ask))
    await provider.called()

    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert second.calls == ()
    assert [(at.in_use, at.waiting) for at in registry.here().bulkheads()] == [(0, 0)]


async def test_when_all_fail_the_first_error_is_raised_and_each_is_logged(
    provider: ScriptedProvider,
    second: ScriptedProvider,
    chain: ModelChain,
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider.fail_with(FaultKind.QUOTA)
    second.fail_with(FaultKind.STATUS)

    with (
        pytest.raises(WorkerError) as caught,
        caplog.at_level(logging.WARNING, logger="app.modelchain"),
    ):
        await chain.first(ask)

    assert caught.value.code is ErrorCode.QUOTA_EXCEEDED
    lines: list[dict[str, str]] = [cast("Any", record.msg) for record in caplog.records]
    assert [(line["model"], line["code"]) for line in lines if line["event"] == "model_failed"] == [
        ("llm:first", "QUOTA_EXCEEDED"),
        ("llm:second", "NETWORK_ERROR"),
    ]


async def test_an_error_about_time_in_a_later_model_does_not_hide_the_first_one(
    chain: ModelChain,
) -> None:
    async def run_out(model: Model) -> None:
        if model.name == "llm:first":
            raise RetryableError(ErrorCode.NETWORK_ERROR)
        raise PermanentError(ErrorCode.DEADLINE_EXCEEDED)

    with pytest.raises(WorkerError) as caught:
        await chain.first(run_out)

    assert caught.value.code is ErrorCode.NETWORK_ERROR


async def test_without_time_left_no_other_model_is_begun(chain: ModelChain) -> None:
    asked: list[str] = []

    async def fail(model: Model) -> None:
        asked.append(model.name)
        raise RetryableError(ErrorCode.LLM_TIMEOUT)

    async with Within(LEAST_ATTEMPT_S / 2):
        with pytest.raises(WorkerError) as caught:
            await chain.first(fail)

    assert caught.value.code is ErrorCode.LLM_TIMEOUT
    assert asked == ["llm:first"]


async def test_the_change_of_model_is_an_event_of_the_span_around_it(
    provider: ScriptedProvider, chain: ModelChain, traced: list[RecordedSpan]
) -> None:
    provider.fail_with(FaultKind.QUOTA)

    with span(SpanName.STAGE, "analyze"):
        await chain.first(ask)

    stage = next(done for done in traced if done.name == "stage analyze")
    assert [(event.name, event.attributes) for event in stage.events] == [
        (
            "naru.fallback",
            {
                "naru.fallback.from": "llm:first",
                "naru.fallback.to": "llm:second",
                "error.type": "QUOTA_EXCEEDED",
            },
        )
    ]


async def test_an_open_circuit_leads_straight_to_the_second_model(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain
) -> None:
    provider.fail_with(FaultKind.STATUS)
    for _ in range(2):
        await chain.first(ask)

    answer = await chain.first(ask)

    assert answer.model == "naru-scripted-1"
    assert (len(provider.calls), len(second.calls)) == (2, 3)
    states = {breaker.name: breaker.state for breaker in registry.here().breakers()}
    assert states == {"llm:first": State.OPEN, "llm:second": State.CLOSED}


async def test_a_busy_model_leads_straight_to_the_second_one(
    provider: ScriptedProvider, second: ScriptedProvider, opened: Open
) -> None:
    provider.fail_with(FaultKind.HANG)
    async with opened(concurrent=1, queued=0) as chain:
        waiting = asyncio.create_task(ask(chain.models[0]))
        await provider.called()

        await chain.first(ask)

        assert (len(provider.calls), len(second.calls)) == (1, 1)
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_tries_of_earlier_attempts_of_the_job_count(
    provider: ScriptedProvider, opened: Open
) -> None:
    provider.fail_with(FaultKind.STATUS)
    async with opened(retry=RetrySettings(llm_max=2)) as chain:
        with pytest.raises(RetryableError):
            await chain.models[0].ask(
                system="", user="?", schema=Person, schema_name="person", spent=1
            )

    assert len(provider.calls) == 1


async def test_without_a_base_url_there_is_no_model() -> None:
    async with open_model_chain(Settings(env=Environment.TEST)) as models:
        assert models is None


def test_a_chain_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one model"):
        ModelChain(())


async def test_names_are_those_of_the_models_and_tell_equal_ones_apart() -> None:
    llm = LlmSettings.model_validate(
        {
            "base_url": "https://models.example.com/v1",
            "api_key": "canary-key",
            "model": "small",
            "fallbacks": [
                {"model": "small", "base_url": "https://other.example.com/v1", "api_key": "canary"},
                {"model": "large"},
                {"model": "small#2"},
            ],
        }
    )
    settings = Settings(env=Environment.TEST, llm=llm)
    async with (
        open_model_chain(settings) as models,
        open_model_chain(settings, shadow=True) as shadow,
    ):
        assert models is not None
        assert shadow is not None
        names = [model.name for model in models.models]
        assert names == ["llm:small", "llm:small#2", "llm:large", "llm:small#2#2"]
        assert [model.name for model in shadow.models] == [f"shadow:{name}" for name in names]
