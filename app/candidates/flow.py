"""The flow of a résumé: from a stored file to a searchable candidate (R1).

fetch → extract → identity → analyze → protect → chunk → embed ┐
              └───────────── thumbnail (beside them) ──────────┴→ save
"""

import asyncio
import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import identity, records
from app.candidates.analysis import (
    ANALYSIS_V1,
    Analysis,
    Analyst,
    History,
    ResumeAnswer,
    analyze_by_model,
    analyze_by_rules,
    comparable,
)
from app.candidates.chunking import Chunk, chunk
from app.candidates.intake import original_place
from app.candidates.privacy import mask, redact_rrn
from app.candidates.profile import Profile, experience_years
from app.candidates.tables import CandidateId, CandidateRow, FileRow
from app.documents.blocks import Document, Format
from app.documents.reader import Reader
from app.errors import ErrorCode
from app.modelchain import Model, ModelChain
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.providers.blobs import Blobs
from app.providers.embedders import Embedder
from app.providers.llm import Answer
from app.resilience.policies import FallbackName, PolicyName
from app.resilience.policy import Policy
from app.resilience.rollout import Path, Rollout
from app.resilience.rollout_config import EVERYONE_BP
from app.settings.groups import ChunkSettings
from app.store.crypto import BlindIndex, Keyring, Place
from app.store.keys import DataKeyRow, new_data_key

_ANSWER = TypeAdapter(Answer)
_FORMATS_WITH_PAGES = frozenset({Format.PDF, Format.IMAGE})
_CANDIDATES = UUID("6e617275-0000-4000-8000-000063616e64")
"""Name space in which a candidate's id follows from its run's: saving twice cannot make two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeTools:
    """What the stages work with; made once per worker."""

    blobs: Blobs
    reader: Reader
    embedder: Embedder
    models: ModelChain | None
    shadow_models: ModelChain | None
    model_analyst: Rollout
    storage: Policy
    keyring: Keyring
    index: BlindIndex
    chunking: ChunkSettings
    max_file_bytes: int
    parse_tries: int


class Original:
    """The file's bytes, read from the store at most once per attempt."""

    def __init__(self, file: FileRow, run: Run, tools: ResumeTools) -> None:
        self._file = file
        self._run = run
        self._tools = tools
        self._data: bytes | None = None
        self._reading = asyncio.Lock()

    async def read(self) -> bytes:
        """The plain bytes. Raises STORAGE_ERROR."""
        async with self._reading:
            if self._data is None:
                sealed = await self._tools.blobs.get(self._file.blob_key)
                place = original_place(self._run.id)
                self._data = await asyncio.to_thread(self._run.key.open_bytes, sealed, place)
            return self._data

    async def take_over(self) -> bytes:
        """Copy an object that a client put into the store, sealed, to where originals lie."""
        source_key = self._file.source_key
        if source_key is None:
            return await self.read()
        data = await self._tools.blobs.get(source_key, max_bytes=self._tools.max_file_bytes)
        place = original_place(self._run.id)
        sealed = await asyncio.to_thread(self._run.key.seal_bytes, data, place)
        await self._tools.blobs.put(self._file.blob_key, sealed)
        self._data = data
        return data


class Protected(BaseModel):
    """What may leave the person's key: masked text, index values, and the profile already sealed.

    `wrapped_key` is the candidate's data key under ENCRYPTION_KEY; it is stored with the candidate.
    """

    model_config = ConfigDict(frozen=True)

    candidate_id: UUID
    key_id: UUID
    wrapped_key: str
    profile_sealed: str
    masked_profile: Profile
    masked_text: str
    lookups: tuple[tuple[str, str], ...]
    years: float
    analyst: Analyst


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
        picture = side.create_task(_picture(run, original, document, tools))
        analysis = await _analyze(document, run, tools)
        protected = await run.need(protect, analysis, document, run, tools)
        chunks = await run.need(cut, protected, tools.chunking)
        vectors = side.create_task(run.want(embed, chunks, tools.embedder))
    return await run.commit(
        save, run, protected, chunks, vectors.result(), picture.result(), tools.embedder.model
    )


@stage("fetch", policy=PolicyName.STORAGE)
async def fetch(original: Original) -> int:
    """Bring the file's bytes here; returns their number."""
    return len(await original.take_over())


@stage("extract", policy=PolicyName.PARSER)
async def extract(original: Original, reader: Reader) -> Document:
    """The file as lines of text, read in a child process."""
    return await reader.read(await original.read())


@stage("identity", policy=PolicyName.LOCAL)
async def check_identity(document: Document) -> None:
    """Raise MULTI_IDENTITY when the file holds more than one person's résumé (R2)."""
    await asyncio.to_thread(identity.check_one_person, document)


async def _analyze(document: Document, run: Run, tools: ResumeTools) -> Analysis:
    """By the model for the runs that the rollout of it takes in, by the rules for the others."""
    rollout, aside = tools.model_analyst, tools.shadow_models
    path = Path.OLD if tools.models is None else rollout.choose(str(run.id))
    if path is Path.NEW:
        analysis = await run.need(analyze_with_fallback, document, run, tools)
        if analysis.analyst is Analyst.MODEL and rollout.extent.share_bp < EVERYONE_BP:
            rollout.compare(comparable(await analyze_by_rules(document)), comparable(analysis))
        return analysis
    analysis = await run.need(analyze_by_rules_alone, document, run, tools)
    if path is Path.BOTH and aside is not None:
        rollout.shadow(analysis, partial(_read_aside, document, aside, tools), comparable)
    return analysis


