"""The flow of a résumé: from a stored file to a searchable candidate (R1).

fetch → extract → identity → analyze → protect → chunk → embed ┐
              │                └ portfolio (beside them) ──────┤
              └───────────── thumbnail (beside them) ──────────┴→ save
"""

import asyncio
import base64

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import erasure, identity, records
from app.candidates.analyzing import analyze
from app.candidates.distinct import undecided
from app.candidates.embedding import cut, embed
from app.candidates.indexing_records import words_of
from app.candidates.matching import match, seal_names
from app.candidates.originals import Original, extract, fetch
from app.candidates.portfolio import portfolio
from app.candidates.protection import Protected, candidate_of, profile_place, protect
from app.candidates.reading import Reading
from app.candidates.tables import CandidateId, FileRow, VersionRow
from app.candidates.thumbnails import Pictures, picture
from app.candidates.tools import ResumeTools
from app.candidates.versions import Found, save_version
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from app.store.keys import new_data_key


async def ingest(run: Run, file: FileRow, tools: ResumeTools) -> CandidateId:
    """Carry one file through all stages; returns the candidate it became.

    Raises the code of the stage that failed: a permanent one about the document (INVALID_FILE,
    MULTI_IDENTITY, OCR_UNAVAILABLE), or one that says run again later.
    """
    original = Original(file, run, tools)
    await run.need(fetch, original)
    document = await run.need(extract, original, tools.reader)
    reading = Reading(document, tools.reader.compute)
    await run.need(check_identity, reading)
    async with asyncio.TaskGroup() as side:
        drawn = side.create_task(picture(run, original, document, tools))
        analysis = await analyze(reading, run, tools)
        shot = side.create_task(portfolio(run, analysis.profile, tools))
        async with tools.turns:
            protected = await run.need(protect, analysis, reading, run, tools)
            chunks = await run.need(cut, protected, tools.chunking)
        vectors = side.create_task(run.want(embed, chunks, tools.embedder))
    async with tools.turns:
        found = Found(
            lookups=[(kind, base64.b64decode(value)) for kind, value in protected.lookups],
            chunks=chunks,
            vectors=vectors.result(),
            embedding_model=tools.embedder.model,
            words=await words_of(run.tenant_id, chunks, protected.masked_profile.skills),
        )
        pictures = Pictures(first_page=drawn.result(), portfolio=shot.result())
        return await run.commit(save, run, protected, found, pictures, tools)


@stage("identity", policy=PolicyName.PARSER)
async def check_identity(reading: Reading) -> None:
    """Raise MULTI_IDENTITY when the file holds more than one person's résumé (R2)."""
    identity.only_person((await reading.facts()).people)


@stage("save", policy=PolicyName.LOCAL)
async def save(
    session: AsyncSession,
    run: Run,
    protected: Protected,
    found: Found,
    pictures: Pictures,
    tools: ResumeTools,
) -> CandidateId:
    """Write a new version of the person, or a new person, in one transaction with the checkpoint.

    Raises ERASED when the person was erased after the file had come in.
    """
    matched = await match(
        session, tools.keyring, run.tenant_id, names=protected.names, lookups=found.lookups
    )
    await erasure.refuse_erased(session, run.row, found.lookups)
    if matched.known is None or matched.key is None:
        candidate_id, version = candidate_of(run), 1
        key, key_row = new_data_key(tools.keyring, run.tenant_id)
    else:
        candidate_id, version = CandidateId(matched.known.id), matched.known.version + 1
        key, key_row = matched.key, None
    sealed = key.seal(protected.profile.model_dump_json(), profile_place(candidate_id))
    row = VersionRow(
        candidate_id=candidate_id,
        version=version,
        tenant_id=run.tenant_id,
        run_id=run.id,
        profile_sealed=sealed,
        names_sealed=seal_names(key, candidate_id, version, protected.names),
        analyst=protected.analyst,
        skills=list(protected.masked_profile.skills),
        years=protected.years,
        language=protected.masked_profile.language,
        thumbnail_key=pictures.first_page,
        portfolio_key=pictures.portfolio,
    )
    await save_version(
        session,
        row,
        found,
        data_key=key_row or key.id,
        possible_duplicate_of=next(iter(matched.others), None),
    )
    if matched.known is not None:
        same = await undecided(session, run.tenant_id, candidate_id, matched.same)
        await records.flag(session, same, possible_duplicate_of=candidate_id)
    return candidate_id
