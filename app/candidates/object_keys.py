"""The keys of objects that clients put into the store themselves, sealed: files are named after people.

A key is sealed under the data key of its run. When a person is erased that one is destroyed; the key is
then sealed under the tenant's, until the object is deleted and the row with it.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.tables import FileRow
from app.errors import ErrorCode, PermanentError
from app.pipeline.tables import RunRow
from app.store.crypto import DataKey, Keyring, Place
from app.store.keys import TenantRow, load_data_key
from app.telemetry.logs import get_logger

_AT_ONCE: Final = 200

log = get_logger(__name__)


def seal(key: DataKey, run_id: UUID, object_key: str) -> str:
    """As `FileRow.source_key_sealed` keeps it."""
    return key.seal(object_key, _place(run_id))


def open_with(key: DataKey, file: FileRow) -> str | None:
    """With the key of the file's run; None of a file that was uploaded.

    `source_key` is of a run that an earlier version accepted.
    """
    if file.source_key_sealed is None:
        return file.source_key
    return key.open(file.source_key_sealed, _place(file.run_id))


async def of_files(
    session: AsyncSession, keyring: Keyring, run_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """The keys of the clients' objects of these runs, whichever data key seals them now."""
    rows = await session.execute(
        select(FileRow.run_id, FileRow.source_key_sealed).where(
            FileRow.run_id.in_(run_ids), FileRow.source_key_sealed.is_not(None)
        )
    )
    found: dict[UUID, str] = {}
    for run_id, sealed in rows:
        if sealed is None:
            continue
        try:
            key = await load_data_key(session, keyring, _sealed_with(sealed))
            found[run_id] = key.open(sealed, _place(run_id))
        except PermanentError as error:
            # Its run's key is gone: nobody can tell any more which object it was.
            log.warning("object_key_unreadable", run_id=str(run_id), code=error.code)
    return found


async def outlive_runs(session: AsyncSession, keyring: Keyring, runs: Sequence[RunRow]) -> None:
    """Before the data keys of these runs are destroyed: seal their objects' keys under the tenant's."""
    for run in runs:
        file = await session.get(FileRow, run.id)
        if file is None or file.source_key_sealed is None or run.data_key_id is None:
            continue
        key = await load_data_key(session, keyring, run.data_key_id)
        tenant = await session.get_one(TenantRow, run.tenant_id)
        of_tenant = await load_data_key(session, keyring, tenant.data_key_id)
        object_key = key.open(file.source_key_sealed, _place(run.id))
        file.source_key_sealed = seal(of_tenant, run.id, object_key)
    await session.flush()


async def seal_plain(session: AsyncSession, keyring: Keyring) -> int:
    """Seal what earlier versions left in plain, some at a time; how many. 0 when none is left."""
    rows = await session.execute(
        select(FileRow, RunRow.data_key_id)
        .join(RunRow, RunRow.id == FileRow.run_id)
        .where(FileRow.source_key.is_not(None), RunRow.data_key_id.is_not(None))
        .limit(_AT_ONCE)
        .with_for_update(of=FileRow, skip_locked=True)
    )
    count = 0
    for file, data_key_id in rows:
        if file.source_key is not None and data_key_id is not None:
            key = await load_data_key(session, keyring, data_key_id)
            file.source_key_sealed = seal(key, file.run_id, file.source_key)
            file.source_key = None
            count += 1
    await session.flush()
    return count


def _sealed_with(sealed: str) -> UUID:
    """The id of the data key, which every sealed value tells."""
    try:
        return UUID(sealed.split(".")[1])
    except (IndexError, ValueError):
        raise PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": "malformed"}) from None


def _place(run_id: UUID) -> Place:
    return Place(table="files", column="source_key", row=str(run_id))
