"""Find candidates by words and by meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import ColumnElement, Float, and_, cast, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates.tables import CandidateRow, ChunkRow
from app.errors import ErrorCode
from app.providers.embedders import Embedder
from app.resilience.policy import Policy
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.spans import SpanKind, span

_INDEX = "candidates"
_KEYWORD_WEIGHT = 0.6
"""Words count more than meaning: who asks for "Kafka" wants the word. Fused by weighted score;
fusing by rank with equal weights can fall below the better arm."""

_LEAST_SIMILARITY = 0.3
"""Of `word_similarity`, for a hit by words; PostgreSQL's own default of 0.6 misses one particle."""

_LEAST_COSINE = 0.25
"""For a hit by meaning; unrelated texts lie near 0.1 with the local model."""

_CHUNKS_PER_ARM = 200
_SNIPPET_CHARS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """`score` from 0 to 1, with its two parts; `snippet` is masked text of the best chunk."""

    candidate_id: UUID
    score: float
    keyword: float
    meaning: float
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best first. `without_meaning` says why only words were searched, if that was so."""

    hits: list[Hit]
    without_meaning: ErrorCode | None = None


async def search(
    database: Database,
    tenant_id: TenantId,
    query: str,
    *,
    embedder: Embedder,
    policy: Policy,
    top_k: int,
) -> Found:
    """Nothing for a blank query.

    A candidate whose embedding failed is found by words alone; so are all while the query cannot be
    embedded and `policy` fails open.
    """
    if not query.strip():
        return Found(hits=[])
    with span(
        SpanName.RETRIEVAL,
        _INDEX,
        kind=SpanKind.CLIENT,
        attributes={
            Attribute.GEN_AI_OPERATION_NAME: "retrieval",
            Attribute.GEN_AI_DATA_SOURCE_ID: _INDEX,
        },
    ):
        embedded = await policy.outcome(partial(embedder.embed, [query]))
        async with database.begin() as session:
            by_words = await _by_words(session, tenant_id, query)
            by_meaning: _Scored = {}
            if embedded.value is not None:
                (vector,) = embedded.value
                by_meaning = await _by_meaning(session, tenant_id, vector, embedder.model)
    hits = [
        _fuse(candidate_id, by_words.get(candidate_id), by_meaning.get(candidate_id))
        for candidate_id in by_words.keys() | by_meaning.keys()
    ]
    hits.sort(key=lambda hit: (-hit.score, str(hit.candidate_id)))
    missing = embedded.error.code if embedded.error else None
    return Found(hits=hits[:top_k], without_meaning=missing)


_Scored = dict[UUID, tuple[float, str]]


async def _by_words(session: AsyncSession, tenant_id: TenantId, query: str) -> _Scored:
    """Score by the mean similarity of the query's words, each to its best place in the chunk.

    Particles and the order of words do not matter, a missing word does.
    """
    words = list(dict.fromkeys(query.lower().split()))[:16]
    await session.execute(
        text("SELECT set_config('pg_trgm.word_similarity_threshold', :least, true)"),
        {"least": str(_LEAST_SIMILARITY)},
    )
    parts = [func.word_similarity(literal(word), func.lower(ChunkRow.text)) for word in words]
    score = cast(sum(parts[1:], parts[0]), Float) / len(words)
    matches = or_(*(literal(word).op("<%", is_comparison=True)(ChunkRow.text) for word in words))
    rows = await session.execute(
        select(ChunkRow.candidate_id, score.label("score"), ChunkRow.text)
        .join(CandidateRow, _live())
        .where(ChunkRow.tenant_id == tenant_id, matches)
        .order_by(text("score DESC"))
        .limit(_CHUNKS_PER_ARM)
    )
    return _best([(row[0], float(row[1]), row[2]) for row in rows])


async def _by_meaning(
    session: AsyncSession, tenant_id: TenantId, vector: list[float], model: str
) -> _Scored:
    # Without it a filtered scan of the index stops before it has found enough rows.
    await session.execute(text("SET LOCAL hnsw.iterative_scan = relaxed_order"))
    distance = ChunkRow.embedding.cosine_distance(vector)
    rows = await session.execute(
        select(ChunkRow.candidate_id, (1 - distance).label("score"), ChunkRow.text)
        .join(CandidateRow, _live())
        .where(ChunkRow.tenant_id == tenant_id, ChunkRow.embedding_model == model)
        .order_by(distance)
        .limit(_CHUNKS_PER_ARM)
    )
    found = [(row[0], row[1], row[2]) for row in rows if row[1] >= _LEAST_COSINE]
    return _best(found)


def _live() -> ColumnElement[bool]:
    """Only the live version of a candidate is found (R20)."""
    return and_(CandidateRow.id == ChunkRow.candidate_id, CandidateRow.version == ChunkRow.version)


def _best(rows: Sequence[tuple[UUID, float, str]]) -> _Scored:
    best: _Scored = {}
    for candidate_id, score, piece in rows:
        if candidate_id not in best or score > best[candidate_id][0]:
            best[candidate_id] = (score, piece)
    return best


def _fuse(
    candidate_id: UUID, by_words: tuple[float, str] | None, by_meaning: tuple[float, str] | None
) -> Hit:
    keyword = by_words[0] if by_words else 0.0
    meaning = min(max(by_meaning[0], 0.0), 1.0) if by_meaning else 0.0
    piece = (by_words or by_meaning or (0.0, ""))[1]
    return Hit(
        candidate_id=candidate_id,
        score=round(_KEYWORD_WEIGHT * keyword + (1 - _KEYWORD_WEIGHT) * meaning, 4),
        keyword=round(keyword, 4),
        meaning=round(meaning, 4),
        snippet=" ".join(piece.split())[:_SNIPPET_CHARS],
    )
