"""The model through the real client, with every fault of the scripted provider."""

import asyncio
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.candidates.profile import Profile
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.demo.samples import SAMPLES
from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.messages import Language
from app.providers.answers import Answer
from app.providers.llm import Llm, open_llm
from app.settings.groups import RetrySettings
from app.settings.llm import LlmSettings

CANARY = "gildong.canary@example.com"


class Person(BaseModel):
    name: str | None = None
    skills: list[str]


class Default(BaseModel):
    """Fields that are named like keywords of a schema."""

    default: str = "a"
    properties: str | None = None


async def ask(llm: Llm, user: str = SAMPLES[0].phrase, schema: type[BaseModel] = Person) -> Answer:
    return await llm.ask(system="Answer.", user=user, schema=schema, schema_name="person")


async def failed(llm: Llm) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        await ask(llm, user=CANARY)
    return caught.value


async def test_an_answer_fits_the_schema_and_says_who_gave_it_and_what_it_cost(llm: Llm) -> None:
    answer = await ask(llm)

    assert Person.model_validate_json(answer.text).name == SAMPLES[0].name
    assert (answer.model, answer.finish_reason) == ("naru-scripted-1", "stop")
    assert answer.input_tokens > 0
    assert answer.output_tokens > 0


async def test_the_conversation_arrives_in_order(provider: ScriptedProvider, llm: Llm) -> None:
    await llm.ask(
        system="the system",
        history=[{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}],
        user="three",
        schema=Person,
        schema_name="person",
    )

    body: Any = provider.calls[0].body
    assert [(turn["role"], turn["content"]) for turn in body["messages"]] == [
        ("system", "the system"),
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert (body["model"], body["max_completion_tokens"]) == ("first", 4_000)


async def test_no_trace_or_baggage_goes_to_the_vendor(provider: ScriptedProvider, llm: Llm) -> None:
    await ask(llm)

    assert not {"traceparent", "tracestate", "baggage"} & set(provider.calls[0].headers)


async def test_a_schema_is_asked_for_strictly_where_strict_mode_can_say_it(
    provider: ScriptedProvider, llm: Llm
) -> None:
    await ask(llm, schema=Person)
    await ask(llm, schema=Default)
    await ask(llm, schema=Profile)

    bodies: list[Any] = [call.body for call in provider.calls]
    person, default, profile = (body["response_format"]["json_schema"] for body in bodies)
    assert person["strict"] is True
    assert person["schema"]["required"] == ["name", "skills"]
    assert person["schema"]["additionalProperties"] is False
    assert "default" not in person["schema"]["properties"]["name"]
    assert default["schema"]["required"] == ["default", "properties"]
    # Its confidence is a mapping with free keys.
    assert profile["strict"] is False
    assert profile["schema"] == Profile.model_json_schema()


async def test_a_server_without_schemas_is_asked_in_a_simpler_form_and_remembered(
    provider: ScriptedProvider, llm: Llm
) -> None:
    provider.fail_with(FaultKind.NO_SCHEMAS)

    first = await ask(llm)
    second = await ask(llm)

    bodies: list[Any] = [call.body for call in provider.calls]
    assert [body["response_format"]["type"] for body in bodies] == [
        "json_schema",
        "json_schema",
        "json_object",
        "json_object",
    ]
    assert first.text == second.text
    assert '"skills"' in provider.calls[-1].texts[0]


@pytest.mark.parametrize(
    ("fault", "options", "code"),
    [
        (FaultKind.RATE_LIMIT, {}, ErrorCode.LLM_RATE_LIMIT),
        (FaultKind.QUOTA, {}, ErrorCode.QUOTA_EXCEEDED),
        (FaultKind.STATUS, {"status": 400}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.STATUS, {"status": 401}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.STATUS, {"status": 403}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.STATUS, {"status": 404}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.STATUS, {"status": 408}, ErrorCode.LLM_TIMEOUT),
        (FaultKind.STATUS, {"status": 409}, ErrorCode.NETWORK_ERROR),
        (FaultKind.STATUS, {"status": 422}, ErrorCode.VALIDATION_ERROR),
        (FaultKind.STATUS, {"status": 500}, ErrorCode.NETWORK_ERROR),
        (FaultKind.STATUS, {"status": 503}, ErrorCode.NETWORK_ERROR),
        (FaultKind.STATUS, {"status": 504}, ErrorCode.LLM_TIMEOUT),
        (FaultKind.GARBLED, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.PAGE, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.TRUNCATED, {}, ErrorCode.NETWORK_ERROR),
        (FaultKind.RESET, {}, ErrorCode.NETWORK_ERROR),
    ],
)
async def test_a_fault_becomes_its_code_after_one_call_and_says_nothing_of_the_text(
    provider: ScriptedProvider,
    llm: Llm,
    fault: FaultKind,
    options: dict[str, object],
    code: ErrorCode,
) -> None:
    provider.fail_with(fault, times=1, **options)

    error = await failed(llm)

    assert error.code is code
    assert isinstance(error, RetryableError if code.retryable else PermanentError)
    assert len(provider.calls) == 1
    shown = f"{''.join(traceback.format_exception(error))} {error.details}"
    assert CANARY not in shown
    assert "?" not in error.text(Language.KOREAN)


@pytest.mark.parametrize(
    ("fault", "options"), [(FaultKind.HANG, {}), (FaultKind.LATENCY, {"delay_s": 60})]
)
async def test_an_answer_that_does_not_come_in_time_is_a_timeout(
    provider: ScriptedProvider, hasty_llm: Llm, fault: FaultKind, options: dict[str, object]
) -> None:
    provider.fail_with(fault, times=1, **options)

    error = await failed(hasty_llm)

    assert error.code is ErrorCode.LLM_TIMEOUT
    assert error.details == {"provider": "llm", "cause": "TimeoutError"}
    assert len(provider.calls) == 1


async def test_the_next_call_after_a_broken_connection_is_answered(
    provider: ScriptedProvider, llm: Llm
) -> None:
    for fault in (FaultKind.RESET, FaultKind.TRUNCATED):
        provider.fail_with(fault, times=1)
        await failed(llm)
        assert (await ask(llm)).finish_reason == "stop"


async def test_a_cancelled_call_leaves_the_client_usable(
    provider: ScriptedProvider, llm: Llm
) -> None:
    provider.fail_with(FaultKind.HANG, times=1)
    waiting = asyncio.create_task(ask(llm))
    await provider.called()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await ask(llm)).finish_reason == "stop"


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after_ms": "1500"}, 1.5),
        ({}, 60),
        ({"retry_after": "in a while"}, 60),
    ],
)
async def test_a_rate_limit_says_how_long_to_wait(
    provider: ScriptedProvider, llm: Llm, options: dict[str, str], seconds: float
) -> None:
    provider.fail_with(FaultKind.RATE_LIMIT, times=1, **options)

    assert (await failed(llm)).details["retry_after"] == seconds


