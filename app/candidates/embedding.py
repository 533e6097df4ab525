"""A résumé in pieces, and a vector for each."""

from collections.abc import Iterable

from app.candidates.chunking import Chunk, chunk
from app.candidates.computing import computed
from app.candidates.protection import Protected
from app.candidates.repair_records import Piece, Vector, Vectors
from app.errors import ErrorCode
from app.pipeline.stage import stage
from app.providers.embedders import Embedder
from app.resilience.policies import PolicyName
from app.settings.groups import ChunkSettings


@stage("chunk", policy=PolicyName.LOCAL)
async def cut(protected: Protected, settings: ChunkSettings) -> tuple[Chunk, ...]:
    """The masked text in pieces (R8)."""
    return await computed(chunk, protected.masked_profile, protected.masked_text, settings)


async def vectors_of(texts: Iterable[str], embedder: Embedder) -> list[list[float]]:
    """One vector per text, in order.

    Equal texts are embedded once: a short résumé is its own only section.
    """
    asked = list(texts)
    different = list(dict.fromkeys(asked))
    vectors = dict(zip(different, await embedder.embed(different), strict=True))
    return [vectors[text] for text in asked]


@stage("embed", policy=PolicyName.EMBEDDING, partial=ErrorCode.EMBEDDING_PARTIAL)
async def embed(chunks: tuple[Chunk, ...], embedder: Embedder) -> list[list[float]]:
    """One vector per chunk, in order."""
    return await vectors_of((piece.text for piece in chunks), embedder)


@stage("embed", policy=PolicyName.EMBEDDING, partial=ErrorCode.EMBEDDING_PARTIAL)
async def embed_stored(pieces: tuple[Piece, ...], embedder: Embedder) -> Vectors:
    """One vector per stored chunk."""
    found = await vectors_of((piece.text for piece in pieces), embedder)
    each = [
        Vector(piece.candidate_id, piece.version, piece.position, numbers)
        for piece, numbers in zip(pieces, found, strict=True)
    ]
    return Vectors(embedder.model, each)
