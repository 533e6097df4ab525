"""Looks for strings that must not be somewhere, in every form in which they could be there."""

import asyncio
import base64
import json
import re
import unicodedata
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from redis.asyncio import Redis
from sqlalchemy import text

from app.store.database import Database

_ESCAPED_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_READ: Mapping[str, tuple[str | int, ...]] = {
    "string": ("GET",),
    "hash": ("HGETALL",),
    "list": ("LRANGE", 0, -1),
    "set": ("SMEMBERS",),
    "zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    "stream": ("XRANGE", "-", "+"),
}
_ENDED = b"none"
_MONITORING = b"+OK\r\n"


@dataclass(slots=True)
class Places:
    """What was written where. A canary that is found is told with the place, never twice."""

    canaries: Mapping[str, str]
    found: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    bytes_seen: dict[str, int] = field(default_factory=dict[str, int])

    def search(self, place: str, content: bytes | str, *, allowed: Iterable[str] = ()) -> None:
        """Look for all canaries but those that may stand in this place."""
        data = content.encode() if isinstance(content, str) else content
        self.bytes_seen[place] = self.bytes_seen.get(place, 0) + len(data)
        lowered = data.lower()
        for name, value in self.canaries.items():
            if name not in allowed and any(form in lowered for form in forms(value)):
                self.found.add((place, name))


def forms(value: str) -> set[bytes]:
    """How a text may be written: escaped, encoded, decomposed, without separators; in lower case."""
    spellings = {value, unicodedata.normalize("NFD", value), re.sub(r"[\s-]", "", value)}
    written: set[bytes] = set()
    for spelling in spellings:
        plain = spelling.encode()
        written |= {
            plain,
            spelling.encode("utf-16-le"),
            spelling.encode("cp949", "ignore") or plain,
            plain.hex().encode(),
            quote(spelling).encode(),
            json.dumps(spelling).strip('"').encode(),
        }
        written |= set(_in_base64(plain))
    return {each.lower() for each in written}


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """Its middle, wherever in a longer text it begins."""
    for offset in range(3):
        encoded = base64.b64encode(b"\x00" * offset + plain)
        yield encoded[4:-4] if offset else encoded[:-4]


@asynccontextmanager
async def watched(redis_url: str) -> AsyncGenerator[bytearray]:
    """Every command for one database of the server meanwhile, with all arguments, by whomever."""
    seen = bytearray()
    parts = urlsplit(redis_url)
    (number,) = parse_qs(parts.query)["db"]
    of_it = re.compile(
        rb"^\+[\d.]+ \[%d .*$" % int(number), re.MULTILINE
    )  # others' tests go on beside
    if parts.scheme == "unix":
        reader, writer = await asyncio.open_unix_connection(parts.path)
    else:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 6379)
    password = parts.password or parse_qs(parts.query).get("password", [""])[0]
    if password:
        writer.write(f"AUTH {password}\r\n".encode())
        assert await reader.readuntil(b"\r\n") == _MONITORING
    writer.write(b"MONITOR\r\n")
    assert await reader.readuntil(b"\r\n") == _MONITORING

    async def follow() -> None:
        while chunk := await reader.read(65_536):
            seen.extend(chunk)

    following = asyncio.create_task(follow())
    try:
        yield seen
    finally:
        writer.write(b"QUIT\r\n")
        writer.close()
        await asyncio.wait((following,), timeout=10)
        seen[:] = unescaped(b"\n".join(of_it.findall(bytes(seen))))


async def everything_in(redis_url: str) -> bytes:
    """All keys of one database of Redis, and all that they hold."""
    client: Redis = Redis.from_url(redis_url)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    held = bytearray()
    async with client:
        keys: list[bytes] = await client.keys()  # pyright: ignore[reportUnknownMemberType] - typed loosely
        for key in keys:
            held += b"\n" + key
            kind: bytes = await client.type(key)
            if kind == _ENDED:  # since the keys were listed
                continue
            command, *arguments = _READ[kind.decode()]
            value = await client.execute_command(command, key, *arguments)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - typed loosely
            held += b" " + repr(value).encode()  # pyright: ignore[reportUnknownArgumentType] - whatever it is
    return unescaped(bytes(held))


def unescaped(shown: bytes) -> bytes:
    """What stands there as `\\xea\\xb2…`, as bytes."""
    return _ESCAPED_BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), shown)


async def columns(database: Database) -> AsyncGenerator[tuple[str, str, list[str]]]:
    """Every column of every table with all of its values as text."""
    async with database.begin() as session:
        found = await session.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY 1, 2"
            )
        )
        for table, column in [tuple(row) for row in found]:
            values = await session.scalars(
                text(f'SELECT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608 - our own tables
            )
            yield table, column, list(values)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder: its path in there, and its bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
