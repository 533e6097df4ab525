"""A website on loopback with pages that mean no good, for a browser that opens links of strangers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

PIXEL_SIZE = 9_000
"""Of a bitmap of 300 MB: as wide and as high, in 32 bits."""

_PIECE = b"\xff" * 65_536
_BEYOND_EVERY_LIMIT = 300 * 1024 * 1024

_BLUE = "<body style='background:#0000ff;margin:0'>"

PAGES = {
    "/": f"{_BLUE}</body>",
    "/alerts": f"{_BLUE}<script>"
    "for (let i = 0; i < 50; i++) { alert(i); confirm(i); prompt(i) }"
    "onbeforeunload = () => 'stay'; print(); open('/popup')</script></body>",
    "/spin": "<script>while (true) {}</script>",
    # Four pictures that do not come keep it loading.
    "/hoard": "<img src='/silent?1'><img src='/silent?2'><img src='/silent?3'><img src='/silent?4'>"
    "<script>const kept = [];"
    "setInterval(() => { const more = new Uint8Array(64 << 20).fill(1); kept.push(more) }, 20)"
    "</script>",
    "/image": f"{_BLUE}<img hidden src='/bitmap'></body>",
    "/by-script": "<script>location = 'http://169.254.169.254/latest/'</script>",
    "/file": "<script>location = 'file:///etc/hostname'</script><p>page</p>",
    "/peeks": f"{_BLUE}"
    "<img hidden src='http://0.0.0.0:{port}/private/image'>"
    "<iframe hidden src='http://0.0.0.0:{port}/private/frame'></iframe>"
    "<script>fetch('http://0.0.0.0:{port}/private/fetch', {mode: 'no-cors'}).catch(() => 0);"
    "try { new WebSocket('ws://0.0.0.0:{port}/private/socket') } catch (error) {}"
    "navigator.sendBeacon('http://0.0.0.0:{port}/private/beacon')</script></body>",
    "/popup": "<p>popup</p>",
}
"""What they do, by path. 0.0.0.0 leads to this machine, and is judged as an address that nobody may
call; so a request that comes in there has passed by the judgement."""


class Website:
    """`requests` are the paths that were asked for, as they came; `pages` may be added to."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[str] = []
        self.pages = dict(PAGES)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            self.requests.append(path)
            async for piece in self._answer(path):
                writer.write(piece)
                await writer.drain()
        except (OSError, EOFError):
            pass  # the browser has seen enough
        finally:
            writer.close()

    async def _answer(self, path: str) -> AsyncIterator[bytes]:
        page = path.partition("?")[0]
        if page in self._redirects():
            yield _head(302, location=self._redirects()[page])
        elif page in self.pages:
            body = self.pages[page].replace("{port}", str(self.port))
            yield _head(200) + f"<!doctype html>{body}".encode()
        elif page in BEGINNINGS:
            yield BEGINNINGS[page]
            async for piece in _much():
                yield piece
        elif page in SILENT:
            yield SILENT[page]
            await asyncio.Event().wait()
        else:
            yield _head(404) + b"nothing"

    def _redirects(self) -> dict[str, str]:
        return {
            "/loop": f"/loop?{len(self.requests)}",
            "/to-metadata": "http://169.254.169.254/latest/meta-data/",
            "/to-private": f"http://0.0.0.0:{self.port}/private/page",
        }


async def _much() -> AsyncIterator[bytes]:
    for _ in range(_BEYOND_EVERY_LIMIT // len(_PIECE)):
        yield _PIECE


def _head(status: int, *, type: str = "text/html", **fields: str) -> bytes:  # noqa: A002 - of the content
    names = {"location": "Location", "disposition": "Content-Disposition"}
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {type}", "Connection: close"]
    lines += [f"{names[name]}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _bitmap_head() -> bytes:
    def number(value: int, size: int = 4) -> bytes:
        return value.to_bytes(size, "little")

    size = PIXEL_SIZE * PIXEL_SIZE * 4
    file = b"BM" + number(54 + size) + number(0) + number(54)
    shape = number(40) + number(PIXEL_SIZE) + number(PIXEL_SIZE) + number(1, 2) + number(32, 2)
    return file + shape + number(0) + number(size) + number(0) * 4


BEGINNINGS = {
    "/endless": _head(200) + f"{_BLUE}<p>".encode(),
    "/bitmap": _head(200, type="image/bmp") + _bitmap_head(),
    "/download": _head(200, type="application/zip", disposition="attachment; filename=a.zip"),
}
"""Pages that go on for hundreds of megabytes."""

SILENT = {"/silent": b"", "/drips": _head(200) + _BLUE.encode() + b" " * 1_024}
"""Pages that say no more, and do not end."""


@asynccontextmanager
async def website() -> AsyncGenerator[Website]:
    """Serve on a free port of loopback."""
    site = Website()
    connections: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(site.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in tuple(connections):
            task.cancel()
