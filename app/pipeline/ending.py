"""End a run: its final state first, then the word of it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.pipeline import fencing
from app.pipeline.fencing import End
from app.pipeline.tables import RunRow, RunStatus
from app.queue.events import Events
from app.store.database import Database
from app.telemetry.metrics import record_run

CANCELLED = End(status=RunStatus.CANCELLED, code=ErrorCode.CANCELLED)

Made = Callable[[AsyncSession, UUID], Awaitable[object | None]]
"""What a run has made that stays, whatever its final state says; None when there is nothing."""


async def made_nothing(session: AsyncSession, run_id: UUID) -> None:
    """Of a run that may be cancelled until it has ended."""
    del session, run_id


async def end_run(
    database: Database, events: Events, run: RunRow, how: End, *, within_s: float | None = None
) -> None:
    """Write the final state and its effects; once PostgreSQL has them, count and tell it.

    For whom no stage of the run can commit meanwhile: its own worker, or anybody while it is queued.
    Raises LEASE_LOST when the run is no longer at the attempt and in the state of `run`, and
    DB_CONNECTION, also when it takes longer than `within_s`.
    """
    async with database.autocommit(within_s=within_s) as connection:
        await fencing.end(connection, run, how)
    _tell(events, run, how)


async def cut_short(
    database: Database, events: Events, run: RunRow, *, made: Made, within_s: float
) -> None:
    """End as `cancelled` what a worker may be at work on.

    A stage that is committing is waited for; what it writes goes with the rest of the run. Raises as
    `end_run`, RUN_ENDED when there is something `made`, and DB_CONNECTION also when it takes longer
    than `within_s`.
    """
    async with database.begin(within_s=within_s) as session:
        # Before the statement that ends the run: one sees nothing that is committed while it waits.
        await fencing.lock(session, run)
        if await made(session, run.id) is not None:
            raise PermanentError(
                ErrorCode.RUN_ENDED, Message.CANCELLED_TOO_LATE, details={"status": run.status}
            )
        await fencing.end(session, run, CANCELLED)
    _tell(events, run, CANCELLED)


def _tell(events: Events, run: RunRow, how: End) -> None:
    record_run(how.status, code=how.code)
    events.run_changed(run.id, how.status, attempt=run.attempt, ended=True, code=how.code)
