"""The PostgreSQL engine and its transactions."""

import asyncio
import math
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import BigInteger, DateTime, MetaData, Text, Uuid, event, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import AdaptedConnection, DBAPIConnection
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry

from app.settings import InvalidSettings
from app.settings.groups import DatabaseSettings
from app.store.failures import database_errors
from app.store.keepalive import KEEPALIVE

T = TypeVar("T")

Statements = AsyncSession | AsyncConnection
"""What executes statements: a transaction's session, or a connection that commits each."""

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

_FRESH_S = 1.0
"""A connection that was used so recently is not asked whether it lives: that takes a round trip,
and a server that ended it has closed its socket, which the driver knows."""

_GONE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said that it ends it, and its socket is still open
    OSError,
)

_ANSWER_S = 5.0
"""A connection that does not answer so soon whether it lives has gone silent."""


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
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def begin(self, *, within_s: float | None = None) -> AsyncGenerator[AsyncSession]:
        """One transaction: commits at the end, rolls back on any error.

        Raises DB_CONNECTION when the server cannot be reached or goes away, or when all of it takes
        longer than `within_s`, even on a connection that has gone silent. Without `within_s`, the
        kernel ends one whose other side has vanished after half a minute; one that is held open
        by something that passes nothing on is waited for. A commit whose answer was lost may have
        happened: what runs inside must be safe to run again.
        """
        async with (
            self._guarded(AsyncSession(self.engine, expire_on_commit=False), within_s) as session,
            session.begin(),
        ):
            yield session

    @asynccontextmanager
    async def autocommit(self, *, within_s: float | None = None) -> AsyncGenerator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own: one round trip, not three.

        For one that reads, or that writes all there is to write. Raises as `begin`.
        """
        async with self._guarded(self._autocommit.connect(), within_s) as connection:
            yield connection

    @asynccontextmanager
    async def _guarded(
        self, opening: AbstractAsyncContextManager[T], within_s: float | None
    ) -> AsyncGenerator[T]:
        with database_errors():
            async with (
                # Twice: cancelled once, a session waits to close its connection in order, and one
                # that went silent never answers. Cancelled again, it leaves that to a task of its
                # own.
                asyncio.timeout(None if within_s is None else within_s + _GRACE_S),
                asyncio.timeout(within_s),
                opening as opened,
            ):
                yield opened

    async def ping(self, *, within_s: float = 2 * _ANSWER_S) -> None:
        """Raise DB_CONNECTION unless the server answers in time.

        By default, in time for a new connection where the first one has gone silent.
        """
        async with self.autocommit(within_s=within_s) as connection:
            await connection.execute(text("SELECT 1"))


@asynccontextmanager
async def open_database(settings: DatabaseSettings) -> AsyncGenerator[Database]:
    """An engine for `settings.url`, disposed of at the end. Connects lazily.

    Raises InvalidSettings for a URL that cannot be read.
    """
    if settings.url is None:
        raise ValueError("DATABASE__URL is not set and no embedded server was started")
    try:
        url = make_url(settings.url.get_secret_value()).set(drivername="postgresql+asyncpg")
    except ValueError:  # a port that is no number
        raise InvalidSettings(
            ["DATABASE__URL: is no URL; in a user name or password, write / @ : as %2F %40 %3A"]
        ) from None
    engine = create_async_engine(
        url,
        pool_size=settings.pool_size,
        max_overflow=0,  # what is opened is kept: to connect costs more than twenty statements
        pool_use_lifo=True,  # few connections do nearly all, with their statements prepared
        pool_timeout=settings.connect_timeout,
        hide_parameters=True,  # error texts would quote values, which are personal data
        connect_args={"timeout": settings.connect_timeout, "server_settings": dict(_SESSION)},
    )
    _watch_connections(engine)
    try:
        yield Database(engine)
    finally:
        await engine.dispose()


def _watch_connections(engine: AsyncEngine) -> None:
    """Take no dead connection from the pool: a restarted server costs a look, not a failed stage."""

    def opened(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        del connection
        # asyncpg has no parameter for it; tests/store/test_database.py holds it to the attribute.
        driver = cast("Any", record.driver_connection)
        wire: socket.socket = driver._transport.get_extra_info("socket")  # noqa: SLF001
        if wire.family != socket.AF_UNIX:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE.items():
                wire.setsockopt(socket.IPPROTO_TCP, option, value)

    def given_back(connection: object, record: ConnectionPoolEntry) -> None:
        del connection
        record.info["used_s"] = time.monotonic()

    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: object) -> None:
        del proxy
        driver = record.driver_connection
        if driver is None or driver.is_closed():
            raise DisconnectionError
        if time.monotonic() - record.info.get("used_s", math.inf) > _FRESH_S:
            try:
                cast("AdaptedConnection", connection).run_async(_ask)
            except _GONE as error:
                # What ended or silenced this one most likely did the same to the others.
                raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "connect", opened)
    event.listen(engine.sync_engine, "checkin", given_back)
    event.listen(engine.sync_engine, "checkout", taken)


async def _ask(driver: Any) -> None:
    """Raise what asyncpg raises, or TimeoutError, unless the server answers."""
    await driver.execute("SELECT 1", timeout=_ANSWER_S)
