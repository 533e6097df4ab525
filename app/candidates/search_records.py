"""The SQL of search over candidates. The caller's transaction commits.

As text: to put such statements together of expressions takes as long as to answer them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import terms
from app.store.keys import TenantId

_EXACT_CANDIDATES: Final = 700
"""Up to so many, filters leave few enough that every vector is compared. Beyond, the index is
walked until it has found enough that pass."""

_EF_SEARCH: Final = 100
_EF_SEARCH_FILTERED: Final = 200
"""To go on after the first batch costs more than a larger one."""
_MAX_SCAN_TUPLES: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a hit must have. Skills in any spelling; years include both ends."""

    all_skills: tuple[str, ...] = ()
    any_skills: tuple[str, ...] = ()
    min_years: float | None = None
    max_years: float | None = None
    language: str | None = None
    created_since: datetime | None = None
    created_before: datetime | None = None

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Who may be found. `few` are all that pass the filters, where these are few enough to be told."""

    filters: Filters
    few: tuple[UUID, ...] | None = None


class Posting(NamedTuple):
    """One list of the word index that a query reads, and what being in it adds."""

    number: int
    gain: float
    word: int


class WordHit(NamedTuple):
    """`words` has a bit set for each word of the query that was found."""

    candidate_id: UUID
    gain: float
    words: int


class MeaningHit(NamedTuple):
    """The chunk of a candidate that is nearest to the query, and its cosine."""

    candidate_id: UUID
    cosine: float
    position: int


class Piece(NamedTuple):
    """A chunk's masked text."""

    candidate_id: UUID
    position: int
    text: str


_BEGIN: Final = text(
    # Without iteration a filtered scan of the index stops before it has found enough rows. A plan for
    # any filter is a bad plan for most. And the planner does not know that opening an array of the
    # word index costs ten times a row: it would read them all for a skill that half of the
    # candidates have (150 ms instead of 3).
    """
    SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
           set_config('hnsw.ef_search', :ef, true),
           set_config('hnsw.max_scan_tuples', :most, true),
           set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('enable_seqscan', 'off', true)
    """
)


async def begin(session: AsyncSession, *, filtered: bool = False) -> None:
    """Set this transaction up for a search; nothing may have been asked in it yet.

    One snapshot for all statements: a candidate that changes meanwhile is seen old or new, never
    with the words of one version and the text of another (R20).
    """
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    ef = _EF_SEARCH_FILTERED if filtered else _EF_SEARCH
    await session.execute(_BEGIN, {"ef": str(ef), "most": str(_MAX_SCAN_TUPLES)})


_COUNTS: Final = text(
    """
    SELECT (SELECT count(*) FROM candidate_words WHERE tenant_id = :tenant_id),
           (SELECT count(*) FROM candidate_words
            WHERE tenant_id = :tenant_id AND numbers @> ARRAY[number])
    FROM unnest(CAST(:numbers AS bigint[])) WITH ORDINALITY AS asked (number, place)
    ORDER BY place
    """
)


async def how_many_have(
    session: AsyncSession, tenant_id: TenantId, numbers: Sequence[int]
) -> tuple[int, list[int]]:
    """How many candidates the tenant has, and how many of them have each of the numbers."""
    told = {"tenant_id": tenant_id, "numbers": list(numbers)}
    rows = (await session.execute(_COUNTS, told)).all()
    return (rows[0][0] if rows else 0), [row[1] for row in rows]


_BY_WORDS: Final = """
    WITH summed AS MATERIALIZED (
        SELECT candidate_id, sum(gain) AS gain, bit_or(word) AS words
        FROM unnest(CAST(:numbers AS bigint[]), CAST(:gains AS float8[]), CAST(:words AS bigint[]))
             AS asked (number, gain, word),
             LATERAL (SELECT candidate_id FROM candidate_words
                      WHERE tenant_id = :tenant_id AND numbers @> ARRAY[asked.number]) AS found
        GROUP BY candidate_id
    )
    (SELECT * FROM summed WHERE {passing} ORDER BY gain DESC, candidate_id LIMIT :top_k)
    UNION
    SELECT * FROM summed WHERE candidate_id = ANY(CAST(:also AS uuid[]))
"""
"""Who passes is asked after the sums: inside, the planner would rather open every candidate's array
than the index."""


