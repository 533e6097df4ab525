"""A forward proxy for a browser that opens links of strangers: it decides where that may connect.

A browser looks names up by itself, follows redirects and loads what pages name. Judged at this
proxy, which also connects, every one of these connections goes to an address that was judged, and to
none that a second look-up gave (DNS rebinding); interception inside the browser sees no redirects.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from app.errors import WorkerError
from app.providers.addresses import Lookup, host_and_port, resolve_public

_HEAD_BYTES = 32 * 1024
_HEAD_WITHIN_S = 10
_CONNECT_WITHIN_S = 5
_PIECE_BYTES = 64 * 1024
_METHODS = frozenset({"GET", "HEAD"})
"""Without TLS. A page that is shown needs no more, and so a request has no body to be passed on."""

_TROUBLE = (OSError, EOFError, asyncio.LimitOverrunError, ValueError, WorkerError)
"""Of one connection: it is closed, and the browser shows the page without what it was for."""


class ForwardProxy:
    """`max_bytes` is what all connections together may bring in; more is cut off."""

    def __init__(self, *, max_bytes: int, allow_private: bool, lookup: Lookup) -> None:
        self.port = 0
        self.refused = 0
        self.received_bytes = 0
        self._max_bytes = max_bytes
        self._allow_private = allow_private
        self._lookup = lookup

    @property
    def overrun(self) -> bool:
        """Whether something was cut off."""
        return self.received_bytes > self._max_bytes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the browser, until either side closes it."""
        try:
            async with asyncio.timeout(_HEAD_WITHIN_S):
                head = await reader.readuntil(b"\r\n\r\n")
            line, _, fields = head.partition(b"\r\n")
            method, target, _ = line.decode("ascii").split(" ")
            if method == "CONNECT":
                await self._tunnel(target, reader, writer)
            elif method in _METHODS:
                await self._pass_on(method, target, fields, writer)
        except _TROUBLE:
            pass
        finally:
            writer.transport.abort()

    async def _tunnel(
        self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        back, out = await self._connect(f"https://{target}/")
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with asyncio.TaskGroup() as both:
                sending = both.create_task(self._relay(reader, out, counted=False))
                await self._relay(back, writer, counted=True)
                sending.cancel()
        finally:
            out.transport.abort()

    async def _pass_on(
        self, method: str, target: str, fields: bytes, writer: asyncio.StreamWriter
    ) -> None:
        """One request; then the connection is closed, for the next one may lead elsewhere."""
        back, out = await self._connect(target)
        try:
            path = "/" + target.partition("://")[2].partition("/")[2]
            kept = [
                field
                for field in fields.split(b"\r\n")
                if field and not field.lower().startswith((b"proxy-", b"connection:"))
            ]
            head = [f"{method} {path} HTTP/1.1".encode(), *kept, b"Connection: close", b"", b""]
            out.write(b"\r\n".join(head))
            await self._relay(back, writer, counted=True)
        finally:
            out.transport.abort()

    async def _connect(self, url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            addresses = await resolve_public(
                url, allow_private=self._allow_private, lookup=self._lookup
            )
        except WorkerError:
            self.refused += 1
            raise
        _, port = host_and_port(url)
        for address in addresses:
            with suppress(OSError):
                async with asyncio.timeout(_CONNECT_WITHIN_S):
                    return await asyncio.open_connection(str(address), port)
        raise ConnectionError

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool
    ) -> None:
        with suppress(*_TROUBLE):
            while piece := await reader.read(_PIECE_BYTES):
                if counted:
                    self.received_bytes += len(piece)
                    if self.overrun:
                        return
                writer.write(piece)
                await writer.drain()
            if counted:
                await _sent(writer)


async def _sent(writer: asyncio.StreamWriter) -> None:
    """Until the kernel has taken the last piece: an abort would drop it."""
    writer.write_eof()
    writer.transport.set_write_buffer_limits(high=0)  # now a drain waits for the last byte
    await writer.drain()


@asynccontextmanager
async def forward_proxy(
    *, max_bytes: int, lookup: Lookup, allow_private: bool = False
) -> AsyncGenerator[ForwardProxy]:
    """Listen on a free port of loopback; every connection is cut when the block ends."""
    proxy = ForwardProxy(max_bytes=max_bytes, allow_private=allow_private, lookup=lookup)
    # No TaskGroup: what the block raises would come out as one of a group.
    connections: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, limit=_HEAD_BYTES)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        if ending := tuple(connections):
            for task in ending:
                task.cancel()
            await asyncio.wait(ending)