async def test_a_rate_limit_until_a_date_is_counted_from_now(
    provider: ScriptedProvider, llm: Llm
) -> None:
    until = datetime.now(UTC) + timedelta(seconds=100)
    provider.fail_with(
        FaultKind.RATE_LIMIT, times=1, retry_after=format_datetime(until, usegmt=True)
    )

    wait_s = (await failed(llm)).details["retry_after"]
    assert isinstance(wait_s, float)
    assert 50 < wait_s <= 100


@pytest.mark.parametrize("fault", [FaultKind.BROKEN_JSON, FaultKind.WRONG_SHAPE])
async def test_an_answer_that_does_not_parse_is_handed_out_for_the_parser_to_judge(
    provider: ScriptedProvider, llm: Llm, fault: FaultKind
) -> None:
    provider.fail_with(fault, times=1)

    answer = await ask(llm)

    with pytest.raises(ValidationError):
        Person.model_validate_json(answer.text)


async def test_an_answer_cut_at_the_limit_says_so(provider: ScriptedProvider) -> None:
    settings = LlmSettings.model_validate({"base_url": provider.base_url, "max_output_tokens": 3})
    async with open_llm(settings, RetrySettings.model_validate({})) as llm:
        answer = await ask(llm)

    assert (len(answer.text), answer.finish_reason) == (9, "length")


async def test_a_server_that_is_not_there_is_a_network_error() -> None:
    settings = LlmSettings.model_validate({"base_url": "http://127.0.0.1:9/v1", "api_key": "k"})
    async with open_llm(settings, RetrySettings.model_validate({})) as llm:
        error = await failed(llm)

    assert error.code is ErrorCode.NETWORK_ERROR


async def test_calls_run_side_by_side(provider: ScriptedProvider, llm: Llm) -> None:
    provider.fail_with(FaultKind.HANG)
    asked = [asyncio.create_task(ask(llm)) for _ in range(20)]

    # None of them is answered, and yet all of them arrive.
    await provider.called(20)

    for task in asked:
        task.cancel()
    await asyncio.wait(asked)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("6m0s", 360.0),
        ("1.5s", 1.5),
        ("120ms", 0.12),
        ("17", 17.0),
        ("1h2m3.5s", 3_723.5),
        ("1d", 86_400.0),
    ],
)
async def test_what_the_server_says_is_left_comes_with_the_answer(
    provider: ScriptedProvider, llm: Llm, reset: str, seconds: float
) -> None:
    headers = {
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": reset,
    }
    provider.replies("{}", headers=headers)

    assert (await ask(llm)).remaining == {
        "requests": (59.0, 1.0),
        "tokens": (149_984.0, pytest.approx(seconds)),
    }


@pytest.mark.parametrize(
    ("left", "reset"),
    [
        ("59", "soon"),
        ("59", "1s later"),
        ("59", "-1"),
        ("59", "nan"),
        ("59", "1767225600"),  # a date, not a time to wait
        ("many", "1s"),
        ("-1", "1s"),
        ("59", ""),
        ("", "1s"),
        ("9" * 400, "1s"),
    ],
)
async def test_what_cannot_be_read_of_the_limits_is_left_out(
    provider: ScriptedProvider, llm: Llm, left: str, reset: str
) -> None:
    headers = {"x-ratelimit-remaining-tokens": left, "x-ratelimit-reset-tokens": reset}
    provider.replies("{}", headers=headers)

    assert (await ask(llm)).remaining == {}


def test_what_is_left_is_neither_stored_nor_compared() -> None:
    whole = Answer(
        text="a",
        model="m",
        input_tokens=1,
        output_tokens=1,
        finish_reason="stop",
        remaining={"tokens": (1.0, 2.0)},
    )
    adapter = TypeAdapter(Answer)

    stored = adapter.dump_json(whole)

    assert b"remaining" not in stored
    read = adapter.validate_json(stored)
    assert read == whole
    assert read.remaining == {}
