"""A runtime that may call this machine, and runs that have ended."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from uuid import UUID

import pytest

from app.bootstrap import Runtime, open_runtime
from app.candidates.intake import INGEST_FLOW
from app.errors import ErrorCode
from app.pipeline import fencing
from app.pipeline.acceptance import accept, new_run
from app.pipeline.effects import carry_out
from app.pipeline.fencing import End
from app.pipeline.tables import RunId, RunStatus
from app.queue.envelope import Priority
from app.settings import Settings
from app.settings.groups import RetrySettings
from app.settings.resilience import BreakerSettings, BreakersSettings
from app.settings.webhooks import WebhookSettings
from app.webhooks.outbox import WEBHOOK_EFFECT

EndRun = Callable[..., Awaitable[RunId]]
Announce = Callable[[UUID], Awaitable[int]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Receivers on loopback, quick retries, and a circuit that these few calls do not open."""
    return settings.model_copy(
        update={
            "webhook": WebhookSettings(allow_private=True, max_endpoints=3),
            "retry": RetrySettings(webhook_retry_delay=0.01, webhook_timeout=5),
            "breakers": BreakersSettings(
                webhook=BreakerSettings(window_calls=100, minimum_calls=100, half_open_wait=60)
            ),
        }
    )


@pytest.fixture
async def runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture
def end_run(runtime: Runtime) -> EndRun:
    """A run of a résumé that has ended, and owes the word of it."""

    async def end(
        status: RunStatus = RunStatus.SUCCEEDED,
        *,
        code: ErrorCode | None = None,
        candidate_id: UUID | None = None,
    ) -> RunId:
        accepted = new_run(
            runtime.keyring, runtime.tenant_id, INGEST_FLOW, priority=Priority.INGESTION
        )
        accepted.run.owes = [WEBHOOK_EFFECT]
        result = {"candidate_id": str(candidate_id)} if candidate_id else None
        async with runtime.database.begin() as session:
            await accept(session, accepted, deadline_s=60)
            run_id = RunId(accepted.run.id)
            row = await fencing.begin(session, run_id, attempt=1, worker="w", lease_s=30)
            assert row is not None
            await fencing.end(session, row, End(status=status, code=code, result=result))
        return run_id

    return end


@pytest.fixture
def announce(runtime: Runtime) -> Announce:
    """Carry out what a run owes, as a worker does."""
    handlers = {WEBHOOK_EFFECT: runtime.webhooks.outbox.announce}

    async def carry(run_id: UUID) -> int:
        return await carry_out(runtime.database, handlers, run_id)

    return carry