async def by_words(
    session: AsyncSession,
    tenant_id: TenantId,
    postings: Sequence[Posting],
    passing: Passing,
    *,
    also: Sequence[UUID],
    top_k: int,
) -> list[WordHit]:
    """The best by the sum of their gains, and those of `also` that have any. Best first."""
    told = {
        "tenant_id": tenant_id,
        "numbers": [posting.number for posting in postings],
        "gains": [posting.gain for posting in postings],
        "words": [1 << posting.word for posting in postings],
        "also": list(also),
        "top_k": top_k,
    }
    condition, values = _passes(tenant_id, passing)
    statement = text(_BY_WORDS.format(passing=condition))
    rows = await session.execute(statement, {**told, **values})
    return sorted(
        (WordHit(row[0], float(row[1]), int(row[2])) for row in rows),
        key=lambda hit: (-hit.gain, str(hit.candidate_id)),
    )


_BY_MEANING: Final = """
    SELECT near.candidate_id, 1 - distance, near.position
    FROM (
        SELECT candidate_id, version, position, embedding <=> CAST(:vector AS halfvec) AS distance
        FROM chunks
        WHERE tenant_id = :tenant_id AND embedding_model = :model AND {passing}
        ORDER BY embedding <=> CAST(:vector AS halfvec)
        LIMIT :chunks
    ) AS near
    JOIN candidates
      ON tenant_id = :tenant_id AND id = candidate_id AND candidates.version = near.version
"""


async def by_meaning(
    session: AsyncSession,
    tenant_id: TenantId,
    vector: Sequence[float],
    model: str,
    passing: Passing,
    *,
    chunks: int,
) -> list[MeaningHit]:
    """The nearest chunk of each candidate, out of so many of the nearest chunks. Best first."""
    if passing.few is not None:
        return await nearest_chunks(session, tenant_id, vector, model, passing.few, top_k=chunks)
    told = {
        "tenant_id": tenant_id,
        "vector": json.dumps(list(vector)),
        "model": model,
        "chunks": chunks,
    }
    condition, values = _passes(tenant_id, passing)
    statement = text(_BY_MEANING.format(passing=condition))
    return _best((await session.execute(statement, {**told, **values})).all())


_LIVE: Final = """
    candidates JOIN chunks
      ON candidates.id = chunks.candidate_id AND candidates.version = chunks.version
    WHERE candidates.tenant_id = :tenant_id AND candidates.id = ANY(CAST(:ids AS uuid[]))
"""
"""Only the live version of a candidate is found (R20)."""

_NEAREST: Final = text(
    f"""
    SELECT candidate_id, 1 - distance, position
    FROM (
        SELECT DISTINCT ON (candidate_id)
               candidate_id, position, embedding <=> CAST(:vector AS halfvec) AS distance
        FROM {_LIVE} AND embedding_model = :model
        ORDER BY candidate_id, distance
    ) AS nearest
    ORDER BY distance LIMIT :top_k
    """  # noqa: S608 - put together of constants
)


async def nearest_chunks(
    session: AsyncSession,
    tenant_id: TenantId,
    vector: Sequence[float],
    model: str,
    candidate_ids: Sequence[UUID],
    *,
    top_k: int,
) -> list[MeaningHit]:
    """The nearest chunk of each of the best of these candidates, without the index. Best first."""
    told = {
        "tenant_id": tenant_id,
        "vector": json.dumps(list(vector)),
        "model": model,
        "ids": list(candidate_ids),
        "top_k": top_k,
    }
    return _best((await session.execute(_NEAREST, told)).all())


_PIECES: Final = text(
    f"SELECT candidate_id, position, text FROM {_LIVE} ORDER BY candidate_id, position"  # noqa: S608
)


async def pieces(
    session: AsyncSession, tenant_id: TenantId, candidate_ids: Sequence[UUID]
) -> list[Piece]:
    """All chunks of the live versions of these candidates."""
    told = {"tenant_id": tenant_id, "ids": list(candidate_ids)}
    return [Piece(*row) for row in await session.execute(_PIECES, told)]


def _best(rows: Iterable[Row[Any]]) -> list[MeaningHit]:
    best: dict[UUID, MeaningHit] = {}
    for hit in (MeaningHit(*row) for row in rows):
        if hit.candidate_id not in best or hit.cosine > best[hit.candidate_id].cosine:
            best[hit.candidate_id] = hit
    return sorted(best.values(), key=lambda hit: (-hit.cosine, str(hit.candidate_id)))


_FEW: Final = """
    SELECT array_agg(id) FROM (
        SELECT id FROM candidates WHERE tenant_id = :tenant_id AND {bounds} AND {skilled} LIMIT :most
    ) AS passing
"""


