"""Bring the schema to this version: Alembic, on the connection we have."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.store.database import Database
from app.store.failures import database_errors

_SCRIPTS = Path(__file__).parents[2] / "ops" / "migrations"
_MIGRATION_LOCK = 0x6E617275_00  # any constant of our own; "naru" and a number


async def migrate(database: Database) -> None:
    """Upgrade to the newest schema; does nothing when it is there. One process at a time."""

    def upgrade(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _MIGRATION_LOCK})
        command.upgrade(configuration(connection), "head")

    with database_errors():
        async with database.engine.begin() as connection:
            await connection.run_sync(upgrade)


async def is_current(database: Database) -> bool:
    """Whether the schema is exactly the one of this program."""
    head = await asyncio.to_thread(
        lambda: ScriptDirectory.from_config(configuration()).get_current_head()
    )

    def revision(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    with database_errors():
        async with database.engine.connect() as connection:
            return await connection.run_sync(revision) == head


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration without a file: our scripts on this connection."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config
