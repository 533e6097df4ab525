"""Objects in the store that nobody knows of any more, or never did.

An object is put before the transaction that names it: when that rolls back, or its process dies,
the object stays. And where retention or a discarded file has changed the row, the deletion may have
failed. Only what lies where this installation puts things, under the id of a tenant of its own, is
looked at: several installations may share a bucket.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import Text, and_, cast, exists, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import object_keys
from app.candidates.intake import INBOX_PREFIX
from app.candidates.tables import CandidateRow, FileRow, VersionRow
from app.errors import WorkerError
from app.pipeline import fencing
from app.pipeline.retention import Tally
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.pipeline.tables import CheckpointRow, RunRow, RunStatus
from app.providers.blobs import CLOCK_PREFIX, Blobs, Stored
from app.resilience.policies import PolicyName
from app.resilience.policy import Policy
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId, TenantRow, load_blind_index
from app.telemetry.logs import get_logger

log = get_logger(__name__)

SPARED: Final = timedelta(hours=1)
"""Whatever was put within it may still be named by a transaction: accepting a file, with all of its
tries, takes minutes at most."""

_AT_ONCE: Final = 16
_OPEN: Final = (RunStatus.QUEUED, RunStatus.RUNNING)

Claims = Callable[[AsyncSession, Sequence[UUID]], Awaitable[Collection[str]]]
"""Of the objects of these runs, the keys that are still needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeper:
    """Looks for such objects, and deletes them."""

    database: Database
    blobs: Blobs
    storage: Policy
    keyring: Keyring

    async def lost(self, *, inbox_days: int | None) -> AsyncGenerator[list[str]]:
        """The keys of what may go, page by page. Raises STORAGE_ERROR and DB_CONNECTION."""
        now = await self.storage.execute(self.blobs.now)
        async with self.database.begin() as session:
            tenants = (await session.scalars(select(TenantRow.id))).all()
        for tenant_id in tenants:
            for folder, claims in CLAIMS.items():
                async for page in self.blobs.pages(f"{folder}/{tenant_id}"):
                    yield await self._unclaimed(page, claims, before=now - SPARED)
        async for page in self.blobs.pages(CLOCK_PREFIX):
            yield _older(page, before=now - SPARED)
        if inbox_days is not None:
            async for page in self.blobs.pages(INBOX_PREFIX.rstrip("/")):
                keys = _older(page, before=now - max(timedelta(days=inbox_days), SPARED))
                yield await self._not_awaited(tenants, keys)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, several at once. Raises the first error, after it tried all the others."""
        failures: list[WorkerError] = []
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> None:
            async with free:
                try:
                    await self.storage.execute(partial(self.blobs.delete, key))
                except WorkerError as error:
                    failures.append(error)

        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(one(key))
        if failures:
            log.warning("blobs_not_deleted", count=len(failures), code=failures[0].code)
            raise failures[0]

    async def drop_unfinished(self) -> int:
        """Delete what a killed process left half-written; how many files."""
        now = await self.storage.execute(self.blobs.now)
        return await self.blobs.drop_unfinished(before=now - SPARED)

    async def _unclaimed(
        self, page: Sequence[Stored], claims: Claims, *, before: datetime
    ) -> list[str]:
        runs = {key: run_id for key in _older(page, before=before) if (run_id := _run_of(key))}
        if not runs:
            return []
        async with self.database.begin() as session:
            needed = await claims(session, list(runs.values()))
        return [key for key in runs if key not in needed]

    async def _not_awaited(self, tenants: Sequence[UUID], keys: Sequence[str]) -> list[str]:
        """Those that no run of any tenant is yet to read.

        Runs know objects by the fingerprint of their keys.
        """
        if not keys:
            return []
        awaited: set[str] = set()
        async with self.database.begin() as session:
            for tenant_id in map(TenantId, tenants):
                index = await load_blind_index(session, self.keyring, tenant_id)
                prints = {index.content(key.encode()): key for key in keys}
                rows = await session.scalars(
                    select(RunRow.fingerprint)
                    .join(FileRow, FileRow.run_id == RunRow.id)
                    .where(
                        RunRow.tenant_id == tenant_id,
                        RunRow.fingerprint.in_(prints),
                        RunRow.status.in_(_OPEN),
                        or_(
                            FileRow.source_key_sealed.is_not(None), FileRow.source_key.is_not(None)
                        ),
                    )
                )
                awaited |= {prints[found] for found in rows if found is not None}
        return [key for key in keys if key not in awaited]

    async def seal_object_keys(self) -> None:
        """Seal what earlier versions wrote in plain."""
        while True:
            async with self.database.begin() as session:
                if not await object_keys.seal_plain(session, self.keyring):
                    return


@stage("sweep", policy=PolicyName.RETENTION)
async def sweep(
    run: Run, sweeper: Sweeper, enough: Callable[[], bool], *, inbox_days: int | None
) -> int:
    """Delete what is lost; how many objects. One that cannot be deleted holds up no other.

    It looks at everything each time: what it has deleted is no longer there.
    """
    tally = Tally(run, "sweep")
    await sweeper.seal_object_keys()
    failure: WorkerError | None = None
    unfinished = await sweeper.drop_unfinished()
    if unfinished:
        await _counted(run, tally, unfinished)
    async with aclosing(sweeper.lost(inbox_days=inbox_days)) as pages:
        async for keys in pages:
            try:
                await sweeper.delete(keys)
            except WorkerError as error:
                failure = error
            else:
                if keys:
                    await _counted(run, tally, len(keys))
            if enough():
                break
    if failure is not None:
        raise failure
    return tally.count


async def _counted(run: Run, tally: Tally, count: int) -> None:
    async with run.database.begin() as session:
        await fencing.hold(session, run.id, run.row.attempt)
        await tally.add(session, count)


async def _originals(session: AsyncSession, run_ids: Sequence[UUID]) -> Collection[str]:
    """Those whose file was not discarded."""
    keys = await session.scalars(
        select(FileRow.blob_key).where(FileRow.run_id.in_(run_ids), FileRow.discarded_at.is_(None))
    )
    return set(keys)


def _pictures(folder: str) -> Claims:
    async def needed(session: AsyncSession, run_ids: Sequence[UUID]) -> Collection[str]:
        """Those that a version shows, or that a run may yet be saved with.

        A stage puts a picture, and the run may wait for hours before it saves: its checkpoint names
        the picture then, and so it does for a repair.
        """
        repairing = select(RunRow.input["run_id"].astext).where(RunRow.status.in_(_OPEN))
        unsaved = or_(
            RunRow.status.in_(_OPEN),
            exists().where(CheckpointRow.run_id == RunRow.id),
            cast(RunRow.id, Text).in_(repairing),
        )
        shown = select(VersionRow.thumbnail_key).where(VersionRow.run_id.in_(run_ids))
        of_portfolio = select(VersionRow.portfolio_key).where(VersionRow.run_id.in_(run_ids))
        newest = select(CandidateRow.thumbnail_key).where(CandidateRow.run_id.in_(run_ids))
        named = await session.scalars(union(shown, of_portfolio, newest))
        keys = {key for key in named if key is not None}
        open_runs = await session.execute(
            select(RunRow.tenant_id, RunRow.id).where(and_(RunRow.id.in_(run_ids), unsaved))
        )
        keys |= {f"{folder}/{tenant_id}/{run_id}" for tenant_id, run_id in open_runs}
        return keys

    return needed


CLAIMS: Final[Mapping[str, Claims]] = {
    "originals": _originals,
    "thumbnails": _pictures("thumbnails"),
    "portfolios": _pictures("portfolios"),
}
"""Who knows what lies under `<folder>/<tenant>/<run>`."""


def _older(page: Sequence[Stored], *, before: datetime) -> list[str]:
    return [stored.key for stored in page if stored.modified_at < before]


def _run_of(key: str) -> UUID | None:
    """None for what is not named as we name things: somebody else put it there."""
    try:
        _, _, run_id = key.split("/")
        return UUID(run_id)
    except ValueError:
        return None
