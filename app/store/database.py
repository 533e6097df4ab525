"""The PostgreSQL engine and its transactions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, Text, Uuid, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.settings.groups import DatabaseSettings
from app.store.failures import database_errors

_SESSION = {
    # A killed worker's open transaction keeps its row locks until the server notices. Without these
    # it may not for hours, and nobody else could take over the run: `SKIP LOCKED` passes it by.
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

_GRACE_S = 1.0


class Base(DeclarativeBase):
    """All tables. Times are `timestamptz`; names of constraints are fixed for migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        UUID: Uuid(),
        str: Text(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB(),
    }


class Database:
    """Transactions on one pool of connections."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @asynccontextmanager
    async def begin(self, *, within_s: float | None = None) -> AsyncGenerator[AsyncSession]:
        """One transaction: commits at the end, rolls back on any error.

        Raises DB_CONNECTION when the server cannot be reached or goes away, or when all of it takes
        longer than `within_s`, even on a connection that has gone silent. A commit whose answer
        was lost may have happened: what runs inside must be safe to run again.
        """
        with database_errors():
            async with (
                # Twice: cancelled once, a session waits to close its connection in order, and one
                # that went silent never answers. Cancelled again, it leaves that to a task of its
                # own.
                asyncio.timeout(None if within_s is None else within_s + _GRACE_S),
                asyncio.timeout(within_s),
                AsyncSession(self.engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session

    async def ping(self) -> None:
        """Raise DB_CONNECTION unless the server answers."""
        async with self.begin() as session:
            await session.execute(text("SELECT 1"))


@asynccontextmanager
async def open_database(settings: DatabaseSettings) -> AsyncGenerator[Database]:
    """An engine for `settings.url`, disposed of at the end. Connects lazily."""
    if settings.url is None:
        raise ValueError("DATABASE__URL is not set and no embedded server was started")
    url = make_url(settings.url.get_secret_value()).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=settings.pool_size,
        pool_timeout=settings.connect_timeout,
        pool_pre_ping=True,  # a restarted server costs a ping, not a failed stage
        hide_parameters=True,  # error texts would quote values, which are personal data
        connect_args={"timeout": settings.connect_timeout, "server_settings": dict(_SESSION)},
    )
    try:
        yield Database(engine)
    finally:
        await engine.dispose()
