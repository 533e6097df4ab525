"""How Redis is reached: by TLS, through Sentinel and after a failover; and what is refused."""

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from app.errors import ErrorCode, RetryableError
from app.settings import InvalidSettings
from app.settings.groups import RedisSettings
from app.store.failures import redis_errors
from app.store.redis import RedisPool, check_server, open_redis
from tests.store.redis_servers import (
    PASSWORD,
    SENTINEL_PASSWORD,
    Sentinels,
    free_port,
    sentinels,
    valkey_server,
)
from tests.store.tls import Authority, tls_before, tls_that_asks_for


def settings(url: str, **changes: Any) -> RedisSettings:
    return RedisSettings.model_validate({"url": url, **changes})


async def ask(pool: RedisPool, *command: str | float) -> Any:
    with redis_errors():
        client: Redis = Redis(connection_pool=pool)
        return cast("object", await client.execute_command(*command))  # pyright: ignore[reportUnknownMemberType] - typed loosely


async def refusal(settings: RedisSettings) -> str:
    with pytest.raises(InvalidSettings) as raised:
        async with open_redis(settings) as pool:
            await check_server(pool)
    (line,) = raised.value.lines
    return line


async def test_the_server_tells_what_it_is(redis_url: str) -> None:
    async with open_redis(settings(redis_url)) as pool:
        server = await check_server(pool)
    assert server.version.startswith(("Valkey ", "Redis "))
    assert not server.loses_jobs


async def test_a_server_that_makes_room_by_deleting_keys_is_found_out(tmp_path: Path) -> None:
    options = ("--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb")
    async with (
        valkey_server(tmp_path / "data", *options) as server,
        open_redis(settings(f"redis://127.0.0.1:{server.port}")) as pool,
    ):
        found = await check_server(pool)
    assert found.eviction == "allkeys-lru"
    assert found.loses_jobs


async def test_a_cluster_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with valkey_server(
        tmp_path / "data", "--cluster-enabled", "yes", "--cluster-port", str(free_port())
    ) as server:
        line = await refusal(settings(f"redis://127.0.0.1:{server.port}"))
    assert "Redis Cluster" in line
    assert "slots" in line


@pytest.mark.parametrize("credentials", ["", ":canary@", "canary:canary@"])
async def test_wrong_credentials_are_named_and_not_quoted(credentials: str, tmp_path: Path) -> None:
    options = ("--requirepass", PASSWORD)
    async with valkey_server(tmp_path / "data", *options, password=PASSWORD) as server:
        line = await refusal(settings(f"redis://{credentials}127.0.0.1:{server.port}"))
    assert line.startswith("REDIS__URL: ")
    assert "canary" not in line


async def test_a_server_that_is_away_is_no_fault_of_the_settings() -> None:
    async with open_redis(settings(f"redis://127.0.0.1:{free_port()}")) as pool:
        with pytest.raises(RetryableError) as raised:
            await check_server(pool)
    assert raised.value.code is ErrorCode.NETWORK_ERROR


async def test_tls_with_an_authority_of_its_own(tmp_path: Path) -> None:
    ours, others = Authority(tmp_path, "ours"), Authority(tmp_path, "others")
    async with (
        valkey_server(tmp_path / "data") as server,
        tls_before(server.port, ours.issue("127.0.0.1")) as port,
    ):
        url = f"rediss://127.0.0.1:{port}"
        async with open_redis(settings(url, ca_file=ours.ca_file)) as pool:
            assert await ask(pool, "SET", "key", "x" * 1_000_000)
            assert len(await ask(pool, "GET", "key")) == 1_000_000
        for changes in ({}, {"ca_file": others.ca_file}, {"tls_verify": "ca"}):
            async with open_redis(settings(url, **changes)) as pool:
                with pytest.raises(RetryableError) as raised:
                    await ask(pool, "PING")
                assert raised.value.code is ErrorCode.NETWORK_ERROR
            assert "REDIS__CA_FILE" in await refusal(settings(url, **changes))
        async with open_redis(settings(url, tls_verify="none")) as pool:
            assert await ask(pool, "PING")


