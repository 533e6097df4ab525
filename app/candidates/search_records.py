"""The SQL of search over candidates. The caller's transaction commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Float,
    Row,
    Uuid,
    and_,
    any_,
    cast,
    func,
    literal,
    select,
    text,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import array, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.candidates import terms
from app.candidates.tables import CandidateRow, ChunkRow, WordsRow
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


async def begin(session: AsyncSession, *, filtered: bool = False) -> None:
    """Set this transaction up for a search; nothing may have been asked in it yet.

    One snapshot for all statements: a candidate that changes meanwhile is seen old or new, never
    with the words of one version and the text of another (R20).
    """
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    await session.execute(
        text(
            # Without iteration a filtered scan of the index stops before it has found enough rows.
            # A plan for any filter is a bad plan for most. And the planner does not know that
            # opening an array of the word index costs ten times a row: it would read them all for
            # a skill that half of the candidates have (150 ms instead of 3).
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), "
            "set_config('hnsw.ef_search', :ef, true), "
            "set_config('hnsw.max_scan_tuples', :most, true), "
            "set_config('plan_cache_mode', 'force_custom_plan', true), "
            "set_config('enable_seqscan', 'off', true)"
        ),
        {"ef": str(_EF_SEARCH_FILTERED if filtered else _EF_SEARCH), "most": str(_MAX_SCAN_TUPLES)},
    )


async def how_many_have(
    session: AsyncSession, tenant_id: TenantId, numbers: Sequence[int]
) -> tuple[int, list[int]]:
    """How many candidates the tenant has, and how many of them have each of the numbers."""
    asked = (
        func.unnest(cast(literal(numbers), ARRAY(BigInteger)))
        .table_valued("number", with_ordinality="place")
        .render_derived(name="asked")
    )
    counts = (
        select(func.count())
        .select_from(WordsRow)
        .where(WordsRow.tenant_id == tenant_id, _has(asked.c.number))
        .scalar_subquery()
    )
    everybody = (
        select(func.count()).select_from(WordsRow).where(WordsRow.tenant_id == tenant_id)
    ).scalar_subquery()
    rows = (
        await session.execute(select(everybody, counts).select_from(asked).order_by(asked.c.place))
    ).all()
    return (rows[0][0] if rows else 0), [row[1] for row in rows]


async def by_words(
    session: AsyncSession,
    tenant_id: TenantId,
    postings: Sequence[Posting],
    filters: Filters,
    *,
    also: Sequence[UUID],
    top_k: int,
) -> list[WordHit]:
    """The best by the sum of their gains, and those of `also` that have any. Best first."""
    asked = (
        func.unnest(
            cast(literal([posting.number for posting in postings]), ARRAY(BigInteger)),
            cast(literal([posting.gain for posting in postings]), ARRAY(Float)),
            cast(literal([1 << posting.word for posting in postings]), ARRAY(BigInteger)),
        )
        .table_valued("number", "gain", "word")
        .render_derived(name="asked")
    )
    found = (
        select(WordsRow.candidate_id)
        .where(WordsRow.tenant_id == tenant_id, _has(asked.c.number))
        .lateral()
    )
    scored = select(
        found.c.candidate_id,
        func.sum(asked.c.gain).label("gain"),
        func.bit_or(asked.c.word).label("words"),
    ).select_from(asked.join(found, true()))
    summed = scored.group_by(found.c.candidate_id).cte("summed").prefix_with("MATERIALIZED")
    # After the sums: inside, the planner would rather open every candidate's array than the index.
    passing = _passes(summed.c.candidate_id, tenant_id, filters) if filters else true()
    best = (
        select(summed)
        .where(passing)
        .order_by(summed.c.gain.desc(), summed.c.candidate_id)
        .limit(top_k)
    )
    wanted = select(summed).where(_among(summed.c.candidate_id, also))
    rows = await session.execute(union(best, wanted))
    return sorted(
        (WordHit(row[0], float(row[1]), int(row[2])) for row in rows),
        key=lambda hit: (-hit.gain, str(hit.candidate_id)),
    )


async def by_meaning(
    session: AsyncSession,
    tenant_id: TenantId,
    vector: Sequence[float],
    model: str,
    filters: Filters,
    *,
    chunks: int,
) -> list[MeaningHit]:
    """The nearest chunk of each candidate, out of so many of the nearest chunks. Best first."""
    if filters and (few := await _few(session, tenant_id, filters)) is not None:
        return await nearest_chunks(session, tenant_id, vector, model, few, top_k=chunks)
    distance = ChunkRow.embedding.cosine_distance(vector)
    near = (
        select(
            ChunkRow.candidate_id,
            ChunkRow.version,
            (1 - distance).label("cosine"),
            ChunkRow.position,
        )
        .where(ChunkRow.tenant_id == tenant_id, ChunkRow.embedding_model == model)
        .order_by(distance)
        .limit(chunks)
    )
    if filters:
        near = near.where(_passes(ChunkRow.candidate_id, tenant_id, filters))
    found = near.subquery("near")
    rows = await session.execute(
        select(found.c.candidate_id, found.c.cosine, found.c.position).join(
            CandidateRow,
            and_(
                CandidateRow.tenant_id == tenant_id,
                CandidateRow.id == found.c.candidate_id,
                CandidateRow.version == found.c.version,
            ),
        )
    )
    return _best(rows)


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
    distance = ChunkRow.embedding.cosine_distance(vector)
    nearest = (
        select(ChunkRow.candidate_id, (1 - distance).label("cosine"), ChunkRow.position)
        .join(CandidateRow, _live())
        .where(
            CandidateRow.tenant_id == tenant_id,
            _among(CandidateRow.id, candidate_ids),
            ChunkRow.embedding_model == model,
        )
        .ext(distinct_on(ChunkRow.candidate_id))
        .order_by(ChunkRow.candidate_id, distance)
        .subquery("nearest")
    )
    rows = await session.execute(select(nearest).order_by(nearest.c.cosine.desc()).limit(top_k))
    return _best(rows)


async def pieces(
    session: AsyncSession, tenant_id: TenantId, candidate_ids: Sequence[UUID]
) -> list[Piece]:
    """All chunks of the live versions of these candidates."""
    rows = await session.execute(
        select(ChunkRow.candidate_id, ChunkRow.position, ChunkRow.text)
        .join(CandidateRow, _live())
        .where(CandidateRow.tenant_id == tenant_id, _among(CandidateRow.id, candidate_ids))
        .order_by(ChunkRow.candidate_id, ChunkRow.position)
    )
    return [Piece(*row) for row in rows]


def _best(rows: Iterable[Row[UUID, float, int]]) -> list[MeaningHit]:
    best: dict[UUID, MeaningHit] = {}
    for candidate_id, cosine, position in rows:
        if candidate_id not in best or cosine > best[candidate_id].cosine:
            best[candidate_id] = MeaningHit(candidate_id, cosine, position)
    return sorted(best.values(), key=lambda hit: (-hit.cosine, str(hit.candidate_id)))


async def _few(
    session: AsyncSession, tenant_id: TenantId, filters: Filters
) -> Sequence[UUID] | None:
    """Who passes; None when that are too many to compare one by one."""
    passing = await session.scalars(
        select(CandidateRow.id)
        .where(
            CandidateRow.tenant_id == tenant_id,
            *_bounds(filters),
            *_skilled(CandidateRow.id, tenant_id, filters),
        )
        .limit(_EXACT_CANDIDATES + 1)
    )
    found = passing.all()
    return found if len(found) <= _EXACT_CANDIDATES else None


_Id = ColumnElement[UUID] | InstrumentedAttribute[UUID]


def _among(column: _Id, ids: Sequence[UUID]) -> ColumnElement[bool]:
    """IN, as one parameter: the statement stays the same, and prepared, for any number of ids."""
    return column == any_(cast(literal(list(ids)), ARRAY(Uuid)))


def _has(number: ColumnElement[int]) -> ColumnElement[bool]:
    return WordsRow.numbers.contains(array([number]))


def _live() -> ColumnElement[bool]:
    """Only the live version of a candidate is found (R20)."""
    return and_(CandidateRow.id == ChunkRow.candidate_id, CandidateRow.version == ChunkRow.version)


def _bounds(filters: Filters) -> list[ColumnElement[bool]]:
    row = CandidateRow
    bounds = (
        (filters.min_years, row.years.__ge__),
        (filters.max_years, row.years.__le__),
        (filters.language, row.language.__eq__),
        (filters.created_since, row.created_at.__ge__),
        (filters.created_before, row.created_at.__lt__),
    )
    return [compare(bound) for bound, compare in bounds if bound is not None]


def _skilled(candidate_id: _Id, tenant_id: TenantId, filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for skills, have in (
        (filters.all_skills, WordsRow.numbers.contains),
        (filters.any_skills, WordsRow.numbers.overlap),
    ):
        if skills:
            numbers = [terms.number(tenant_id, terms.skill_term(skill)) for skill in skills]
            skilled = select(WordsRow.candidate_id).where(
                WordsRow.tenant_id == tenant_id, have(cast(literal(numbers), ARRAY(BigInteger)))
            )
            conditions.append(_hashed(candidate_id.in_(skilled)))
    return conditions


def _passes(candidate_id: _Id, tenant_id: TenantId, filters: Filters) -> ColumnElement[bool]:
    conditions = _skilled(candidate_id, tenant_id, filters)
    if bounds := _bounds(filters):
        within = select(CandidateRow.id).where(CandidateRow.tenant_id == tenant_id, *bounds)
        conditions.append(_hashed(candidate_id.in_(within)))
    return and_(true(), *conditions)


def _hashed(is_in: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep the planner from making a join of an IN, which `IS TRUE` does.

    It then hashes the few bytes of those who pass, once, and asks that of every row on the way: the
    order of the vector index stands, and the word index is used for what it is for.
    """
    return is_in.is_(true())


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
    rows = await session.execute(
        select(CandidateRow.id, CandidateRow.skills).where(
            CandidateRow.tenant_id == tenant_id, _among(CandidateRow.id, candidate_ids)
        )
    )
    return {
        row[0]: tuple(skill for skill in row[1] if terms.skill_term(skill) in wanted)
        for row in rows
    }
