"""Accept a file: seal it, write the run, then deliver the job."""

import asyncio
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import func

from app.candidates import object_keys
from app.candidates import records as candidates
from app.candidates.tables import FileRow
from app.credits import ledger
from app.credits.settling import reserve_for
from app.errors import ErrorCode, PermanentError, RetryableError, check_file_size
from app.messages import Message
from app.pipeline import fencing, records
from app.pipeline.acceptance import NewRun, accept, new_run
from app.pipeline.delivery import effects_of, next_attempt
from app.pipeline.tables import RunStatus
from app.providers.blobs import Blobs, check_key
from app.queue.envelope import NewJob, Priority
from app.queue.producer import Producer
from app.resilience.policy import Policy
from app.store.crypto import BlindIndex, Keyring, Place
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.logs import get_logger
from app.telemetry.metrics import record_run

INGEST_FLOW = "ingest"

INBOX_PREFIX = "inbox/"
"""Objects that clients put into the store themselves are taken from here and nowhere else: the rest
of the store holds other people's files."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """`is_new` is False when the idempotency key, or the file itself, was accepted before.

    `status` is that of the run as it stands. `already_there`: it is found by its bytes alone, and
    nothing was stored again.
    """

    run_id: UUID
    is_new: bool
    status: RunStatus
    already_there: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What accepting needs; made once per process."""

    database: Database
    blobs: Blobs
    producer: Producer
    keyring: Keyring
    index: BlindIndex
    tenant_id: TenantId
    storage: Policy
    max_file_bytes: int
    run_deadline_s: float
    limit_key: str = ""
    """What the runs share a limit of jobs in flight by: the model that they call."""
    owes: tuple[str, ...] = ()
    """Kinds of effect that follow from the end of each run, whatever that is."""
    credits_per_file: int = 0
    """What each run reserves of a tenant whose credits are limited."""

    async def accept(
        self,
        name: str,
        data: bytes,
        *,
        idempotency_key: str | None = None,
        priority: Priority = Priority.INGESTION,
        force: bool = False,
    ) -> Accepted:
        """Store a file sealed and queue its run.

        The same bytes have one run, while that waits, runs, or has ended well; `force` reads them
        anew. Once this returns, the run ends in a final state whatever fails later: PostgreSQL has it,
        and a lost job is delivered again. Raises IDEMPOTENCY_CONFLICT when the key came with other
        content before, and INSUFFICIENT_CREDITS, STORAGE_ERROR, CIRCUIT_OPEN or DB_CONNECTION when
        nothing was accepted. A file above the size limit is not stored: its run is `failed` at once.
        """
        fingerprint = self.index.content(data)
        if known := await self._known(idempotency_key, fingerprint):
            return known
        try:
            check_file_size(len(data), self.max_file_bytes)
        except PermanentError as error:
            return await self.refuse(
                name, error, idempotency_key=idempotency_key, fingerprint=fingerprint
            )
        if not force and (known := await self._already_there(fingerprint, idempotency_key)):
            return known
        await self._check_credits()
        draft = self._draft(name, idempotency_key=idempotency_key, fingerprint=fingerprint)
        draft.run.priority = priority
        draft.file.size_bytes = len(data)
        place = original_place(draft.run.id)
        sealed = await asyncio.to_thread(draft.key.seal_bytes, data, place)
        await self.storage.execute(partial(self.blobs.put, draft.file.blob_key, sealed))
        return await self._queue(draft, only_once=not force)

    async def accept_object(
        self,
        object_key: str,
        *,
        idempotency_key: str | None = None,
        priority: Priority = Priority.INGESTION,
    ) -> Accepted:
        """Queue the run of an object that lies under `inbox/` in the store; else as `accept`."""
        if not object_key.startswith(INBOX_PREFIX):
            raise PermanentError(ErrorCode.VALIDATION_ERROR, Message.STORAGE_KEY_INVALID)
        check_key(object_key)
        fingerprint = self.index.content(object_key.encode())
        if known := await self._known(idempotency_key, fingerprint):
            return known
        name = object_key.rsplit("/", 1)[-1]
        draft = self._draft(name, idempotency_key=idempotency_key, fingerprint=fingerprint)
        draft.run.priority = priority
        draft.file.source_key_sealed = object_keys.seal(draft.key, draft.run.id, object_key)
        return await self._queue(draft)

    async def refuse(
        self,
        name: str,
        error: PermanentError,
        *,
        idempotency_key: str | None = None,
        fingerprint: bytes | None = None,
    ) -> Accepted:
        """Record a file that is not even read, so that it is listed with its reason."""
        draft = self._draft(name, idempotency_key=idempotency_key, fingerprint=fingerprint)
        draft.run.status = RunStatus.FAILED
        draft.run.code = error.code
        draft.run.message = error.message.name if error.message else None
        draft.run.details = error.details
        draft.run.finished_at = func.now()
        if known := await self._insert(draft):
            return known
        record_run(RunStatus.FAILED, code=error.code)
        if draft.run.owes:
            run = draft.run
            await self._deliver(effects_of(run.id, run.tenant_id, traceparent=run.traceparent))
        return Accepted(run_id=draft.run.id, is_new=True, status=RunStatus.FAILED)

    async def _known(self, idempotency_key: str | None, fingerprint: bytes) -> Accepted | None:
        if idempotency_key is None:
            return None
        async with self.database.begin() as session:
            run = await records.find_by_idempotency_key(session, self.tenant_id, idempotency_key)
        if run is None:
            return None
        if run.fingerprint != fingerprint:
            raise PermanentError(ErrorCode.IDEMPOTENCY_CONFLICT)
        return Accepted(run_id=run.id, is_new=False, status=RunStatus(run.status))

    def _draft(
        self, name: str, *, idempotency_key: str | None = None, fingerprint: bytes | None = None
    ) -> "_Draft":
        new = new_run(self.keyring, self.tenant_id, INGEST_FLOW, priority=Priority.INGESTION)
        new.run.limit_key = self.limit_key
        new.run.owes = [*self.owes]
        new.run.idempotency_key = idempotency_key
        new.run.fingerprint = fingerprint
        run_id = new.run.id
        file = FileRow(
            run_id=run_id,
            tenant_id=self.tenant_id,
            name_sealed=new.key.seal(name, file_name_place(run_id)),
            blob_key=f"originals/{self.tenant_id}/{run_id}",
        )
        return _Draft(run=new.run, key=new.key, key_row=new.key_row, file=file)

    async def _already_there(
        self, fingerprint: bytes, idempotency_key: str | None
    ) -> Accepted | None:
        async with self.database.begin() as session:
            return await _run_of(session, self.tenant_id, fingerprint, idempotency_key)

    async def _queue(self, draft: "_Draft", *, only_once: bool = False) -> Accepted:
        try:
            known = await self._insert(draft, only_once=only_once)
        except PermanentError:  # the last credits, or the key, went to another request meanwhile
            await self._take_back(draft)
            raise
        if known is not None:
            await self._take_back(draft)
            return known
        await self._deliver(next_attempt(draft.run))
        return Accepted(run_id=draft.run.id, is_new=True, status=RunStatus.QUEUED)

    async def _deliver(self, job: NewJob) -> None:
        try:
            await self.producer.enqueue(job)
        except RetryableError as error:
            log.warning("job_not_delivered_yet", job_id=job.job_id, code=error.code)

    async def _insert(self, draft: "_Draft", *, only_once: bool = False) -> Accepted | None:
        """None when it is stored; the run of the same bytes or key, when that was stored meanwhile."""
        fingerprint = draft.run.fingerprint
        try:
            async with self.database.begin() as session:
                if only_once and fingerprint is not None:
                    # Whoever stores the same bytes at this moment waits here until we are done.
                    await candidates.lock(session, [fingerprint])
                    key = draft.run.idempotency_key
                    if known := await _run_of(session, self.tenant_id, fingerprint, key):
                        return known
                if draft.run.status == RunStatus.QUEUED:
                    await reserve_for(session, draft.run, self.credits_per_file)
                await accept(session, draft, deadline_s=self.run_deadline_s)
                session.add(draft.file)
                if draft.run.status != RunStatus.QUEUED:  # refused: this is its end
                    status, code = RunStatus(draft.run.status), ErrorCode(draft.run.code)
                    await fencing.owe(session, draft.run, fencing.owed(draft.run, status, code))
        except IntegrityError:
            # The same idempotency key was accepted by another request in the same moment.
            known = await self._known(draft.run.idempotency_key, fingerprint or b"")
            if known is None:
                raise
            return known
        return None

    async def _check_credits(self) -> None:
        """Raise INSUFFICIENT_CREDITS before anything is stored. The reservation checks again."""
        async with self.database.begin() as session:
            await ledger.check(session, self.tenant_id, self.credits_per_file)

    async def _take_back(self, draft: "_Draft") -> None:
        """Delete what was stored for a run that was not accepted."""
        try:
            await self.storage.execute(partial(self.blobs.delete, draft.file.blob_key))
        except RetryableError as error:  # no row knows it, so the sweep will find it
            log.warning("original_not_deleted", run_id=str(draft.run.id), code=error.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft(NewRun):
    file: FileRow


async def _run_of(
    session: AsyncSession, tenant_id: TenantId, fingerprint: bytes, idempotency_key: str | None
) -> Accepted | None:
    run = await candidates.run_of_content(session, tenant_id, fingerprint)
    if run is None:
        return None
    # With the same key: accepted by its request a moment after we had looked for that.
    by_key = idempotency_key is not None and run.idempotency_key == idempotency_key
    return Accepted(
        run_id=run.id, is_new=False, status=RunStatus(run.status), already_there=not by_key
    )


def original_place(run_id: UUID) -> Place:
    return Place(table="files", column="original", row=str(run_id))


def file_name_place(run_id: UUID) -> Place:
    return Place(table="files", column="name", row=str(run_id))
