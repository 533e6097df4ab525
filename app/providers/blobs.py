"""Files by key: a folder, or a bucket of S3 and what speaks its protocol. One attempt per call."""

import asyncio
import errno
import os
import re
import stat
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

from obstore.store import LocalStore, S3Store

from app.errors import check_file_size
from app.providers.failures import Provider, Trouble, failure, mapped
from app.settings import InvalidSettings
from app.settings.groups import StorageSettings

if TYPE_CHECKING:  # these two exist in the stubs alone
    from obstore.store import ClientConfig, S3Config

MAX_KEY_BYTES = 1_024
"""S3's limit, for the prefix and the key together."""

CLOCK_PREFIX = "clock"
"""Below it lie the objects by which the store tells the time, for a moment each."""

_STAGED = re.compile(r"#\d+$")
"""How a local store names a file that is not whole yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object as the store lists it; `modified_at` is by the store's clock."""

    key: str
    modified_at: datetime


class Blobs:
    """A store of bytes. Every call ends within `timeout_s` or fails with STORAGE_ERROR.

    In a folder a symbolic link is no object, nor is what lies beyond one: who may only drop files
    into it would have us read, or delete, what else we can reach.
    """

    def __init__(
        self, store: LocalStore | S3Store, *, timeout_s: float, folder: Path | None = None
    ) -> None:
        self._store = store
        self._timeout_s = timeout_s
        self._folder = folder

    async def put(self, key: str, data: bytes) -> None:
        """Write a whole object, or none of it; one that exists is replaced.

        Once this returns, the object outlives a loss of power.
        """
        check_key(key)
        with mapped(Provider.STORAGE):
            async with asyncio.timeout(self._timeout_s):
                # One request: parts of an upload that breaks off would stay in the bucket.
                await self._store.put_async(key, data, use_multipart=False)
                if self._folder is not None:
                    # The store leaves it to the system when bytes reach the disk: a run's row,
                    # which PostgreSQL does write through, would name a file without any.
                    await asyncio.to_thread(_write_through, self._folder, key)

    async def get(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """Read a whole object. Raises NOT_FOUND, or INVALID_FILE above `max_bytes`, unread."""
        check_key(key)
        with mapped(Provider.STORAGE):
            async with asyncio.timeout(self._timeout_s):
                if self._folder is not None:
                    return await asyncio.to_thread(_read, self._folder, key, max_bytes)
                found = await self._store.get_async(key)
                if max_bytes is not None:
                    check_file_size(found.meta["size"], max_bytes)
                return bytes(await found.bytes_async())

    async def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is no error."""
        check_key(key)
        with mapped(Provider.STORAGE):
            async with asyncio.timeout(self._timeout_s):
                try:
                    if self._folder is not None:
                        await asyncio.to_thread(_unlink, self._folder, key)
                    else:
                        await self._store.delete_async(key)
                except FileNotFoundError:
                    return

    async def pages(self, prefix: str, *, page_size: int = 1_000) -> AsyncGenerator[list[Stored]]:
        """All objects below a folder, in no order; each page within the time limit."""
        check_key(prefix)
        with mapped(Provider.STORAGE):
            listing = aiter(self._store.list_async(prefix, chunk_size=page_size))  # pyright: ignore[reportUnknownMemberType] - typed for arrow too
        while True:
            with mapped(Provider.STORAGE):
                async with asyncio.timeout(self._timeout_s):
                    found = await anext(listing, None)
            if found is None:
                return
            yield [Stored(key=one["path"], modified_at=one["last_modified"]) for one in found]

    async def now(self) -> datetime:
        """The store's clock: the one that `modified_at` is by, whatever ours says."""
        key = f"{CLOCK_PREFIX}/{uuid4().hex}"
        await self.put(key, b"")
        try:
            with mapped(Provider.STORAGE):
                async with asyncio.timeout(self._timeout_s):
                    return (await self._store.head_async(key))["last_modified"]
        finally:
            await self.delete(key)

    async def drop_unfinished(self, *, before: datetime) -> int:
        """Delete what a killed process left half-written in a local folder; how many files.

        A bucket has none: an upload is one request.
        """
        if self._folder is None:
            return 0
        return await asyncio.to_thread(_drop_unfinished, self._folder, before.timestamp())


@asynccontextmanager
async def open_blobs(
    storage: StorageSettings, folder: Path, *, timeout_s: float = 30
) -> AsyncGenerator[Blobs]:
    """Hold the store that the settings name; `folder` when they name none.

    A local folder that is missing is made, closed to other users (0700). Nothing is sent to a
    bucket before the first call. Raises InvalidSettings where the URL can be neither.
    """
    url = urlsplit(storage.url or "")
    if url.scheme == "s3" and url.netloc:
        yield Blobs(_bucket(storage, url.netloc, url.path, timeout_s), timeout_s=timeout_s)
        return
    if url.scheme:
        raise InvalidSettings(["STORAGE__URL: must be s3://bucket/prefix or a folder"])
    place = Path(storage.url) if storage.url else folder
    place = place.expanduser()
    yield Blobs(await asyncio.to_thread(_local, place), timeout_s=timeout_s, folder=place)


def _bucket(storage: StorageSettings, bucket: str, path: str, timeout_s: float) -> S3Store:
    options: S3Config = {"region": storage.s3_region}
    client: ClientConfig = {"timeout": timedelta(seconds=timeout_s)}
    if storage.s3_endpoint:
        # Compatible servers seldom have a host name per bucket.
        options["endpoint"] = storage.s3_endpoint
        options["virtual_hosted_style_request"] = False
        client["allow_http"] = storage.s3_endpoint.startswith("http://")
    if storage.s3_access_key_id and storage.s3_secret_access_key:
        options["access_key_id"] = storage.s3_access_key_id.get_secret_value()
        options["secret_access_key"] = storage.s3_secret_access_key.get_secret_value()
    return S3Store(
        bucket,
        prefix=path.strip("/") or None,
        config=options,
        client_options=client,
        # Its default is ten tries of its own: one layer retries, so tries never multiply (R12).
        retry_config={"max_retries": 0},
    )


def _local(folder: Path) -> LocalStore:
    try:
        # What lies deeper needs no mode of its own: nobody else gets past this folder.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidSettings(
            [f"STORAGE__URL: cannot be made a folder: {error.strerror}"]
        ) from error
    return LocalStore(folder.resolve())


