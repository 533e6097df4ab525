"""A résumé in pieces, and a vector for each."""

import asyncio

from app.candidates.chunking import Chunk, chunk
from app.candidates.protection import Protected
from app.errors import ErrorCode
from app.pipeline.stage import stage
from app.providers.embedders import Embedder
from app.resilience.policies import PolicyName
from app.settings.groups import ChunkSettings


@stage("chunk", policy=PolicyName.LOCAL)
async def cut(protected: Protected, settings: ChunkSettings) -> tuple[Chunk, ...]:
    """The masked text in pieces (R8)."""
    return await asyncio.to_thread(chunk, protected.masked_profile, protected.masked_text, settings)


@stage("embed", policy=PolicyName.EMBEDDING, partial=ErrorCode.EMBEDDING_PARTIAL)
async def embed(chunks: tuple[Chunk, ...], embedder: Embedder) -> list[list[float]]:
    """One vector per chunk, in order.

    Equal texts are embedded once: a short résumé is its own only section.
    """
    texts = list(dict.fromkeys(piece.text for piece in chunks))
    vectors = dict(zip(texts, await embedder.embed(texts), strict=True))
    return [vectors[piece.text] for piece in chunks]
