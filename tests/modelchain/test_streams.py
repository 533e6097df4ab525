"""Streams through the chain: what listeners hear when a model fails in the middle."""

import asyncio
from itertools import product

import pytest

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, RetryableError, WorkerError
from app.modelchain import Delta, ModelChain, Restart
from app.resilience.registry import registry
from app.settings.groups import RetrySettings
from tests.modelchain.conftest import Open
from tests.modelchain.listening import Listener, talk

TALK = "나루터에서 강을 건너는 이야기입니다. " * 20
AGAIN = "The ferry crosses the river once more. " * 20


async def test_a_whole_answer_comes_in_pieces_without_a_restart(
    provider: ScriptedProvider, chain: ModelChain, listener: Listener
) -> None:
    provider.replies(TALK)

    answer = await talk(chain, listener)

    assert answer.text == TALK
    assert listener.parts == [TALK]
    assert len(listener.heard) > 3


@pytest.mark.parametrize("fault", [FaultKind.TRUNCATED, FaultKind.UNFINISHED])
async def test_a_stream_that_breaks_is_begun_again_at_the_same_model(
    provider: ScriptedProvider,
    second: ScriptedProvider,
    patient: ModelChain,
    listener: Listener,
    fault: FaultKind,
) -> None:
    provider.replies(TALK, AGAIN)
    provider.fail_with(fault, times=1)

    answer = await talk(patient, listener)

    void, text = listener.parts
    assert 0 < len(void) < len(TALK)
    assert TALK.startswith(void)
    assert text == answer.text == AGAIN
    assert listener.restarts == ["first"]
    assert (len(provider.calls), len(second.calls)) == (2, 0)


async def test_a_stream_that_breaks_for_good_is_begun_again_at_the_next_model(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain, listener: Listener
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.TRUNCATED)
    second.replies(AGAIN)

    answer = await talk(chain, listener)

    assert TALK.startswith(listener.parts[0])
    assert listener.parts[1:] == [answer.text] == [AGAIN]
    assert listener.restarts == ["llm:second"]


async def test_a_stream_that_stalls_is_begun_again_at_the_next_model(
    provider: ScriptedProvider,
    second: ScriptedProvider,
    chain: ModelChain,
    opened: Open,
    listener: Listener,
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.STALLED)
    second.replies(AGAIN)

    async with opened(retry=RetrySettings(llm_max=1, llm_timeout=1)) as hasty:
        answer = await talk(ModelChain((hasty.models[0], chain.models[1])), listener)

    assert listener.parts[1:] == [answer.text] == [AGAIN]


async def test_failures_before_the_first_piece_are_not_heard(
    provider: ScriptedProvider, second: ScriptedProvider, patient: ModelChain, listener: Listener
) -> None:
    provider.fail_with(FaultKind.STATUS)
    second.fail_with(FaultKind.RESET, times=1)
    second.replies(TALK)

    answer = await talk(patient, listener)

    assert listener.parts == [answer.text] == [TALK]


async def test_one_restart_is_enough_however_many_attempts_said_nothing(
    provider: ScriptedProvider, second: ScriptedProvider, patient: ModelChain, listener: Listener
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.TRUNCATED, times=1)
    provider.fail_with(FaultKind.STATUS)
    second.replies(AGAIN)

    await talk(patient, listener)

    assert listener.restarts == ["second"]
    assert listener.parts[-1] == AGAIN


async def test_an_empty_answer_voids_what_was_said_before_it(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain, listener: Listener
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.TRUNCATED)
    second.replies("", finish_reason="content_filter")

    answer = await talk(chain, listener)

    assert (answer.text, answer.finish_reason) == ("", "content_filter")
    assert listener.heard[-1] == Restart(model="llm:second")


async def test_an_empty_answer_after_silence_needs_no_restart(
    provider: ScriptedProvider, chain: ModelChain, listener: Listener
) -> None:
    provider.replies("")

    await talk(chain, listener)

    assert listener.heard == []


async def test_when_all_break_the_first_error_is_raised(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain, listener: Listener
) -> None:
    provider.fail_with(FaultKind.QUOTA)
    second.replies(TALK)
    second.fail_with(FaultKind.TRUNCATED)

    with pytest.raises(WorkerError) as caught:
        await talk(chain, listener)

    assert caught.value.code is ErrorCode.QUOTA_EXCEEDED
    assert listener.restarts == []


async def test_whatever_fails_the_last_part_is_the_answer_and_each_one_before_it_was_void(
    provider: ScriptedProvider, second: ScriptedProvider, patient: ModelChain
) -> None:
    for server in (provider, second):
        server.replies(*[TALK] * 100)
    broken = (FaultKind.TRUNCATED, FaultKind.STATUS)
    for met in (met for failures in range(5) for met in product(broken, repeat=failures)):
        for server, kinds in ((provider, met[:2]), (second, met[2:])):
            for kind in kinds:
                server.fail_with(kind, times=1)
        listener = Listener()
        cut = met.count(FaultKind.TRUNCATED)

        if len(met) < 4:
            answer = await talk(patient, listener)

            assert listener.parts[-1] == answer.text
            assert len(listener.parts) == cut + 1
        else:
            with pytest.raises(RetryableError):
                await talk(patient, listener)

            assert len(listener.parts) == max(cut, 1)
        assert all(listener.parts[:-1])


@pytest.mark.parametrize(
    "error", [TimeoutError(), LookupError(), RetryableError(ErrorCode.NETWORK_ERROR)]
)
async def test_a_listener_that_fails_ends_the_stream_and_is_not_the_models_failure(
    provider: ScriptedProvider,
    second: ScriptedProvider,
    chain: ModelChain,
    listener: Listener,
    error: Exception,
) -> None:
    provider.replies(TALK)
    listener.fails_with = error

    with pytest.raises(type(error)) as caught:
        await talk(chain, listener)

    assert caught.value is error
    assert len(listener.heard) == 1
    assert (len(provider.calls), len(second.calls)) == (1, 0)
    (breaker,) = registry.here().breakers()
    assert breaker.snapshot().calls == 0


async def test_a_cancelled_stream_leaves_nothing_behind(
    provider: ScriptedProvider, second: ScriptedProvider, chain: ModelChain, listener: Listener
) -> None:
    provider.replies(TALK)
    provider.fail_with(FaultKind.STALLED)
    listening = asyncio.create_task(talk(chain, listener))
    await listener.listening.wait()
    assert provider.connections == 1

    listening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await listening
    here = registry.here()
    assert [(at.in_use, at.waiting) for at in here.bulkheads()] == [(0, 0)]
    assert [breaker.snapshot().calls for breaker in here.breakers()] == [0]
    assert all(isinstance(said, Delta) for said in listener.heard)
    assert second.calls == ()
    async with asyncio.timeout(5):
        while provider.connections:
            await asyncio.sleep(0.005)
