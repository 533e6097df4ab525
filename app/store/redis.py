"""Opening Redis: one server, a socket, or the master that Sentinel knows; and whether it will do."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from app.settings import InvalidSettings
from app.settings.groups import RedisSettings, TlsVerification
from app.settings.redis_urls import master_name, sentinel_addresses
from app.store.failures import redis_errors
from app.store.keepalive import KEEPALIVE
from app.store.redis_pool import (
    HEALTH_CHECK_S,
    Pool,
    SentinelConnection,
    SentinelPool,
    TcpConnection,
    UnixConnection,
)

RedisPool = ConnectionPool

OLDEST_VERSION = (6, 2)
_SENTINEL_CONNECTIONS = 4


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncGenerator[RedisPool]:
    """A pool for `settings`, closed at the end. Connects lazily.

    A command whose connection breaks is sent again, up to three times within a second, as when the
    server restarts; so it may be carried out twice. Raises InvalidSettings for a file of TLS that
    cannot be used.
    """
    if settings.url is None:
        raise ValueError("REDIS__URL is not set and no embedded server was started")
    url = settings.url.get_secret_value()
    options = cast("dict[str, Any]", parse_url(url)) | _options(settings)
    options.pop("connection_class", None)
    async with AsyncExitStack() as stack:
        if url.startswith("unix://"):
            pool = Pool(connection_class=UnixConnection, **options)
        else:
            tls = None
            if url.startswith("rediss://"):
                tls = await asyncio.to_thread(_tls_context, settings)
            options |= _tcp_options(tls)
            if settings.sentinels:
                pool = _sentinel_pool(settings, url, tls, options, stack)
            else:
                pool = Pool(connection_class=TcpConnection, **options)
        stack.push_async_callback(_close, pool)
        yield pool


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """What a server says of itself. `eviction`: what it deletes when its memory is full."""

    version: str
    eviction: str

    @property
    def loses_jobs(self) -> bool:
        """Whether it makes room by deleting keys, jobs among them."""
        return self.eviction != "noeviction"


async def check_server(pool: RedisPool) -> RedisServer:
    """Ask the server what it is. Raises NETWORK_ERROR when it cannot be reached now.

    Raises InvalidSettings for what waiting does not cure: a server that is too old or of a Cluster,
    and settings that it or its sentinels refuse.
    """
    try:
        with redis_errors():
            try:
                info = cast("dict[str, Any]", await Redis(connection_pool=pool).info())  # pyright: ignore[reportUnknownMemberType] - typed loosely
            except RedisConnectionError as error:
                _refuse_wrong_settings(error)
                if isinstance(pool, SentinelPool):
                    await _check_sentinels(pool)
                raise
    except NoPermissionError:
        raise _wrong(
            "REDIS__URL: its user may not do what it must; ops/redis/users.acl says what that is"
        ) from None
    return _described(info)


def _described(info: Mapping[str, Any]) -> RedisServer:
    """Raises InvalidSettings for a server that cannot serve."""
    redis = str(info["redis_version"])
    valkey = info.get("valkey_version")
    version = f"Valkey {valkey}" if valkey else f"Redis {redis}"
    if tuple(int(part) for part in redis.split(".")[:2]) < OLDEST_VERSION:
        raise _wrong(f"REDIS__URL: {version} is too old; Redis 6.2 is needed, or Valkey")
    if info.get("cluster_enabled") or info.get("redis_mode") == "cluster":
        raise _wrong(
            "REDIS__URL: this server is part of a Redis Cluster, which is not supported: arq's "
            "keys lie in different slots. Use a single server, or one with Sentinel"
        )
    return RedisServer(version=version, eviction=str(info.get("maxmemory_policy", "noeviction")))


def _refuse_wrong_settings(error: RedisConnectionError) -> None:
    """Raise InvalidSettings where the fault is in what we were told, not in the network."""
    if isinstance(error, AuthenticationError):
        raise _wrong("REDIS__URL: the server refuses its user name or password") from None
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        raise _wrong(
            f"REDIS__CA_FILE: the server's certificate is refused ({cause.verify_message}); "
            "name the file of the CA that signed it, or see REDIS__TLS_VERIFY"
        ) from None
    # Others, such as an end in the middle of it, are those of a network.
    if cause is not None and any(part in str(cause.reason) for part in ("WRONG_VERSION", "ALERT")):
        raise _wrong(
            f"REDIS__URL: no TLS with this server ({cause.reason}); without TLS it begins with "
            "redis://, and a server that asks for a certificate needs REDIS__CERT_FILE"
        ) from None


async def _check_sentinels(pool: SentinelPool) -> None:
    """Raise InvalidSettings when they refuse us, or none of those that answer knows the master."""
    name = cast("str", pool.service_name)
    known: list[bool] = []
    for sentinel in cast("list[Redis]", pool.sentinel_manager.sentinels):
        try:
            address = cast(
                "object",
                await sentinel.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", name),  # pyright: ignore[reportUnknownMemberType] - typed loosely
            )
        except AuthenticationError:
            raise _wrong(
                "REDIS__SENTINEL_PASSWORD: a sentinel refuses the user name or password"
            ) from None
        except RedisConnectionError as error:
            _refuse_wrong_settings(error)
            continue
        known.append(address is not None)
    if known and not any(known):
        raise _wrong(
            f"REDIS__URL: no sentinel knows a master named {name}; the name stands "
            "in place of the host"
        )


def _wrong(line: str) -> InvalidSettings:
    return InvalidSettings([line])


def _options(settings: RedisSettings) -> dict[str, Any]:
    """What all connections have in common."""
    return {
        "max_connections": settings.max_connections,
        "wait_s": settings.connect_timeout,
        "answer_within_s": settings.timeout,
        "socket_connect_timeout": settings.connect_timeout,
        "health_check_interval": HEALTH_CHECK_S,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 3, (RedisConnectionError,)),
        "retry_on_error": [RedisConnectionError],
        # Not sent: two commands for each connection, which an ACL would have to allow.
        "lib_name": None,
        "lib_version": None,
    }


def _tcp_options(tls: ssl.SSLContext | None) -> dict[str, Any]:
    return {"tls": tls, "socket_keepalive": True, "socket_keepalive_options": KEEPALIVE}


def _sentinel_pool(
    settings: RedisSettings,
    url: str,
    tls: ssl.SSLContext | None,
    options: Mapping[str, Any],
    stack: AsyncExitStack,
) -> SentinelPool:
    """The sentinels are spoken to as the master is: by TLS or not, in the same time limits."""
    password = settings.sentinel_password
    own: dict[str, Any] = _options(settings) | {
        "max_connections": _SENTINEL_CONNECTIONS,
        "answer_within_s": settings.connect_timeout,
        "username": settings.sentinel_username,
        "password": password.get_secret_value() if password else None,
    }
    sentinel = Sentinel([])
    for host, port in sentinel_addresses(settings.sentinels or ""):
        pool = Pool(
            connection_class=TcpConnection, host=host, port=port, **own, **_tcp_options(tls)
        )
        stack.push_async_callback(_close, pool)
        sentinel.sentinels.append(Redis(connection_pool=pool))
    of_master = {name: value for name, value in options.items() if name not in {"host", "port"}}
    return SentinelPool(
        master_name(url), sentinel, connection_class=SentinelConnection, **of_master
    )


def _tls_context(settings: RedisSettings) -> ssl.SSLContext:
    """Blocking. Raises InvalidSettings for a file that cannot be used."""
    try:
        # With a file, only its CAs are trusted, not those of the system beside them.
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError:
        raise _wrong(
            f"REDIS__CA_FILE: {settings.ca_file} cannot be read as certificates (PEM)"
        ) from None
    if settings.tls_verify is not TlsVerification.FULL:
        context.check_hostname = False
    if settings.tls_verify is TlsVerification.NONE:
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_file and settings.key_file:
        try:
            # A passphrase would be asked for at the terminal, where nobody may sit.
            context.load_cert_chain(settings.cert_file, settings.key_file, password=lambda: "")
        except OSError:
            raise _wrong(
                f"REDIS__CERT_FILE: {settings.cert_file} and {settings.key_file} cannot be read "
                "as a certificate and its private key without a passphrase (PEM)"
            ) from None
    return context


async def _close(pool: ConnectionPool) -> None:
    with suppress(RedisError, OSError):  # one that is dead cannot say farewell
        await pool.disconnect()
