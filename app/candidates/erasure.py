"""Erase a person: keys, rows and files go, a tombstone stays.

All that the person's keys sealed is unreadable once the transaction commits, wherever copies of it
lie. The files are deleted after it, by an effect that comes again until they are gone.

A run that is under way may be about to save the same person. Such runs, and only they, are held
against the erased contacts, until the deadline of the last of them has passed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID, uuid4

from pydantic import BaseModel
from sqlalchemy import Text, cast, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import object_keys, records
from app.candidates.intake import INGEST_FLOW
from app.candidates.tables import (
    CandidateRow,
    ErasedContactRow,
    FileRow,
    LookupKind,
    LookupRow,
    TombstoneRow,
    VersionRow,
)
from app.candidates.thumbnails import picture_keys
from app.errors import ErrorCode, PermanentError, RetryableError, stored_code
from app.messages import Message
from app.pipeline import fencing
from app.pipeline.cancelling import cancel_run
from app.pipeline.delivery import effects_of
from app.pipeline.fencing import Effect
from app.pipeline.tables import CheckpointRow, EffectRow, RunRow, RunStatus
from app.providers.blobs import Blobs
from app.queue.events import Events
from app.queue.producer import Producer
from app.resilience.policy import Policy
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import DataKeyRow, TenantId
from app.telemetry.logs import get_logger

log = get_logger(__name__)

ERASE_FILES: Final = "erase_files"
"""The effect that deletes the files of an erased person."""

LIFT_GUARD: Final = "lift_erasure_guard"
"""The effect that forgets the contacts of an erased person."""

_OPEN: Final = (RunStatus.QUEUED, RunStatus.RUNNING)
_ERASED_SINCE: Final = text(
    """
    SELECT EXISTS (
        SELECT FROM erased_contacts
        WHERE tenant_id = :tenant_id AND erased_at >= :since AND (kind, value) IN (
            SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:values AS bytea[]))
        )
    )
    """
)
_MARGIN: Final = timedelta(minutes=1)
_NO_DEADLINE: Final = timedelta(days=1)


class Erased(BaseModel):
    """What is left of a candidate."""

    id: UUID
    created_at: datetime
    erased_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """`run_id` is the run that owes the deletion of the files; None when it was asked before."""

    erased: Erased
    run_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """What erasing needs."""

    database: Database
    producer: Producer
    events: Events
    keyring: Keyring
    tenant_id: TenantId

    async def erase(self, candidate_id: UUID) -> Erasure:
        """Make the person unreadable at once, and have the files deleted.

        Runs of the person that are under way are cancelled first. Asking again changes nothing.
        Raises NOT_FOUND and DB_CONNECTION.
        """
        while True:
            async with self.database.begin() as session:
                if (known := await _tombstone(session, self.tenant_id, candidate_id)) is not None:
                    return Erasure(erased=known, run_id=None)
                found = await _lock(session, self.tenant_id, candidate_id)
                open_runs = [run.id for run in found.runs if run.status in _OPEN] if found else []
                if found is not None and not open_runs:
                    await object_keys.outlive_runs(session, self.keyring, found.runs)
                    erased = await _erase(session, found)
                    break
            for run_id in open_runs:
                await self._cancel(run_id)
        log.info("candidate_erased", candidate_id=str(candidate_id), runs=len(found.runs))
        anchor = found.candidate.run_id
        try:
            await self.producer.enqueue(effects_of(anchor, self.tenant_id))
        except RetryableError as error:
            log.warning("erasure_not_delivered_yet", run_id=str(anchor), code=error.code)
        return Erasure(erased=erased, run_id=anchor)

    async def _cancel(self, run_id: UUID) -> None:
        try:
            await cancel_run(self.database, self.producer, self.events, self.tenant_id, run_id)
        except PermanentError as error:
            if error.code is not ErrorCode.RUN_ENDED:
                raise


async def existing(session: AsyncSession, tenant_id: TenantId, candidate_id: UUID) -> CandidateRow:
    """The candidate. Raises NOT_FOUND, or ERASED for one that was there."""
    candidate = await records.find(session, tenant_id, candidate_id)
    if candidate is not None:
        return candidate
    known = await _tombstone(session, tenant_id, candidate_id)
    raise PermanentError(ErrorCode.NOT_FOUND if known is None else ErrorCode.ERASED)


async def refuse_erased(
    session: AsyncSession, run: RunRow, lookups: Sequence[tuple[str, bytes]]
) -> None:
    """Raise ERASED when somebody with one of these contacts was erased since the run came in.

    The contacts are locked by the caller.
    """
    contacts = [lookup for lookup in lookups if lookup[0] != LookupKind.NAME]
    if not contacts:
        return
    asked = {
        "tenant_id": run.tenant_id,
        "kinds": [kind for kind, _ in contacts],
        "values": [value for _, value in contacts],
        "since": run.created_at,
    }
    if await session.scalar(_ERASED_SINCE, asked):
        raise PermanentError(ErrorCode.ERASED, Message.ERASED_MEANWHILE)


async def scrub_refused(session: AsyncSession, keyring: Keyring, run_id: UUID) -> bool:
    """Destroy what a run holds that was refused since its person had been erased; False otherwise."""
    run = await session.get(RunRow, run_id)
    if run is None or stored_code(run.code) is not ErrorCode.ERASED:
        return False
    await object_keys.outlive_runs(session, keyring, [run])
    await _scrub(session, [run])
    return True


async def delete_files(
    database: Database, keyring: Keyring, blobs: Blobs, storage: Policy, run_ids: Sequence[UUID]
) -> None:
    """Delete all that these runs have in the store, and then the word of it. Safe to repeat.

    Raises STORAGE_ERROR, CIRCUIT_OPEN or DB_CONNECTION; whatever is left is deleted the next time.
    """
    async with database.begin() as session:
        files = (await session.scalars(select(FileRow).where(FileRow.run_id.in_(run_ids)))).all()
        objects = await object_keys.of_files(session, keyring, run_ids)
    for file in files:
        # An object that the client put into the store is a copy as good as ours, and in the clear.
        pictures = picture_keys(file.tenant_id, file.run_id)
        for key in (file.blob_key, *pictures, objects.get(file.run_id, file.source_key)):
            if key is not None:
                await storage.execute(partial(blobs.delete, key))
        async with database.begin() as session:
            await session.execute(delete(FileRow).where(FileRow.run_id == file.run_id))


async def files_left(session: AsyncSession, candidate_id: UUID) -> bool:
    """Whether the files of an erased person still wait to be deleted."""
    left = await session.scalar(
        select(
            exists().where(
                EffectRow.idempotency_key == _files_key(candidate_id), EffectRow.done_at.is_(None)
            )
        )
    )
    return bool(left)


async def lift_guard(session: AsyncSession, candidate_id: UUID) -> None:
    """Forget the contacts of an erased person: no run can bring them back any more."""
    await session.execute(
        delete(ErasedContactRow).where(ErasedContactRow.candidate_id == candidate_id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    candidate: CandidateRow
    contacts: frozenset[tuple[str, bytes]]
    runs: Sequence[RunRow]


async def _tombstone(
    session: AsyncSession, tenant_id: TenantId, candidate_id: UUID
) -> Erased | None:
    row = await session.scalar(
        select(TombstoneRow).where(
            TombstoneRow.tenant_id == tenant_id, TombstoneRow.id == candidate_id
        )
    )
    if row is None:
        return None
    return Erased(id=row.id, created_at=row.created_at, erased_at=row.erased_at)


async def _lock(session: AsyncSession, tenant_id: TenantId, candidate_id: UUID) -> _Found | None:
    """Everything of the person, as nobody can change it any more; None when that takes another try.

    In the order in which others take their locks. A run that saves: contacts, candidate; it holds
    itself before, but is none of the person's until that has committed. One that repairs: itself,
    the run that it repairs, candidate.
    """
    if await records.find(session, tenant_id, candidate_id) is None:
        raise PermanentError(ErrorCode.NOT_FOUND)
    contacts = await _contacts(session, candidate_id)
    await records.lock(session, (value for _, value in contacts))
    if await _contacts(session, candidate_id) != contacts:
        return None  # a new version brought more of them while we waited
    runs = await _runs(session, tenant_id, candidate_id)
    candidate = await session.scalar(
        select(CandidateRow)
        .where(CandidateRow.tenant_id == tenant_id, CandidateRow.id == candidate_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if candidate is None:
        return None  # another erasure was faster
    return _Found(candidate=candidate, contacts=contacts, runs=runs)


async def _contacts(session: AsyncSession, candidate_id: UUID) -> frozenset[tuple[str, bytes]]:
    rows = await session.execute(
        select(LookupRow.kind, LookupRow.value).where(
            LookupRow.candidate_id == candidate_id, LookupRow.kind != LookupKind.NAME
        )
    )
    return frozenset((kind, value) for kind, value in rows)


async def _runs(session: AsyncSession, tenant_id: TenantId, candidate_id: UUID) -> Sequence[RunRow]:
    """The runs that read the person, and those that repaired one of them; locked, these first."""
    read = select(VersionRow.run_id).where(VersionRow.candidate_id == candidate_id)
    rows = await session.scalars(
        select(RunRow)
        .where(
            RunRow.tenant_id == tenant_id,
            or_(
                RunRow.id.in_(read),
                RunRow.input["run_id"].astext.in_(
                    select(cast(VersionRow.run_id, Text)).where(
                        VersionRow.candidate_id == candidate_id
                    )
                ),
            ),
        )
        .order_by(RunRow.id.in_(read), RunRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _erase(session: AsyncSession, found: _Found) -> Erased:
    candidate = found.candidate
    tombstone = TombstoneRow(
        id=candidate.id, tenant_id=candidate.tenant_id, created_at=candidate.created_at
    )
    session.add(tombstone)
    await session.flush()
    await session.refresh(tombstone)
    await _guard(session, found)
    # Before the versions are gone: they say what is whose.
    await _drop_shared_checkpoints(session, candidate)
    await _scrub(session, found.runs)
    await session.execute(delete(CandidateRow).where(CandidateRow.id == candidate.id))
    await session.execute(delete(DataKeyRow).where(DataKeyRow.id == candidate.data_key_id))
    anchor = next(run for run in found.runs if run.id == candidate.run_id)
    effect = Effect(
        kind=ERASE_FILES,
        key=_files_key(candidate.id),
        payload={"run_ids": [str(run.id) for run in found.runs]},
    )
    await fencing.owe(session, anchor, [effect])
    return Erased(id=candidate.id, created_at=candidate.created_at, erased_at=tombstone.erased_at)


async def _scrub(session: AsyncSession, runs: Sequence[RunRow]) -> None:
    """Leave of these runs when and how they went.

    The fingerprint goes, so that the same bytes are read anew; a client's key may hold anything.
    """
    run_ids = [run.id for run in runs]
    keys = [run.data_key_id for run in runs if run.data_key_id is not None]
    await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id.in_(run_ids)))
    await session.execute(
        update(RunRow)
        .where(RunRow.id.in_(run_ids))
        .values(fingerprint=None, idempotency_key=None, private_sealed=None, details={})
        .execution_options(synchronize_session=False)
    )
    await session.execute(delete(DataKeyRow).where(DataKeyRow.id.in_(keys)))


async def _drop_shared_checkpoints(session: AsyncSession, candidate: CandidateRow) -> None:
    """Runs over several candidates keep masked text of each until they end."""
    others = select(RunRow.id).where(
        RunRow.tenant_id == candidate.tenant_id,
        RunRow.input["candidates"].contains([str(candidate.id)]),
    )
    await session.execute(delete(CheckpointRow).where(CheckpointRow.run_id.in_(others)))


async def _guard(session: AsyncSession, found: _Found) -> None:
    """Keep the contacts for as long as a run may end that was accepted before."""
    candidate = found.candidate
    count, last = (
        await session.execute(
            select(
                func.count(), func.max(func.coalesce(RunRow.deadline_at, func.now() + _NO_DEADLINE))
            ).where(
                RunRow.tenant_id == candidate.tenant_id,
                RunRow.flow == INGEST_FLOW,
                RunRow.status.in_(_OPEN),
            )
        )
    ).one()
    if not count or not found.contacts:
        return
    await session.execute(
        insert(ErasedContactRow),
        [
            {
                "candidate_id": candidate.id,
                "tenant_id": candidate.tenant_id,
                "kind": kind,
                "value": value,
            }
            for kind, value in found.contacts
        ],
    )
    session.add(
        EffectRow(
            id=uuid4(),
            run_id=candidate.run_id,
            tenant_id=candidate.tenant_id,
            kind=LIFT_GUARD,
            idempotency_key=f"{LIFT_GUARD}:{candidate.id}",
            payload={"candidate_id": str(candidate.id)},
            next_attempt_at=last + _MARGIN,
        )
    )
    await session.flush()


def _files_key(candidate_id: UUID) -> str:
    return f"{ERASE_FILES}:{candidate_id}"