@contextmanager
def _beside(folder: Path, key: str) -> Generator[tuple[int, str]]:
    """Hold the folder that a key's file lies in, open, and the file's name.

    Opened step by step: a path that was looked at before may lead elsewhere by the time it is used.
    """
    *steps, name = key.split("/")
    with ExitStack() as opened:
        place = os.open(folder, os.O_RDONLY)
        opened.callback(os.close, place)
        for step in steps:
            place = _open(step, place)
            opened.callback(os.close, place)
        yield place, name


def _open(name: str, place: int) -> int:
    try:
        # Without waiting: a pipe would hold the thread until somebody writes.
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise FileNotFoundError(errno.ENOENT, "a symbolic link") from error
        raise


def _read(folder: Path, key: str, max_bytes: int | None) -> bytes:
    with _beside(folder, key) as (place, name):
        descriptor = _open(name, place)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(errno.ENOENT, "no file")
        if max_bytes is not None:
            check_file_size(found.st_size, max_bytes)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(found.st_size)
    finally:
        os.close(descriptor)


def _unlink(folder: Path, key: str) -> None:
    with _beside(folder, key) as (place, name):
        os.unlink(name, dir_fd=place)


def _write_through(folder: Path, key: str) -> None:
    """Bring a file to the disk, then every name on the way to it: folders may be new as well."""
    path = folder / key
    for place in (path, *path.parents[: key.count("/") + 1]):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _drop_unfinished(folder: Path, before_s: float) -> int:
    left = [
        path
        for path in folder.rglob("*#*")
        if _STAGED.search(path.name) and path.is_file() and path.stat().st_mtime < before_s
    ]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def check_key(key: str) -> None:
    """Raise VALIDATION_ERROR for what leads out of the store, or is no name in it."""
    parts = key.split("/")
    if (
        any(part in {"", ".", ".."} for part in parts)
        or "\\" in key
        or not key.isprintable()
        or _STAGED.search(key)
        or len(key.encode()) > MAX_KEY_BYTES
    ):
        raise failure(Provider.STORAGE, Trouble.REFUSED, {})
