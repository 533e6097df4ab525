"""End a run: its final state first, then the word of it."""

from app.errors import ErrorCode
from app.pipeline import fencing
from app.pipeline.fencing import End
from app.pipeline.tables import RunRow, RunStatus
from app.queue.events import Events
from app.store.database import Database
from app.telemetry.metrics import record_run

CANCELLED = End(status=RunStatus.CANCELLED, code=ErrorCode.CANCELLED)


async def end_run(
    database: Database, events: Events, run: RunRow, how: End, *, within_s: float | None = None
) -> None:
    """Write the final state and its effects; once PostgreSQL has them, count and tell it.

    Raises LEASE_LOST when the run is no longer at the attempt and in the state of `run`, and
    DB_CONNECTION, also when it takes longer than `within_s`.
    """
    async with database.autocommit(within_s=within_s) as connection:
        await fencing.end(connection, run, how)
    record_run(how.status, code=how.code)
    events.run_changed(run.id, how.status, attempt=run.attempt, ended=True, code=how.code)
