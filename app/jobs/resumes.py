"""Résumés: payload → flow."""

from functools import partial
from typing import Any
from uuid import UUID

from app.bootstrap import Runtime
from app.candidates import erasure, records
from app.candidates.flow import ingest
from app.candidates.repair import reembed, repair, saved_by
from app.candidates.thumbnails import picture_keys
from app.candidates.tools import ResumeTools
from app.errors import ErrorCode, PermanentError
from app.pipeline.effects import EffectHandler
from app.pipeline.fencing import Effect
from app.pipeline.flow import Flow
from app.pipeline.run import Run
from app.resilience.policies import PolicyName
from app.webhooks.outbox import WEBHOOK_EFFECT

DISCARD_ORIGINAL = "discard_original"

TOLD_ANEW = frozenset({WEBHOOK_EFFECT})
"""Of what a run owes at its end, what it owes again when it was repaired: others learn of the new
state. Credits were settled at its end."""


def ingest_flow(runtime: Runtime, tools: ResumeTools) -> Flow:
    """One uploaded file; its result names the candidate. A refused file is not kept."""

    async def call(run: Run) -> dict[str, Any]:
        async with runtime.database.begin() as session:
            file = await records.file_of(session, run.id)
            # Its worker died after the last commit: what failed before is not in the candidate,
            # though it may succeed now. The run ends as it would have, and can be repaired.
            done = await saved_by(session, run) if run.row.attempt > 1 else None
        if file is None:
            raise PermanentError(ErrorCode.NOT_FOUND)
        return {"candidate_id": str(done or await ingest(run, file, tools))}

    def discard(run: Run) -> tuple[Effect, ...]:
        return (
            Effect(
                kind=DISCARD_ORIGINAL,
                key=f"{DISCARD_ORIGINAL}:{run.id}",
                payload={"run_id": str(run.id)},
            ),
        )

    return Flow(
        call=call,
        refusals=frozenset({ErrorCode.INVALID_FILE, ErrorCode.MULTI_IDENTITY, ErrorCode.ERASED}),
        on_refusal=discard,
    )


def repair_flow(runtime: Runtime, tools: ResumeTools) -> Flow:
    """What a partial run lacks; its result names what was repaired."""
    del runtime

    async def call(run: Run) -> dict[str, Any]:
        return await repair(run, UUID(run.row.input["run_id"]), tools, tells=TOLD_ANEW)

    return Flow(call=call)


def reembed_flow(runtime: Runtime) -> Flow:
    """New vectors for some candidates; its result counts them."""

    async def call(run: Run) -> dict[str, Any]:
        candidate_ids = [UUID(each) for each in run.row.input["candidates"]]
        return await reembed(run, candidate_ids, runtime.embedder)

    return Flow(call=call)


def discard_original(runtime: Runtime) -> EffectHandler:
    """Delete the sealed original of a refused file, and its pictures. Safe to repeat."""

    async def handle(payload: dict[str, Any], key: str) -> None:
        del key  # deleting is idempotent by itself
        run_id = UUID(payload["run_id"])
        storage = runtime.policies[PolicyName.STORAGE]
        async with runtime.database.begin() as session:
            file = await records.file_of(session, run_id)
            erased = await erasure.scrub_refused(session, runtime.keyring, run_id)
        if file is None:
            return
        if erased:
            await erasure.delete_files(
                runtime.database, runtime.keyring, runtime.blobs, storage, [run_id]
            )
            return
        for blob_key in (file.blob_key, *picture_keys(file.tenant_id, run_id)):
            await storage.execute(partial(runtime.blobs.delete, blob_key))
        async with runtime.database.begin() as session:
            await records.mark_discarded(session, run_id)

    return handle


def erase_files(runtime: Runtime) -> EffectHandler:
    """Delete the files of an erased person. Safe to repeat."""

    async def handle(payload: dict[str, Any], key: str) -> None:
        del key
        await erasure.delete_files(
            runtime.database,
            runtime.keyring,
            runtime.blobs,
            runtime.policies[PolicyName.STORAGE],
            [UUID(run_id) for run_id in payload["run_ids"]],
        )

    return handle


def lift_guard(runtime: Runtime) -> EffectHandler:
    """Forget the contacts of an erased person, once no run can bring them back."""

    async def handle(payload: dict[str, Any], key: str) -> None:
        del key
        async with runtime.database.begin() as session:
            await erasure.lift_guard(session, UUID(payload["candidate_id"]))

    return handle
