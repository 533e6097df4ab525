"""Chromium's DevTools protocol over a pipe: JSON messages that end with a zero byte.

A pipe rather than a port, which every process of the machine could reach; and no library between,
since those bring a second runtime (Node.js, 45 MB) for the dozen commands that a picture takes.
"""

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import Any

from app.errors import ErrorCode, RetryableError
from app.messages import Message

GONE = "gone"
"""An event of our own: there will be no other."""

_END = b"\0"
_MAX_MESSAGE_BYTES = 64 * 1024 * 1024

_NO_PROTOCOL = (asyncio.LimitOverrunError, ValueError, LookupError, TypeError)
"""What comes of messages that the protocol does not know: no use in hearing more of them."""

Happened = Callable[[dict[str, Any]], None]


class Refused(Exception):  # noqa: N818 - reads as what it reports
    """The browser does not carry out a command: the page it was meant for is gone."""


class Devtools:
    """Commands to one browser, and what it tells of its own accord."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        answers: asyncio.ReadTransport,
        writer: asyncio.WriteTransport,
    ) -> None:
        self._reader = reader
        self._answers = answers
        self._writer = writer
        self._numbers = count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._heard: dict[str, Happened] = {}
        self._gone = False

    def on(self, event: str, happened: Happened) -> None:
        """Have this called, with what the event carries."""
        self._heard[event] = happened

    async def call(
        self, method: str, session_id: str | None = None, **parameters: object
    ) -> dict[str, Any]:
        """One command; its result. Raises Refused, and NETWORK_ERROR once the browser is gone."""
        self.check()
        number = next(self._numbers)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        self.tell(method, session_id, number=number, **parameters)
        try:
            return await answered
        finally:
            del self._asked[number]

    def tell(
        self,
        method: str,
        session_id: str | None = None,
        *,
        number: int | None = None,
        **parameters: object,
    ) -> None:
        """A command whose result nobody waits for."""
        message: dict[str, object] = {
            "id": next(self._numbers) if number is None else number,
            "method": method,
            "params": parameters,
        }
        if session_id is not None:
            message["sessionId"] = session_id
        self._writer.write(json.dumps(message).encode() + _END)

    def check(self) -> None:
        """Raise NETWORK_ERROR once the browser is gone."""
        if self._gone:
            raise browser_failed("ended")

    def refuse(self) -> None:
        """Nothing that was asked will be answered: the page it was meant for has crashed."""
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(Refused())

    def close(self) -> None:
        """Let go of both pipes; a browser without them ends by itself."""
        for pipe in (self._writer, self._answers):
            if not pipe.is_closing():
                pipe.close()

    async def listen(self) -> None:
        """Hand out answers and events until the browser is gone, which is the event GONE."""
        try:
            while True:
                message = json.loads((await self._reader.readuntil(_END))[:-1])
                if "method" in message:
                    if happened := self._heard.get(message["method"]):
                        happened(message.get("params", {}))
                elif (waiting := self._asked.get(message["id"])) and not waiting.done():
                    _settle(waiting, message)
        except (EOFError, OSError, *_NO_PROTOCOL):
            self._gone = True
            for waiting in self._asked.values():
                if not waiting.done():
                    waiting.set_exception(browser_failed("ended"))
            if happened := self._heard.get(GONE):
                happened({})


def _settle(waiting: "asyncio.Future[dict[str, Any]]", message: dict[str, Any]) -> None:
    if "error" in message:
        waiting.set_exception(Refused())
    else:
        waiting.set_result(message.get("result", {}))


def browser_failed(cause: str) -> RetryableError:
    """It is the browser that failed, not a page."""
    return RetryableError(ErrorCode.NETWORK_ERROR, Message.BROWSER_FAILED, details={"cause": cause})


async def open_pipes(commands_fd: int, answers_fd: int) -> Devtools:
    """Over our ends of the two pipes, which then belong to the event loop."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_MAX_MESSAGE_BYTES)
    answers, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader),
        open(answers_fd, "rb", buffering=0),  # noqa: ASYNC230, SIM115 - a descriptor, no file
    )
    writer, _ = await loop.connect_write_pipe(
        asyncio.Protocol,
        open(commands_fd, "wb", buffering=0),  # noqa: ASYNC230, SIM115 - a descriptor, no file
    )
    return Devtools(reader, answers, writer)
