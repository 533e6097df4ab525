"""Rollouts of the whole fleet: truth in PostgreSQL, each decision from memory.

A switch is one row, announced by Redis. Every process also looks at the rows every few seconds, so
that without Redis a switch is late by seconds. Without PostgreSQL what was known last holds.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.coordination.announcements import Announcements, Topic
from app.coordination.announcements import Message as Announcement
from app.coordination.tables import RolloutRow
from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message, printable
from app.resilience.rollout import Rollout
from app.resilience.rollout_config import OFF, Extent, RolloutSpec
from app.resilience.rollout_guard import Result, Verdict
from app.resilience.waking import woken
from app.store.database import Database
from app.store.failures import database_errors
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_switch

log = get_logger(__name__)

GUARD: Final = "guard"
"""`changed_by` of a rollout that switched itself off."""

_LOOK_EVERY_S = 3.0
_LOOK_LIMIT_S = 5.0
_MAX_REASON_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who said when and why how far a rollout goes."""

    extent: Extent
    reason: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutStatus:
    """One rollout as this process knows it.

    `decision` is None while nobody has switched it: the default of its spec holds. `verdict` is
    there while the guard has switched it off here and that is not written yet. `counts` are of
    this process alone.
    """

    spec: RolloutSpec
    extent: Extent
    decision: Decision | None
    verdict: Verdict | None
    counts: Mapping[Result, int]


class Rollouts:
    """The declared rollouts by name. `rollouts["reader"].run(...)` is how they are used."""

    def __init__(
        self,
        specs: Sequence[RolloutSpec],
        database: Database,
        announcements: Announcements,
        *,
        look_every_s: float = _LOOK_EVERY_S,
        look_limit_s: float = _LOOK_LIMIT_S,
    ) -> None:
        names = [spec.name for spec in specs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"Declared twice as a rollout: {', '.join(twice)}.")
        self._database = database
        self._announcements = announcements
        self._look_every_s = look_every_s
        self._look_limit_s = look_limit_s
        self._rollouts = {
            spec.name: Rollout(spec, partial(self._tripped, spec.name)) for spec in specs
        }
        self._decisions: dict[str, Decision | None] = dict.fromkeys(names)
        self._verdicts: dict[str, Verdict] = {}
        self._asked = asyncio.Event()
        # A look must not put back what a switch here has changed since it read.
        self._turn = asyncio.Lock()
        self._in_step = True
        announcements.hear(Topic.ROLLOUT, self._heard)
        announcements.after_connecting(self._look_soon)

    def __getitem__(self, name: str) -> Rollout:
        """Raises NOT_FOUND, with the names there are, for any other."""
        if name not in self._rollouts:
            known = ", ".join(sorted(self._rollouts)) or "-"
            raise PermanentError(
                ErrorCode.NOT_FOUND, Message.ROLLOUT_UNKNOWN, details={"known": known}
            )
        return self._rollouts[name]

    def status(self, name: str) -> RolloutStatus:
        """Raises NOT_FOUND as `[name]` does."""
        rollout = self[name]
        return RolloutStatus(
            spec=rollout.spec,
            extent=rollout.extent,
            decision=self._decisions[name],
            verdict=self._verdicts.get(name),
            counts=rollout.counts,
        )

    def statuses(self) -> list[RolloutStatus]:
        """All of them, in the order of their declaration."""
        return [self.status(name) for name in self._rollouts]

    async def switch(
        self, name: str, extent: Extent, *, reason: str, changed_by: str
    ) -> RolloutStatus:
        """Let a rollout go this far, here at once and everywhere within seconds.

        Raises NOT_FOUND for an unknown name, DB_CONNECTION when PostgreSQL does not answer; then it
        is safe to switch again.
        """
        rollout = self[name]
        row = {
            "name": name,
            "shadow": extent.shadow,
            "share_bp": extent.share_bp,
            "reason": printable(reason)[:_MAX_REASON_CHARS],
            "changed_by": printable(changed_by)[:_MAX_REASON_CHARS],
            "changed_at": func.clock_timestamp(),
        }
        statement = (
            insert(RolloutRow)
            .values(row)
            .on_conflict_do_update(index_elements=[RolloutRow.name], set_=row)
            .returning(RolloutRow)
        )
        async with self._turn_in_time():
            async with self._database.begin(within_s=self._look_limit_s) as session:
                written = (await session.scalars(statement)).one()
            self._adopt(rollout, written)
        record_switch(name, "operator")
        self._announcements.tell(Topic.ROLLOUT, {"name": name})
        return self.status(name)

    async def look(self) -> bool:
        """Bring this process in step with PostgreSQL; False when that cannot be asked now."""
        try:
            async with self._turn_in_time():
                await self._synchronise()
        except RetryableError as error:
            if self._in_step:  # once an outage, not once a look
                log.warning("rollouts_not_in_step", code=error.code)
            self._in_step = False
        else:
            self._in_step = True
        return self._in_step

    async def serve(self) -> None:
        """Look until cancelled: when another process announced a switch, and every few seconds."""
        while True:
            await self.look()
            await woken(self._asked, self._look_every_s)

    async def close(self) -> None:
        """End all shadows."""
        async with asyncio.TaskGroup() as group:
            for rollout in self._rollouts.values():
                group.create_task(rollout.close())

    async def _heard(self, announcement: Announcement) -> None:
        del announcement  # a hint that something changed; the rows say what
        self._asked.set()

    async def _look_soon(self) -> None:
        self._asked.set()

    @asynccontextmanager
    async def _turn_in_time(self) -> AsyncGenerator[None]:
        """One look or switch at a time; DB_CONNECTION when another one is held up for too long."""
        with database_errors():
            async with asyncio.timeout(self._look_limit_s):
                await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()

    async def _synchronise(self) -> None:
        async with self._database.begin(within_s=self._look_limit_s) as session:
            written = [
                name
                for name, verdict in tuple(self._verdicts.items())
                if await _write_off(session, name, verdict, self._decisions[name])
            ]
            rows = {row.name: row for row in await session.scalars(select(RolloutRow))}
        for name in written:
            self._announcements.tell(Topic.ROLLOUT, {"name": name})
        for name, rollout in self._rollouts.items():
            self._adopt(rollout, rows.get(name))

    def _adopt(self, rollout: Rollout, row: RolloutRow | None) -> None:
        name, known = rollout.spec.name, self._decisions[rollout.spec.name]
        if (row and row.changed_at) == (known and known.changed_at):
            return
        self._decisions[name] = decision = _decision(row)
        # It is written, or was about an extent that somebody has changed since.
        self._verdicts.pop(name, None)
        before = rollout.extent
        rollout.switch(decision.extent if decision else rollout.spec.default)
        if rollout.extent != before:
            by_guard = decision is not None and decision.changed_by == GUARD
            log.info(
                "rollout_switched",
                rollout=name,
                before=str(before),
                after=str(rollout.extent),
                cause=GUARD if by_guard else "operator",
            )

    def _tripped(self, name: str, before: Extent, verdict: Verdict) -> None:
        """The guard has switched a rollout off here; `serve` writes it and tells the others."""
        self._verdicts[name] = verdict
        self._asked.set()
        record_switch(name, GUARD)
        log.warning(
            "rollout_switched",
            rollout=name,
            before=str(before),
            after=str(OFF),
            cause=GUARD,
            what=verdict.what,
            rate=verdict.rate,
            limit=verdict.limit,
            samples=verdict.samples,
        )


