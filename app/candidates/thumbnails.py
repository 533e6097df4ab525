"""What a résumé looks like: its first page."""

import asyncio
from functools import partial
from typing import NamedTuple
from uuid import UUID

from app.candidates.originals import Original, Owner
from app.candidates.tools import ResumeTools
from app.documents.blocks import Document, Format
from app.errors import ErrorCode
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.store.crypto import Place

_FORMATS_WITH_PAGES = frozenset({Format.PDF, Format.IMAGE})


class Pictures(NamedTuple):
    """Keys in the store of what was drawn."""

    first_page: str | None
    portfolio: str | None


async def picture(
    run: Run, original: Original, document: Document, tools: ResumeTools
) -> str | None:
    """The key of the first page's picture in the store; None where there is none."""
    if document.format not in _FORMATS_WITH_PAGES:
        await run.skip("thumbnail")
        return None
    return await run.want(draw_thumbnail, original, run, tools)


@stage("thumbnail", policy=PolicyName.PARSER, partial=ErrorCode.VISUAL_PARTIAL)
async def draw_thumbnail(original: Original, owner: Owner, tools: ResumeTools) -> str | None:
    """The first page as a PNG in the store, sealed under the key of its run; returns its key."""
    picture = await tools.reader.draw_first_page(await original.read())
    if picture is None:
        return None
    key = thumbnail_key(owner.tenant_id, owner.id)
    sealed = await asyncio.to_thread(owner.key.seal_bytes, picture, thumbnail_place(owner.id))
    await tools.storage.execute(partial(tools.blobs.put, key, sealed))
    return key


def thumbnail_key(tenant_id: UUID, run_id: UUID) -> str:
    return f"thumbnails/{tenant_id}/{run_id}"


def portfolio_key(tenant_id: UUID, run_id: UUID) -> str:
    return f"portfolios/{tenant_id}/{run_id}"


def picture_keys(tenant_id: UUID, run_id: UUID) -> tuple[str, ...]:
    """Of all pictures that a run may have drawn."""
    return thumbnail_key(tenant_id, run_id), portfolio_key(tenant_id, run_id)


def thumbnail_place(run_id: UUID) -> Place:
    return Place(table="candidates", column="thumbnail", row=str(run_id))
