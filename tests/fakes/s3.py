"""An S3 server, and a proxy before it that fails on demand."""

import asyncio
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from app.settings.groups import StorageSettings


class ProxyFault(StrEnum):
    """What happens to a request instead of being passed on."""

    ERROR_500 = "500"
    HANG = "hang"
    RESET = "reset"


class FaultyProxy:
    """An HTTP proxy on loopback, one request per connection, so that every try is seen."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (str(parts.hostname), int(parts.port or 80))
        self._fault: ProxyFault | None = None
        self._left = 0
        self._closing = asyncio.Event()
        self.url = ""
        self.requests: list[str] = []
        """Method and path of each request, failed ones too."""

    def fail(self, fault: ProxyFault, *, times: int = 1_000_000) -> None:
        """Meet the next `times` requests with a fault."""
        self._fault, self._left = fault, times

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator["FaultyProxy"]:
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
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
            length = next(
                (int(h.split(":")[1]) for h in head if h.lower().startswith("content-length:")), 0
            )
            body = await reader.readexactly(length)
            self.requests.append(head[0].rsplit(" ", 1)[0])
            if self._left:
                self._left -= 1
                await self._break(writer)
            else:
                await self._pass_on(head, body, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client gave up, as it does in half of these tests
        finally:
            writer.close()

    async def _break(self, writer: asyncio.StreamWriter) -> None:
        match self._fault:
            case ProxyFault.HANG:
                await self._closing.wait()
            case ProxyFault.RESET:
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case _:
                writer.write(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                await writer.drain()

    async def _pass_on(self, head: list[str], body: bytes, writer: asyncio.StreamWriter) -> None:
        kept = [line for line in head if line and not line.lower().startswith("connection:")]
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        try:
            up_writer.write("\r\n".join([*kept, "connection: close", "", ""]).encode("latin-1"))
            up_writer.write(body)
            while chunk := await up_reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        finally:
            up_writer.close()


_S3 = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The URL of an S3 server, in a process of its own: its threads leave sockets open."""
    process = subprocess.Popen(
        [sys.executable, "-c", _S3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        # Its input ends here, and with it the server: also when this process is killed.


@pytest.fixture
def bucket(s3_server: str) -> StorageSettings:
    """A fresh bucket."""
    name = f"naru-{uuid4().hex}"
    httpx.put(f"{s3_server}/{name}", trust_env=False).raise_for_status()
    return StorageSettings.model_validate(
        {
            "url": f"s3://{name}/some/prefix",
            "s3_endpoint": s3_server,
            "s3_access_key_id": "access-key",
            "s3_secret_access_key": "secret-key",
        }
    )


@pytest.fixture
async def faulty_s3(s3_server: str) -> AsyncIterator[FaultyProxy]:
    """The proxy before the S3 server; without a fault it passes everything on."""
    async with FaultyProxy(s3_server).serving() as proxy:
        yield proxy


@pytest.fixture
def faulty_bucket(bucket: StorageSettings, faulty_s3: FaultyProxy) -> StorageSettings:
    """The bucket as seen through the proxy."""
    return bucket.model_copy(update={"s3_endpoint": faulty_s3.url})
