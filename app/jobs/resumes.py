"""Résumés: payload → flow."""

from functools import partial
from typing import Any
from uuid import UUID

from app.bootstrap import Runtime
from app.candidates import records
from app.candidates.flow import ingest
from app.candidates.thumbnails import thumbnail_key
from app.candidates.tools import ResumeTools
from app.errors import ErrorCode, PermanentError
from app.pipeline.effects import EffectHandler
from app.pipeline.fencing import Effect
from app.pipeline.flow import Flow
from app.pipeline.run import Run
from app.resilience.policies import PolicyName

DISCARD_ORIGINAL = "discard_original"


def ingest_flow(runtime: Runtime, tools: ResumeTools) -> Flow:
    """One uploaded file; its result names the candidate. A refused file is not kept."""

    async def call(run: Run) -> dict[str, Any]:
        async with runtime.database.begin() as session:
            file = await records.file_of(session, run.id)
        if file is None:
            raise PermanentError(ErrorCode.NOT_FOUND)
        return {"candidate_id": str(await ingest(run, file, tools))}

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
        refusals=frozenset({ErrorCode.INVALID_FILE, ErrorCode.MULTI_IDENTITY}),
        on_refusal=discard,
    )


def discard_original(runtime: Runtime) -> EffectHandler:
    """Delete the sealed original of a refused file, and its thumbnail. Safe to repeat."""

    async def handle(payload: dict[str, Any], key: str) -> None:
        del key  # deleting is idempotent by itself
        run_id = UUID(payload["run_id"])
        async with runtime.database.begin() as session:
            file = await records.file_of(session, run_id)
        if file is None:
            return
        storage = runtime.policies[PolicyName.STORAGE]
        for blob_key in (file.blob_key, thumbnail_key(file.tenant_id, run_id)):
            await storage.execute(partial(runtime.blobs.delete, blob_key))
        async with runtime.database.begin() as session:
            await records.mark_discarded(session, run_id)

    return handle
