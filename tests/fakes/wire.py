"""The ways to the servers, which a test can cut."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from sqlalchemy import make_url


class Wire:
    """A TCP port that leads to a server's socket, until it is cut and after it is mended."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse new connections and break those there are."""
        assert self._server is not None
        self._server.close()
        for task in self._carrying:
            task.cancel()
        while self._carrying:
            await asyncio.sleep(0.005)

    def stall(self) -> None:
        """Carry nothing more for the connections there are, and say nothing of it.

        As after a failover of the network: new connections get through.
        """
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def say(self, data: bytes) -> None:
        """Say something to every client as if the server had said it."""
        for client in self._clients:
            client.write(data)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task, flowing = cast("asyncio.Task[None]", asyncio.current_task()), self._flowing
        self._carrying.add(task)
        self._clients.add(writer)
        there, back = await asyncio.open_unix_connection(self._socket)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back, flowing))
                group.create_task(_pump(there, writer, flowing))
        except asyncio.CancelledError:
            pass  # cut; the streams library reports a cancelled task as an error
        finally:
            writer.transport.abort()
            back.transport.abort()
            self._carrying.discard(task)
            self._clients.discard(writer)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event
) -> None:
    try:
        while piece := await reader.read(65_536):
            await flowing.wait()
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass  # cut
    writer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """Both servers of a test, and the URLs that lead to them by wire."""

    database: Wire
    redis: Wire
    database_url: str
    redis_url: str


@asynccontextmanager
async def wires_to(database_url: str, redis_url: str) -> AsyncGenerator[Wires]:
    address = make_url(database_url)
    folder, port = cast("str", address.query["host"]), cast("str", address.query["port"])
    database = Wire(Path(folder) / f".s.PGSQL.{port}")
    redis = Wire(Path(unquote(urlsplit(redis_url).path)))
    await database.mend()
    await redis.mend()
    by_tcp = address.set(host="127.0.0.1", port=database.port, query={})
    yield Wires(
        database=database,
        redis=redis,
        database_url=by_tcp.render_as_string(hide_password=False),
        redis_url=f"redis://127.0.0.1:{redis.port}/{redis_url.partition('?db=')[2]}",
    )
    await database.cut()
    await redis.cut()
