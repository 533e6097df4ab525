"""Workers: one inside the test's loop, or a real process that can be killed."""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from app.bootstrap import Runtime
from app.demo.provider import ScriptedProvider
from app.demo.wire import MODEL
from app.jobs import worker
from app.pipeline.tables import RunRow, RunStatus
from app.queue.worker import Stop
from app.settings import Settings
from app.settings.llm import LlmSettings, ModelSettings
from tests.conftest import environment_of

EndedRuns = Callable[[Sequence[UUID]], Awaitable[list[RunRow]]]
WorkerProcess = Callable[[], AbstractAsyncContextManager[asyncio.subprocess.Process]]

_END_TIMEOUT_S = 40


@asynccontextmanager
async def working(runtime: Runtime) -> AsyncGenerator[asyncio.Event]:
    """A worker in this loop; setting the event stops it in order."""
    stop, ready = Stop(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.serve(runtime, stop, ready=ready))
        await ready.wait()
        try:
            yield stop.asked
        finally:
            stop.asked.set()


@pytest.fixture
async def here(runtime: Runtime) -> AsyncGenerator[Runtime]:
    """The runtime with a worker at work."""
    async with working(runtime):
        yield runtime


@pytest.fixture
def ended(runtime: Runtime) -> EndedRuns:
    """Wait until all these runs are in a final state; returns them in order."""

    async def wait(run_ids: Sequence[UUID]) -> list[RunRow]:
        async with asyncio.timeout(_END_TIMEOUT_S):
            while True:
                async with runtime.database.begin() as session:
                    rows = await session.scalars(select(RunRow).where(RunRow.id.in_(run_ids)))
                    found = {row.id: row for row in rows}
                if all(RunStatus(row.status).final for row in found.values()):
                    return [found[run_id] for run_id in run_ids]
                await asyncio.sleep(0.03)

    return wait


@pytest.fixture
def worker_process(settings: Settings) -> WorkerProcess:
    """`python -m app worker` with the test's settings; killed at the end if it still lives."""

    @asynccontextmanager
    async def start() -> AsyncGenerator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            "worker",
            env=environment_of(settings),
            cwd=settings.data.folder.parent,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()

    return start


async def hold_checkpoint(runtime: Runtime, stage: str) -> None:
    """From now on the first attempt of every run stops for a minute where this stage's result would
    be saved: after its work, before its commit."""
    async with runtime.database.begin() as session:
        for statement in (
            """CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$""",
            f"""CREATE TRIGGER hold BEFORE INSERT ON checkpoints FOR EACH ROW
                WHEN (NEW.stage = '{stage}' AND NEW.item = '' AND NEW.attempt = 1)
                EXECUTE FUNCTION hold()""",
        ):
            await session.execute(text(statement))


async def held_runs(runtime: Runtime) -> int:
    """How many runs stop there now."""
    async with runtime.database.begin() as session:
        waiting = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event = 'PgSleep' AND datname = current_database()"
            )
        )
    return int(waiting or 0)


async def redis_keys(runtime: Runtime, pattern: str) -> list[str]:
    """Every key that matches."""
    keys: list[bytes] = await runtime.producer.keys(pattern)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    return [key.decode() for key in keys]


def with_model(settings: Settings, *providers: ScriptedProvider) -> Settings:
    """The same settings, with these as the models in their order, and quick circuits."""
    first, *others = (
        LlmSettings(base_url=provider.base_url, api_key=SecretStr("scripted"), model=MODEL)
        for provider in providers
    )
    fallbacks = tuple(
        ModelSettings(base_url=other.base_url, api_key=other.api_key, model=other.model)
        for other in others
    )
    quick = settings.breakers.llm.model_copy(update={"open": 0.5, "open_max": 1})
    return settings.model_copy(
        update={
            "llm": first.model_copy(update={"fallbacks": fallbacks}),
            "breakers": settings.breakers.model_copy(update={"llm": quick}),
        }
    )
