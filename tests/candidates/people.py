"""Candidates as rows, written as the flow writes them, without a file or a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.chunking import Chunk, ChunkKind
from app.candidates.indexing_records import Words, put_words, words_of
from app.candidates.tables import EMBEDDING_DIMENSIONS, CandidateRow, ChunkRow
from app.pipeline.tables import RunRow, RunStatus
from app.store.database import Database
from app.store.keys import TenantId

MODEL = "model-a"


def towards(*axes: int) -> list[float]:
    """A unit vector between these axes; vectors without a common axis have nothing in common."""
    length = len(axes) ** 0.5
    return [1 / length if axis in axes else 0.0 for axis in range(EMBEDDING_DIMENSIONS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`axes`: of the vector of the text; None where embedding failed."""

    text: str
    axes: tuple[int, ...] | None = None
    skills: tuple[str, ...] = ()
    years: float = 5
    language: str = "en"
    created_at: datetime | None = None
    model: str = MODEL


@dataclass(slots=True)
class People:
    """Saves persons under one tenant, by name."""

    database: Database
    tenant_id: TenantId = field(default_factory=lambda: TenantId(uuid4()))
    ids: dict[str, UUID] = field(default_factory=dict[str, UUID])

    async def save(self, **persons: Person) -> None:
        async with self.database.begin() as session:
            for name, person in persons.items():
                self.ids[name] = await self._save(session, person)

    async def replace(self, name: str, person: Person, *, version: int) -> None:
        """A new version, in one transaction."""
        async with self.database.begin() as session:
            row = await session.get_one(CandidateRow, self.ids[name])
            row.version = version
            row.skills = list(person.skills)
            session.add(_chunk_row(row, person))
            await put_words(session, self.tenant_id, row.id, await self._words(person))

    def named(self, candidate_ids: Sequence[UUID]) -> list[str]:
        names: Mapping[UUID, str] = {value: name for name, value in self.ids.items()}
        return [names[candidate_id] for candidate_id in candidate_ids]

    async def _save(self, session: AsyncSession, person: Person) -> UUID:
        run_id, candidate_id = uuid4(), uuid4()
        session.add(
            RunRow(
                id=run_id,
                tenant_id=self.tenant_id,
                flow="none",
                status=RunStatus.SUCCEEDED,
                input={},
            )
        )
        await session.flush()
        row = CandidateRow(
            id=candidate_id,
            tenant_id=self.tenant_id,
            run_id=run_id,
            version=1,
            profile_sealed="",
            analyst="rules",
            skills=list(person.skills),
            years=person.years,
            language=person.language,
        )
        if person.created_at:
            row.created_at = person.created_at
        session.add(row)
        await session.flush()
        session.add(_chunk_row(row, person))
        await put_words(session, self.tenant_id, candidate_id, await self._words(person))
        return candidate_id

    async def _words(self, person: Person) -> Words:
        return await words_of(self.tenant_id, _chunks(person), person.skills)


def _chunks(person: Person) -> list[Chunk]:
    return [
        Chunk(
            kind=ChunkKind.RAW_SECTION,
            position=0,
            text=person.text,
            start=0,
            end=len(person.text),
        )
    ]


def _chunk_row(row: CandidateRow, person: Person) -> ChunkRow:
    return ChunkRow(
        candidate_id=row.id,
        version=row.version,
        position=0,
        tenant_id=row.tenant_id,
        kind=ChunkKind.RAW_SECTION,
        text=person.text,
        source_start=0,
        source_end=len(person.text),
        embedding=towards(*person.axes) if person.axes is not None else None,
        embedding_model=person.model if person.axes is not None else None,
    )
