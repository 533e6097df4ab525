"""What a run has spent on models, as it is shown by the API and by `--json`."""

from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.pipeline import records
from app.resilience.spending import Spend


class ModelSpendView(BaseModel):
    """The answered calls of one model."""

    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_micros: int


class SpendView(BaseModel):
    """All answered calls of a run, by all of its attempts. A saved answer is used, not paid again."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_micros: int = Field(description="In millionths of the currency of `LLM__INPUT_PRICE`.")
    models: list[ModelSpendView]


async def view_spend(session: AsyncSession, run_id: UUID) -> SpendView | None:
    """None where no model has answered."""
    bills = await records.bills(session, run_id)
    if not bills:
        return None
    total = sum((bill.spend for bill in bills), start=Spend())
    return SpendView(
        calls=sum(bill.calls for bill in bills),
        input_tokens=total.input_tokens,
        output_tokens=total.output_tokens,
        cost_micros=total.cost_micros,
        models=[
            ModelSpendView(
                model=bill.model,
                calls=bill.calls,
                input_tokens=bill.spend.input_tokens,
                output_tokens=bill.spend.output_tokens,
                cost_micros=bill.spend.cost_micros,
            )
            for bill in bills
        ],
    )