async def test_the_certificate_must_be_that_of_the_host(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    async with (
        valkey_server(tmp_path / "data") as server,
        tls_before(server.port, authority.issue("127.0.0.9")) as port,
    ):
        url = f"rediss://127.0.0.1:{port}"
        assert "127.0.0.1" in await refusal(settings(url, ca_file=authority.ca_file))
        async with open_redis(settings(url, ca_file=authority.ca_file, tls_verify="ca")) as pool:
            assert await ask(pool, "PING")


async def test_a_server_can_ask_for_a_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    own, its = authority.issue(), authority.issue("127.0.0.1")
    async with (
        valkey_server(tmp_path / "data") as server,
        tls_before(server.port, its, clients_of=authority.ca_file) as port,
    ):
        unknown = settings(f"rediss://127.0.0.1:{port}", ca_file=authority.ca_file)
        async with open_redis(unknown) as pool:
            with pytest.raises(RetryableError):
                await ask(pool, "PING")
        known = unknown.model_copy(update={"cert_file": own.cert_file, "key_file": own.key_file})
        async with open_redis(known) as pool:
            assert await ask(pool, "PING")


async def test_who_has_no_certificate_is_told_to_bring_one(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    async with tls_that_asks_for(authority.ca_file, authority.issue("127.0.0.1")) as port:
        url = f"rediss://127.0.0.1:{port}"
        assert "REDIS__CERT_FILE" in await refusal(settings(url, ca_file=authority.ca_file))


async def test_a_server_that_does_not_speak_tls_is_no_hang(tmp_path: Path) -> None:
    async with valkey_server(tmp_path / "data") as server:
        url = f"rediss://127.0.0.1:{server.port}"
        async with open_redis(settings(url, connect_timeout=0.5)) as pool:
            with pytest.raises(RetryableError) as raised:
                await ask(pool, "PING")
    assert raised.value.code is ErrorCode.NETWORK_ERROR


@pytest.mark.parametrize("field", ["ca_file", "cert_file"])
async def test_a_file_that_is_no_certificate_is_named(field: str, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    files = {"cert_file": junk, "key_file": junk} if field == "cert_file" else {"ca_file": junk}
    line = await refusal(settings("rediss://127.0.0.1", **files))
    assert line.startswith(f"REDIS__{field.upper()}: ")
    assert "junk.pem" in line


def through(found: Sentinels, **changes: Any) -> RedisSettings:
    # The first sentinel is away, which must not matter.
    return settings(
        **{
            "url": f"redis://:{PASSWORD}@Mymaster/1",
            "sentinels": f"127.0.0.1:{free_port()}, 127.0.0.1:{found.sentinel.port}",
            "sentinel_password": SENTINEL_PASSWORD,
            **changes,
        },
    )


async def test_the_pool_follows_the_master_there_and_back(tmp_path: Path) -> None:
    async with sentinels(tmp_path) as found, open_redis(through(found)) as pool:
        first, other = found.data
        await _until_replicated(found, other)
        assert await _port(pool) == first
        waiting = asyncio.create_task(ask(pool, "BLPOP", "naru:wake", 0))
        await ask(pool, "SET", "naru:before", "1")
        assert await ask(pool, "WAIT", 1, 20_000) == 1

        await found.fail_over()
        await _until_written_to(pool, other)
        # It waited at the old master, and waits at the new one now.
        await ask(pool, "RPUSH", "naru:wake", "token")
        async with asyncio.timeout(30):
            assert await waiting == (b"naru:wake", b"token")
        assert await ask(pool, "GET", "naru:before") == b"1"

        await _until_replicated(found, first)
        await found.data[other].kill()
        await _until_written_to(pool, first)


async def _port(pool: RedisPool) -> int:
    with redis_errors():
        client: Redis = Redis(connection_pool=pool)
        info = cast("dict[str, int]", await client.info("server"))  # pyright: ignore[reportUnknownMemberType] - typed loosely
    return info["tcp_port"]


async def _until_written_to(pool: RedisPool, port: int) -> None:
    """Write, by commands and by scripts; NETWORK_ERROR is all there may be before it gets there."""
    async with asyncio.timeout(50):
        while await _written_to(pool) != port:
            await asyncio.sleep(0.02)


async def _written_to(pool: RedisPool) -> int:
    try:
        await ask(pool, "EVAL", "return redis.call('INCR', KEYS[1])", 1, "naru:count")
        await ask(pool, "INCR", "naru:count")
        return await _port(pool)
    except RetryableError:
        return 0


async def _until_replicated(found: Sentinels, port: int) -> None:
    """Until it follows the new master, and the sentinel has seen that it does."""
    async with asyncio.timeout(50):
        while True:
            role = await found.data[port].ask("ROLE")
            replicas = await found.sentinel.ask("SENTINEL", "REPLICAS", "Mymaster")
            if role[:1] == [b"slave"] and role[3] == b"connected" and len(replicas) == 1:
                return
            await asyncio.sleep(0.05)


async def test_what_sentinels_refuse_is_named(tmp_path: Path) -> None:
    async with sentinels(tmp_path) as found:
        wrong = await refusal(through(found, sentinel_password="canary"))
        assert wrong.startswith("REDIS__SENTINEL_PASSWORD: ")
        assert "canary" not in wrong
        other = await refusal(through(found, url=f"redis://:{PASSWORD}@othermaster/0"))
        assert "othermaster" in other
        data = await refusal(through(found, url="redis://:canary@Mymaster/0"))
        assert data.startswith("REDIS__URL: ")
        await found.sentinel.kill()
        async with open_redis(through(found)) as pool:
            with pytest.raises(RetryableError) as raised:
                await check_server(pool)
        assert raised.value.code is ErrorCode.NETWORK_ERROR


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127.0.0.0/8 is this host only there")
async def test_sentinel_and_master_by_tls(tmp_path: Path) -> None:
    """Both stand behind TLS at 127.0.0.2, and the sentinel tells clients of that address."""
    authority = Authority(tmp_path, "ours")
    certificate = authority.issue("127.0.0.2")
    async with sentinels(tmp_path) as found:
        master = next(iter(found.data))
        async with (
            tls_before(master, certificate, host="127.0.0.2", at=master),
            tls_before(
                found.sentinel.port,
                certificate,
                host="127.0.0.2",
                rewrite=(b"127.0.0.1", b"127.0.0.2"),
            ) as port,
            open_redis(
                through(
                    found,
                    url=f"rediss://:{PASSWORD}@Mymaster/0",
                    sentinels=f"127.0.0.2:{port}",
                    ca_file=authority.ca_file,
                )
            ) as pool,
        ):
            assert await _port(pool) == master
