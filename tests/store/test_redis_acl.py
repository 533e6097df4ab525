"""ops/redis/users.acl: what each user may do, and that nobody gets in before passwords are set."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from app.coordination.announcements import Announcements, Topic
from app.coordination.limits import SharedLimiter
from app.queue.producer import Producer
from app.resilience.limits import Rate
from app.settings.groups import RedisSettings
from app.settings.queue import QueueSettings
from app.store.redis import RedisPool, check_server, open_redis
from tests.conftest import ROOT
from tests.store.redis_servers import Server, valkey_server

ACL = ROOT / "ops" / "redis" / "users.acl"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncGenerator[Server]:
    """Each user's password is `of-` and its name."""
    lines = [
        line.replace("resetpass", f">of-{line.split()[1]}", 1)
        for line in ACL.read_text().splitlines()
    ]
    users = tmp_path / "users.acl"
    users.write_text("\n".join(lines))
    async with valkey_server(
        tmp_path / "data",
        # Those have a lock of their own, which would be met first.
        *("--enable-debug-command", "yes", "--enable-module-command", "yes"),
        *("--aclfile", str(users)),
        user="naru-admin",
        password="of-naru-admin",
    ) as running:
        yield running


@asynccontextmanager
async def as_user(server: Server, user: str) -> AsyncGenerator[RedisPool]:
    url = f"redis://{user}:of-{user}@127.0.0.1:{server.port}/1?client_name=test"
    async with open_redis(RedisSettings.model_validate({"url": url})) as pool:
        yield pool


async def ask(pool: RedisPool, *command: str | float) -> Any:
    client: Redis = Redis(connection_pool=pool)
    return cast("object", await client.execute_command(*command))  # pyright: ignore[reportUnknownMemberType] - typed loosely


DATA = (
    ("ZADD", "arq:queue", 1, "job"),
    ("ZRANGEBYSCORE", "arq:queue", "-inf", "+inf"),
    ("PSETEX", "arq:job:1", 1000, "payload"),
    ("SET", "arq:in-progress:1", "worker", "NX", "PX", 1000),
    ("HSET", "arq:queue:index", "job", "2||"),
    ("SADD", "arq:queue:held", "key"),
    ("INCR", "arq:retry:1"),
    ("RPUSH", "arq:queue:wake", "token"),
    ("PEXPIRE", "arq:queue:wake", 1000),
    ("DEL", "arq:queue:held"),
    ("EXISTS", "arq:queue"),
    ("XADD", "naru:events:1", "MAXLEN", "~", 100, "*", "kind", "token"),
    ("XREAD", "BLOCK", 1, "STREAMS", "naru:events:1", "0"),
    ("PUBLISH", "naru:announcements:1", "{}"),
    ("EVAL", "return redis.call('SET', KEYS[1] .. ':paused', ARGV[1])", 1, "arq:queue", "1"),
    ("EVAL", "return redis.call('TIME')", 0),
    ("SCRIPT LOAD", "return 1"),
    ("SCAN", 0, "MATCH", "naru:*"),
    ("TIME",),
    ("PING",),
)

OUTSIDE = (
    ("GET", "session:1"),
    ("SET", "other", "1"),
    ("EVAL", "return redis.call('SET', 'other', '1')", 0),
    ("PUBLISH", "other", "{}"),
)

