"""Schedules: runs that begin by the clock. PostgreSQL holds what is due, and its clock decides.

Every worker looks; no leader is elected. Whoever moves the due time of a schedule on, by comparing
it with the one that was seen, inserts the run in the same transaction; all others see it moved.
However many due times were missed, one run makes up for them. A row whose schedule is not in this
worker's code is left alone, since another version may know it; long overdue, nobody does, and it
is deleted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import RetryableError
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.cron import check_cron, last_due, next_due
from app.pipeline.tables import RunRow, RunStatus, ScheduleRow
from app.queue.envelope import Priority
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger

log = get_logger(__name__)

DUE_AT = "due_at"
"""Where the input of a scheduled run names the due time that it stands for, in ISO 8601."""

_TRANSACTION_S = 30
_FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Starts a flow at the due times of a cron expression (see `app.pipeline.cron`).

    A due time at which the run before has not ended is skipped, unless runs may overlap. The input
    of the run is `input` and the due time. Raises ValueError for what is no cron expression.
    """

    name: str
    flow: str
    cron: str
    input: Mapping[str, Any] = field(default_factory=dict[str, Any])
    may_overlap: bool = False

    def __post_init__(self) -> None:
        check_cron(self.cron)
        if DUE_AT in self.input:
            raise ValueError(f"the schedule {self.name} has {DUE_AT} in its input; it is set here")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """One schedule as it stands. `timezone` is the one in which `cron` is read."""

    name: str
    flow: str
    cron: str
    timezone: str
    next_due_at: datetime
    last_due_at: datetime | None
    last_skipped_at: datetime | None
    last_run_id: UUID | None
    last_run_status: RunStatus | None


