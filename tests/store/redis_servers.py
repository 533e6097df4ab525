"""Servers of a test's own: with options, with a replica, with a sentinel that looks after both."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.embedded import valkey
from app.embedded.process import Program, spawn

PASSWORD = "of-the-data"
SENTINEL_PASSWORD = "of-the-sentinels"
_PORTS = count(os.getpid())  # not the first ones again in the next session: they may linger


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A child process that answers at `port`, and a client of it."""

    port: int
    process: asyncio.subprocess.Process
    client: Redis

    async def ask(self, *command: str | int) -> Any:
        return cast("object", await self.client.execute_command(*command))  # pyright: ignore[reportUnknownMemberType] - typed loosely

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinels:
    """One sentinel of one master and its replica; who is which changes with each failover."""

    sentinel: Server
    data: dict[int, Server]

    async def fail_over(self) -> None:
        """Have the sentinel make the replica the master, once it knows of one that will do."""
        async with asyncio.timeout(30):
            while not await self._begins_failover():
                await asyncio.sleep(0.05)

    async def _begins_failover(self) -> bool:
        try:
            await self.sentinel.ask("SENTINEL", "FAILOVER", "Mymaster")
        except ResponseError as refusal:
            if not str(refusal).startswith(("NOGOODSLAVE", "INPROG")):
                raise
            return False
        return True


@asynccontextmanager
async def valkey_server(
    folder: Path, *arguments: str, user: str | None = None, password: str | None = None
) -> AsyncGenerator[Server]:
    """A server with the arguments; its data and log lie in `folder`."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    port = free_port()
    client: Redis = Redis(port=port, username=user, password=password)
    program = Program(
        name="valkey",
        command=(
            *(str(valkey._binary()), *arguments, "--port", str(port), "--dir", str(folder)),
            *("--bind", "127.0.0.1"),
        ),
        folder=folder,
        log=folder / "log",
        lock=folder / "lock",
        stop_signals=(signal.SIGKILL,),
    )
    process = await spawn(program)  # it ends with us, however we end
    try:
        async with asyncio.timeout(20):
            while not await _answers(client, process):
                await asyncio.sleep(0.01)
        yield Server(port=port, process=process, client=client)
    finally:
        await client.aclose()
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def sentinels(folder: Path) -> AsyncGenerator[Sentinels]:
    """All ask for passwords. The sentinel notices within half a second that a server has died."""
    options = (
        *("--save", "", "--repl-diskless-sync-delay", "0"),
        *("--requirepass", PASSWORD, "--masterauth", PASSWORD),
    )
    async with AsyncExitStack() as stack:
        master, replica = [
            await stack.enter_async_context(
                valkey_server(folder / name, *options, password=PASSWORD)
            )
            for name in ("first", "second")
        ]
        await replica.ask("REPLICAOF", "127.0.0.1", master.port)
        config = folder / "sentinel.conf"
        config.write_text(
            f"sentinel monitor Mymaster 127.0.0.1 {master.port} 1\n"
            f"sentinel auth-pass Mymaster {PASSWORD}\n"
            "sentinel down-after-milliseconds Mymaster 500\n"
            "sentinel failover-timeout Mymaster 1000\n"
            f"requirepass {SENTINEL_PASSWORD}\n"
        )
        sentinel = await stack.enter_async_context(
            valkey_server(
                folder / "sentinel", str(config), "--sentinel", password=SENTINEL_PASSWORD
            )
        )
        # Otherwise it looks every 10 s, and demotes an old master 8 s after it was seen as one.
        await sentinel.ask("SENTINEL", "DEBUG", "INFO-PERIOD", 100, "PUBLISH-PERIOD", 100)
        yield Sentinels(
            sentinel=sentinel, data={server.port: server for server in (master, replica)}
        )


def free_port() -> int:
    """A port that stays free until it is bound.

    Below those the kernel gives to clients (from 32768), so that no connection takes it in the
    meantime; never the same twice in a process, and each xdist worker has a thousand of its own.
    """
    first = 20_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = first + next(_PORTS) % 1_000
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


async def _answers(client: Redis, process: asyncio.subprocess.Process) -> bool:
    assert process.returncode is None, "the server has ended; its log says why"
    try:
        return bool(await client.ping())  # pyright: ignore[reportUnknownMemberType] - typed loosely
    except RedisConnectionError:
        return False
