"""The pictures of a candidate: the first page of its newest résumé, and its portfolio."""

import asyncio
from enum import StrEnum
from functools import partial
from uuid import UUID

from app.candidates.erasure import existing
from app.candidates.portfolio import portfolio_place
from app.candidates.tables import VersionRow
from app.candidates.thumbnails import thumbnail_place
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from app.pipeline.tables import RunRow
from app.providers.blobs import Blobs
from app.resilience.policy import Policy
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId, load_data_key


class PictureOf(StrEnum):
    """What can be seen of a candidate."""

    FIRST_PAGE = "first-page"
    PORTFOLIO = "portfolio"


async def open_picture(  # noqa: PLR0913 - where it lies, who may open it, and which one
    database: Database,
    blobs: Blobs,
    storage: Policy,
    keyring: Keyring,
    tenant_id: TenantId,
    candidate_id: UUID,
    *,
    of: PictureOf,
) -> bytes:
    """A PNG.

    Raises NOT_FOUND where there is none, ERASED for a candidate that was there, ENCRYPTION_ERROR when
    its key was destroyed.
    """
    async with database.begin() as session:
        candidate = await existing(session, tenant_id, candidate_id)
        version = await session.get_one(VersionRow, (candidate.id, candidate.version))
        run = await session.get_one(RunRow, version.run_id)
        key, place = (
            (version.portfolio_key, portfolio_place(run.id))
            if of is PictureOf.PORTFOLIO
            else (version.thumbnail_key, thumbnail_place(run.id))
        )
        if key is None:
            raise PermanentError(ErrorCode.NOT_FOUND, Message.NO_PICTURE)
        if run.data_key_id is None:
            raise PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": "key destroyed"})
        data_key = await load_data_key(session, keyring, run.data_key_id)
    sealed = await storage.execute(partial(blobs.get, key))
    return await asyncio.to_thread(data_key.open_bytes, sealed, place)
