"""Follow a run to its end: the events from Redis, the end from PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.pipeline import records
from app.pipeline.tables import RunRow, RunStatus
from app.queue.events import Event, Events, RunEvent
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger

log = get_logger(__name__)

END_ID = "end"
"""The id of the last event; nothing comes after it."""

_LOOK_EVERY_S = 3.0
"""How late an end is seen whose event was lost."""


async def follow(
    database: Database,
    events: Events,
    tenant_id: TenantId,
    run_id: UUID,
    *,
    after: str | None = None,
) -> AsyncGenerator[Event]:
    """What the run tells from `after` on; the last event is its final state, as PostgreSQL has it.

    Holds no transaction while it waits, and goes on while Redis or PostgreSQL is away. Raises
    NOT_FOUND, and DB_CONNECTION before the first event.
    """
    loop = asyncio.get_running_loop()
    run, looked_s, position = await _find(database, tenant_id, run_id), loop.time(), after
    while True:
        ended = RunStatus(run.status).final
        batch = await events.read(run_id, position, within_s=0 if ended else _LOOK_EVERY_S)
        for event in batch:
            position = event.id
            if not isinstance(event.told, RunEvent) or not event.told.ended:
                yield event
                continue
            seen, looked_s = await _look(database, tenant_id, run_id), loop.time()
            if seen is None:
                yield Event(END_ID, event.told)  # it must do, without PostgreSQL
                return
            run = seen
            if RunStatus(run.status).final and run.attempt == event.told.attempt:
                yield _end_of(run)
                return
            # Else it was taken up again from that end.
        if ended and not batch:
            yield _end_of(run)
            return
        # After a look that finds the end, what was told before it is still to be read.
        if not ended and loop.time() - looked_s >= _LOOK_EVERY_S:
            run, looked_s = await _look(database, tenant_id, run_id) or run, loop.time()


async def _find(database: Database, tenant_id: TenantId, run_id: UUID) -> RunRow:
    async with database.begin() as session:
        run = await records.find(session, tenant_id, run_id)
    if run is None:
        raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
    return run


async def _look(database: Database, tenant_id: TenantId, run_id: UUID) -> RunRow | None:
    """None while PostgreSQL is away."""
    try:
        return await _find(database, tenant_id, run_id)
    except RetryableError as error:
        log.warning("run_not_seen", run_id=str(run_id), code=error.code)
        return None


def _end_of(run: RunRow) -> Event:
    return Event(
        END_ID, RunEvent(status=run.status, attempt=run.attempt, ended=True, code=run.code)
    )
