"""Holds one PostgreSQL and one Valkey for a whole test session; prints their URLs, then waits.

Run as a process of its own, so that the servers outlive every xdist worker and die with pytest.
"""

import asyncio
import json
import sys
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.embedded import embedded_servers
from app.settings import load_settings
from app.settings.groups import DataSettings
from app.store.database import open_database
from app.store.migrations import migrate

_UNSAFE = ("fsync", "full_page_writes")
"""What protects from a crash of the machine, and costs a database of each test's own most."""


async def serve(folder: Path) -> None:
    settings = load_settings(data=DataSettings(folder=folder))
    async with embedded_servers(settings) as found:
        async with open_database(found.database) as database:
            await migrate(database)
        assert found.database.url is not None
        assert found.redis.url is not None
        await _do_without_safety(found.database.url.get_secret_value())
        urls = {
            "database": found.database.url.get_secret_value(),
            "redis": found.redis.url.get_secret_value(),
        }
        sys.stdout.write(json.dumps(urls) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)  # until pytest closes its end, or dies


async def _do_without_safety(url: str) -> None:
    admin = create_async_engine(
        make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    async with admin.connect() as connection:
        for name in _UNSAFE:
            await connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        await connection.execute(text("SELECT pg_reload_conf()"))
    await admin.dispose()


asyncio.run(serve(Path(sys.argv[1])))
