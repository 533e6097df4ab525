"""A migrated PostgreSQL of a bench's own, as `./run demo` starts it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from app.embedded import embedded_servers
from app.settings import load_settings
from app.settings.groups import DatabaseSettings, DataSettings, RedisSettings
from app.store.database import Database, open_database
from app.store.migrations import migrate

_NO_REDIS = RedisSettings(url=SecretStr("redis://127.0.0.1:1/0"))


@asynccontextmanager
async def temporary_database(folder: Path) -> AsyncGenerator[tuple[Database, str]]:
    """With the URL of its socket; gone with the folder."""
    settings = load_settings(
        data=DataSettings(folder=folder / "data"), redis=_NO_REDIS, database=DatabaseSettings()
    )
    async with embedded_servers(settings) as found, open_database(found.database) as opened:
        await migrate(opened)
        assert found.database.url is not None
        yield opened, found.database.url.get_secret_value()