DANGEROUS = (
    ("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("DEBUG", "SLEEP", 0),
    ("SHUTDOWN",), ("ACL", "LIST"), ("MONITOR",), ("REPLICAOF", "NO", "ONE"), ("CLIENT", "LIST"),
    ("SCRIPT", "FLUSH"), ("SWAPDB", 0, 1), ("MIGRATE", "h", 1, "arq:queue", 0, 1), ("SAVE",),
    ("MODULE", "LIST"), ("FUNCTION", "LIST"),
)  # fmt: skip


@pytest.mark.parametrize("user", ["naru-api", "naru-worker"])
async def test_a_process_of_ours_may_do_what_it_needs(user: str, server: Server) -> None:
    async with as_user(server, user) as pool:
        await check_server(pool)
        for command in DATA:
            await ask(pool, *command)
        for command in OUTSIDE + DANGEROUS:
            with pytest.raises((NoPermissionError, ResponseError), match=r"(?i)permission"):
                await ask(pool, *command)
        # What it brings along itself: scripts, pub/sub, transactions.
        assert await Producer(pool, QueueSettings()).payload("none") is None
        limiter = SharedLimiter(
            pool, "model", {"requests": Rate(amount=60, period_s=60, burst=60)}, answer_within_s=20
        )
        await limiter.acquire({"requests": 1}, max_wait_s=0)
        assert limiter.shared
        await _announce(pool)
        async with Redis(connection_pool=pool).pipeline(transaction=True) as pipe:
            await pipe.watch("arq:queue")
            pipe.multi()
            pipe.zrem("arq:queue", "job")
            assert await pipe.execute() == [1]


async def _announce(pool: RedisPool) -> None:
    here = Announcements(pool, installation="1", instance="here")
    there = Announcements(pool, installation="1", instance="there")
    heard: asyncio.Queue[Any] = asyncio.Queue()
    connected = asyncio.Event()

    async def note() -> None:
        connected.set()

    there.hear(Topic.BREAKER, heard.put)
    there.after_connecting(note)
    serving = [asyncio.create_task(one.serve()) for one in (here, there)]
    async with asyncio.timeout(20):
        await connected.wait()
        here.tell(Topic.BREAKER, {"number": 1})
        assert (await heard.get())["number"] == 1
    for task in serving:
        task.cancel()
    await asyncio.wait(serving)


async def test_only_a_worker_may_take_jobs_by_waiting_for_them(server: Server) -> None:
    async with as_user(server, "naru-worker") as worker, as_user(server, "naru-api") as api:
        await ask(api, "RPUSH", "arq:queue:wake", "token")
        with pytest.raises(NoPermissionError):
            await ask(api, "BLPOP", "arq:queue:wake", 1)
        assert await ask(worker, "BLPOP", "arq:queue:wake", 1) == (b"arq:queue:wake", b"token")


async def test_a_monitor_reads_and_changes_nothing(server: Server) -> None:
    async with as_user(server, "naru-worker") as worker, as_user(server, "naru-monitor") as pool:
        await ask(worker, "ZADD", "arq:queue", 1, "job")
        assert await ask(pool, "ZCARD", "arq:queue") == 1
        assert await ask(pool, "SCAN", 0)
        assert (await check_server(pool)).eviction == "noeviction"
        await ask(pool, "SLOWLOG GET", 1)
        forbidden = (
            ("ZREM", "arq:queue", "job"),
            ("SET", "naru:key", "1"),
            ("EVAL", "return 1", 0),
            ("PUBLISH", "naru:announcements:1", "{}"),
            ("SUBSCRIBE", "naru:announcements:1"),
            ("GET", "other"),
            ("SLOWLOG", "RESET"),
        )
        for command in forbidden + DANGEROUS:
            with pytest.raises((NoPermissionError, ResponseError), match=r"(?i)permission"):
                await ask(pool, *command)
        assert await ask(pool, "ZCARD", "arq:queue") == 1


async def test_as_it_stands_the_file_lets_nobody_in(server: Server) -> None:
    lines = ACL.read_text().splitlines()
    for line in lines:
        _, user, *rules = line.split()
        await server.ask("ACL", "SETUSER", f"copy-{user}", *rules)
        client: Redis = Redis(port=server.port, username=f"copy-{user}", password="")
        with pytest.raises(AuthenticationError):
            await client.execute_command("AUTH", f"copy-{user}", "")  # pyright: ignore[reportUnknownMemberType] - typed loosely
        await client.aclose()
    anybody: Redis = Redis(port=server.port)
    with pytest.raises(AuthenticationError):
        await anybody.execute_command("PING")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    await anybody.aclose()
    assert lines[0] == "user default off resetpass"
