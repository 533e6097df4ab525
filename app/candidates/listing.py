"""Runs page by page, as the doors list them."""

from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.intake import INGEST_FLOW
from app.candidates.repair import REEMBED_FLOW, REPAIR_FLOW
from app.candidates.views import RunView, view_run
from app.errors import ErrorCode, PermanentError
from app.messages import Language, Message
from app.pipeline import records
from app.pipeline.tables import RunStatus
from app.store.crypto import Keyring
from app.store.keys import TenantId

MAX_PAGE = 200

_ASKED_FOR = (INGEST_FLOW, REPAIR_FLOW, REEMBED_FLOW)
"""Flows of runs that somebody asked for; the others are the service's own, and many more."""


class RunPage(BaseModel):
    """The newest first. `next_cursor` asks for the next page; null on the last one."""

    runs: list[RunView]
    next_cursor: UUID | None


async def list_runs(  # noqa: PLR0913 - whose, which of them, and how they are shown
    session: AsyncSession,
    keyring: Keyring,
    tenant_id: TenantId,
    *,
    status: RunStatus | None = None,
    every_flow: bool = False,
    cursor: UUID | None = None,
    top_k: int,
    language: Language,
    reveal: bool,
) -> RunPage:
    """Runs from the one after `cursor`, which is the last one of the page before.

    Raises NOT_FOUND when that has been dropped meanwhile.
    """
    after = None
    if cursor is not None:
        last = await records.find(session, tenant_id, cursor)
        if last is None:
            raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
        after = (last.created_at, last.id)
    found = await records.page(
        session,
        tenant_id,
        flows=None if every_flow else _ASKED_FOR,
        status=status,
        after=after,
        top_k=top_k + 1,
    )
    shown = [
        await view_run(session, keyring, run, language=language, reveal=reveal)
        for run in found[:top_k]
    ]
    return RunPage(runs=shown, next_cursor=shown[-1].id if len(found) > top_k else None)
