"""Dead letters of runs that no worker is left to tell of."""

from typing import Any
from uuid import UUID

from app.bootstrap import Runtime
from app.errors import ErrorCode, WorkerError
from app.pipeline.delivery import RUN_FUNCTION, next_attempt
from app.pipeline.effects import EffectHandler
from app.pipeline.tables import RunRow, RunStatus
from app.queue.deadletters import Letter
from app.telemetry.spans import trace_id_of


def bury(runtime: Runtime) -> EffectHandler:
    """Keep the next job of a run whose worker died at each try as a dead letter. Safe to repeat."""

    async def handle(payload: dict[str, Any], key: str) -> None:
        del key  # the letter goes by the id of its job
        async with runtime.database.begin() as session:
            run = await session.get(RunRow, UUID(payload["run_id"]))
        if run is None or (run.status, run.attempt) != (RunStatus.FAILED, payload["attempt"]):
            return  # there was a letter already, by which somebody opened the run again
        await runtime.dead_letters.add(
            next_attempt(run),
            Letter(
                function=RUN_FUNCTION,
                code=ErrorCode.WORKER_ERROR,
                error_type=WorkerError.__name__,
                text="its worker died at each try",
                tries=run.tries,
                trace_id=trace_id_of(run.traceparent),
            ),
        )

    return handle
