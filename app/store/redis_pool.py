"""Connections to Redis, and the pool that lends them.

redis-py's own, with what a busy event loop and a failover need. Of redis-py 5 (arq's), some parts
that it does not promise are used; `tests/store/test_redis_pool.py` holds it to them.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from typing import Any, cast

from redis.asyncio import Connection, ConnectionPool, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

HEALTH_CHECK_S = 30
"""A connection that was idle for longer is asked with a PING first."""

_LATE_S = 0.05
_GRACE_S = 1.0
"""A time limit that is looked at this late tells that this process stood still, not the server."""

_LISTENING = frozenset(
    {"SUBSCRIBE", "PSUBSCRIBE", "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX"}
)
_LISTENING_IF_BLOCKING = frozenset({"XREAD", "XREADGROUP"})


class PooledConnection(AbstractConnection):
    """What is common to all of ours.

    An answer that does not come in time is a TimeoutError, and the command is not sent again: it
    may have been carried out. A command that blocks brings its own limit, as `timeout`. An answer
    that came while this process stood still (stopped, or its loop held up) is read all the same.

    A server that has been demoted to a replica is left: the connection ends, so that the next try
    asks Sentinel, or DNS, where the master is now.
    """

    def __init__(self, *, answer_within_s: float, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType] - untyped
        self.slots: asyncio.Semaphore | None = None
        self._answer_within_s = answer_within_s
        self._listens = False

    @property
    def is_quiet(self) -> bool:
        """Connected as far as the loop knows, with nothing left to read."""
        reader = self._reader
        return (
            reader is not None
            and reader.exception() is None
            and not reader.at_eof()
            and self._socket_is_empty()
        )

    def return_slot(self) -> None:
        """Count no more among those of the pool that carry commands."""
        self._listens = False
        if self.slots is not None:
            self.slots.release()
            self.slots = None

    async def send_command(self, *args: Any, **kwargs: Any) -> None:
        listens = args[0] in _LISTENING or (
            args[0] in _LISTENING_IF_BLOCKING and (b"BLOCK" in args or "BLOCK" in args)
        )
        if listens:
            self.return_slot()
        await super().send_command(*args, **kwargs)
        self._listens = listens  # not before: connecting sends commands too

    async def read_response(
        self,
        disable_decoding: bool = False,  # noqa: FBT001, FBT002 - redis-py's signature
        timeout: float | None = None,  # noqa: ASYNC109 - redis-py's signature
        *,
        disconnect_on_error: Any = True,
        push_request: bool | None = False,
    ) -> Any:
        # redis-py's own `socket_timeout` also ends BLPOP, and costs a task for each command. Its
        # `timeout` answers None, which is right for pub/sub alone: elsewhere, it is an answer.
        limit = asyncio.timeout(None)
        handle = None
        if not (push_request or (self._listens and timeout is None)):
            loop = asyncio.get_running_loop()
            end_s = loop.time() + (self._answer_within_s if timeout is None else timeout)
            handle = loop.call_at(end_s, _run_out, limit, end_s)
        try:
            async with limit:
                return await super().read_response(  # pyright: ignore[reportUnknownVariableType] - untyped
                    disable_decoding,
                    timeout if push_request else None,
                    disconnect_on_error=disconnect_on_error,
                    push_request=push_request,
                )
        except TimeoutError:
            raise RedisTimeoutError("Redis did not answer in time") from None
        except ResponseError as error:
            if not _tells_of_demotion(error):
                raise
        finally:
            if handle is not None:
                handle.cancel()
        await self.disconnect(nowait=True)
        raise RedisConnectionError("this server is no longer the master")

    async def _send_packed_command(self, command: Iterable[bytes]) -> None:
        if (writer := self._writer) is None:
            raise RedisConnectionError("the connection was closed")
        writer.writelines(command)
        # Nothing is left in nearly every case; only then is it worth a timer.
        if writer.transport.get_write_buffer_size():
            async with asyncio.timeout(self._answer_within_s):
                await writer.drain()

    async def _send_ping(self) -> None:
        try:
            await super()._send_ping()
        except RedisTimeoutError:  # nothing was carried out, so another connection may do it
            raise RedisConnectionError("no answer to a PING") from None


def _run_out(timeout: asyncio.Timeout, end_s: float) -> None:
    """Where the time ran out while nothing ran here, what came meanwhile is still to be read."""
    now_s = asyncio.get_running_loop().time()
    timeout.reschedule(now_s + _GRACE_S if now_s > end_s + _LATE_S else now_s)


def _tells_of_demotion(error: ResponseError) -> bool:
    """READONLY, also where Redis 6.2 wraps it in a script's error; and what ends a BLPOP then."""
    text = str(error)
    return isinstance(error, ReadOnlyError) or "-READONLY" in text or text.startswith("UNBLOCKED")


class UnixConnection(PooledConnection, UnixDomainSocketConnection):
    """To a socket on this host."""


class TcpConnection(PooledConnection, Connection):
    """By TCP; by TLS with a context, which is made once and not for each connection."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._tls = tls

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {"host": self.host, "port": self.port, "ssl": self._tls}


class SentinelConnection(TcpConnection, SentinelManagedConnection):
    """To the server that the sentinels call the master at that moment."""


class Pool(ConnectionPool):
    """Lends connections, at most `max_connections` for commands; who finds none waits for one.

    redis-py's pool connects one after the other under a lock, so that in an outage the hundredth
    caller waits for a hundred attempts; its blocking pool loses wake-ups of callers that are
    cancelled. Connections that listen (pub/sub, BLPOP) do not count: they are held for long, and
    who holds one may need another for a command.
    """

    def __init__(self, *, max_connections: int, wait_s: float, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType] - untyped
        self._wait_s = wait_s
        self._slots = asyncio.Semaphore(max_connections)

    async def get_connection(
        self, command_name: object = None, *keys: object, **options: object
    ) -> AbstractConnection:
        """Lend a connection that is connected. Raises ConnectionError when none is free in time."""
        del command_name, keys, options
        if self._slots.locked():
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._slots.acquire()
            except TimeoutError:
                raise RedisConnectionError("no connection became free in time") from None
        else:
            await self._slots.acquire()
        connection = cast("PooledConnection", self.get_available_connection())
        connection.slots = self._slots
        # redis-py looks for a closed one by a read, which costs a round of the event loop.
        if not connection.is_quiet:
            await self._make_ready(connection)
        return connection

    async def _make_ready(self, connection: AbstractConnection) -> None:
        ready = False
        try:
            await self.ensure_connection(connection)
            ready = True
        finally:
            if not ready:
                await self.release(connection)

    async def release(self, connection: AbstractConnection) -> None:
        """Take it back. Never waits, so that cancellation loses none."""
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)
        cast("PooledConnection", connection).return_slot()


class SentinelPool(SentinelConnectionPool, Pool):
    """Connections to the master; after a failover they are made to the new one."""
