"""Everything that a storm needs, on a migrated database of its own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from app.bootstrap import open_runtime
from app.settings import Settings
from app.settings.groups import (
    DatabaseSettings,
    DataSettings,
    EmbeddingSettings,
    Environment,
    RedisSettings,
)
from app.settings.queue import QueueSettings
from app.store.database import open_database
from tests.torture import journal
from tests.torture.fleet import open_fleet
from tests.torture.servers import open_redis_of_our_own
from tests.torture.sink import open_sink
from tests.torture.storm import LIMIT_KEY, Storm
from tests.torture.timeline import Timeline


def quick_queue(lease_s: float) -> QueueSettings:
    """Short waits, and tries for more deaths than a storm deals out to one run."""
    return QueueSettings(
        lease=lease_s,
        concurrency=6,
        key_limits={LIMIT_KEY: 5},
        tenant_limit=30,
        reconcile_every=1,
        max_attempts=20,
        retry_base_wait=0.05,
        retry_max_wait=0.5,
        drain_timeout=0.5,
    )


def lease_of(seed: int) -> float:
    """1 to 2 s."""
    return 1 + seed % 11 / 10


@asynccontextmanager
async def open_scene(
    folder: Path, database_url: str, queue: QueueSettings, *, seed: int
) -> AsyncGenerator[Storm]:
    """`folder` gets Redis and the workers' logs. All processes are gone at the end."""
    async with open_redis_of_our_own(folder / "redis") as redis, open_sink(seed) as sink:
        settings = Settings(
            env=Environment.TEST,
            encryption_key=SecretStr("5e" * 32),
            database=DatabaseSettings(url=SecretStr(database_url), pool_size=8),
            redis=RedisSettings(url=SecretStr(redis.url)),
            data=DataSettings(folder=folder / "data"),
            # Never asked; the local model would be loaded by each worker.
            embedding=EmbeddingSettings(base_url=sink.url, api_key=SecretStr("none")),
            queue=queue,
        )
        async with open_database(settings.database) as database:
            await journal.install(database)
        logs = folder / "logs"
        await asyncio.to_thread(logs.mkdir)
        async with (
            open_runtime(settings) as runtime,
            open_fleet(settings, logs, seed=seed, sink_url=sink.url) as fleet,
        ):
            yield Storm(
                seed=seed,
                runtime=runtime,
                redis=redis,
                fleet=fleet,
                sink=sink,
                timeline=Timeline(seed=seed, folder=logs),
            )
