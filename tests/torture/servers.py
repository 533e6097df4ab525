"""A Valkey of our own, to be killed, frozen, emptied and cut off."""

import asyncio
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from app.embedded import valkey
from app.embedded.ownership import layout_of, make_folders
from app.embedded.process import READY_WITHIN_S, end, spawn


class KillableRedis:
    """As the embedded one: on a socket, with an append-only file; kept running by nobody."""

    def __init__(self, folder: Path) -> None:
        self._layout = layout_of(folder)
        make_folders(self._layout)
        self._process: asyncio.subprocess.Process | None = None
        self.url = valkey.url_of(self._layout)

    async def start(self) -> None:
        """Return when it answers."""
        program = await asyncio.to_thread(valkey.program, self._layout)
        self._process = await spawn(program)
        async with asyncio.timeout(READY_WITHIN_S):
            while not await valkey.answers(self._layout):
                assert self._process.returncode is None
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """In order: what it holds is written."""
        if self._process is not None:
            await end(self._process, (signal.SIGTERM,))

    async def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def lose(self) -> None:
        """Killed, and its disk with it."""
        await self.kill()
        await asyncio.to_thread(shutil.rmtree, self._layout.data(valkey.NAME))

    def freeze(self) -> None:
        """It neither answers nor refuses."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    async def order(self, *command: str) -> Any:
        """What the server answers to an administrator."""
        client: Redis = Redis.from_url(self.url)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        async with client:
            return await client.execute_command(*command)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely

    async def keys(self) -> dict[str, tuple[str, int]]:
        """Type and TTL in ms of every key; -1: none."""
        client: Redis = Redis.from_url(self.url)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        found: dict[str, tuple[str, int]] = {}
        async with client:
            async for key in client.scan_iter(count=1_000):  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
                kind = await client.type(key)  # pyright: ignore[reportUnknownArgumentType] - typed loosely
                ttl_ms = await client.pttl(key)  # pyright: ignore[reportUnknownArgumentType] - typed loosely
                if ttl_ms != -2:  # it expired meanwhile
                    found[key.decode()] = (kind.decode(), ttl_ms)  # pyright: ignore[reportUnknownMemberType] - typed loosely
        return found

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@asynccontextmanager
async def open_redis_of_our_own(folder: Path) -> AsyncGenerator[KillableRedis]:
    """It is gone at the end, frozen or not."""
    redis = await asyncio.to_thread(partial(KillableRedis, folder))
    await redis.start()
    try:
        yield redis
    finally:
        redis.thaw()
        await redis.stop()
