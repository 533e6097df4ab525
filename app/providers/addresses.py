"""The address guard: which addresses we call when somebody else names the URL.

A URL that a user gives could point into our own network. Its host is looked up first and every
answer is judged; who connects must then use an address that was judged, not the name again, which
may have another answer by then (DNS rebinding). Networks: IANA's registries of special-purpose
addresses (RFC 6890), of 2026.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Message

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → the addresses of the host. Raises OSError as `socket.getaddrinfo` does."""

MAX_URL_CHARS = 2_000
_LOOKUPS_AT_ONCE = 4
_LAST_PORT = 65_535

_PRIVATE = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),  # behind a carrier's NAT
    IPv4Network("127.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("::1/128"),
    IPv6Network("fc00::/7"),
)
"""Called only where the settings allow private addresses."""

_NEVER = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("100.100.100.200/32"),  # metadata at Alibaba Cloud
    IPv4Network("168.63.129.16/32"),  # metadata at Azure, in the middle of public addresses
    IPv4Network("169.254.0.0/16"),  # link-local, and metadata nearly everywhere
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/3"),  # multicast, reserved, broadcast
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
    IPv6Network("fd00:ec2::254/128"),  # metadata at AWS
    IPv6Network("fd20:ce::254/128"),  # metadata at Google Cloud
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")

_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)\Z")

_AUTHORITY_END = re.compile(r"[/?#]")

_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY})


@contextmanager
def system_lookup() -> Generator[Lookup]:
    """Ask the system, on threads of its own; at the end of the block, what still waits is dropped."""
    # A name server that does not answer keeps a thread for many seconds. In the loop's own threads,
    # where files are written and texts are sealed, a page that names 64 such hosts stopped it all.
    threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, thread_name_prefix="dns")
    try:
        yield partial(_look_up, executor=threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


async def _look_up(host: str, port: int, *, executor: Executor) -> Sequence[str]:
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(executor, ask)
    return [str(answer[4][0]) for answer in found]


async def resolve_public(
    url: str, *, lookup: Lookup, allow_private: bool = False
) -> tuple[Address, ...]:
    """The addresses of the URL's host, all of them public, in the order of the answer.

    Connect to one of these, and judge each redirect again. `allow_private` admits private, loopback
    and carrier-NAT addresses; link-local, metadata, multicast and reserved ones it does not. Raises
    VALIDATION_ERROR for a URL that must not be called, NETWORK_ERROR when the name server does not
    answer. Neither says which address was found: that would map our network.
    """
    host, port = host_and_port(url)
    answers = await _answers(host, port, lookup)
    found = tuple(dict.fromkeys(map(ip_address, answers)))
    if not found:
        raise _refused(Message.URL_HOST_UNKNOWN)
    if not all(_may_be_called(each, allow_private=allow_private) for each in found):
        raise _refused(Message.URL_NOT_PUBLIC)
    return found


def host_and_port(url: str) -> tuple[str, int]:
    """Where a URL leads, by its spelling alone. Raises VALIDATION_ERROR.

    Spellings that another program could read as another host are refused: numbers in place of an
    IPv4 address, a trailing dot, escapes, white space, a backslash. A host name in another script
    comes back as ASCII (IDNA).
    """
    if len(url) > MAX_URL_CHARS or not url.isprintable() or " " in url or "\\" in url:
        raise _refused(Message.URL_HOST_ODD)
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        raise _refused(Message.URL_HOST_ODD) from None
    if parts.scheme not in {"http", "https"}:
        raise _refused(Message.URL_NOT_HTTP)
    if parts.userinfo or "@" in _AUTHORITY_END.split(url.partition("://")[2])[0]:
        raise _refused(Message.URL_WITH_CREDENTIALS)
    host = parts.raw_host.decode("ascii")
    port = parts.port if parts.port is not None else 443 if parts.scheme == "https" else 80
    if not _is_plain(host) or not 0 < port <= _LAST_PORT:
        raise _refused(Message.URL_HOST_ODD)
    return host, port


def _is_plain(host: str) -> bool:
    if ":" in host:
        return "%" not in host  # no zone; httpx has checked the rest
    if not _HOST.match(host):
        return False
    if not _NUMBER.match(host.rpartition(".")[2]):
        return True
    # What ends in a number is an IPv4 address in a browser (WHATWG), whatever its parts: 2130706433,
    # 0x7f.1 and 0177.0.0.1 are all 127.0.0.1. Only the usual form is accepted.
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


async def _answers(host: str, port: int, lookup: Lookup) -> Sequence[str]:
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass  # a name
    try:
        return await lookup(host, port)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_HOST:
            raise _refused(Message.URL_HOST_UNKNOWN) from None
    except OSError:
        pass
    raise RetryableError(
        ErrorCode.NETWORK_ERROR, Message.URL_HOST_NOT_LOOKED_UP, details={"cause": "dns"}
    )


def _may_be_called(address: Address, *, allow_private: bool) -> bool:
    if inner := tuple(_carried(address)):
        return all(_may_be_called(each, allow_private=allow_private) for each in inner)
    if any(address in network for network in _NEVER):
        return False
    if any(address in network for network in _PRIVATE):
        return allow_private
    return isinstance(address, IPv4Address) or address in _GLOBAL_IPV6


def _carried(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 one stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    elif address.sixtofour is not None:
        yield address.sixtofour
    elif address.teredo is not None:
        yield from address.teredo
    elif address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)


def _refused(message: Message) -> PermanentError:
    return PermanentError(ErrorCode.VALIDATION_ERROR, message)