@asynccontextmanager
async def open_rollouts(
    specs: Sequence[RolloutSpec],
    database: Database,
    announcements: Announcements,
    *,
    look_every_s: float = _LOOK_EVERY_S,
    look_limit_s: float = _LOOK_LIMIT_S,
) -> AsyncGenerator[Rollouts]:
    """The rollouts in step with PostgreSQL; all shadows have ended at the end.

    To be opened before `announcements` is served; `serve` is for a task group of the caller's.
    """
    rollouts = Rollouts(
        specs, database, announcements, look_every_s=look_every_s, look_limit_s=look_limit_s
    )
    await rollouts.look()
    try:
        yield rollouts
    finally:
        await rollouts.close()


async def _write_off(
    session: AsyncSession, name: str, verdict: Verdict, known: Decision | None
) -> bool:
    """Switch off, unless somebody has decided since: then the verdict is about another extent."""
    row = {
        "name": name,
        "shadow": OFF.shadow,
        "share_bp": OFF.share_bp,
        "reason": str(verdict),
        "changed_by": GUARD,
        "changed_at": func.clock_timestamp(),
    }
    if known is None:
        statement = insert(RolloutRow).values(row).on_conflict_do_nothing()
    else:
        statement = (
            update(RolloutRow)
            .where(RolloutRow.name == name, RolloutRow.changed_at == known.changed_at)
            .values(row)
        )
    return await session.scalar(statement.returning(RolloutRow.name)) is not None


def _decision(row: RolloutRow | None) -> Decision | None:
    if row is None:
        return None
    return Decision(
        extent=Extent(shadow=row.shadow, share_bp=row.share_bp),
        reason=row.reason,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )
