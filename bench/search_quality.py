"""How well search finds: MRR@10 and nDCG@10 of each arm and of both, on labelled queries.

A set is a folder of two files, a JSON object per line: `documents.jsonl` with `id` and `text`,
`queries.jsonl` with `query` and `relevant` (ids, or grades by id; 2 is best).
"""

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID, uuid4

from sqlalchemy import text

from app.candidates import search
from app.candidates.chunking import chunk
from app.candidates.indexing_records import put_words, words_of
from app.candidates.morphemes import installed_morphemes
from app.candidates.privacy import mask
from app.candidates.ranking import BLEND, Blend, Scored, ranked
from app.candidates.rules import analyze
from app.candidates.search import Meant
from app.candidates.search_records import Filters, begin
from app.candidates.tables import CandidateRow, ChunkRow
from app.candidates.terms import question
from app.documents.blocks import Block, Document, Format
from app.pipeline.tables import RunRow, RunStatus
from app.providers.embedders import Embedder
from app.settings.groups import ChunkSettings
from app.store.database import Database
from app.store.keys import TenantId

OWN_SET: Final = Path(__file__).parent / "search_set"
_DEPTH: Final = 10
_ARMS: Final = {
    "words": replace(BLEND, meaning=0.0),
    "meaning": replace(BLEND, meaning=1.0),
    "fused": BLEND,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`kind` parts the table: of our own, those that paraphrase and those that quote."""

    text: str
    kind: str
    grades: Mapping[str, float]

    @property
    def tunes(self) -> bool:
        """Whether it is of the half that weights were chosen on; queries of one answer stay together."""
        return zlib.crc32(" ".join(sorted(self.grades)).encode()) % 2 == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSet:
    documents: Mapping[str, str]
    queries: Sequence[Query]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Means over queries."""

    queries: int
    mrr: float
    ndcg: float


def load(folder: Path) -> LabelledSet:
    """Raises ValueError that says which line is wrong."""
    documents = {
        str(row["id"]): str(row["text"])
        for row in _lines(folder / "documents.jsonl", ("id", "text"))
    }
    queries: list[Query] = []
    for row in _lines(folder / "queries.jsonl", ("query", "relevant")):
        grades = _grades(row["relevant"])
        unknown = [name for name in grades if name not in documents]
        if unknown or not grades:
            raise ValueError(f"queries.jsonl: {row['query']!r} has no document {unknown}")
        queries.append(Query(text=str(row["query"]), kind=str(row.get("kind", "")), grades=grades))
    return LabelledSet(documents=documents, queries=queries)


def _grades(relevant: object) -> dict[str, float]:
    if isinstance(relevant, dict):
        graded = cast("dict[object, float]", relevant)
        return {str(name): float(grade) for name, grade in graded.items()}
    return dict.fromkeys(map(str, cast("list[object]", relevant)), 1.0)


def _lines(path: Path, fields: Sequence[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from None
        if not isinstance(row, dict) or not all(field in row for field in fields):
            raise ValueError(f"{path.name}, line {number}: needs {' and '.join(fields)}")
        rows.append(cast("dict[str, Any]", row))
    return rows


async def index(
    database: Database, tenant_id: TenantId, documents: Mapping[str, str], embedder: Embedder
) -> dict[UUID, str]:
    """Save each as the product would, by rules; which candidate is which document."""
    names: dict[UUID, str] = {}
    for name, body in documents.items():
        document = _document(body)
        profile = analyze(document)
        spelled = (profile.name,) if profile.name else ()
        chunks = chunk(profile, mask(document.text, names=spelled).text, ChunkSettings())
        texts = list(dict.fromkeys(piece.text for piece in chunks))
        vectors = dict(zip(texts, await embedder.embed(texts), strict=True))
        candidate_id, run_id = uuid4(), uuid4()
        names[candidate_id] = name
        async with database.begin() as session:
            session.add(
                RunRow(
                    id=run_id,
                    tenant_id=tenant_id,
                    flow="bench",
                    status=RunStatus.SUCCEEDED,
                    input={},
                )
            )
            await session.flush()
            session.add(
                CandidateRow(
                    id=candidate_id,
                    tenant_id=tenant_id,
                    run_id=run_id,
                    profile_sealed="",
                    analyst="rules",
                    skills=list(profile.skills),
                    years=0.0,
                    language=profile.language,
                )
            )
            await session.flush()
            session.add_all(
                ChunkRow(
                    candidate_id=candidate_id,
                    version=1,
                    position=piece.position,
                    tenant_id=tenant_id,
                    kind=piece.kind,
                    text=piece.text,
                    source_start=piece.start,
                    source_end=piece.end,
                    embedding=vectors[piece.text],
                    embedding_model=embedder.model,
                )
                for piece in chunks
            )
            words = await words_of(tenant_id, chunks, profile.skills)
            await put_words(session, tenant_id, candidate_id, words)
    async with database.begin() as session:
        await session.execute(text("ANALYZE candidate_words, chunks, candidates"))
    return names


def _document(body: str) -> Document:
    blocks: list[Block] = []
    gap = False
    for line in map(str.strip, body.splitlines()):
        if line:
            blocks.append(Block(text=line, starts_paragraph=gap))
        gap = not line
    return Document(format=Format.TEXT, pages=1, blocks=tuple(blocks))


Pools = Sequence[tuple[Query, Sequence[Scored]]]


async def pools(
    database: Database,
    tenant_id: TenantId,
    queries: Sequence[Query],
    embedder: Embedder,
    blend: Blend = BLEND,
) -> Pools:
    """Whom each query finds, with both scores."""
    found: list[tuple[Query, Sequence[Scored]]] = []
    for query in queries:
        (vector,) = await embedder.embed([query.text])
        async with database.begin() as session:
            await begin(session)
            scored = await search.score(
                session,
                tenant_id,
                question(query.text, installed_morphemes()),
                Meant(vector=vector, model=embedder.model),
                filters=Filters(),
                blend=blend,
                top_k=_DEPTH,
            )
        found.append((query, scored))
    return found


def judge(found: Pools, names: Mapping[UUID, str], blend: Blend) -> Figures:
    """Rank every pool by this blend and compare with the labels."""
    mrr = ndcg = 0.0
    for query, scored in found:
        order = [names[hit.candidate_id] for hit in ranked(scored, blend)[:_DEPTH]]
        gains = [query.grades.get(name, 0.0) for name in order]
        first = next((place for place, gain in enumerate(gains, 1) if gain > 0), None)
        mrr += 1 / first if first else 0.0
        best = sorted(query.grades.values(), reverse=True)[:_DEPTH]
        ndcg += _dcg(gains) / _dcg(best)
    return Figures(
        queries=len(found), mrr=round(mrr / len(found), 4), ndcg=round(ndcg / len(found), 4)
    )


def _dcg(gains: Sequence[float]) -> float:
    return sum((2**gain - 1) / math.log2(place + 1) for place, gain in enumerate(gains, 1))


def table(found: Pools, names: Mapping[UUID, str]) -> dict[str, dict[str, Figures]]:
    """Figures by part of the set and arm. Weights were chosen on `tuning`; `other` is the proof."""
    parts = {
        "all": found,
        "tuning": [pair for pair in found if pair[0].tunes],
        "other": [pair for pair in found if not pair[0].tunes],
        "korean": [pair for pair in found if _is_korean(pair[0].text)],
        "english": [pair for pair in found if not _is_korean(pair[0].text)],
    }
    for kind in sorted({query.kind for query, _ in found} - {""}):
        of_kind = [pair for pair in found if pair[0].kind == kind]
        parts[kind] = of_kind
        parts[f"{kind}, other"] = [pair for pair in of_kind if not pair[0].tunes]
    return {
        part: {arm: judge(pairs, names, blend) for arm, blend in _ARMS.items()}
        for part, pairs in parts.items()
        if pairs
    }


def _is_korean(query: str) -> bool:
    return any("가" <= character <= "힣" for character in query)


def grid(found: Pools, names: Mapping[UUID, str]) -> list[tuple[Blend, Figures]]:
    """What other blends would give on the tuning half; `BLEND` was chosen from this."""
    tuning = [pair for pair in found if pair[0].tunes]
    blends = [
        replace(BLEND, meaning=meaning / 20, power=power / 2)
        for power in range(2, 7)
        for meaning in range(4, 19)
    ]
    return [(blend, judge(tuning, names, blend)) for blend in blends]
