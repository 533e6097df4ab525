from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select, text, update

from app.bootstrap import Runtime
from app.jobs.webhooks import WEBHOOK_RETENTION_FLOW, webhook_retention_flow
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.fencing import End
from app.pipeline.run import Run
from app.pipeline.tables import RunId, RunRow, RunStatus
from app.queue.envelope import Priority
from app.webhooks import records
from app.webhooks.outbox import WEBHOOK_FLOW
from app.webhooks.tables import DeliveryRow, DeliveryStatus, EndpointRow, EndpointState


async def begin(runtime: Runtime, flow: str) -> Run:
    """A run of this flow at its first attempt, as a worker begins it."""
    accepted = new_run(runtime.keyring, runtime.tenant_id, flow, priority=Priority.BULK)
    async with runtime.database.begin() as session:
        await accept(session, accepted, deadline_s=60)
        run_id = RunId(accepted.run.id)
        row = await fencing.begin(session, run_id, attempt=1, worker="w", lease_s=30)
    assert row is not None
    return Run(
        row=row,
        key=accepted.key,
        database=runtime.database,
        policies=runtime.policies,
        clock=runtime.clock,
        saved={},
    )


async def delivery(
    runtime: Runtime, endpoint_id: UUID, status: DeliveryStatus, *, days_ago: int
) -> UUID:
    """A delivery of so long ago, with the run that carried it."""
    carrier = await begin(runtime, WEBHOOK_FLOW)
    delivery_id = uuid4()
    async with runtime.database.begin() as session:
        await records.insert_delivery(
            session,
            id=delivery_id,
            tenant_id=runtime.tenant_id,
            endpoint_id=endpoint_id,
            event_key=str(delivery_id),
            message_id="msg_1",
            event="run.failed",
            body="{}",
            carrier_id=carrier.id,
            status=status,
            tries=1,
        )
        ago = timedelta(days=days_ago)
        await session.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == delivery_id)
            .values(created_at=func.now() - ago)
        )
        if status is not DeliveryStatus.PENDING:
            await fencing.end(session, carrier.row, End(status=RunStatus.SUCCEEDED))
            await session.execute(
                update(RunRow).where(RunRow.id == carrier.id).values(finished_at=func.now() - ago)
            )
    return delivery_id


async def test_retention_drops_settled_deliveries_that_are_old_enough_with_their_runs(
    runtime: Runtime,
) -> None:
    endpoint_id = uuid4()
    async with runtime.database.begin() as session:
        session.add(
            EndpointRow(
                id=endpoint_id,
                tenant_id=runtime.tenant_id,
                url_sealed="v1.x",
                secret_sealed="v1.x",
                events=[],
                state=EndpointState.ACTIVE,
            )
        )
    days = runtime.settings.webhook.deliveries_days
    kept = {
        await delivery(runtime, endpoint_id, DeliveryStatus.FAILED, days_ago=days - 1),
        await delivery(runtime, endpoint_id, DeliveryStatus.PENDING, days_ago=days + 1),
    }
    for status in (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED):
        await delivery(runtime, endpoint_id, status, days_ago=days + 1)
    today = await begin(runtime, WEBHOOK_RETENTION_FLOW)

    result = await webhook_retention_flow(runtime).call(today)

    assert result == {"deliveries": 2, "runs": 2}
    async with runtime.database.begin() as session:
        assert set(await session.scalars(select(DeliveryRow.id))) == kept
        carriers = await session.scalar(select(func.count()).where(RunRow.flow == WEBHOOK_FLOW))
        dangling = await session.scalar(
            text("SELECT count(*) FROM webhook_deliveries WHERE carrier_id IS NULL")
        )
    assert (carriers, dangling) == (2, 0)
