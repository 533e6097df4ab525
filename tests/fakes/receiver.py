"""A receiver of HTTP that answers as it is told, on loopback; every request has a connection."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest


class Misbehaviour(Enum):
    """What happens instead of an answer."""

    HANG = "hang"
    RESET = "reset"
    ENDLESS = "endless"
    """200, and a body without end."""
    DRIP = "drip"
    """200, and a body that comes byte by byte, and never wholly."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; its length is told unless `headers` have one."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Answers 200, or with what is queued, one after the other."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.port = 0
        self.scheme = "http"
        self.sent_bytes = 0
        self._next: list[Reply | Misbehaviour] = []
        self._always: Reply | Misbehaviour = Reply()
        self._closing = asyncio.Event()
        self._came = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, *replies: Reply | Misbehaviour) -> None:
        """Answer the next requests with these."""
        self._next += replies

    def always(self, reply: Reply | Misbehaviour) -> None:
        """Answer all requests with this from now on, after what is queued."""
        self._always = reply

    async def has(self, count: int) -> list[Received]:
        """Wait until so many requests have come."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.received) >= count)
        return self.received

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncGenerator["Receiver"]:
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        self.scheme = "https" if tls else "http"
        try:
            yield self
        finally:
            self._closing.set()
            server.close()
            await server.wait_closed()
            if tasks:
                await asyncio.wait(tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
            method, path, _ = head[0].split(" ")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            async with self._came:
                self.received.append(Received(method, path, headers, body))
                self._came.notify_all()
            await self._reply(writer, self._next.pop(0) if self._next else self._always)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client gave up
        finally:
            writer.close()

    async def _reply(self, writer: asyncio.StreamWriter, reply: Reply | Misbehaviour) -> None:
        match reply:
            case Reply():
                lines = {"content-length": str(len(reply.body)), **reply.headers}
                told = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
                writer.write(f"HTTP/1.1 {reply.status} x\r\n{told}\r\n".encode() + reply.body)
                await writer.drain()
            case Misbehaviour.HANG:
                await self._closing.wait()
            case Misbehaviour.RESET:
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case Misbehaviour.ENDLESS:
                await self._pour(writer, b"x" * 65_536, pause_s=0)
            case Misbehaviour.DRIP:
                await self._pour(writer, b"x", pause_s=0.05)

    async def _pour(self, writer: asyncio.StreamWriter, piece: bytes, *, pause_s: float) -> None:
        writer.write(b"HTTP/1.1 200 x\r\ncontent-length: 1000000000\r\n\r\n")
        while not self._closing.is_set():
            writer.write(piece)
            await writer.drain()
            self.sent_bytes += len(piece)
            await asyncio.sleep(pause_s)


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with Receiver().serving() as running:
        yield running
