"""How long a search takes once its query is embedded, and by which plans PostgreSQL answers it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import event, text

from app.candidates.morphemes import installed_morphemes
from app.candidates.search import Meant, find
from app.candidates.search_records import Filters
from app.candidates.terms import question
from app.providers.embedders import Embedder
from app.store.database import Database
from app.store.keys import TenantId

_TOP_K: Final = 10
_FILTERS: Final = {
    "no filter": Filters(),
    "one skill": Filters(all_skills=("python",)),
    "years and language": Filters(min_years=5, max_years=12, language="ko"),
    "one of three skills, since": Filters(
        any_skills=("kafka", "figma", "c++"), created_since=datetime(2024, 1, 5, tzinfo=UTC)
    ),
    "few pass": Filters(all_skills=("python", "kotlin", "kafka", "sql"), min_years=10),
}
"""Each query is asked with one of them, in turn, and once more without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds."""

    searches: int
    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """`sql` is the search after its query was embedded, whole; `by_filter` are parts of it.

    `undisturbed` has of each query its fastest round: what neighbours on the machine disturb least.
    """

    sql: Times
    undisturbed: Times
    by_filter: dict[str, Times]
    embedding: Times


async def measure(
    database: Database,
    tenant_id: TenantId,
    queries: Sequence[str],
    embedder: Embedder,
    *,
    rounds: int,
) -> Latency:
    """One search at a time, after a round that warms the caches."""
    asked = [question(query, installed_morphemes()) for query in queries]
    meant: list[Meant] = []
    embedding: list[float] = []
    for query in queries:
        began_s = time.perf_counter()
        (vector,) = await embedder.embed([query])
        embedding.append(time.perf_counter() - began_s)
        meant.append(Meant(vector=vector, model=embedder.model))
    kinds = list(_FILTERS)[1:]
    spent: dict[str, list[float]] = {kind: [] for kind in _FILTERS}
    fastest: dict[tuple[int, str], float] = {}
    for round_number in range(rounds + 1):
        for place, (words, meaning) in enumerate(zip(asked, meant, strict=True)):
            for kind in ("no filter", kinds[place % len(kinds)]):
                began_s = time.perf_counter()
                await find(
                    database, tenant_id, words, meaning, filters=_FILTERS[kind], top_k=_TOP_K
                )
                took_s = time.perf_counter() - began_s
                if round_number:
                    spent[kind].append(took_s)
                    fastest[place, kind] = min(took_s, fastest.get((place, kind), took_s))
    return Latency(
        sql=_times([each for times in spent.values() for each in times]),
        undisturbed=_times(list(fastest.values())),
        by_filter={kind: _times(times) for kind, times in spent.items()},
        embedding=_times(embedding),
    )


def _times(seconds: Sequence[float]) -> Times:
    p50, p95, p99 = map(float, np.percentile(np.array(seconds) * 1000, [50, 95, 99]))
    return Times(searches=len(seconds), p50=round(p50, 1), p95=round(p95, 1), p99=round(p99, 1))


async def plans(
    database: Database, tenant_id: TenantId, query: str, embedder: Embedder, kind: str = "no filter"
) -> list[str]:
    """EXPLAIN ANALYZE of each statement of one search, in their order."""
    (vector,) = await embedder.embed([query])
    shown: list[str] = []

    @event.listens_for(database.engine.sync_engine, "do_execute")
    def explain(cursor: Any, statement: str, parameters: Any, _context: object) -> bool:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "set_config" not in statement:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", parameters)
            shown.append("\n".join(row[0] for row in cursor.fetchall()))
        return False

    try:
        await find(
            database,
            tenant_id,
            question(query, installed_morphemes()),
            Meant(vector=vector, model=embedder.model),
            filters=_FILTERS[kind],
            top_k=_TOP_K,
        )
    finally:
        event.remove(database.engine.sync_engine, "do_execute", explain)
    return shown


async def sizes(database: Database) -> dict[str, str]:
    """What the tables and indexes of search take on the disk."""
    async with database.begin() as session:
        rows = await session.execute(
            text(
                "SELECT relname, pg_size_pretty(pg_total_relation_size(oid)) FROM pg_class "
                "WHERE relname IN ('chunks', 'candidate_words', 'ix_chunks_embedding', "
                "'ix_candidate_words_numbers') ORDER BY relname"
            )
        )
        return {row[0]: row[1] for row in rows}
