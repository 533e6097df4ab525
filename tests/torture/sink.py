"""The world outside: answers questions, takes webhooks, and remembers who asked for what."""

import asyncio
import itertools
import json
import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.torture.chance import chance_of

ASK, HOOK = "/ask", "/hook"
_UNWELL_SHARE = 0.05


@dataclass(slots=True)
class Sink:
    """`hooks`: the bodies of each idempotency key, those that were answered with an error too."""

    chance: random.Random
    url: str = ""
    hooks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    asked: int = 0
    _answers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.splitlines()
            headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            status, answer = self._answer(request.split()[1], headers, body)
            text = json.dumps(answer)
            writer.write(
                f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked was killed
        finally:
            writer.close()

    def _answer(self, path: str, headers: dict[str, str], body: str) -> tuple[int, object]:
        if path == HOOK:
            self.hooks[headers["idempotency-key"]].append(body)
            # It was received all the same: the sender must not be the judge of that.
            if self.chance.random() < _UNWELL_SHARE:
                self.refused += 1
                return 503, None
            return 200, None
        self.asked += 1
        return 200, f"answer {next(self._answers)}"  # never the same twice


@asynccontextmanager
async def open_sink(seed: int) -> AsyncGenerator[Sink]:
    sink = Sink(chance=chance_of(seed))
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, backlog=256)
    sink.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield sink