async def _read_aside(document: Document, models: ModelChain, tools: ResumeTools) -> Analysis:
    """The model's reading for comparison alone: nothing is saved, and other slots are used."""

    async def read(model: Model) -> Analysis:
        async def ask(item: str, user: str, history: History) -> Answer:
            del item
            return await _question(model, user, history, spent=0)

        return await analyze_by_model(document, ask, parse_tries=tools.parse_tries)

    return await models.first(read)


async def _rules(document: Document, run: Run, tools: ResumeTools) -> Analysis:
    del run, tools  # the arguments of the stage that this stands in for
    return await analyze_by_rules(document)


async def _models(document: Document, run: Run, tools: ResumeTools) -> Analysis:
    models = tools.models
    if models is None:
        return await analyze_by_rules(document)

    async def read(model: Model) -> Analysis:
        async def ask(item: str, user: str, history: History) -> Answer:
            question = partial(_question, model, user, history, spent=run.spent.get("analyze", 0))
            # By model: what one of them answered is no answer of the next one.
            return await run.once("analyze", f"{model.name}/{item}", _ANSWER, question)

        return await analyze_by_model(document, ask, parse_tries=tools.parse_tries)

    with tools.model_analyst.observing():
        return await models.first(read)


async def _question(model: Model, user: str, history: History, *, spent: int) -> Answer:
    return await model.ask(
        system=ANALYSIS_V1,
        user=user,
        schema=ResumeAnswer,
        schema_name="resume",
        history=history,
        spent=spent,
    )


analyze_by_rules_alone = stage("analyze", policy=PolicyName.LOCAL)(_rules)
analyze_with_fallback = stage("analyze", policy=PolicyName.ANALYSIS)(_models).falling_back_to(
    FallbackName.RULES, _rules
)


@stage("protect", policy=PolicyName.LOCAL)
async def protect(
    analysis: Analysis, document: Document, run: Run, tools: ResumeTools
) -> Protected:
    """Mask what goes to search and to embedders, seal the rest under a key of the candidate."""

    def work() -> Protected:
        profile = redacted(analysis.profile)
        candidate_id = candidate_of(run)
        key, key_row = new_data_key(tools.keyring, run.tenant_id)
        names = (profile.name,) if profile.name else ()
        summary = mask(profile.summary, names=names).text if profile.summary else None
        return Protected(
            candidate_id=candidate_id,
            key_id=key.id,
            wrapped_key=key_row.wrapped,
            profile_sealed=key.seal(profile.model_dump_json(), profile_place(candidate_id)),
            masked_profile=profile.model_copy(
                update={"name": None, "emails": (), "phones": (), "links": (), "summary": summary}
            ),
            masked_text=mask(document.text, names=names).text,
            lookups=tuple(_lookups(profile, tools.index)),
            years=experience_years(profile, run.clock.now().date()),
            analyst=analysis.analyst,
        )

    return await asyncio.to_thread(work)


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


@stage("thumbnail", policy=PolicyName.PARSER, partial=ErrorCode.VISUAL_PARTIAL)
async def draw_thumbnail(original: Original, run: Run, tools: ResumeTools) -> str | None:
    """The first page as a sealed PNG in the store; returns its key."""
    picture = await tools.reader.draw_first_page(await original.read())
    if picture is None:
        return None
    key = thumbnail_key(run.tenant_id, run.id)
    sealed = await asyncio.to_thread(run.key.seal_bytes, picture, thumbnail_place(run.id))
    await tools.storage.execute(partial(tools.blobs.put, key, sealed))
    return key


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


async def _picture(
    run: Run, original: Original, document: Document, tools: ResumeTools
) -> str | None:
    if document.format not in _FORMATS_WITH_PAGES:
        await run.skip("thumbnail")
        return None
    return await run.want(draw_thumbnail, original, run, tools)


def candidate_of(run: Run) -> CandidateId:
    """The candidate that a run makes; the same at every attempt."""
    return CandidateId(uuid5(_CANDIDATES, str(run.id)))


def profile_place(candidate_id: UUID) -> Place:
    return Place(table="candidates", column="profile", row=str(candidate_id))


def thumbnail_key(tenant_id: UUID, run_id: UUID) -> str:
    return f"thumbnails/{tenant_id}/{run_id}"


def thumbnail_place(run_id: UUID) -> Place:
    return Place(table="candidates", column="thumbnail", row=str(run_id))


def redacted(profile: Profile) -> Profile:
    """The profile without resident numbers, wherever they were written."""
    return Profile.model_validate_json(redact_rrn(profile.model_dump_json()))


def _lookups(profile: Profile, index: BlindIndex) -> Iterator[tuple[str, str]]:
    values = [("email", index.email(value)) for value in profile.emails]
    values += [("phone", index.phone(value)) for value in profile.phones]
    if profile.name:
        values.append(("name", index.name(profile.name)))
    for kind, value in values:
        yield kind, base64.b64encode(value).decode()
