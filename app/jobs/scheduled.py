"""What begins by the clock: payload → flow."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.pipeline import records
from app.pipeline.flow import Flow
from app.pipeline.run import Run
from app.pipeline.schedules import Schedule
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName

RETENTION_FLOW = "retention"

RETENTION = Schedule(name="retention", flow=RETENTION_FLOW, cron="17 3 * * *")


def retention_flow(runtime: Runtime) -> Flow:
    """Drop what was kept long enough (`retention.checkpoints_days`); its result counts it."""
    days = runtime.settings.retention.checkpoints_days

    async def call(run: Run) -> dict[str, Any]:
        return {
            "checkpoints": await run.commit(drop_checkpoints, older_than_days=days),
            "runs": await run.commit(drop_runs, run.row.flow, older_than_days=days),
        }

    return Flow(call=call)


# Our own work without a retry: a database that went away puts the run off, and it comes back.
@stage("drop_checkpoints", policy=PolicyName.LOCAL)
async def drop_checkpoints(session: AsyncSession, *, older_than_days: int) -> int:
    """How many of ended runs were dropped."""
    return await records.drop_old_checkpoints(session, older_than_days=older_than_days)


@stage("drop_runs", policy=PolicyName.LOCAL)
async def drop_runs(session: AsyncSession, flow: str, *, older_than_days: int) -> int:
    """How many ended runs of this flow were dropped: a run a day would pile up."""
    return await records.drop_old_runs(session, flow, older_than_days=older_than_days)
