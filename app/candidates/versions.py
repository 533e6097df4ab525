"""The SQL that writes a version of a person whole: one statement, since it costs a round trip each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.chunking import Chunk
from app.candidates.indexing_records import Words
from app.candidates.tables import VersionRow
from app.store.keys import DataKeyRow

_SAVE: Final = text(
    """
    WITH key AS (
        INSERT INTO data_keys (id, tenant_id, wrapped)
        SELECT CAST(:data_key_id AS uuid), CAST(:tenant_id AS uuid), :wrapped
        WHERE CAST(:wrapped AS text) IS NOT NULL
    ), person AS (
        INSERT INTO candidates
            (id, tenant_id, run_id, data_key_id, version, profile_sealed, analyst, skills, years,
             language, thumbnail_key, possible_duplicate_of)
        VALUES
            (:candidate_id, :tenant_id, :run_id, :data_key_id, :version, :profile_sealed, :analyst,
             :skills, :years, :language, :thumbnail_key, :possible_duplicate_of)
        ON CONFLICT (id) DO UPDATE
        SET run_id = excluded.run_id, version = excluded.version,
            profile_sealed = excluded.profile_sealed, analyst = excluded.analyst,
            skills = excluded.skills, years = excluded.years, language = excluded.language,
            thumbnail_key = excluded.thumbnail_key, updated_at = now()
    ), version AS (
        INSERT INTO candidate_versions
            (candidate_id, version, tenant_id, run_id, profile_sealed, names_sealed, analyst, skills,
             years, language, thumbnail_key, portfolio_key)
        VALUES
            (:candidate_id, :version, :tenant_id, :run_id, :profile_sealed, :names_sealed, :analyst,
             :skills, :years, :language, :thumbnail_key, :portfolio_key)
    ), lookups AS (
        INSERT INTO candidate_lookups (candidate_id, tenant_id, kind, value)
        SELECT CAST(:candidate_id AS uuid), CAST(:tenant_id AS uuid), kind, value
        FROM unnest(CAST(:lookup_kinds AS text[]), CAST(:lookup_values AS bytea[]))
            AS lookup (kind, value)
        ON CONFLICT DO NOTHING
    ), outdated AS (
        DELETE FROM chunks WHERE candidate_id = :candidate_id AND version <> :version
    ), chunks AS (
        INSERT INTO chunks
            (candidate_id, version, position, tenant_id, kind, text, source_start, source_end,
             embedding, embedding_model)
        SELECT CAST(:candidate_id AS uuid), CAST(:version AS bigint), position - 1,
               CAST(:tenant_id AS uuid), kind, piece, source_start, source_end,
               CAST(embedding AS halfvec), CAST(:embedding_model AS text)
        FROM unnest(CAST(:kinds AS text[]), CAST(:pieces AS text[]), CAST(:starts AS bigint[]),
                    CAST(:ends AS bigint[]), CAST(:embeddings AS text[]))
            WITH ORDINALITY AS each (kind, piece, source_start, source_end, embedding, position)
    )
    INSERT INTO candidate_words (candidate_id, tenant_id, numbers, rules)
    VALUES (:candidate_id, :tenant_id, :numbers, :rules)
    ON CONFLICT (candidate_id) DO UPDATE SET numbers = excluded.numbers, rules = excluded.rules
    """
)

_VECTOR: Final = TypeAdapter(Sequence[float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """By what a version is found. `lookups` are blind index values; what was one before stays one.

    `vectors` are of the chunks, in their order, by `embedding_model`; None where there are none.
    """

    lookups: Sequence[tuple[str, bytes]]
    chunks: Sequence[Chunk]
    vectors: Sequence[Sequence[float]] | None
    embedding_model: str
    words: Words


async def save_version(
    session: AsyncSession,
    version: VersionRow,
    found: Found,
    *,
    data_key: UUID | DataKeyRow,
    possible_duplicate_of: UUID | None = None,
) -> None:
    """Write a version, and make it the one that is shown and found.

    The chunks of the version before go at the same time: a reader sees one or the other (R20). With
    the row of a `data_key` it is a person who was not known; of one who was, nothing else changes.
    """
    is_new = isinstance(data_key, DataKeyRow)
    lookups = list(dict.fromkeys(found.lookups))
    await session.execute(
        _SAVE,
        {
            "candidate_id": version.candidate_id,
            "tenant_id": version.tenant_id,
            "run_id": version.run_id,
            "data_key_id": data_key.id if is_new else data_key,
            "wrapped": data_key.wrapped if is_new else None,
            "version": version.version,
            "profile_sealed": version.profile_sealed,
            "names_sealed": version.names_sealed,
            "analyst": version.analyst,
            "skills": version.skills,
            "years": version.years,
            "language": version.language,
            "thumbnail_key": version.thumbnail_key,
            "portfolio_key": version.portfolio_key,
            "possible_duplicate_of": possible_duplicate_of,
            "lookup_kinds": [kind for kind, _ in lookups],
            "lookup_values": [value for _, value in lookups],
            "kinds": [piece.kind for piece in found.chunks],
            "pieces": [piece.text for piece in found.chunks],
            "starts": [piece.start for piece in found.chunks],
            "ends": [piece.end for piece in found.chunks],
            "embeddings": _as_text(found.vectors, len(found.chunks)),
            "embedding_model": None if found.vectors is None else found.embedding_model,
            "numbers": found.words.numbers,
            "rules": found.words.rules,
        },
    )


def _as_text(vectors: Sequence[Sequence[float]] | None, count: int) -> list[str | None]:
    if vectors is None:
        return [None] * count
    return [_VECTOR.dump_json(vector).decode() for vector in vectors]
