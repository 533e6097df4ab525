"""Runs to work on, without a queue and without résumés."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from uuid import uuid4

import pytest
from pydantic import SecretStr

from app.errors import ErrorCode
from app.pipeline import fencing, records, stage_records
from app.pipeline.run import Run
from app.pipeline.tables import RunId, RunRow, RunStatus
from app.queue.events import Events
from app.resilience.clock import SystemClock
from app.resilience.fallback import Fallbacks
from app.resilience.guards import AttemptTimeout
from app.resilience.policies import FallbackName, PolicyName
from app.resilience.policy import Policy
from app.resilience.retry import Retry
from app.settings.groups import RedisSettings
from app.settings.resilience import FailMode
from app.store.crypto import Keyring
from app.store.database import Database
from app.store.keys import TenantId, load_data_key, new_data_key
from app.store.redis import RedisPool, open_redis

NewRun = Callable[[], Awaitable[RunId]]
BeginRun = Callable[[RunId], Awaitable[Run]]


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.of("5e" * 32)


@pytest.fixture
def tenant_id() -> TenantId:
    return TenantId(uuid4())


@pytest.fixture
def new_run(database: Database, keyring: Keyring, tenant_id: TenantId) -> NewRun:
    """Write a queued run; returns its id."""

    async def make() -> RunId:
        run_id = RunId(uuid4())
        key, key_row = new_data_key(keyring, tenant_id)
        async with database.begin() as session:
            session.add(key_row)
            await session.flush()
            session.add(
                RunRow(
                    id=run_id,
                    tenant_id=tenant_id,
                    flow="test",
                    status=RunStatus.QUEUED,
                    attempt=0,
                    tries=0,
                    data_key_id=key.id,
                    input={},
                )
            )
        return run_id

    return make


@pytest.fixture
def begin_run(database: Database, keyring: Keyring, tenant_id: TenantId) -> BeginRun:
    """Begin the next attempt of a queued run, as a worker does."""
    policies = {
        name: Policy(
            f"test-{name}",
            Retry(tries=2, base_wait_s=0.001, max_wait_s=0.01),
            # What commits waits for PostgreSQL, which may be slow here.
            AttemptTimeout(
                timeout_s=30 if name is PolicyName.LOCAL else 1, code=ErrorCode.LLM_TIMEOUT
            ),
            traced=False,
        )
        for name in PolicyName
    }
    policies[PolicyName.ANALYSIS] = Policy(
        "test-analysis",
        Fallbacks(names=(FallbackName.RULES,)),
        AttemptTimeout(timeout_s=1, code=ErrorCode.LLM_TIMEOUT),
        fail_mode=FailMode.FAIL_FALLBACK,
        traced=False,
    )

    async def begin(run_id: RunId) -> Run:
        async with database.begin() as session:
            queued = await records.find(session, tenant_id, run_id)
            assert queued is not None
            row = await fencing.begin(
                session, run_id, attempt=queued.attempt + 1, worker="w", lease_s=30
            )
            assert row is not None
            assert row.data_key_id is not None
            key = await load_data_key(session, keyring, row.data_key_id)
            saved = await stage_records.checkpoints(session, run_id)
        return Run(
            row=row,
            key=key,
            database=database,
            policies=policies,
            clock=SystemClock(),
            saved=saved,
        )

    return begin


@pytest.fixture
async def pool(redis_url: str) -> AsyncGenerator[RedisPool]:
    async with open_redis(RedisSettings(url=SecretStr(redis_url))) as opened:
        yield opened


@pytest.fixture
async def events(pool: RedisPool) -> AsyncGenerator[Events]:
    """What is told reaches Redis."""
    events = Events(pool)
    serving = asyncio.create_task(events.serve())
    yield events
    assert not serving.done()
    serving.cancel()
    await asyncio.wait([serving])
