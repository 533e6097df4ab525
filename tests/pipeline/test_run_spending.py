"""What a run has spent is stored with its answers: once, and for all of its attempts."""

from collections.abc import Awaitable, Callable

import pytest
from pydantic import TypeAdapter
from sqlalchemy import select, text

from app.errors import ErrorCode, RetryableError
from app.modelchain import ModelChain, open_model_chain
from app.pipeline import fencing, records, stage_records
from app.pipeline.bill import view_spend
from app.pipeline.run import Run
from app.pipeline.tables import ModelCallRow
from app.resilience.spending import Spend
from app.settings import Settings
from app.settings.groups import Environment
from app.settings.llm import LlmSettings
from app.store.database import Database
from tests.pipeline.conftest import BeginRun, NewRun

TEXT = TypeAdapter(str)


@pytest.fixture
async def models() -> ModelChain:
    """They are never asked here; the runs have their caps from them."""
    llm = LlmSettings(base_url="http://127.0.0.1:9/v1", max_run_tokens=100)
    async with open_model_chain(Settings(env=Environment.TEST, llm=llm)) as chain:
        assert chain is not None
        return chain


def asking(run: Run, models: ModelChain, *, tokens: int) -> Callable[[], Awaitable[str]]:
    """A call of a model that answers, and takes so many tokens for it."""

    async def call() -> str:
        purse = await run.purse(models)
        purse.pay("m", Spend(input_tokens=tokens, cost_micros=tokens * 2))
        return "answer"

    return call


async def abandon(database: Database, run: Run) -> None:
    async with database.begin() as session:
        await session.execute(text("UPDATE runs SET lease_until = now() - interval '1 s'"))
        assert [row.id for row in await fencing.reclaim_abandoned(session, max_runs=10)] == [run.id]


async def test_what_every_attempt_paid_is_counted_once_and_known_to_the_next(
    database: Database, new_run: NewRun, begin_run: BeginRun, models: ModelChain
) -> None:
    run_id = await new_run()
    first = await begin_run(run_id)
    await first.once("analyze", "one", TEXT, asking(first, models, tokens=30))
    await first.once("analyze", "one", TEXT, asking(first, models, tokens=30))
    await abandon(database, first)

    second = await begin_run(run_id)
    assert (await second.purse(models)).spent == Spend(input_tokens=30, cost_micros=60)
    await second.once("analyze", "one", TEXT, asking(second, models, tokens=30))
    await second.once("analyze", "two", TEXT, asking(second, models, tokens=12))

    async with database.begin() as session:
        view = await view_spend(session, run_id)
        rows = (await session.scalars(select(ModelCallRow).order_by(ModelCallRow.attempt))).all()
    assert view is not None
    assert (view.calls, view.input_tokens, view.cost_micros) == (2, 42, 84)
    assert [(row.attempt, row.input_tokens) for row in rows] == [(1, 30), (2, 12)]
    assert {row.tenant_id for row in rows} == {second.tenant_id}
    assert [bill.model for bill in view.models] == ["m"]


async def test_a_run_that_asked_no_model_has_no_bill(
    database: Database, new_run: NewRun, begin_run: BeginRun
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as session:
        assert await view_spend(session, run.id) is None


async def test_an_overtaken_attempt_puts_nothing_on_the_bill(
    database: Database, new_run: NewRun, begin_run: BeginRun, models: ModelChain
) -> None:
    run_id = await new_run()
    stale = await begin_run(run_id)
    await abandon(database, stale)
    await begin_run(run_id)
    with pytest.raises(RetryableError) as raised:
        await stale.once("analyze", "one", TEXT, asking(stale, models, tokens=30))
    assert raised.value.code is ErrorCode.LEASE_LOST
    async with database.begin() as session:
        assert await records.bills(session, run_id) == []


async def test_an_answer_that_could_not_be_saved_is_on_the_bill_with_the_next_one(
    database: Database, new_run: NewRun, begin_run: BeginRun, models: ModelChain
) -> None:
    run = await begin_run(await new_run())
    async with database.begin() as session:
        await session.execute(text("ALTER TABLE checkpoints RENAME TO away"))
    with pytest.raises(Exception, match="checkpoints"):
        await run.once("analyze", "one", TEXT, asking(run, models, tokens=30))
    async with database.begin() as session:
        await session.execute(text("ALTER TABLE away RENAME TO checkpoints"))
    await run.once("analyze", "two", TEXT, asking(run, models, tokens=12))
    async with database.begin() as session:
        (bill,) = await records.bills(session, run.id)
    assert (bill.calls, bill.spend.tokens) == (2, 42)


async def test_a_payment_that_is_saved_twice_counts_once(
    database: Database, new_run: NewRun, begin_run: BeginRun, models: ModelChain
) -> None:
    """As when the answer to a commit is lost: the commit happened, and is repeated."""
    run = await begin_run(await new_run())
    purse = await run.purse(models)
    purse.pay("m", Spend(input_tokens=5))
    with purse.saving() as payments:
        for _ in range(2):
            async with database.begin() as session:
                await stage_records.save_answer(
                    session, run.row, "analyze", "one", "v1.sealed", payments
                )
    async with database.begin() as session:
        (bill,) = await records.bills(session, run.id)
    assert (bill.calls, bill.spend.tokens) == (1, 5)
