"""Repair: do again what a partial run lacks, and write it where the run would have (R4).

A repair is a run of its own: it has tries, a trace and a history, and whatever becomes of it, the
run that it repairs stays as it is until the one transaction that mends it. It needs none of that
run's checkpoints: the masked chunks are stored, and so is the sealed original.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.candidates import records, repair_records
from app.candidates.embedding import embed_stored
from app.candidates.intake import INGEST_FLOW
from app.candidates.originals import Original
from app.candidates.portfolio import draw_portfolio, portfolio_of
from app.candidates.repair_records import Piece, Vectors
from app.candidates.tables import CandidateRow, FileRow
from app.candidates.thumbnails import draw_thumbnail
from app.candidates.tools import ResumeTools
from app.candidates.views import open_profile
from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import next_attempt
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.pipeline.tables import RunRow, RunStatus
from app.providers.embedders import Embedder
from app.queue.envelope import Priority
from app.queue.producer import Producer
from app.resilience.policies import PolicyName
from app.store.crypto import DataKey, Keyring
from app.store.database import Database
from app.store.keys import TenantId, load_data_key
from app.telemetry.logs import get_logger

REPAIR_FLOW = "repair"
REEMBED_FLOW = "reembed"

STAGE_CODES: Mapping[str, ErrorCode] = {
    embed_stored.name: ErrorCode.EMBEDDING_PARTIAL,
    draw_thumbnail.name: ErrorCode.VISUAL_PARTIAL,
    draw_portfolio.name: ErrorCode.VISUAL_PARTIAL,
}
"""What a run is partial for when one of these stages fails; each can be done again alone."""

_MAX_ACCEPTED_AT_ONCE = 100
_CANDIDATES_PER_RUN = 5
"""Of other models, in one run: with the local embedder, eight such runs at the same time stay
within the time limit of one embedding call."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The run that repairs; `is_new` is False when it was under way already."""

    run: RunRow
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairs:
    """How a repair is asked for."""

    database: Database
    producer: Producer
    keyring: Keyring
    tenant_id: TenantId
    run_deadline_s: float

    async def ask(self, run_id: UUID, *, priority: Priority = Priority.INGESTION) -> Asked:
        """Queue the repair of a partial run; the one that is under way is answered again.

        Raises NOT_FOUND, and NOT_REPAIRABLE where there is nothing to repair or nothing to repair
        it with.
        """
        async with self.database.begin() as session:
            await find_broken(session, self.tenant_id, run_id, lock=True)
            known = await repair_records.under_way(session, self.tenant_id, REPAIR_FLOW, run_id)
            if known is not None:
                return Asked(run=known, is_new=False)
            run = await self._accept(session, REPAIR_FLOW, priority, {"run_id": str(run_id)})
        await self._deliver([run])
        return Asked(run=run, is_new=True)

    async def ask_all(self) -> list[Asked]:
        """Queue the repair of every partial run that can be repaired."""
        asked: list[Asked] = []
        after: UUID | None = None
        while True:
            async with self.database.begin() as session:
                found = await repair_records.partial_runs(
                    session,
                    self.tenant_id,
                    INGEST_FLOW,
                    after=after,
                    max_runs=_MAX_ACCEPTED_AT_ONCE,
                )
            for run_id in found:
                try:
                    asked.append(await self.ask(run_id, priority=Priority.BULK))
                except PermanentError as error:
                    log.info("run_not_repairable", run_id=str(run_id), code=error.code)
            if len(found) < _MAX_ACCEPTED_AT_ONCE:
                return asked
            after = found[-1]

    async def ask_embeddings(self, model: str) -> list[RunRow]:
        """Queue new vectors for every candidate that has those of another model.

        Each run takes a few candidates; one that has got them meanwhile is left alone, so asking
        again after a break goes on where it stopped.
        """
        accepted: list[RunRow] = []
        after: UUID | None = None
        while True:
            async with self.database.begin() as session:
                found = await repair_records.of_other_models(
                    session,
                    self.tenant_id,
                    model,
                    after=after,
                    max_candidates=_MAX_ACCEPTED_AT_ONCE * _CANDIDATES_PER_RUN,
                )
                new = [
                    await self._accept(
                        session,
                        REEMBED_FLOW,
                        Priority.BULK,
                        {
                            "candidates": [
                                str(each) for each in found[at : at + _CANDIDATES_PER_RUN]
                            ]
                        },
                    )
                    for at in range(0, len(found), _CANDIDATES_PER_RUN)
                ]
            await self._deliver(new)
            accepted += new
            if not found:
                return accepted
            after = found[-1]

    async def _accept(
        self, session: AsyncSession, flow: str, priority: Priority, run_input: Mapping[str, Any]
    ) -> RunRow:
        new = new_run(self.keyring, self.tenant_id, flow, priority=priority, run_input=run_input)
        await accept(session, new, deadline_s=self.run_deadline_s)
        return new.run

    async def _deliver(self, runs: Sequence[RunRow]) -> None:
        try:
            await self.producer.enqueue_many([next_attempt(run) for run in runs])
        except RetryableError as error:
            # PostgreSQL has them; the reconciler delivers what Redis did not take.
            log.warning("repairs_not_delivered_yet", count=len(runs), code=error.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A partial run with its live candidate, and the stages that are to be done again."""

    run: RunRow
    candidate: CandidateRow
    file: FileRow | None
    stages: frozenset[str]

    @property
    def has_original(self) -> bool:
        """Whether the sealed file is still there, and can be opened."""
        kept = self.file is not None and self.file.discarded_at is None
        return kept and self.run.data_key_id is not None


async def find_broken(
    session: AsyncSession, tenant_id: TenantId, run_id: UUID, *, lock: bool = False
) -> Broken:
    """What a repair of this run has to do; with `lock`, nobody else changes the two meanwhile.

    Raises NOT_FOUND, and NOT_REPAIRABLE with a sentence that says why.
    """
    run = await repair_records.find(session, RunRow, tenant_id, run_id, lock=lock)
    if run is None:
        raise PermanentError(ErrorCode.NOT_FOUND, Message.RUN_UNKNOWN)
    if run.flow != INGEST_FLOW or run.status != RunStatus.PARTIAL:
        raise _refusal(Message.REPAIR_NOT_PARTIAL, status=run.status)
    candidate_id = (run.result or {}).get("candidate_id")
    candidate = (
        await repair_records.find(session, CandidateRow, tenant_id, UUID(candidate_id), lock=lock)
        if candidate_id
        else None
    )
    if candidate is None or candidate.data_key_id is None:
        raise _refusal(Message.REPAIR_ERASED)
    if candidate.run_id != run.id:
        raise _refusal(Message.REPAIR_SUPERSEDED)
    stages = await repair_records.partial_stages(session, run.id)
    codes = set(run.partial_codes)
    file = await records.file_of(session, run.id)
    broken = Broken(
        run=run,
        candidate=candidate,
        file=file,
        stages=frozenset(name for name in stages if STAGE_CODES.get(name) in codes),
    )
    if broken.stages == frozenset({draw_thumbnail.name}) and not broken.has_original:
        raise _refusal(Message.REPAIR_ORIGINAL_GONE)
    return broken


def _refusal(message: Message, **details: object) -> PermanentError:
    return PermanentError(ErrorCode.NOT_REPAIRABLE, message, details=details)


async def saved_by(session: AsyncSession, run: Run) -> UUID | None:
    """The candidate that an earlier attempt saved, with the codes of what it was saved without.

    None when there is nothing saved yet.
    """
    candidate_id = await repair_records.candidate_of_run(session, run.tenant_id, run.id)
    if candidate_id is not None:
        failed = await repair_records.partial_stages(
            session, run.id, before_attempt=run.row.attempt
        )
        codes = {STAGE_CODES[name] for name in failed & STAGE_CODES.keys()}
        run.partial_codes.extend(code for code in ErrorCode if code in codes)
    return candidate_id


async def repair(
    run: Run, run_id: UUID, tools: ResumeTools, *, tells: Collection[str] = ()
) -> dict[str, Any]:
    """Carry out one repair; its result names what was repaired.

    What fails again leaves the repair partial, and its code on the repaired run. `tells` are the
    kinds of effect that are owed anew when the run's state changes.
    """
    async with run.database.begin() as session:
        broken = await find_broken(session, run.tenant_id, run_id)
        pieces = await repair_records.live_pieces(session, run.tenant_id, [broken.candidate.id])
        portfolio = await _portfolio_link(session, broken, tools)
        key = await _key_of(session, broken, tools)
    async with asyncio.TaskGroup() as side:
        vectors = side.create_task(_vectors(run, broken, pieces, tools.embedder))
        pictures = side.create_task(_pictures(run, broken, key, portfolio, tools))
    done = await run.commit(
        mend,
        run,
        run_id,
        vectors.result(),
        pictures.result(),
        tells=tells,
    )
    return {"repaired_run_id": str(run_id), "repaired": done}


async def _key_of(session: AsyncSession, broken: Broken, tools: ResumeTools) -> "_Repaired | None":
    """The repaired run as the owner of its pictures; None when its key was destroyed."""
    if broken.run.data_key_id is None:
        return None
    key = await load_data_key(session, tools.keyring, broken.run.data_key_id)
    return _Repaired(id=broken.run.id, tenant_id=TenantId(broken.run.tenant_id), key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repaired:
    id: UUID
    tenant_id: TenantId
    key: DataKey


async def _portfolio_link(session: AsyncSession, broken: Broken, tools: ResumeTools) -> str | None:
    if draw_portfolio.name not in broken.stages:
        return None
    profile = await open_profile(session, tools.keyring, broken.candidate)
    return portfolio_of(profile.links)


async def _vectors(
    run: Run, broken: Broken, pieces: Sequence[Piece], embedder: Embedder
) -> Vectors | None:
    if embed_stored.name not in broken.stages:
        return None
    return await run.want(embed_stored, tuple(pieces), embedder)


async def _pictures(
    run: Run, broken: Broken, owner: _Repaired | None, link: str | None, tools: ResumeTools
) -> dict[str, str]:
    """The keys of the pictures that were drawn, by stage."""
    drawn: dict[str, str | None] = {}
    if draw_portfolio.name in broken.stages and tools.browser is None:
        if broken.stages == frozenset({draw_portfolio.name}):
            raise _refusal(Message.REPAIR_NO_BROWSER)
        if ErrorCode.VISUAL_PARTIAL not in run.partial_codes:
            run.partial_codes.append(ErrorCode.VISUAL_PARTIAL)
    if owner and broken.file and broken.has_original and draw_thumbnail.name in broken.stages:
        original = Original(broken.file, owner, tools)
        drawn[draw_thumbnail.name] = await run.want(draw_thumbnail, original, owner, tools)
    if owner is not None and link is not None and tools.browser is not None:
        drawn[draw_portfolio.name] = await run.want(
            draw_portfolio, link, owner, tools, tools.browser
        )
    return {name: key for name, key in drawn.items() if key is not None}


@stage("mend", policy=PolicyName.LOCAL)
async def mend(
    session: AsyncSession,
    run: Run,
    run_id: UUID,
    vectors: Vectors | None,
    pictures: Mapping[str, str],
    *,
    tells: Collection[str],
) -> list[str]:
    """Write what was done again, and the new state of the repaired run, in one transaction.

    Returns the stages that are repaired. Raises NOT_REPAIRABLE when the candidate was erased or
    got a newer version meanwhile; then nothing is written.
    """
    broken = await find_broken(session, run.tenant_id, run_id, lock=True)
    done = [*pictures, *([embed_stored.name] if vectors is not None else [])]
    if not done:
        return []
    if vectors is not None:
        await repair_records.write_vectors(session, run.tenant_id, vectors)
    await repair_records.note_pictures(
        session,
        broken.candidate,
        first_page=pictures.get(draw_thumbnail.name),
        portfolio=pictures.get(draw_portfolio.name),
    )
    target = broken.run
    lacking = {STAGE_CODES[name] for name in broken.stages.difference(done)}
    codes = [code for code in target.partial_codes if code in lacking]
    target.attempt += 1
    target.status = RunStatus.PARTIAL if codes else RunStatus.SUCCEEDED
    target.code = codes[0] if codes else None
    target.partial_codes = codes
    await session.flush()
    await repair_records.note_repair(session, target, run.row, done)
    code = ErrorCode(codes[0]) if codes else None
    owed = fencing.owed(target, RunStatus(target.status), code)
    await fencing.owe(session, target, [each for each in owed if each.kind in tells])
    if not codes:
        await repair_records.drop_checkpoints(session, target.id)
    # The vectors stand where they belong; a second copy would outlive the candidate's erasure.
    await repair_records.drop_checkpoints(session, run.id)
    return sorted(done)


async def reembed(run: Run, candidate_ids: Sequence[UUID], embedder: Embedder) -> dict[str, Any]:
    """New vectors for those of the candidates that have vectors of another model.

    Readers see all vectors of a candidate of the old model or all of the new one (R20).
    """
    async with run.database.begin() as session:
        outdated = await repair_records.of_other_models(
            session,
            run.tenant_id,
            embedder.model,
            among=candidate_ids,
            max_candidates=len(candidate_ids),
        )
        pieces = await repair_records.live_pieces(session, run.tenant_id, outdated)
    if pieces:
        vectors = await run.need(embed_stored, tuple(pieces), embedder)
        await run.commit(write_anew, run, vectors)
    return {"candidates": len(outdated)}


@stage("write_vectors", policy=PolicyName.LOCAL)
async def write_anew(session: AsyncSession, run: Run, vectors: Vectors) -> int:
    """How many vectors were written."""
    await repair_records.write_vectors(session, run.tenant_id, vectors)
    await repair_records.drop_checkpoints(session, run.id)
    return len(vectors.each)
