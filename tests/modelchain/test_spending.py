"""What a run pays for answers, and models that are not asked because it has spent enough."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.errors import ErrorCode, PermanentError
from app.modelchain import Model, ModelChain, open_model_chain
from app.providers.answers import Answer
from app.resilience.registry import registry
from app.resilience.spending import Purse, Spend
from app.settings import Settings
from tests.modelchain.listening import Listener, Person


@pytest.fixture
async def chain(settings: Settings) -> AsyncIterator[ModelChain]:
    """The first model costs ten times what the second does; a run may spend 0.05."""
    further = settings.llm.fallbacks[0].model_copy(
        update={"input_price": Decimal(1), "output_price": Decimal(1)}
    )
    llm = settings.llm.model_copy(
        update={
            "input_price": Decimal(10),
            "output_price": Decimal(10),
            "fallbacks": (further,),
            "max_output_tokens": 4_000,
            "max_run_tokens": 20_000,
            "max_run_cost": Decimal("0.05"),
        }
    )
    async with open_model_chain(settings.model_copy(update={"llm": llm})) as opened:
        assert opened is not None
        yield opened


async def ask(chain: ModelChain, purse: Purse) -> Answer:
    async def work(model: Model) -> Answer:
        return await model.ask(
            system="Answer.", user="?", schema=Person, schema_name="person", purse=purse
        )

    return await chain.first(work)


async def test_an_answer_is_paid_as_the_server_counts_it(chain: ModelChain) -> None:
    purse = chain.purse(Spend())
    answer = await ask(chain, purse)
    count = answer.input_tokens + answer.output_tokens
    assert count
    assert purse.spent == Spend(
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        cost_micros=10 * count,
    )
    with purse.saving() as payments:
        assert [payment.model for payment in payments] == ["first"]


async def test_what_failed_costs_nothing_and_the_next_model_is_paid_at_its_price(
    chain: ModelChain, provider: ScriptedProvider
) -> None:
    provider.fail_with(FaultKind.STATUS, status=500)
    purse = chain.purse(Spend())
    answer = await ask(chain, purse)
    assert purse.spent.cost_micros == answer.input_tokens + answer.output_tokens


async def test_a_model_that_is_too_dear_for_the_rest_is_passed_over_for_a_cheaper_one(
    chain: ModelChain, provider: ScriptedProvider, second: ScriptedProvider
) -> None:
    # 4,000 tokens of an answer may cost 0.04 at the first model, and 0.004 at the second.
    purse = chain.purse(Spend(cost_micros=20_000))
    await ask(chain, purse)
    assert (len(provider.calls), len(second.calls)) == (0, 1)


@pytest.mark.parametrize(
    "spent", [Spend(cost_micros=50_000), Spend(input_tokens=12_000, output_tokens=5_000)]
)
async def test_when_the_run_has_spent_enough_no_model_is_asked_and_none_is_blamed(
    spent: Spend, chain: ModelChain, provider: ScriptedProvider, second: ScriptedProvider
) -> None:
    purse = chain.purse(spent)
    for _ in range(5):  # a circuit would open at the second failure
        with pytest.raises(PermanentError) as raised:
            await ask(chain, purse)
        assert raised.value.code is ErrorCode.SPEND_CAP
    assert (len(provider.calls), len(second.calls)) == (0, 0)
    assert purse.spent == spent

    await ask(chain, chain.purse(Spend()))
    assert len(provider.calls) == 1, "another run is not concerned"
    assert all(str(breaker.state) == "closed" for breaker in registry.here().breakers())


async def test_the_schema_that_goes_along_counts_before_the_call(
    chain: ModelChain, provider: ScriptedProvider
) -> None:
    class Wide(Person):
        __doc__ = "wide " * 10_000

    purse = chain.purse(Spend())
    with pytest.raises(PermanentError) as raised:
        await chain.models[0].ask(system="", user="?", schema=Wide, schema_name="wide", purse=purse)
    assert raised.value.code is ErrorCode.SPEND_CAP
    assert provider.calls == ()


async def test_a_stream_is_paid_and_refused_as_a_whole_answer_is(
    chain: ModelChain, listener: Listener, second: ScriptedProvider
) -> None:
    purse = chain.purse(Spend())
    answer = await chain.stream(system="Talk.", user="?", emit=listener, purse=purse)
    assert purse.spent.tokens == answer.input_tokens + answer.output_tokens
    with pytest.raises(PermanentError) as raised:
        await chain.stream(
            system="Talk.", user="?", emit=listener, purse=chain.purse(Spend(input_tokens=20_000))
        )
    assert raised.value.code is ErrorCode.SPEND_CAP
    assert second.calls == ()


async def test_without_a_purse_nothing_is_refused(settings: Settings) -> None:
    llm = settings.llm.model_copy(update={"max_run_tokens": 1})
    async with open_model_chain(settings.model_copy(update={"llm": llm})) as chain:
        assert chain is not None
        answer = await chain.models[0].ask(system="", user="?", schema=Person, schema_name="person")
    assert answer.text
