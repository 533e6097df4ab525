"""How long what belongs to a résumé is kept: its file, its text, its pictures, its names."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.chunking import ChunkKind
from app.candidates.tables import CandidateRow, ChunkRow, FileRow, VersionRow, WordsRow
from app.pipeline.retention import Rule, drop_checkpoints, ended
from app.pipeline.tables import RunRow, RunStatus
from app.settings.groups import RetentionSettings

_FAILED: Final = (RunStatus.FAILED, RunStatus.CANCELLED)
_RAW: Final = (ChunkKind.RAW_FULL, ChunkKind.RAW_SECTION)
_SAVED_NOTHING: Final = and_(
    RunRow.status.in_(_FAILED), not_(exists().where(VersionRow.run_id == RunRow.id))
)
"""Of a run: no candidate came of it. One that failed after its save has made one all the same."""


def rules(settings: RetentionSettings) -> Iterator[Rule]:
    """What the settings let go after some days, in the order of the flow."""
    yield drop_checkpoints(days=settings.checkpoints_days)
    yield drop_run_details(days=settings.run_details_days)
    yield drop_originals("failed_uploads", _SAVED_NOTHING, days=settings.failed_uploads_days)
    if settings.originals_days is not None:
        yield drop_originals("originals", not_(_SAVED_NOTHING), days=settings.originals_days)
    if settings.raw_text_days is not None:
        yield drop_raw_text(days=settings.raw_text_days)
    if settings.pictures_days is not None:
        yield drop_pictures(days=settings.pictures_days)


def drop_originals(name: str, of: ColumnElement[bool], *, days: int) -> Rule:
    """The files of ended runs that this holds of."""

    async def drop(session: AsyncSession, run_ids: Sequence[UUID]) -> Sequence[str]:
        keys = await session.scalars(
            update(FileRow)
            .where(FileRow.run_id.in_(run_ids))
            .values(discarded_at=func.now())
            .returning(FileRow.blob_key)
        )
        return keys.all()

    kept = exists().where(FileRow.run_id == RunRow.id, FileRow.discarded_at.is_(None))
    due = (ended(days=days), of, kept)
    return Rule(name=name, days=days, of=RunRow, due=due, drop=drop)


def drop_run_details(*, days: int) -> Rule:
    """What of an ended run may name a person, beside its file.

    The file's name, names in its error, and the client's Idempotency-Key, which may hold anything.
    """

    async def drop(session: AsyncSession, run_ids: Sequence[UUID]) -> Sequence[str]:
        await session.execute(
            update(RunRow)
            .where(RunRow.id.in_(run_ids))
            .values(private_sealed=None, idempotency_key=None)
        )
        await session.execute(
            update(FileRow).where(FileRow.run_id.in_(run_ids)).values(name_sealed="")
        )
        return ()

    named = exists().where(FileRow.run_id == RunRow.id, FileRow.name_sealed != "")
    due = (
        ended(days=days),
        or_(RunRow.private_sealed.is_not(None), RunRow.idempotency_key.is_not(None), named),
    )
    return Rule(name="run_details", days=days, of=RunRow, due=due, drop=drop)


def drop_raw_text(*, days: int) -> Rule:
    """The text of a résumé as it was written; what the profile says of it is searched on.

    The words of the candidate go with it: the search makes them again from what is left.
    """

    async def drop(session: AsyncSession, candidate_ids: Sequence[UUID]) -> Sequence[str]:
        raw = (ChunkRow.candidate_id.in_(candidate_ids), ChunkRow.kind.in_(_RAW))
        await session.execute(delete(ChunkRow).where(*raw))
        await session.execute(delete(WordsRow).where(WordsRow.candidate_id.in_(candidate_ids)))
        return ()

    has_some = exists().where(ChunkRow.candidate_id == CandidateRow.id, ChunkRow.kind.in_(_RAW))
    run_ended = exists().where(RunRow.id == CandidateRow.run_id, ended(days=days))
    due = (run_ended, has_some)
    return Rule(name="raw_text", days=days, of=CandidateRow, due=due, drop=drop)


def drop_pictures(*, days: int) -> Rule:
    """Pictures of first pages and of portfolios, of every version."""

    async def drop(session: AsyncSession, run_ids: Sequence[UUID]) -> Sequence[str]:
        versions = VersionRow.run_id.in_(run_ids)
        found = await session.execute(
            select(VersionRow.thumbnail_key, VersionRow.portfolio_key).where(versions)
        )
        keys = [key for row in found for key in row if key is not None]
        await session.execute(
            update(VersionRow).where(versions).values(thumbnail_key=None, portfolio_key=None)
        )
        await session.execute(
            update(CandidateRow)
            .where(CandidateRow.run_id.in_(run_ids))
            .values(thumbnail_key=None)
            .execution_options(synchronize_session=False)
        )
        return keys

    has_one = or_(VersionRow.thumbnail_key.is_not(None), VersionRow.portfolio_key.is_not(None))
    shown = exists().where(VersionRow.run_id == RunRow.id, has_one)
    due = (ended(days=days), shown)
    return Rule(name="pictures", days=days, of=RunRow, due=due, drop=drop)
