"""What begins by the clock: payload → flow."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.candidates.retention import rules
from app.candidates.sweeping import Sweeper, sweep
from app.pipeline import records
from app.pipeline.flow import Flow
from app.pipeline.retention import dropping
from app.pipeline.run import Run
from app.pipeline.schedules import Schedule
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName

RETENTION_FLOW = "retention"

RETENTION = Schedule(name="retention", flow=RETENTION_FLOW, cron="17 3 * * *")

_SHARE_OF_TIME = 0.8
"""Of what one attempt may take: what is not done then is left for the next pass, not cut off."""


def retention_flow(runtime: Runtime) -> Flow:
    """Drop what was kept long enough, and sweep the store; its result counts what went."""
    settings = runtime.settings
    sweeper = sweeper_of(runtime)

    async def call(run: Run) -> dict[str, Any]:
        enough = _timer(runtime, settings.queue.run_timeout * _SHARE_OF_TIME)
        result: dict[str, Any] = {}
        for rule in rules(settings.retention):
            drop = dropping(rule, delete_files=sweeper.delete, enough=enough)
            result[rule.name] = await run.need(drop, run)
        result["runs"] = await run.commit(
            drop_runs, run.row.flow, older_than_days=settings.retention.checkpoints_days
        )
        # Last: what could not be deleted above is deleted by this.
        inbox_days = settings.retention.inbox_days
        result["swept"] = await run.need(sweep, run, sweeper, enough, inbox_days=inbox_days)
        return result

    return Flow(call=call)


async def due_now(runtime: Runtime) -> dict[str, int]:
    """What the flow would drop, by the names of its result; nothing is changed."""
    retention = runtime.settings.retention
    found: dict[str, int] = {}
    async with runtime.database.begin() as session:
        for rule in rules(retention):
            found[rule.name] = await rule.count(session)
        found["runs"] = await records.count_old_runs(
            session, RETENTION_FLOW, older_than_days=retention.checkpoints_days
        )
    found["swept"] = 0
    async for keys in sweeper_of(runtime).lost(inbox_days=retention.inbox_days):
        found["swept"] += len(keys)
    return found


def sweeper_of(runtime: Runtime) -> Sweeper:
    storage = runtime.policies[PolicyName.STORAGE]
    return Sweeper(
        database=runtime.database, blobs=runtime.blobs, storage=storage, keyring=runtime.keyring
    )


# Without a retry: a database that went away puts the run off, and it comes back. Without a limit of
# its own: what is dropped for the first time may be the rows of years.
@stage("drop_runs", policy=PolicyName.RETENTION)
async def drop_runs(session: AsyncSession, flow: str, *, older_than_days: int) -> int:
    """How many ended runs of this flow were dropped: a run a day would pile up."""
    return await records.drop_old_runs(session, flow, older_than_days=older_than_days)


def _timer(runtime: Runtime, seconds: float) -> Callable[[], bool]:
    ends_at_s = runtime.clock.monotonic() + seconds
    return lambda: runtime.clock.monotonic() >= ends_at_s
