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

_TRANSACTION_ROLLED_BACK, _SHORT_OF_RESOURCES = "40", "53"
_GOES_AWAY = frozenset({"57P01", "57P02", "57P03", "25006", "25P03"})
"""SQLSTATE: admin shutdown, crash shutdown, cannot connect now, demoted to a replica, idle for too
long within a transaction (this process stood still). Of the classes above: a deadlock, whose victim
was rolled back, and too many connections, or no memory or room on disk."""


@contextmanager
def database_errors() -> Generator[None]:
    """Raise RetryableError(DB_CONNECTION) for what another try can cure; let bugs through.

    The driver's text is dropped: it may quote values.
    """
    try:
        yield
    except _DATABASE_UNREACHABLE:
        raise RetryableError(ErrorCode.DB_CONNECTION) from None
    except sqlalchemy.exc.DBAPIError as error:
        state = str(getattr(error.orig, "sqlstate", None))
        passes = state[:2] in {_TRANSACTION_ROLLED_BACK, _SHORT_OF_RESOURCES}
        if error.connection_invalidated or passes or state in _GOES_AWAY:
            raise RetryableError(ErrorCode.DB_CONNECTION) from None
        raise


@contextmanager
def redis_errors() -> Generator[None]:
    """Raise RetryableError(NETWORK_ERROR) when Redis cannot be reached."""
    try:
        yield
    except _REDIS_UNREACHABLE:
        raise RetryableError(ErrorCode.NETWORK_ERROR, details={"service": "redis"}) from None
