"""Rates of the models: what is reserved, given back, and learnt from the server."""

import asyncio
from functools import partial

import pytest

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, PermanentError
from app.settings import Settings
from tests.modelchain.conftest import Open
from tests.modelchain.listening import Listener, Person, ask, refused, talk


async def test_a_429_with_retry_after_keeps_everyone_away_for_so_long(
    provider: ScriptedProvider, second: ScriptedProvider, opened: Open
) -> None:
    provider.fail_with(FaultKind.RATE_LIMIT, times=1, retry_after="30")
    async with opened(requests_per_minute=1_000, rate_wait=0.05) as chain:
        for _ in range(2):
            await chain.first(ask)
        error = await refused(chain.models[0])

    assert (len(provider.calls), len(second.calls)) == (1, 2)
    assert error.code is ErrorCode.RATE_LIMITED
    wait_s = error.details["retry_after"]
    assert isinstance(wait_s, float)
    assert 15 < wait_s <= 30


async def test_what_the_server_says_is_left_turns_the_next_call_away(
    provider: ScriptedProvider, opened: Open
) -> None:
    provider.replies(
        "{}", headers={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m0s"}
    )
    async with opened(requests_per_minute=1_000, rate_wait=0.05) as chain:
        await ask(chain.models[0])
        error = await refused(chain.models[0])

    assert error.code is ErrorCode.RATE_LIMITED
    assert len(provider.calls) == 1


async def test_what_the_server_says_is_left_makes_the_next_call_wait(
    provider: ScriptedProvider, opened: Open
) -> None:
    provider.replies(
        "{}", headers={"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "200ms"}
    )
    loop = asyncio.get_running_loop()
    async with opened(tokens_per_minute=1_000_000) as chain:
        await ask(chain.models[0])
        began_s = loop.time()
        await ask(chain.models[0])

    assert loop.time() - began_s > 0.15
    assert len(provider.calls) == 2


async def test_tokens_that_an_answer_did_not_use_are_given_back(
    provider: ScriptedProvider, opened: Open
) -> None:
    # Each call reserves 4,000 tokens for its answer, and uses a few.
    async with opened(tokens_per_minute=10_000, rate_wait=0.05) as chain:
        for _ in range(6):
            await ask(chain.models[0])

        provider.fail_with(FaultKind.HANG)
        waiting = [asyncio.create_task(ask(chain.models[0])) for _ in range(2)]
        await provider.called(8)
        error = await refused(chain.models[0])

        assert error.code is ErrorCode.RATE_LIMITED
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


async def test_a_prompt_above_the_tokens_of_a_minute_goes_to_no_model(
    provider: ScriptedProvider, opened: Open, settings: Settings
) -> None:
    tokens = settings.llm.max_output_tokens + 100
    async with opened(tokens_per_minute=tokens) as chain:
        question = partial(chain.models[0].ask, system="", schema=Person, schema_name="person")
        # Three bytes each: a token as it is reckoned.
        await question(user="가" * 100)
        with pytest.raises(PermanentError) as caught:
            await question(user="가" * 101)

    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert len(provider.calls) == 1


async def test_a_stream_is_metered_as_a_whole_answer_is(
    provider: ScriptedProvider, opened: Open, listener: Listener
) -> None:
    provider.replies(
        "Once upon a time.",
        headers={"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m0s"},
    )
    async with opened(tokens_per_minute=10_000, rate_wait=0.05) as chain:
        await talk(chain, listener)
        error = await refused(chain.models[0])

    assert error.code is ErrorCode.RATE_LIMITED
    assert listener.parts == ["Once upon a time."]
