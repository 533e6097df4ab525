"""What is promised of a connection and of the pool, and what redis-py keeps to itself for it."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.errors import ErrorCode, RetryableError
from app.settings.groups import RedisSettings
from app.store.failures import redis_errors
from app.store.redis import open_redis
from app.store.redis_pool import Pool
from tests.fakes.wire import Wire
from tests.store.redis_servers import valkey_server


@asynccontextmanager
async def opened(url: str, **changes: Any) -> AsyncGenerator[tuple[Pool, Redis]]:
    settings = RedisSettings.model_validate({"url": url, **changes})
    async with open_redis(settings) as pool:
        yield cast("Pool", pool), Redis(connection_pool=pool)


async def ask(client: Redis, *command: str | float) -> Any:
    with redis_errors():
        return cast("object", await client.execute_command(*command))  # pyright: ignore[reportUnknownMemberType] - typed loosely


async def until(holds: Any) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.01)


async def test_a_burst_of_callers_shares_a_bounded_number_of_connections(redis_url: str) -> None:
    named = f"{redis_url}&client_name=bounded"
    async with opened(named, max_connections=5) as (_, client), opened(redis_url) as (_, watcher):
        async with asyncio.TaskGroup() as group:
            counts = [group.create_task(ask(client, "INCR", "count")) for _ in range(500)]
        assert sorted(task.result() for task in counts) == list(range(1, 501))
        assert str(await ask(watcher, "CLIENT LIST")).count("bounded") == 5


async def test_who_finds_no_free_connection_is_told_so_in_time(redis_url: str) -> None:
    async with opened(redis_url, max_connections=1, connect_timeout=0.1) as (pool, client):
        held = await pool.get_connection()
        with pytest.raises(RetryableError) as raised:
            await ask(client, "PING")
        assert raised.value.code is ErrorCode.NETWORK_ERROR
        await pool.release(held)
        assert await ask(client, "PING")


async def test_those_who_listen_leave_the_connections_to_those_who_ask(redis_url: str) -> None:
    async with opened(redis_url, max_connections=1) as (pool, client):
        async with client.pubsub() as channel, asyncio.TaskGroup() as group:  # pyright: ignore[reportUnknownMemberType] - typed loosely
            await channel.subscribe("naru:news")  # pyright: ignore[reportUnknownMemberType] - typed loosely
            popping = group.create_task(ask(client, "BLPOP", "list", 0))
            reading = group.create_task(ask(client, "XREAD", "BLOCK", 0, "STREAMS", "stream", "0"))
            await until(lambda: _blocked(client, 2))
            await ask(client, "RPUSH", "list", "token")
            await ask(client, "XADD", "stream", "*", "field", "value")
        assert popping.result() == (b"list", b"token")
        assert reading.result()
        # They have given nothing back twice: there is one place still, not three.
        async with asyncio.TaskGroup() as group:
            for _ in range(20):
                group.create_task(ask(client, "PING"))
        assert pool._slots._value == 1


async def _blocked(client: Redis, wanted: int) -> bool:
    info = cast("dict[str, Any]", await client.info("clients"))  # pyright: ignore[reportUnknownMemberType] - typed loosely
    return info["blocked_clients"] >= wanted


async def test_callers_that_are_cancelled_lose_no_connection(redis_url: str) -> None:
    async with opened(redis_url, max_connections=2) as (pool, client):
        tasks = [asyncio.create_task(ask(client, "PING")) for _ in range(200)]
        for round_ in range(5):
            await asyncio.sleep(0)
            for task in tasks[round_::3]:
                task.cancel()
        await asyncio.wait(tasks)
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(ask(client, "PING"))
        assert pool._slots._value == 2


async def test_a_server_that_hangs_is_given_up_and_its_command_not_sent_again(
    tmp_path: Path,
) -> None:
    async with (
        valkey_server(tmp_path / "data", "--save", "") as server,
        opened(f"redis://127.0.0.1:{server.port}", timeout=2) as (_, client),
    ):
        assert await ask(client, "INCR", "count") == 1
        server.process.send_signal(signal.SIGSTOP)
        with pytest.raises(RetryableError) as raised:
            await ask(client, "INCR", "count")
        assert raised.value.code is ErrorCode.NETWORK_ERROR
        server.process.send_signal(signal.SIGCONT)
        # Whether the hung one was carried out is not known; twice it was not.
        assert await ask(client, "INCR", "count") in {2, 3}


async def test_a_command_that_blocks_may_take_longer_than_an_answer(redis_url: str) -> None:
    async with (
        opened(redis_url, timeout=1) as (_, client),
        client.pubsub() as channel,  # pyright: ignore[reportUnknownMemberType] - typed loosely
        asyncio.TaskGroup() as group,
    ):
        await channel.subscribe("naru:news")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        hearing = group.create_task(anext(_messages(channel)))
        popping = group.create_task(ask(client, "BLPOP", "nothing", 1.5))
        reading = group.create_task(ask(client, "XREAD", "BLOCK", 1_500, "STREAMS", "empty", "$"))
        await asyncio.wait([popping, reading])
        await client.publish("naru:news", "late")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        assert (await hearing)["data"] == b"late"
    assert popping.result() is None
    assert reading.result() == []


async def _answer(connection: Any) -> object:
    return await connection.read_response(timeout=0.2)


@pytest.mark.parametrize("command", [("ECHO", "small"), ("GET", "large")])
async def test_an_answer_that_came_while_this_process_stood_still_is_read(
    redis_url: str, command: tuple[str, ...]
) -> None:
    async with opened(redis_url, timeout=0.2) as (pool, client):
        await ask(client, "SET", "large", "x" * 1_000_000)
        expected = await ask(client, *command)
        connection = await pool.get_connection()
        await connection.send_packed_command(connection.pack_command(*command))
        reading = asyncio.create_task(_answer(connection))
        await asyncio.sleep(0)
        time.sleep(0.5)  # noqa: ASYNC251 - the loop is held up, as by a stopped process
        answer = await reading
        assert answer == expected
        await pool.release(connection)
        assert await ask(client, "ECHO", "next") == b"next"


async def _messages(channel: Any) -> AsyncGenerator[dict[str, Any]]:
    async for message in channel.listen():
        if message["type"] == "message":
            yield message


async def test_an_idle_connection_that_died_silently_is_replaced_without_an_error(
    redis_url: str,
) -> None:
    wire = Wire(Path(unquote(urlsplit(redis_url).path)))
    await wire.mend()
    try:
        async with opened(f"redis://127.0.0.1:{wire.port}", timeout=2) as (pool, client):
            assert await ask(client, "PING")
            wire.stall()
            (connection,) = pool._available_connections
            connection.next_health_check = 0  # as after half a minute without a command
            assert await ask(client, "PING")
    finally:
        await wire.cut()


async def test_a_connection_that_the_server_closed_is_replaced_without_an_error(
    redis_url: str,
) -> None:
    async with opened(redis_url) as (_, client), opened(redis_url) as (_, other):
        number = await ask(client, "CLIENT ID")
        await ask(other, "CLIENT KILL", "ID", number)
        assert await ask(client, "CLIENT ID") != number


@pytest.mark.parametrize("command", [("SET", "key", "1"), ("EVAL", "redis.call('SET','a','1')", 0)])
async def test_a_server_that_became_a_replica_is_left(
    tmp_path: Path, command: tuple[str | int, ...]
) -> None:
    """As when the name of the master leads to another server from now on."""
    async with (
        valkey_server(tmp_path / "data", "--save", "") as server,
        opened(f"redis://127.0.0.1:{server.port}") as (_, client),
    ):
        first = await ask(client, "CLIENT ID")
        await ask(client, *command)
        await server.ask("REPLICAOF", "127.0.0.1", 1)
        with pytest.raises(RetryableError) as raised:
            await ask(client, *command)
        assert raised.value.code is ErrorCode.NETWORK_ERROR
        await server.ask("REPLICAOF", "NO", "ONE")
        await ask(client, *command)
        assert await ask(client, "CLIENT ID") != first


async def test_who_waits_at_a_server_that_becomes_a_replica_is_told_so(tmp_path: Path) -> None:
    async with (
        valkey_server(tmp_path / "data", "--save", "") as server,
        opened(f"redis://127.0.0.1:{server.port}") as (_, client),
    ):
        waiting = asyncio.create_task(ask(client, "BLPOP", "list", 0))
        await until(lambda: _blocked(server.client, 1))
        await server.ask("REPLICAOF", "127.0.0.1", 1)
        with pytest.raises(RetryableError) as raised:
            await waiting
    assert raised.value.code is ErrorCode.NETWORK_ERROR


async def test_callers_do_not_queue_up_behind_a_server_that_is_away() -> None:
    settings = RedisSettings(url=SecretStr("unix:///nonexistent/valkey.sock"))
    async with open_redis(settings) as pool:
        client: Redis = Redis(connection_pool=pool)

        async def fail() -> None:
            with pytest.raises(RedisConnectionError):
                await client.execute_command("PING")  # pyright: ignore[reportUnknownMemberType] - typed loosely

        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            for _ in range(500):
                group.create_task(fail())
