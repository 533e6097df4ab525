"""Messages over two pipes, with a browser at the other end that the test plays."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from app.errors import ErrorCode, RetryableError
from app.messages import Message
from app.providers.devtools import GONE, Devtools, Refused, open_pipes


class Far:
    """The other end: what was commanded, and what is answered."""

    def __init__(self, commands_fd: int, answers_fd: int) -> None:
        self._commands_fd = commands_fd
        self.answers_fd = answers_fd
        self._read = b""
        self._closed = False

    async def heard(self) -> dict[str, Any]:
        """The next command."""
        while b"\0" not in self._read:
            self._read += await asyncio.to_thread(os.read, self._commands_fd, 65_536)
        told, _, self._read = self._read.partition(b"\0")
        return json.loads(told)

    async def say(self, raw: bytes) -> None:
        """In a thread: a pipe that is full keeps its writer waiting."""
        left = memoryview(raw)
        while left:
            left = left[await asyncio.to_thread(os.write, self.answers_fd, left) :]

    async def tell(self, **message: object) -> None:
        await self.say(json.dumps(message).encode() + b"\0")

    def hang_up(self) -> None:
        if not self._closed:
            os.close(self.answers_fd)
        self._closed = True


@pytest.fixture
def pipes() -> tuple[int, int, Far]:
    """Our ends, and the other one."""
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    return commands_in, answers_out, Far(commands_out, answers_in)


@pytest.fixture
def far(pipes: tuple[int, int, Far]) -> Far:
    return pipes[2]


@pytest.fixture
async def devtools(pipes: tuple[int, int, Far]) -> AsyncGenerator[Devtools]:
    commands_in, answers_out, far = pipes
    opened = await open_pipes(commands_in, answers_out)
    listening = asyncio.create_task(opened.listen())
    yield opened
    far.hang_up()
    await listening
    opened.close()
    os.close(far._commands_fd)


async def asked(devtools: Devtools, far: Far, method: str = "A") -> "asyncio.Task[dict[str, Any]]":
    """A call that the other end has heard."""
    call = asyncio.create_task(devtools.call(method))
    assert (await far.heard())["method"] == method
    return call


async def has_failed(call: "asyncio.Task[dict[str, Any]]") -> None:
    with pytest.raises(RetryableError) as failed:
        await call
    assert (failed.value.code, failed.value.message) == (
        ErrorCode.NETWORK_ERROR,
        Message.BROWSER_FAILED,
    )
    assert failed.value.details == {"cause": "ended"}


async def test_every_call_gets_the_answer_with_its_number_in_whatever_order(
    devtools: Devtools, far: Far
) -> None:
    first = asyncio.create_task(devtools.call("Page.open", "S1", url="about:blank"))
    second = asyncio.create_task(devtools.call("Browser.getVersion"))
    one, two = await far.heard(), await far.heard()
    assert (one["method"], one["params"], one["sessionId"]) == (
        "Page.open",
        {"url": "about:blank"},
        "S1",
    )
    assert (two["method"], two["params"], "sessionId" in two) == ("Browser.getVersion", {}, False)
    await far.tell(id=two["id"], result={"product": "x"})
    await far.tell(id=one["id"])
    assert (await first, await second) == ({}, {"product": "x"})


async def test_an_event_is_told_to_who_asked_for_it_and_others_are_not_missed(
    devtools: Devtools, far: Far
) -> None:
    seen: list[object] = []
    devtools.on("Page.loaded", seen.append)
    call = await asked(devtools, far)
    await far.tell(method="Page.other", params={"n": 1})
    await far.tell(method="Page.loaded", params={"n": 2})
    await far.tell(method="Page.loaded")
    await far.tell(id=1, result={})
    await call
    assert seen == [{"n": 2}, {}]


async def test_what_nobody_waits_for_is_passed_over(devtools: Devtools, far: Far) -> None:
    devtools.tell("Page.stopLoading")
    told = await far.heard()
    given_up = await asked(devtools, far)
    given_up.cancel()
    await asyncio.wait([given_up])
    call = await asked(devtools, far, "B")
    await far.tell(id=told["id"], result={"of": "a command"})
    await far.tell(id=2, result={"of": "who gave up"})
    await far.tell(id=999, result={"of": "nobody"})
    await far.tell(id=3, result={"of": "B"})
    assert await call == {"of": "B"}


async def test_a_refused_command_costs_that_call_alone(devtools: Devtools, far: Far) -> None:
    refused, other = await asked(devtools, far), await asked(devtools, far, "B")
    await far.tell(id=1, error={"code": -32_000, "message": "no such target"})
    with pytest.raises(Refused):
        await refused
    await far.tell(id=2, result={})
    assert await other == {}


async def test_a_crashed_page_refuses_what_was_asked_and_not_what_follows(
    devtools: Devtools, far: Far
) -> None:
    waiting = await asked(devtools, far)
    devtools.refuse()
    with pytest.raises(Refused):
        await waiting
    call = await asked(devtools, far, "B")
    await far.tell(id=2, result={})
    assert await call == {}


@pytest.mark.parametrize(
    "last",
    [
        b"", b'{"id": 1, "res', b"{]\0", b"\xff\xfe\0", b"\0", b"{}\0", b"[]\0", b"7\0", b'"method"\0',
        b'{"id": {}, "result": {}}\0', b'{"method": []}\0', b'{"method": "Page.loaded"}\0',
    ],
)  # fmt: skip
async def test_a_browser_that_hangs_up_or_says_nonsense_is_gone_for_all_who_wait(
    last: bytes, devtools: Devtools, far: Far
) -> None:
    gone: list[object] = []
    devtools.on(GONE, gone.append)
    devtools.on("Page.loaded", lambda told: gone.remove(told["frame"]))
    waiting = [await asked(devtools, far) for _ in range(2)]
    await far.say(last)
    if not last.endswith(b"\0"):
        far.hang_up()
    for call in waiting:
        await has_failed(call)
    await has_failed(asyncio.create_task(devtools.call("C")))
    with pytest.raises(RetryableError):
        devtools.check()
    assert gone == [{}]


async def test_an_answer_may_be_large_and_not_without_end(devtools: Devtools, far: Far) -> None:
    call = await asked(devtools, far)
    await far.tell(id=1, result={"data": "x" * (8 << 20)})
    assert len((await call)["data"]) == 8 << 20

    endless = await asked(devtools, far)
    pouring = asyncio.create_task(far.say(b"x" * (192 << 20)))
    await has_failed(endless)
    assert not pouring.done()  # and the rest of it is not read
    devtools.close()
    with pytest.raises(BrokenPipeError):
        await pouring