async def passing(session: AsyncSession, tenant_id: TenantId, filters: Filters) -> Passing:
    """Look who passes; more than a few are left to the statements that ask for it."""
    if not filters:
        return Passing(filters=filters)
    statement = text(_FEW.format(bounds=_BOUNDS, skilled=_skilled("id", filters)))
    told = {
        "tenant_id": tenant_id,
        "most": _EXACT_CANDIDATES + 1,
        **_bounds(filters),
        **_numbers(tenant_id, filters),
    }
    found: list[UUID] = await session.scalar(statement, told) or []
    few = tuple(found) if len(found) <= _EXACT_CANDIDATES else None
    return Passing(filters=filters, few=few)


# A hit must be among these: the planner hashes the few bytes of those who pass, once, and asks that of
# every row on the way. IS TRUE keeps it from making a join of an IN instead, so the order of the
# vector index stands, and the word index is used for what it is for.
_ALL_SKILLS: Final = """
    ({id} IN (SELECT candidate_id FROM candidate_words
              WHERE tenant_id = :tenant_id AND numbers @> CAST(:all_skills AS bigint[]))) IS TRUE
"""
_ANY_SKILL: Final = """
    ({id} IN (SELECT candidate_id FROM candidate_words
              WHERE tenant_id = :tenant_id AND numbers && CAST(:any_skills AS bigint[]))) IS TRUE
"""
# The planner sees the values, and drops what is not asked for.
_BOUNDS: Final = """
        (CAST(:min_years AS float8) IS NULL OR years >= CAST(:min_years AS float8))
    AND (CAST(:max_years AS float8) IS NULL OR years <= CAST(:max_years AS float8))
    AND (CAST(:language AS text) IS NULL OR language = CAST(:language AS text))
    AND (CAST(:created_since AS timestamptz) IS NULL
         OR created_at >= CAST(:created_since AS timestamptz))
    AND (CAST(:created_before AS timestamptz) IS NULL
         OR created_at < CAST(:created_before AS timestamptz))
"""
_WITHIN: Final = f"""
    (candidate_id IN (SELECT id FROM candidates WHERE tenant_id = :tenant_id AND {_BOUNDS})) IS TRUE
"""  # noqa: S608 - put together of constants


def _passes(tenant_id: TenantId, passing: Passing) -> tuple[str, dict[str, object]]:
    """What `candidate_id` must meet, and the values that this speaks of."""
    if passing.few is not None:
        return "candidate_id = ANY(CAST(:few AS uuid[]))", {"few": list(passing.few)}
    skilled = _skilled("candidate_id", passing.filters)
    numbers = _numbers(tenant_id, passing.filters)
    bounds = _bounds(passing.filters)
    if not any(bound is not None for bound in bounds.values()):
        return skilled, numbers
    return f"{_WITHIN} AND {skilled}", {**numbers, **bounds}


def _skilled(column: str, filters: Filters) -> str:
    asked = ((_ALL_SKILLS, filters.all_skills), (_ANY_SKILL, filters.any_skills))
    return " AND ".join(part.format(id=column) for part, skills in asked if skills) or "true"


def _numbers(tenant_id: TenantId, filters: Filters) -> dict[str, object]:
    asked = {"all_skills": filters.all_skills, "any_skills": filters.any_skills}
    return {
        name: [terms.number(tenant_id, terms.skill_term(skill)) for skill in skills]
        for name, skills in asked.items()
        if skills
    }


def _bounds(filters: Filters) -> dict[str, object]:
    return {
        "min_years": filters.min_years,
        "max_years": filters.max_years,
        "language": filters.language,
        "created_since": filters.created_since,
        "created_before": filters.created_before,
    }


_SKILLS: Final = text(
    "SELECT id, skills FROM candidates WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))"
)


async def skills_named(
    session: AsyncSession,
    tenant_id: TenantId,
    candidate_ids: Sequence[UUID],
    skills: Sequence[str],
) -> dict[UUID, tuple[str, ...]]:
    """Which of their listed skills these are, in the candidates' own spelling."""
    if not skills:
        return {}
    wanted = {terms.skill_term(skill) for skill in skills}
    rows = await session.execute(_SKILLS, {"tenant_id": tenant_id, "ids": list(candidate_ids)})
    return {
        row[0]: tuple(skill for skill in row[1] if terms.skill_term(skill) in wanted)
        for row in rows
    }
