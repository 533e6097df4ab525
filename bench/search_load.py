"""A hundred thousand generated chunks in PostgreSQL, and how long a search over them takes.

The words are those of the labelled set as often as they come there, and as many invented ones, rarer
the later; the vectors lie around those of the labelled set's pieces, as those of real résumés lie in
clusters. A candidate has eight chunks, like a résumé of two pages.
"""

import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final, cast
from uuid import uuid4

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.asyncpg import register_vector

from app.candidates import terms
from app.candidates.chunking import Chunk, ChunkKind
from app.store.keys import TenantId

CHUNKS_EACH: Final = 8
_LINES_EACH: Final = 14
_WORDS_A_LINE: Final = (6, 18)
_INVENTED: Final = 30_000
_BATCH: Final = 500
_NOISE: Final = 0.6
"""Of a vector's length; pieces of one résumé then have a cosine near 0.7."""


Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Like:
    """What is generated is like these: texts, and vectors of this model."""

    texts: Sequence[str]
    vectors: Vectors
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    candidates: int
    chunks: int
    generate_s: float
    copy_s: float
    index_s: float


class _Writer:
    """Texts of random words, Korean and English, with the frequencies of speech."""

    def __init__(self, texts: Sequence[str], chance: random.Random) -> None:
        real = [word for text in texts for word in text.split()]
        chance.shuffle(real)
        invented = [_invent(chance) for _ in range(_INVENTED)]
        self._chance = chance
        self._words = real + invented
        rare = [len(real) / (place + 10) for place in range(len(invented))]
        self._weights = list(accumulate([1.0] * len(real) + rare))

    def line(self) -> str:
        size = self._chance.randint(*_WORDS_A_LINE)
        return " ".join(self._chance.choices(self._words, cum_weights=self._weights, k=size))


def _invent(chance: random.Random) -> str:
    if chance.random() < 0.6:
        return "".join(chr(chance.randrange(0xAC00, 0xD7A4)) for _ in range(chance.randint(2, 5)))
    return "".join(chance.choice("abcdefghiklmnoprstuvwy") for _ in range(chance.randint(4, 9)))


