"""The flow of a résumé: from a stored file to a searchable candidate (R1).

fetch → extract → identity → analyze → protect → chunk → embed ┐
              └───────────── thumbnail (beside them) ──────────┴→ save
"""

import asyncio
import base64

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import identity, records
from app.candidates.analyzing import analyze
from app.candidates.chunking import Chunk
from app.candidates.embedding import cut, embed
from app.candidates.originals import Original, extract, fetch
from app.candidates.protection import Protected, protect
from app.candidates.tables import CandidateId, CandidateRow, FileRow
from app.candidates.thumbnails import picture
from app.candidates.tools import ResumeTools
from app.documents.blocks import Document
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.store.keys import DataKeyRow


async def ingest(run: Run, file: FileRow, tools: ResumeTools) -> CandidateId:
    """Carry one file through all stages; returns the candidate it became.

    Raises the code of the stage that failed: a permanent one about the document (INVALID_FILE,
    MULTI_IDENTITY, OCR_UNAVAILABLE), or one that says run again later.
    """
    original = Original(file, run, tools)
    await run.need(fetch, original)
    document = await run.need(extract, original, tools.reader)
    await run.need(check_identity, document)
    async with asyncio.TaskGroup() as side:
        drawn = side.create_task(picture(run, original, document, tools))
        analysis = await analyze(document, run, tools)
        protected = await run.need(protect, analysis, document, run, tools)
        chunks = await run.need(cut, protected, tools.chunking)
        vectors = side.create_task(run.want(embed, chunks, tools.embedder))
    return await run.commit(
        save, run, protected, chunks, vectors.result(), drawn.result(), tools.embedder.model
    )


@stage("identity", policy=PolicyName.LOCAL)
async def check_identity(document: Document) -> None:
    """Raise MULTI_IDENTITY when the file holds more than one person's résumé (R2)."""
    await asyncio.to_thread(identity.check_one_person, document)


@stage("save", policy=PolicyName.LOCAL)
async def save(  # noqa: PLR0913, PLR0917 - the stages' results, written together
    session: AsyncSession,
    run: Run,
    protected: Protected,
    chunks: tuple[Chunk, ...],
    vectors: list[list[float]] | None,
    thumbnail_key: str | None,
    embedding_model: str,
) -> CandidateId:
    """Write the candidate, its look-ups and chunks in one transaction with the checkpoint."""
    candidate_id = CandidateId(protected.candidate_id)
    session.add(
        DataKeyRow(id=protected.key_id, tenant_id=run.tenant_id, wrapped=protected.wrapped_key)
    )
    await session.flush()
    await records.insert(
        session,
        CandidateRow(
            id=candidate_id,
            tenant_id=run.tenant_id,
            run_id=run.id,
            data_key_id=protected.key_id,
            profile_sealed=protected.profile_sealed,
            analyst=protected.analyst,
            skills=list(protected.masked_profile.skills),
            years=protected.years,
            language=protected.masked_profile.language,
            thumbnail_key=thumbnail_key,
        ),
        lookups=[(kind, base64.b64decode(value)) for kind, value in protected.lookups],
        chunks=chunks,
        vectors=vectors,
        embedding_model=embedding_model,
    )
    return candidate_id
