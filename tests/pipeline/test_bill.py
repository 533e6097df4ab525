"""What is shown of a run's spending: the sums of the calls that are stored."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from app.pipeline.bill import ModelSpendView, view_spend
from app.pipeline.tables import ModelCallRow, RunId
from app.store.database import Database
from app.store.keys import TenantId
from tests.pipeline.conftest import NewRun

START = datetime(2026, 1, 1, tzinfo=UTC)


async def pay(
    database: Database, run_id: RunId, tenant_id: TenantId, *calls: tuple[str, int, int, int]
) -> None:
    """Calls in their order, each of a later attempt: model, tokens in and out, cost."""
    async with database.begin() as session:
        for number, (model, asked, answered, cost) in enumerate(calls):
            session.add(
                ModelCallRow(
                    id=uuid4(),
                    tenant_id=tenant_id,
                    run_id=run_id,
                    attempt=1 + number,
                    model=model,
                    input_tokens=asked,
                    output_tokens=answered,
                    cost_micros=cost,
                    created_at=START + timedelta(seconds=number),
                )
            )


async def test_the_calls_of_all_models_and_attempts_are_summed_the_first_model_at_the_top(
    database: Database, new_run: NewRun, tenant_id: TenantId
) -> None:
    run_id, other = await new_run(), await new_run()
    large = 2**31 - 1  # the sum of several is larger than the column may be
    await pay(
        database,
        run_id,
        tenant_id,
        ("zeta", 100, 10, 7),
        ("alpha", 1, 2, large),
        ("zeta", 1_000, 20, 70),
        ("alpha", 3, 4, large),
    )
    await pay(database, other, tenant_id, ("zeta", 9, 9, 9))
    async with database.begin() as session:
        view = await view_spend(session, run_id)
        others = await view_spend(session, other)
    assert view is not None
    assert view.models == [
        ModelSpendView(model="zeta", calls=2, input_tokens=1_100, output_tokens=30, cost_micros=77),
        ModelSpendView(
            model="alpha", calls=2, input_tokens=4, output_tokens=6, cost_micros=2 * large
        ),
    ]
    assert (view.calls, view.input_tokens, view.output_tokens) == (4, 1_104, 36)
    assert view.cost_micros == 77 + 2 * large
    assert others is not None
    assert (others.calls, others.cost_micros) == (1, 9)


async def test_a_call_that_cost_nothing_is_on_the_bill_and_no_call_is_no_bill(
    database: Database, new_run: NewRun, tenant_id: TenantId
) -> None:
    free, none = await new_run(), await new_run()
    await pay(database, free, tenant_id, ("local", 0, 0, 0))
    async with database.begin() as session:
        view = await view_spend(session, free)
        assert view is not None
        assert (view.calls, view.cost_micros) == (1, 0)
        assert await view_spend(session, none) is None
