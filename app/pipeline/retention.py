"""What was kept long enough goes: rules over rows, carried out batch by batch.

A rule changes its rows first, in a transaction with the count of them; then the files that the rows
named are deleted. One whose deletion fails is named by no row any more: the sweep deletes it
(`candidates.sweeping`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from app.pipeline import fencing, stage_records
from app.pipeline.run import Run
from app.pipeline.stage import Stage, stage
from app.pipeline.tables import CheckpointRow, RunRow
from app.resilience.policies import PolicyName
from app.store.crypto import Place

BATCH = 500
"""Rows of one transaction: nobody waits for its locks longer than some milliseconds."""


class Kept(Protocol):
    """A table whose rows have an id."""

    id: Mapped[UUID]


DeleteFiles = Callable[[Sequence[str]], Awaitable[None]]
"""Deletes these from the store. Raises STORAGE_ERROR or CIRCUIT_OPEN after it tried them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rows that something has to go from after `days`.

    `due` is what holds of a row while it has something to go. `drop` changes rows, given by their
    ids, so that it holds no more, and returns the keys of their files in the store.
    """

    name: str
    days: int
    of: type[Kept]
    due: Sequence[ColumnElement[bool]]
    drop: Callable[[AsyncSession, Sequence[UUID]], Awaitable[Sequence[str]]]

    async def count(self, session: AsyncSession) -> int:
        """How many rows are due now."""
        found = await session.scalar(select(func.count(self.of.id)).where(*self.due))
        return found or 0

    async def batch(self, session: AsyncSession, *, after: UUID | None) -> Sequence[UUID]:
        """The next due rows by their id, locked; rows that somebody is at wait for the next pass."""
        beyond = (self.of.id > after,) if after else ()
        found = await session.scalars(
            select(self.of.id)
            .where(*self.due, *beyond)
            .order_by(self.of.id)
            .limit(BATCH)
            .with_for_update(of=self.of, skip_locked=True, key_share=True)
        )
        return found.all()


def ended(*, days: int) -> ColumnElement[bool]:
    """Of a run: it ended so long ago, by PostgreSQL's clock. One that is opened again has not."""
    return RunRow.finished_at < func.now() - timedelta(days=days)


def drop_checkpoints(*, days: int) -> Rule:
    """Checkpoints of ended runs."""

    async def drop(session: AsyncSession, run_ids: Sequence[UUID]) -> Sequence[str]:
        await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id.in_(run_ids)))
        return ()

    has_some = select(CheckpointRow.run_id).where(CheckpointRow.run_id == RunRow.id).exists()
    return Rule(
        name="checkpoints", days=days, of=RunRow, due=(ended(days=days), has_some), drop=drop
    )


def dropping(
    rule: Rule, *, delete_files: DeleteFiles, enough: Callable[[], bool]
) -> Stage[[Run], int]:
    """A stage that carries a rule out; its result is the number of rows.

    It stops early once there is `enough` for this run: the next pass goes on.
    """

    @stage(f"drop_{rule.name}", policy=PolicyName.RETENTION)
    async def carry_out(run: Run) -> int:
        tally = Tally(run, f"drop_{rule.name}")
        while not enough():
            async with run.database.begin() as session:
                await fencing.hold(session, run.id, run.row.attempt)
                ids = await rule.batch(session, after=tally.after)
                if not ids:
                    break
                keys = await rule.drop(session, ids)
                await tally.add(session, len(ids), after=ids[-1])
            await delete_files(keys)
        return tally.count

    return carry_out


class Tally:
    """Counts what the batches of a stage did, over all attempts of a run.

    Each count commits with what it counts, so a run that was killed tells the truth in its result.
    """

    def __init__(self, run: Run, stage: str) -> None:
        self._run = run
        self._stage = stage
        self._counts = [
            _Counted.model_validate_json(run.key.open(sealed, self._place(item)))
            for (name, item, _), sealed in sorted(run.saved.items())
            if name == stage and item
        ]

    @property
    def count(self) -> int:
        return sum(counted.count for counted in self._counts)

    @property
    def after(self) -> UUID | None:
        """The id that the last batch ended with."""
        return self._counts[-1].after if self._counts else None

    async def add(self, session: AsyncSession, count: int, *, after: UUID | None = None) -> None:
        """Write a count into the transaction of what it counts."""
        item = f"{len(self._counts):06}"
        counted = _Counted(count=count, after=after)
        sealed = self._run.key.seal(counted.model_dump_json(), self._place(item))
        await stage_records.save_answer(session, self._run.row, self._stage, item, sealed)
        self._counts.append(counted)

    def _place(self, item: str) -> Place:
        return Place(
            table="checkpoints", column="value", row=f"{self._run.id}/{self._stage}/{item}"
        )


class _Counted(BaseModel):
    count: int
    after: UUID | None