async def list_schedules(session: AsyncSession) -> list[ScheduleView]:
    """Every schedule that a worker has looked at, the next one due first."""
    rows = await session.execute(
        select(ScheduleRow, RunRow.status)
        .outerjoin(RunRow, RunRow.id == ScheduleRow.last_run_id)
        .order_by(ScheduleRow.next_due_at, ScheduleRow.name)
    )
    return [
        ScheduleView(
            name=row.name,
            flow=row.flow,
            cron=row.cron,
            timezone=row.timezone,
            next_due_at=row.next_due_at,
            last_due_at=row.last_due_at,
            last_skipped_at=row.last_skipped_at,
            last_run_id=row.last_run_id,
            last_run_status=RunStatus(status) if status else None,
        )
        for row, status in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Looks after the schedules of this worker's code; their runs belong to one tenant.

    `deliver` puts the job of a committed run into the queue and never raises: what it cannot
    deliver, the reconciler does. There is a look at each due time, and one every `look_every_s`
    seconds: below a minute, so that what other workers changed is seen before it is due again.
    """

    database: Database
    keyring: Keyring
    tenant_id: TenantId
    schedules: Sequence[Schedule]
    timezone: str
    run_deadline_s: float
    deliver: Callable[[RunRow], Awaitable[None]]
    look_every_s: float = 30

    async def serve(self) -> None:
        """Look whenever one is due, for ever. A database that is away is asked again."""
        while True:
            wait_s = self.look_every_s
            try:
                wait_s = await self.look()
            except RetryableError as error:
                log.warning("schedules_not_seen", code=error.code)
            await asyncio.sleep(wait_s)

    async def look(self) -> float:
        """Start what is due; returns the seconds until the next look. Raises DB_CONNECTION."""
        async with self.database.begin(within_s=_TRANSACTION_S) as session:
            now = await fencing.now(session)
            rows = {row.name: row for row in await session.scalars(select(ScheduleRow))}
        wait_s = self.look_every_s
        for schedule in self.schedules:
            next_due_at = await self._look_at(schedule, rows.pop(schedule.name, None), now)
            if next_due_at is not None:
                wait_s = min(wait_s, (next_due_at - now).total_seconds())
        for unknown in rows.values():
            if unknown.next_due_at < now - _FORGOTTEN_AFTER:
                await self._forget(unknown)
        return max(wait_s, 0)

    async def _look_at(
        self, schedule: Schedule, row: ScheduleRow | None, now: datetime
    ) -> datetime | None:
        """When the schedule is due next; None when another worker is just deciding that."""
        zone = ZoneInfo(self.timezone)
        if row is None:
            return await self._add(schedule, next_due(schedule.cron, zone, now))
        same_times = (row.cron, row.timezone) == (schedule.cron, self.timezone)
        if row.next_due_at <= now:
            # What was due before its expression changed is still made up for, once.
            due_at = row.next_due_at
            if same_times:
                due_at = last_due(schedule.cron, zone, due_at, now)
            return await self._start(schedule, row, due_at, next_due(schedule.cron, zone, now))
        if same_times and row.flow == schedule.flow:
            return row.next_due_at
        return await self._change(schedule, row, next_due(schedule.cron, zone, now))

    async def _add(self, schedule: Schedule, next_due_at: datetime) -> datetime:
        """A schedule counts from the first look at it; it is not due at once."""
        async with self.database.begin(within_s=_TRANSACTION_S) as session:
            await session.execute(
                upsert(ScheduleRow)
                .values(name=schedule.name, next_due_at=next_due_at, **self._declared(schedule))
                .on_conflict_do_nothing()  # another worker came first, with the same
            )
        return next_due_at

    async def _change(
        self, schedule: Schedule, row: ScheduleRow, next_due_at: datetime
    ) -> datetime | None:
        async with self.database.begin(within_s=_TRANSACTION_S) as session:
            changed = await _move_on(
                session, row, next_due_at=next_due_at, **self._declared(schedule)
            )
        if not changed:
            return None
        log.info("schedule_changed", schedule=schedule.name)
        return next_due_at

    async def _start(
        self, schedule: Schedule, row: ScheduleRow, due_at: datetime, next_due_at: datetime
    ) -> datetime | None:
        accepted = new_run(
            self.keyring,
            self.tenant_id,
            schedule.flow,
            priority=Priority.BULK,
            run_input={**schedule.input, DUE_AT: due_at.isoformat()},
        )
        async with self.database.begin(within_s=_TRANSACTION_S) as session:
            declared = self._declared(schedule)
            won = await _move_on(
                session, row, next_due_at=next_due_at, last_due_at=due_at, **declared
            )
            if not won:
                return None
            starts = schedule.may_overlap or not await _under_way(session, row.last_run_id)
            if starts:
                await accept(session, accepted, deadline_s=self.run_deadline_s)
                outcome = {"last_run_id": accepted.run.id}
            else:
                outcome = {"last_skipped_at": due_at}
            await session.execute(
                update(ScheduleRow).where(ScheduleRow.name == row.name).values(outcome)
            )
        if starts:
            run_id = str(accepted.run.id)
            log.info("schedule_started", schedule=schedule.name, run_id=run_id)
            await self.deliver(accepted.run)
        else:
            run_id = str(row.last_run_id)
            log.warning("schedule_skipped", schedule=schedule.name, run_id=run_id)
        return next_due_at

    async def _forget(self, row: ScheduleRow) -> None:
        async with self.database.begin(within_s=_TRANSACTION_S) as session:
            await session.execute(delete(ScheduleRow).where(*_as_seen(row)))
        log.info("schedule_forgotten", schedule=row.name)

    def _declared(self, schedule: Schedule) -> dict[str, str]:
        return {"flow": schedule.flow, "cron": schedule.cron, "timezone": self.timezone}


async def _move_on(session: AsyncSession, row: ScheduleRow, **values: object) -> bool:
    """Change a schedule that still is as it was seen; False when another worker was faster.

    Until this transaction ends, no other can.
    """
    moved = await session.scalar(
        update(ScheduleRow).where(*_as_seen(row)).values(values).returning(ScheduleRow.name)
    )
    return moved is not None


def _as_seen(row: ScheduleRow) -> tuple[ColumnElement[bool], ...]:
    return ScheduleRow.name == row.name, ScheduleRow.next_due_at == row.next_due_at


async def _under_way(session: AsyncSession, run_id: UUID | None) -> bool:
    found = await session.scalar(
        select(RunRow.id).where(
            RunRow.id == run_id, RunRow.status.in_([RunStatus.QUEUED, RunStatus.RUNNING])
        )
    )
    return found is not None