def _chunks(writer: _Writer) -> list[Chunk]:
    lines = [writer.line() for _ in range(_LINES_EACH)]
    body = "\n".join(lines)
    middle = body.rfind(" ", 0, len(body) // 2)
    pieces: list[tuple[ChunkKind, str, int | None]] = [
        (ChunkKind.STRUCTURED, "\n".join(lines[place::CHUNKS_EACH]), None)
        for place in range(CHUNKS_EACH - 3)
    ]
    pieces += [
        (ChunkKind.RAW_FULL, body, 0),
        (ChunkKind.RAW_SECTION, body[:middle], 0),
        (ChunkKind.RAW_SECTION, body[middle + 1 :], middle + 1),
    ]
    return [
        Chunk(
            kind=kind,
            position=position,
            text=text,
            start=start,
            end=None if start is None else start + len(text),
        )
        for position, (kind, text, start) in enumerate(pieces)
    ]


async def fill(url: str, tenant_id: TenantId, like: Like, *, chunks: int) -> Loaded:
    """COPY as many candidates as make that many chunks, then build the indexes as a dump would."""
    connect = cast("Callable[[str], Awaitable[Any]]", asyncpg.connect)
    connection = await connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        await register_vector(connection)
        return await _fill(connection, tenant_id, like, chunks)
    finally:
        await connection.close()


async def _fill(connection: Any, tenant_id: TenantId, like: Like, chunks: int) -> Loaded:
    generate_s = copy_s = 0.0
    writer = _Writer(like.texts, random.Random(7))  # noqa: S311 - a bench, the same every time
    noise = np.random.default_rng(7)
    indexes = await _drop_indexes(connection)
    candidates = chunks // CHUNKS_EACH
    for first in range(0, candidates, _BATCH):
        began_s = time.perf_counter()
        batch = list(
            _rows(
                writer,
                noise,
                like,
                tenant_id,
                range(first, min(first + _BATCH, candidates)),
            )
        )
        generated_s = time.perf_counter()
        for table, columns, rows in _tables(batch):
            await connection.copy_records_to_table(table, columns=columns, records=rows)
        generate_s += generated_s - began_s
        copy_s += time.perf_counter() - generated_s
    began_s = time.perf_counter()
    await connection.execute("SET maintenance_work_mem = '1GB'")
    for definition in indexes:
        await connection.execute(definition)
    for table in ("runs", "candidates", "chunks", "candidate_words"):
        await connection.execute(f"VACUUM ANALYZE {table}")
    return Loaded(
        candidates=candidates,
        chunks=candidates * CHUNKS_EACH,
        generate_s=round(generate_s, 1),
        copy_s=round(copy_s, 1),
        index_s=round(time.perf_counter() - began_s, 1),
    )


_SLOW_INDEXES: Final = ("ix_chunks_embedding", "ix_candidate_words_numbers")


async def _drop_indexes(connection: Any) -> list[str]:
    found = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY($1)", list(_SLOW_INDEXES)
    )
    for row in found:
        await connection.execute(f"DROP INDEX {row['indexname']}")
    return [row["indexdef"] for row in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    run: tuple[object, ...]
    row: tuple[object, ...]
    words: tuple[object, ...]
    chunks: Sequence[tuple[object, ...]]


_SKILLS: Final = ("Python", "Kotlin", "Kafka", "Excel", "SQL", "Figma", "TIG", "GA4", "R", "C++")
_BEGAN: Final = datetime(2024, 1, 1, tzinfo=UTC)


def _rows(
    writer: _Writer,
    noise: np.random.Generator,
    like: Like,
    tenant_id: TenantId,
    numbers: Sequence[int],
) -> Iterator[_Candidate]:
    for number in numbers:
        run_id, candidate_id = uuid4(), uuid4()
        skills = [skill for place, skill in enumerate(_SKILLS) if number % (place + 2) == 0]
        created_at = _BEGAN + timedelta(minutes=number)
        chunks = _chunks(writer)
        person = like.vectors[noise.integers(len(like.vectors))]
        vectors = _near(noise, person, len(chunks))
        yield _Candidate(
            run=(run_id, tenant_id, "bench", "succeeded", 1, 1, "{}", [], "{}"),
            row=(
                candidate_id, tenant_id, run_id, 1, "", "rules", skills,
                float(number % 30), "ko" if number % 2 else "en", created_at,
            ),
            words=(candidate_id, tenant_id, terms.indexed(tenant_id, chunks, skills), "bench"),
            chunks=[
                (
                    candidate_id, 1, piece.position, tenant_id, piece.kind.value, piece.text,
                    piece.start, piece.end, HalfVector(vector), like.model,
                )
                for piece, vector in zip(chunks, vectors, strict=True)
            ],
        )  # fmt: skip


def _near(noise: np.random.Generator, person: Vectors, count: int) -> Vectors:
    """Unit vectors around a person's, which lies around one of the labelled set."""
    shift = noise.standard_normal((count + 1, person.shape[0]))
    shift *= _NOISE / np.linalg.norm(shift, axis=1, keepdims=True)
    found = person + shift[0] + shift[1:]
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _tables(
    batch: Sequence[_Candidate],
) -> Iterator[tuple[str, Sequence[str], Sequence[tuple[object, ...]]]]:
    yield (
        "runs",
        (
            "id", "tenant_id", "flow", "status", "attempt", "tries", "input", "partial_codes",
            "details",
        ),
        [each.run for each in batch],
    )  # fmt: skip
    yield (
        "candidates",
        (
            "id", "tenant_id", "run_id", "version", "profile_sealed", "analyst", "skills", "years",
            "language", "created_at",
        ),
        [each.row for each in batch],
    )  # fmt: skip
    yield (
        "candidate_words",
        ("candidate_id", "tenant_id", "numbers", "rules"),
        [each.words for each in batch],
    )
    yield (
        "chunks",
        (
            "candidate_id", "version", "position", "tenant_id", "kind", "text", "source_start",
            "source_end", "embedding", "embedding_model",
        ),
        [row for each in batch for row in each.chunks],
    )  # fmt: skip
