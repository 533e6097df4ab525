"""The composition root: everything that lasts is opened here, once per process, and closed here."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.candidates.analysis import MODEL_ANALYST
from app.candidates.intake import INGEST_FLOW, Intake
from app.candidates.repair import Repairs
from app.candidates.tools import ResumeTools
from app.coordination.announcements import Announcements
from app.coordination.breakers import BreakerControl, open_breaker_control
from app.coordination.limits import SharedLimiter
from app.coordination.rollouts import Rollouts, open_rollouts
from app.credits.settling import reserve_again
from app.documents.reader import open_reader
from app.errors import ErrorCode, PermanentError, RetryableError, unwrap
from app.modelchain import dependencies, open_model_chain
from app.pipeline import fencing
from app.pipeline.delivery import RUN_FUNCTION, RunJob, next_attempt
from app.pipeline.tables import RunId
from app.providers.blobs import Blobs, open_blobs
from app.providers.browser import open_browser
from app.providers.embedders import Embedder, open_embedder
from app.queue.deadletters import DeadLetters
from app.queue.envelope import Envelope, NewJob
from app.queue.events import Events
from app.queue.producer import Producer
from app.resilience.clock import Clock, SystemClock
from app.resilience.guards import CircuitBreaker
from app.resilience.policies import Policies, PolicyName, build_policies
from app.resilience.registry import registry
from app.resilience.rollout_config import RolloutSpec
from app.settings import InvalidSettings, Settings
from app.settings.secrets import validate_encryption_key
from app.store.crypto import BlindIndex, Keyring
from app.store.database import Database, open_database
from app.store.keyfile import key_path, own_secret
from app.store.keys import (
    TenantId,
    ensure_default_tenant,
    load_blind_index,
    missing_keys,
    wrapping_keys,
)
from app.store.migrations import is_current, migrate
from app.store.redis import check_server, open_redis
from app.telemetry.logs import get_logger
from app.webhooks.outbox import WEBHOOK_EFFECT
from app.webhooks.tools import Webhooks, open_webhooks

log = get_logger(__name__)

ROLLOUTS: tuple[RolloutSpec, ...] = (MODEL_ANALYST,)
"""Every new code path that stands beside an old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the doors take from. Slices never see it: they get what a function asks for."""

    settings: Settings
    clock: Clock
    database: Database
    producer: Producer
    events: Events
    dead_letters: DeadLetters
    blobs: Blobs
    embedder: Embedder
    keyring: Keyring
    index: BlindIndex
    tenant_id: TenantId
    policies: Policies
    announcements: Announcements
    breakers: BreakerControl
    rollouts: Rollouts
    intake: Intake
    repairs: Repairs
    webhooks: Webhooks


@asynccontextmanager
async def open_runtime(
    settings: Settings, *, clock: Clock | None = None, migrate_first: bool = False
) -> AsyncGenerator[Runtime]:
    """Everything that API, worker, CLI and tests share. Nothing else builds a client.

    `settings` name the servers (see `app.embedded` for those of our own). Raises InvalidSettings
    when the schema is older or newer than this program or the encryption key is not the one that
    the data was sealed with, DB_CONNECTION when PostgreSQL cannot be reached.
    """
    clock = clock or SystemClock()
    policies = build_policies(settings)  # first: what makes no sense stops the start
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings.database))
        pool = await stack.enter_async_context(open_redis(settings.redis))
        with suppress(RetryableError):  # one that is away may come back: it only delivers
            await check_server(pool)
        blobs = await stack.enter_async_context(
            open_blobs(
                settings.storage,
                settings.data.folder / "blobs",
                timeout_s=settings.retry.storage_timeout,
            )
        )
        embedder = await stack.enter_async_context(
            open_embedder(settings.embedding, settings.retry)
        )
        if migrate_first:
            await migrate(database)
        elif not await is_current(database):
            raise InvalidSettings(
                ["The database schema is not the one of this version. Run: ./run migrate"]
            )
        keyring = await asyncio.to_thread(open_keyring, settings)
        tenant_id, index = await _open_tenant(database, keyring)
        producer = Producer(pool, settings.queue)
        events = Events(pool)
        announcements = Announcements(
            pool,
            installation=str(tenant_id),
            # Containers on one host may share its name, and be process 1 each.
            instance=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}",
        )
        here = registry.here()
        here.share_limits(lambda name, rates: SharedLimiter(pool, name, dict(rates)))
        breakers = await stack.enter_async_context(
            open_breaker_control(
                database, pool, announcements, here=here, known=_breakers(policies, settings)
            )
        )
        rollouts = await stack.enter_async_context(open_rollouts(ROLLOUTS, database, announcements))
        await stack.enter_async_context(
            _tended(announcements.serve(), breakers.serve(), rollouts.serve(), events.serve())
        )
        webhooks = await stack.enter_async_context(
            open_webhooks(
                settings, database=database, producer=producer, keyring=keyring, clock=clock
            )
        )
        stack.push_async_callback(announcements.said)
        stack.push_async_callback(events.all_told)
        yield Runtime(
            settings=settings,
            clock=clock,
            database=database,
            producer=producer,
            events=events,
            dead_letters=DeadLetters(
                producer,
                settings.queue,
                reopen={RUN_FUNCTION: _reopening(database, settings)},
            ),
            blobs=blobs,
            embedder=embedder,
            keyring=keyring,
            index=index,
            tenant_id=tenant_id,
            policies=policies,
            announcements=announcements,
            breakers=breakers,
            rollouts=rollouts,
            webhooks=webhooks,
            intake=Intake(
                owes=(WEBHOOK_EFFECT,),
                database=database,
                blobs=blobs,
                producer=producer,
                keyring=keyring,
                index=index,
                tenant_id=tenant_id,
                storage=policies[PolicyName.STORAGE],
                max_file_bytes=settings.extract.max_file_bytes,
                run_deadline_s=settings.queue.run_deadline,
                limit_key=f"model:{settings.llm.model}" if settings.llm.base_url else "",
                credits_per_file=settings.credits.per_file,
            ),
            repairs=Repairs(
                database=database,
                producer=producer,
                keyring=keyring,
                tenant_id=tenant_id,
                run_deadline_s=settings.queue.run_deadline,
            ),
        )


@asynccontextmanager
async def open_resume_tools(runtime: Runtime) -> AsyncGenerator[ResumeTools]:
    """What a worker needs beyond the runtime: parser processes and the model's client."""
    settings = runtime.settings
    async with (
        open_reader(settings.extract) as reader,
        open_browser(settings.portfolio) as browser,
        open_model_chain(settings) as models,
        open_model_chain(settings, shadow=True) as shadow_models,
    ):
        yield ResumeTools(
            turns=asyncio.Semaphore(settings.queue.saving),
            blobs=runtime.blobs,
            reader=reader,
            embedder=runtime.embedder,
            browser=browser,
            models=models,
            shadow_models=shadow_models,
            model_analyst=runtime.rollouts[MODEL_ANALYST.name],
            storage=runtime.policies[PolicyName.STORAGE],
            keyring=runtime.keyring,
            index=runtime.index,
            chunking=settings.chunk,
            max_file_bytes=settings.extract.max_file_bytes,
            parse_tries=settings.llm.parse_tries,
        )


