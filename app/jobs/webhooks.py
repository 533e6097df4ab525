"""Webhooks: payload → flow, and what goes by the clock."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.errors import ErrorCode
from app.pipeline.flow import Flow
from app.pipeline.records import drop_old_runs
from app.pipeline.run import Run
from app.pipeline.schedules import Schedule
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.webhooks import records
from app.webhooks.courier import Courier, Settled
from app.webhooks.outbox import DELIVERY_ID, WEBHOOK_FLOW
from app.webhooks.records import Carrying

WEBHOOK_RETENTION_FLOW = "webhook_retention"

WEBHOOK_RETENTION = Schedule(
    name="webhook_retention", flow=WEBHOOK_RETENTION_FLOW, cron="37 3 * * *"
)

_RECEIVER_IS_AWAY = frozenset(
    {
        ErrorCode.CIRCUIT_OPEN,
        ErrorCode.BULKHEAD_FULL,
        ErrorCode.RATE_LIMITED,
        ErrorCode.NETWORK_ERROR,
    }
)


def webhook_flow(runtime: Runtime) -> Flow:
    """One delivery. Its result says what became of that; the run itself has done its work then."""
    courier = runtime.webhooks.courier

    async def call(run: Run) -> dict[str, Any]:
        carrying = Carrying(
            tenant_id=run.tenant_id,
            delivery_id=UUID(run.row.input[DELIVERY_ID]),
            carrier_id=run.id,
        )
        settled = await run.need(deliver, carrying, courier)
        return settled.model_dump(mode="json")

    # What a receiver that is away leaves behind is listed as an undelivered webhook, not as a job
    # that died: there may be thousands, and they are sent again from there.
    return Flow(call=call, refusals=_RECEIVER_IS_AWAY)


@stage("deliver", policy=PolicyName.DELIVERY)
async def deliver(carrying: Carrying, courier: Courier) -> Settled:
    """Carry one delivery; its tries are those of the policy of its host."""
    return await courier.deliver(carrying)


def webhook_retention_flow(runtime: Runtime) -> Flow:
    """Drop deliveries that were kept long enough (`webhook.deliveries_days`), and their runs."""
    days = runtime.settings.webhook.deliveries_days

    async def call(run: Run) -> dict[str, Any]:
        return {
            "deliveries": await run.commit(drop_deliveries, older_than_days=days),
            "runs": await run.commit(drop_carriers, run.row.flow, older_than_days=days),
        }

    return Flow(call=call)


@stage("drop_deliveries", policy=PolicyName.RETENTION)
async def drop_deliveries(session: AsyncSession, *, older_than_days: int) -> int:
    """How many were dropped."""
    return await records.drop_old(session, older_than_days=older_than_days)


@stage("drop_carriers", policy=PolicyName.RETENTION)
async def drop_carriers(session: AsyncSession, own_flow: str, *, older_than_days: int) -> int:
    """How many ended runs of deliveries, and of this flow itself, were dropped."""
    carriers = await drop_old_runs(session, WEBHOOK_FLOW, older_than_days=older_than_days)
    return carriers + await drop_old_runs(session, own_flow, older_than_days=older_than_days)
