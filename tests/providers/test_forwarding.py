"""The proxy by raw connections, as a browser makes them and as no browser does."""

import asyncio
import gc
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Self

import pytest

from app.providers.addresses import Lookup
from app.providers.forwarding import ForwardProxy, forward_proxy
from tests.fakes.receiver import Misbehaviour, Receiver, Reply

NAME = "pages.example.com"
PLENTY = 1 << 20


async def nobody(host: str, port: int) -> Sequence[str]:
    """A name server that knows no name."""
    del host, port
    return ()


@pytest.fixture
async def proxy() -> AsyncGenerator[ForwardProxy]:
    """One that may connect to the receiver, which is on loopback."""
    async with forward_proxy(max_bytes=PLENTY, lookup=nobody, allow_private=True) as running:
        yield running


@pytest.fixture
async def strict() -> AsyncGenerator[ForwardProxy]:
    """As it is unless the settings allow private addresses."""
    async with forward_proxy(max_bytes=PLENTY, lookup=nobody) as running:
        yield running


class Connection:
    """To the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, proxy: ForwardProxy) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def send(self, *lines: str) -> None:
        self.writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1"))

    async def rest(self) -> bytes:
        """All that comes until the proxy closes; it may cut what it closes."""
        got = bytearray()
        with suppress(ConnectionError):
            while piece := await self.reader.read(65_536):
                got += piece
        self.writer.close()
        return bytes(got)


async def asked(proxy: ForwardProxy, *lines: str) -> bytes:
    """The answer to one request."""
    connection = await Connection.to(proxy)
    connection.send(*lines)
    return await connection.rest()


async def tunnel(proxy: ForwardProxy, target: str) -> Connection:
    connection = await Connection.to(proxy)
    connection.send(f"CONNECT {target} HTTP/1.1", f"Host: {target}")
    head = await connection.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    return connection


def knows(*addresses: str) -> tuple[Lookup, list[str]]:
    """A name server that knows one name, and what it was asked."""
    questions: list[str] = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        del port
        questions.append(host)
        return addresses if host == NAME else ()

    return lookup, questions


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_request_is_passed_on_without_what_is_meant_for_the_proxy(
    method: str, proxy: ForwardProxy
) -> None:
    heads: list[list[str]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().splitlines())
        writer.write(b"HTTP/1.1 200 x\r\n\r\npage")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    got = await asked(
        proxy,
        f"{method} http://{host}/a/b?c=http://d/e HTTP/1.1",
        f"Host: {host}",
        "Proxy-Connection: keep-alive",
        "proxy-authorization: Basic eDp5",
        "Connection: keep-alive",
        "Accept: text/html",
    )
    server.close()
    assert got == b"HTTP/1.1 200 x\r\n\r\npage"
    assert heads == [
        [
            f"{method} /a/b?c=http://d/e HTTP/1.1",
            f"Host: {host}",
            "Accept: text/html",
            "Connection: close",
            "",
        ]
    ]
    assert (proxy.refused, proxy.overrun) == (0, False)


async def test_a_tunnel_carries_both_ways_and_an_end_of_one_leaves_the_other(
    proxy: ForwardProxy, receiver: Receiver
) -> None:
    receiver.answer(Reply(body=b"x" * 300_000))
    connection = await tunnel(proxy, f"127.0.0.1:{receiver.port}")
    connection.send("POST /inside HTTP/1.1", "Content-Length: 4")
    connection.writer.write(b"body")
    connection.writer.write_eof()  # half-open from here
    answer = await connection.rest()
    assert answer.count(b"x") >= 300_000
    assert [(got.method, got.body) for got in receiver.received] == [("POST", b"body")]
    assert proxy.received_bytes == len(answer)


async def test_who_reads_late_gets_the_last_byte(proxy: ForwardProxy, receiver: Receiver) -> None:
    """The answer ends while the proxy still holds most of it: the kernel takes little here."""
    receiver.answer(Reply(body=b"x" * 40_000))
    here, there = socket.socketpair()
    there.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    connection = Connection(*await asyncio.open_connection(sock=here, limit=1))
    target = f"127.0.0.1:{receiver.port}"
    connection.send(f"GET http://{target}/ HTTP/1.1", f"Host: {target}")
    serving = asyncio.create_task(proxy.serve(*await asyncio.open_connection(sock=there)))
    while proxy.received_bytes < 40_000:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)  # what would be cut off is cut off by now

    assert (await connection.rest()).endswith(b"x" * 40_000)
    await serving


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "[::1]", "[fc00::1]",  # noqa: S104 - asked for, not bound
        "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "2130706433", "0x7f.1", "127.1", "127.0.0.1.",
        "user@127.0.0.1", NAME,
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["tunnel", "request"])
async def test_addresses_that_are_not_public_are_not_connected_to(
    host: str, way: str, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    lookup, _ = knows("127.0.0.1", "8.8.8.8")  # one of them is enough
    async with forward_proxy(max_bytes=PLENTY, lookup=lookup) as proxy:
        target = f"{host}:{receiver.port}"
        line = f"CONNECT {target}" if way == "tunnel" else f"GET http://{target}/"
        assert await asked(proxy, f"{line} HTTP/1.1", f"Host: {target}") == b""
        assert proxy.refused == 1
    assert receiver.received == []
    gc.collect()
    assert caplog.records == []  # no task of the proxy has failed


async def test_link_local_addresses_are_refused_where_private_ones_are_allowed(
    proxy: ForwardProxy,
) -> None:
    for host in ("169.254.169.254", "0.0.0.0", "[fe80::1]"):  # noqa: S104 - asked for, not bound
        assert await asked(proxy, f"CONNECT {host}:80 HTTP/1.1") == b""
    assert proxy.refused == 3


async def test_a_name_is_looked_up_once_and_connected_to_where_it_was_judged(
    receiver: Receiver,
) -> None:
    # Nobody else knows the name: a second look-up could not have found the receiver, which listens
    # on the second address only.
    lookup, questions = knows("127.0.0.2", "127.0.0.1")
    async with forward_proxy(max_bytes=PLENTY, allow_private=True, lookup=lookup) as proxy:
        connection = await tunnel(proxy, f"{NAME}:{receiver.port}")
        connection.send("GET /inside HTTP/1.1")
        assert (await connection.rest()).startswith(b"HTTP/1.1 200 ")
        assert questions == [NAME]
        answer = await asked(proxy, f"GET http://{NAME}:{receiver.port}/ HTTP/1.1")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert questions == [NAME, NAME]  # judged anew
        assert await asked(proxy, "CONNECT unknown.example.com:80 HTTP/1.1") == b""
        assert proxy.refused == 1
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n", b"GET\r\n\r\n", b"GET http://127.0.0.1:{port}/\r\n\r\n",
        b"GET http://127.0.0.1:{port}/ with spaces HTTP/1.1\r\n\r\n",
        b"GET /not-absolute HTTP/1.1\r\n\r\n", b"GET ftp://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n",
        b"GET file:///etc/hostname HTTP/1.1\r\n\r\n", b"GET http://[::1/ HTTP/1.1\r\n\r\n",
        b"POST http://127.0.0.1:{port}/ HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
        b"get http://127.0.0.1:{port}/ HTTP/1.1\r\n\r\n",
        b"CONNECT 127.0.0.1:99999 HTTP/1.1\r\n\r\n", b"CONNECT  HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"\xff\xfe GET / HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_no_request_of_a_browser_is_closed_and_costs_that_connection_alone(
    head: bytes, proxy: ForwardProxy, receiver: Receiver
) -> None:
    connection = await Connection.to(proxy)
    connection.writer.write(head.replace(b"{port}", str(receiver.port).encode()))
    answer = await connection.rest()
    assert b"HTTP/1.1 200 x" not in answer
    assert receiver.received == []
    after = await asked(proxy, f"GET {receiver.url}/after HTTP/1.1")
    assert after.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("half", [b"", b"GET http://127.0.0.1/ HT"])
async def test_who_leaves_in_the_middle_of_a_request_is_let_go(
    half: bytes, proxy: ForwardProxy
) -> None:
    connection = await Connection.to(proxy)
    connection.writer.write(half)
    connection.writer.write_eof()
    assert await connection.rest() == b""


async def test_nobody_answers_and_the_connection_is_closed_without_a_word(
    proxy: ForwardProxy,
) -> None:
    async with Receiver().serving() as gone:
        target = f"127.0.0.1:{gone.port}"
    assert await asked(proxy, f"CONNECT {target} HTTP/1.1") == b""
    assert await asked(proxy, f"GET http://{target}/ HTTP/1.1") == b""
    assert proxy.refused == 0  # it was judged, and may be called


async def test_a_page_that_breaks_off_ends_where_it_broke(
    proxy: ForwardProxy, receiver: Receiver
) -> None:
    receiver.answer(Reply(headers={"content-length": "1000"}, body=b"half"), Misbehaviour.RESET)
    answer = await asked(proxy, f"GET {receiver.url}/ HTTP/1.1")
    assert answer.endswith(b"\r\n\r\nhalf")
    assert await asked(proxy, f"GET {receiver.url}/ HTTP/1.1") == b""


async def test_all_connections_together_bring_in_no_more_than_they_may(receiver: Receiver) -> None:
    receiver.answer(Reply(body=b"x" * 100_000), Misbehaviour.ENDLESS, Reply(body=b"more"))
    async with forward_proxy(max_bytes=250_000, lookup=nobody, allow_private=True) as proxy:
        first = await asked(proxy, f"GET {receiver.url}/ HTTP/1.1")
        assert first.count(b"x") >= 100_000
        assert not proxy.overrun
        endless = await tunnel(proxy, f"127.0.0.1:{receiver.port}")
        endless.send("GET /endless HTTP/1.1")
        second = await endless.rest()
        assert proxy.overrun
        assert 100_000 < len(first) + len(second) <= 250_000
        assert b"more" not in await asked(proxy, f"GET {receiver.url}/ HTTP/1.1")
    assert receiver.sent_bytes < 20_000_000  # what fits into the buffers of the connections


@pytest.mark.parametrize("at", ["before a request", "in a tunnel", "before an answer"])
async def test_no_connection_outlives_the_proxy(at: str, receiver: Receiver) -> None:
    receiver.always(Misbehaviour.HANG)
    async with forward_proxy(max_bytes=PLENTY, lookup=nobody, allow_private=True) as proxy:
        if at == "in a tunnel":
            open_one = await tunnel(proxy, f"127.0.0.1:{receiver.port}")
        else:
            open_one = await Connection.to(proxy)
        if at == "before an answer":
            open_one.send(f"GET {receiver.url}/ HTTP/1.1")
            await receiver.has(1)
        else:
            # Seen by the proxy: a later connection was served.
            await asked(proxy, "CONNECT 169.254.169.254:80 HTTP/1.1")
        port = proxy.port
    assert not [task for task in asyncio.all_tasks() if "ForwardProxy" in repr(task.get_coro())]
    assert await open_one.rest() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_what_the_block_raises_comes_out_as_it_is() -> None:
    with pytest.raises(KeyError, match="as it is"):
        async with (
            forward_proxy(max_bytes=PLENTY, lookup=nobody) as proxy,
            await Connection.to(proxy),
        ):
            raise KeyError("as it is")