def _breakers(policies: Policies, settings: Settings) -> Iterator[str]:
    """Every breaker that is known before its first call: those of the policies, one per model."""
    yield from dependencies(settings)
    for name, policy in policies.items():
        breaker = policy.layer(CircuitBreaker)
        if breaker is not None and name not in {PolicyName.LLM, PolicyName.WEBHOOK}:
            yield breaker.name


@asynccontextmanager
async def _tended(*upkeep: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Carry these on in the background while the block lasts; one with a bug ends it."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in upkeep]
            yield
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as raised:
        # What the block raised is meant for who opened it, not as one of a group.
        raise unwrap(raised) from None


def _reopening(
    database: Database, settings: Settings
) -> Callable[[Envelope], Awaitable[NewJob | None]]:
    """How a run whose job is a dead letter begins again: in PostgreSQL first."""

    async def reopen(envelope: Envelope) -> NewJob | None:
        run_id = RunId(RunJob.model_validate(envelope.kwargs).run_id)
        async with database.begin() as session:
            run = await fencing.reopen(session, run_id, deadline_s=settings.queue.run_deadline)
            if run is not None and run.flow == INGEST_FLOW:
                # Or it stays failed: INSUFFICIENT_CREDITS undoes all of this.
                await reserve_again(session, run, settings.credits.per_file)
        return None if run is None else next_attempt(run)

    return reopen


def open_keyring(settings: Settings) -> Keyring:
    """The keys of the settings; in development without one, a key of its own in the data folder.

    Raises InvalidSettings when the file there holds no key.
    """
    key = settings.encryption_key.get_secret_value() if settings.encryption_key else None
    previous = [old.get_secret_value() for old in settings.encryption_previous_keys]
    if warning := validate_encryption_key(key, settings.env):
        path = key_path(settings.data.folder)
        log.warning("development_key_used", reason=warning, path=str(path))
        key, *older = own_secret(path).split() or [""]
        previous = [*older, *previous]
        try:
            return Keyring.of(key, previous)
        except ValueError:
            raise InvalidSettings(
                [f"{path} holds no key. Restore it, or set ENCRYPTION_KEY."]
            ) from None
    return Keyring.of(key or "", previous)


def api_keys(settings: Settings) -> tuple[str, ...]:
    """Accepted API keys; in development without one, a key of its own in the data folder."""
    keys = tuple(key.get_secret_value() for key in settings.api.keys)
    if keys:
        return keys
    if settings.env.deployed:
        raise InvalidSettings([f"API__KEYS is required in {settings.env}: openssl rand -hex 32"])
    return (own_secret(api_key_path(settings.data.folder)),)


def api_key_path(data_folder: Path) -> Path:
    return data_folder / "keys" / "api.key"


def refuse_missing_keys(keyring: Keyring, in_use: Collection[str]) -> None:
    """Raise InvalidSettings when the ring lacks a key that wraps anything.

    What it wraps could not be read: runs would fail one by one, long after the key was dropped.
    """
    missing = ", ".join(missing_keys(keyring, in_use))
    if not missing:
        return
    if keyring.newest not in in_use:
        raise InvalidSettings(
            [
                (
                    f"ENCRYPTION_KEY ({keyring.newest}) is not the key that this data was sealed "
                    f"with ({missing}). Set the right one, or add it to ENCRYPTION_PREVIOUS_KEYS."
                )
            ]
        )
    raise InvalidSettings(
        [
            (
                f"ENCRYPTION_PREVIOUS_KEYS lacks {missing}, which still wraps data keys. "
                "Put it back, run `./run keys rotate`, and remove it then."
            )
        ]
    )


async def _open_tenant(database: Database, keyring: Keyring) -> tuple[TenantId, BlindIndex]:
    try:
        async with database.begin() as session:
            refuse_missing_keys(keyring, await wrapping_keys(session))
            tenant_id = await ensure_default_tenant(session, keyring)
            return tenant_id, await load_blind_index(session, keyring, tenant_id)
    except PermanentError as error:
        if error.code is not ErrorCode.ENCRYPTION_ERROR:
            raise
        raise InvalidSettings(
            [
                (
                    "ENCRYPTION_KEY is not the key that this data was sealed with. "
                    "Set the right one, or add it to ENCRYPTION_PREVIOUS_KEYS."
                )
            ]
        ) from None
