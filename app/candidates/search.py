"""Find candidates by words and by meaning; docs/search.md says how they are ranked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import search_records as records
from app.candidates.morphemes import installed_morphemes
from app.candidates.privacy import mask
from app.candidates.ranking import BLEND, Blend, Scored, combine, snippet, weigh
from app.candidates.search_records import Filters
from app.candidates.terms import Question, number, question
from app.errors import ErrorCode
from app.providers.embedders import Embedder
from app.resilience.policy import Policy
from app.store.database import Database
from app.store.keys import TenantId
from app.telemetry.conventions import Attribute, SpanName
from app.telemetry.spans import SpanKind, span

_INDEX: Final = "candidates"
_CHUNKS: Final = 100
"""Nearest chunks that are looked at; those of some 40 candidates."""
_BY_WORDS: Final = 50
"""Best by words that are looked at, or as many as are asked for: the blend with meaning may put one
first that words alone have further down."""
_READ_CHARS: Final = 1_000
"""Of a query; the local model's time grows faster than the length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """`score` from 0 to 1, with its two parts, and why.

    `words` are those of the query that were found, `skills` those of the candidate that it names;
    `snippet` is masked text around them.
    """

    candidate_id: UUID
    score: float
    keyword: float
    meaning: float
    words: tuple[str, ...]
    skills: tuple[str, ...]
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best first. `without_meaning` says why only words were searched, if that was so."""

    hits: list[Hit]
    without_meaning: ErrorCode | None = None


async def search(  # noqa: PLR0913 - who, where, what, and how
    database: Database,
    tenant_id: TenantId,
    query: str,
    *,
    embedder: Embedder,
    policy: Policy,
    top_k: int,
    filters: Filters | None = None,
) -> Found:
    """Nothing for a query of particles and signs alone, and never an error for its text.

    A candidate whose embedding failed is found by words alone; so are all while the query cannot be
    embedded and `policy` fails open.
    """
    # Lone halves of a surrogate pair, which JSON can carry, cannot be sent anywhere.
    read = query[:_READ_CHARS].encode(errors="ignore").decode().replace("\x00", " ")
    # In a thread: the first one may load a dictionary.
    asked = await asyncio.to_thread(question, read, installed_morphemes())
    if not asked.terms:
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
        embedded = await policy.outcome(partial(embedder.embed, [mask(read).text]))
        vector = embedded.value[0] if embedded.value is not None else None
        hits = await find(
            database,
            tenant_id,
            asked,
            Meant(vector=vector, model=embedder.model),
            filters=filters or Filters(),
            top_k=top_k,
        )
    return Found(hits=hits, without_meaning=embedded.error.code if embedded.error else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """The vector of a query and the model that it is of; vectors of others are not compared."""

    vector: Sequence[float] | None
    model: str


async def find(  # noqa: PLR0913 - as above
    database: Database,
    tenant_id: TenantId,
    asked: Question,
    meant: Meant,
    *,
    filters: Filters,
    top_k: int,
    blend: Blend = BLEND,
) -> list[Hit]:
    """The search after its query was read and embedded."""
    async with database.begin() as session:
        await records.begin(session, filtered=bool(filters))
        scored = await score(
            session, tenant_id, asked, meant, filters=filters, blend=blend, top_k=top_k
        )
        best = scored[:top_k]
        ids = [hit.candidate_id for hit in best]
        pieces = {
            candidate_id: list(group)
            for candidate_id, group in groupby(
                await records.pieces(session, tenant_id, ids), key=lambda piece: piece.candidate_id
            )
        }
        skills = await records.skills_named(session, tenant_id, ids, asked.skills)
    return [
        Hit(
            candidate_id=hit.candidate_id,
            score=round(hit.score(blend), 4),
            keyword=round(hit.keyword, 4),
            meaning=round(hit.meaning, 4),
            words=tuple(asked.words[place] for place in hit.places),
            skills=skills.get(hit.candidate_id, ()),
            snippet=snippet(
                pieces.get(hit.candidate_id, ()), asked.spellings(hit.places), hit.position
            ),
        )
        for hit in best
    ]


async def score(  # noqa: PLR0913 - as above
    session: AsyncSession,
    tenant_id: TenantId,
    asked: Question,
    meant: Meant,
    *,
    filters: Filters,
    blend: Blend,
    top_k: int,
) -> list[Scored]:
    """Whom either arm found, each with both of its scores: one that an arm missed gets its own.

    At least `top_k` where words find so many.
    """
    passing = await records.passing(session, tenant_id, filters)
    near: list[records.MeaningHit] = []
    if meant.vector is not None:
        near = await records.by_meaning(
            session, tenant_id, meant.vector, meant.model, passing, chunks=_CHUNKS
        )
    by_meaning = {hit.candidate_id: hit for hit in near}
    total, counts = await records.how_many_have(
        session, tenant_id, [number(tenant_id, term.term) for term in asked.terms]
    )
    weighed = weigh(tenant_id, asked, total, counts, blend)
    by_words: list[records.WordHit] = []
    if weighed.postings:
        by_words = await records.by_words(
            session,
            tenant_id,
            weighed.postings,
            passing,
            also=list(by_meaning),
            top_k=max(_BY_WORDS, top_k),
        )
    missed = [hit.candidate_id for hit in by_words if hit.candidate_id not in by_meaning]
    if missed and meant.vector is not None:
        further = await records.nearest_chunks(
            session, tenant_id, meant.vector, meant.model, missed, top_k=len(missed)
        )
        by_meaning |= {hit.candidate_id: hit for hit in further}
    return combine(by_words, weighed.highest, by_meaning, blend)
