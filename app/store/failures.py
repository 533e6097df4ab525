"""Errors of SQLAlchemy and redis → codes; the one place for each (R11)."""

from collections.abc import Generator
from contextlib import contextmanager

import redis.exceptions
import sqlalchemy.exc

from app.errors import ErrorCode, RetryableError

_DATABASE_UNREACHABLE = (
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.TimeoutError,  # no free connection in the pool in time
    OSError,  # asyncpg raises it bare while connecting: refused, no such socket
    TimeoutError,
)

_REDIS_UNREACHABLE = (
    redis.exceptions.ConnectionError,  # also BusyLoadingError: the server is reading its log
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,  # a failover is under way
    redis.exceptions.OutOfMemoryError,  # until jobs are worked off
    OSError,
)

_SERVER_GOING_AWAY = frozenset({"57P01", "57P02", "57P03", "53300"})
"""SQLSTATE: admin shutdown, crash shutdown, cannot connect now, too many connections."""


@contextmanager
def database_errors() -> Generator[None]:
    """Raise RetryableError(DB_CONNECTION) for what reconnecting can cure; let bugs through.

    The driver's text is dropped: it may quote values.
    """
    try:
        yield
    except _DATABASE_UNREACHABLE:
        raise RetryableError(ErrorCode.DB_CONNECTION) from None
    except sqlalchemy.exc.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or state in _SERVER_GOING_AWAY:
            raise RetryableError(ErrorCode.DB_CONNECTION) from None
        raise


@contextmanager
def redis_errors() -> Generator[None]:
    """Raise RetryableError(NETWORK_ERROR) when Redis cannot be reached."""
    try:
        yield
    except _REDIS_UNREACHABLE:
        raise RetryableError(ErrorCode.NETWORK_ERROR, details={"service": "redis"}) from None
