"""Data folders, settings for them, and other processes that hold their servers."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import Settings, load_settings
from app.settings.groups import DatabaseSettings, DataSettings, RedisSettings

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
GONE_WITHIN_S = 10


@dataclass(frozen=True, slots=True)
class Holder:
    """Another process that owns the servers of a folder, or has joined their owner."""

    process: asyncio.subprocess.Process
    uid: int
    urls: Sequence[str]

    async def kill(self) -> None:
        """End it the hard way, so that it can clean up nothing."""
        self.process.kill()
        await self.process.wait()


SettingsFor = Callable[[Path], Settings]
Hold = Callable[..., AbstractAsyncContextManager[Holder]]
Sql = Callable[[Settings, str], Awaitable[object]]
RedisCommand = Callable[..., Awaitable[object]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def settings_for() -> SettingsFor:
    """Settings of a data folder, without any URL."""

    def build(folder: Path) -> Settings:
        return load_settings(
            data=DataSettings(folder=folder),
            database=DatabaseSettings.model_validate({}),
            redis=RedisSettings.model_validate({}),
        )

    return build


@pytest.fixture
def settings(settings_for: SettingsFor, folder: Path) -> Settings:
    return settings_for(folder)


@pytest.fixture(scope="session")
def used_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose servers have run once. Copy it: making a cluster takes a second."""
    folder = tmp_path_factory.mktemp("used")
    subprocess.run(
        holding(folder), input=b"", env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True
    )
    return folder


@pytest.fixture
def used(settings: Settings, used_folder: Path) -> Settings:
    """Settings of a data folder that has been used before."""
    shutil.copytree(used_folder, settings.data.folder)
    return settings


@pytest.fixture
def without_postgres(settings: Settings) -> Settings:
    """Settings that name a PostgreSQL elsewhere, so that only Valkey is started."""
    elsewhere = {"url": "postgresql://db.example.com/naru"}
    return settings.model_copy(update={"database": DatabaseSettings.model_validate(elsewhere)})


@pytest.fixture
def hold() -> Hold:
    """Run another process that holds the servers; `prefix` is put before its command."""

    @asynccontextmanager
    async def start(folder: Path, *, prefix: Sequence[str] = ()) -> AsyncGenerator[Holder]:
        process = await begin_to_hold(folder, prefix)
        try:
            assert process.stdout
            line = json.loads(await process.stdout.readline())
            yield Holder(process, line["uid"], line["urls"])
        finally:
            if process.stdin and process.returncode is None:
                process.stdin.close()
            await process.wait()

    return start


async def begin_to_hold(folder: Path, prefix: Sequence[str] = ()) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(*prefix, *holding(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )


def holding(folder: Path) -> Sequence[str]:
    return (sys.executable, str(Path(__file__).with_name("hold_servers.py")), str(folder))


@pytest.fixture
def sql() -> Sql:
    """Run one statement through SQLAlchemy, as the service does; its first value."""

    async def run(settings: Settings, statement: str) -> object:
        assert settings.database.url
        engine = create_async_engine(settings.database.url.get_secret_value())
        try:
            async with engine.begin() as connection:
                result = await connection.execute(text(statement))
                return cast("object", result.scalar()) if result.returns_rows else None
        finally:
            await engine.dispose()

    return run


@pytest.fixture
def redis() -> RedisCommand:
    """Send one command to Valkey with the client that the service uses."""

    async def send(settings: Settings, *command: str, db: int = 0) -> object:
        assert settings.redis.url
        url = settings.redis.url.get_secret_value()
        async with Redis.from_url(url, db=db, decode_responses=True) as client:  # pyright: ignore[reportUnknownMemberType]
            answer = await client.execute_command(*command)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            return cast("object", answer)

    return send


def process_of(folder: Path, name: str) -> int:
    """The pid of the server itself, which is the eldest process of that name."""
    return min(pid for pid, found in servers_of(folder).items() if found == name)


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def servers_of(folder: Path) -> dict[int, str]:
    """The pid and name of each process that works in this data folder."""
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder.resolve()):
                found[int(process.name)] = (process / "comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # gone, or another user's
            continue
    return found


async def gone(folder: Path) -> bool:
    """Wait until no server of this folder is left; False when they stay."""
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            while await asyncio.to_thread(servers_of, folder):
                await asyncio.sleep(0.02)
    except TimeoutError:
        return False
    return True


def kill_server(folder: Path, name: str) -> None:
    """Kill -9 the server."""
    os.kill(process_of(folder, name), signal.SIGKILL)
