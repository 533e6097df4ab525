"""Real servers for every test: one PostgreSQL and one Valkey a session, a database a test."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.bootstrap import Runtime, open_runtime
from app.demo.provider import ScriptedProvider, scripted_provider
from app.demo.wire import MODEL
from app.settings import FLAT_NAMES, Settings
from app.settings.groups import (
    DatabaseSettings,
    DataSettings,
    EmbeddingSettings,
    Environment,
    ExtractSettings,
    RedisSettings,
    RetrySettings,
)
from app.settings.queue import QueueSettings
from app.store.database import Database, open_database

# How long an example takes says something of the machine, not of the code.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")

pytest_plugins = [
    "tests.fakes.s3",
    "tests.fakes.collector",
    "tests.fakes.recording",
    "tests.fakes.receiver",
]

ROOT = Path(__file__).parents[1]
SHARED_SAMPLES = ROOT.parent / "shared" / "samples"
_SERVERS = pytest.StashKey[dict[str, str]]()
_HOLDER = pytest.StashKey[tuple["subprocess.Popen[bytes]", Any]]()


@dataclass(frozen=True, slots=True)
class Servers:
    """URLs of the session's servers; the database is a migrated template, never written to."""

    database: str
    redis: str


_LONG = ("tests/torture/", "tests/flows/test_chaos.py", "tests/documents/test_fuzz.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, the others as they were shuffled: one that began last would be waited for."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that hands out the tests."""
    for name in list(os.environ):
        if "__" in name or name in _SETTINGS_AT_TOP or name in FLAT_NAMES:
            del os.environ[name]
    Settings.model_config["env_file"] = None  # that of the clone belongs to whoever works in it
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = tempfile.TemporaryDirectory(prefix="naru-tests-")
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.servers", folder.name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    config.stash[_HOLDER] = (holder, folder)
    assert holder.stdout is not None
    config.stash[_SERVERS] = json.loads(holder.stdout.readline())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers and remove their data."""
    if (held := config.stash.get(_HOLDER, None)) is None:
        return
    holder, folder = held
    holder.communicate(timeout=20)
    folder.cleanup()


def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker where the servers are."""
    node.workerinput["servers"] = node.config.stash[_SERVERS]


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """Where the session's servers listen."""
    config = request.config
    given = getattr(config, "workerinput", {}).get("servers") or config.stash[_SERVERS]
    return Servers(**given)


@pytest.fixture
async def database_url(servers: Servers) -> AsyncGenerator[str]:
    """A migrated database of this test's own."""
    template = make_url(servers.database)
    name = f"test_{uuid4().hex[:12]}"
    admin = create_async_engine(
        template.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template.database}"))
    yield template.set(database=name).render_as_string(hide_password=False)
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
async def redis_url(servers: Servers, worker_id: str) -> AsyncGenerator[str]:
    """An empty Redis database; each xdist worker has its own."""
    number = 1 if worker_id == "master" else 2 + int(worker_id.removeprefix("gw"))
    url = f"{servers.redis.partition('?')[0]}?db={number}"
    client: Redis = Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    await client.execute_command("FLUSHDB")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    yield url
    await client.execute_command("FLUSHDB")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    await client.aclose()


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    settings = DatabaseSettings.model_validate({"url": database_url})
    async with open_database(settings) as opened:
        yield opened


@pytest.fixture
async def provider() -> AsyncGenerator[ScriptedProvider]:
    """The scripted OpenAI-compatible server; models and embeddings of tests come from it."""
    async with scripted_provider() as running:
        yield running


@pytest.fixture
def settings(
    database_url: str, redis_url: str, provider: ScriptedProvider, tmp_path: Path
) -> Settings:
    """Settings of a fresh install with quick retries. No model; embeddings by HTTP."""
    return Settings(
        env=Environment.TEST,
        encryption_key=SecretStr("5e" * 32),
        database=DatabaseSettings(url=SecretStr(database_url), pool_size=16),
        redis=RedisSettings(url=SecretStr(redis_url)),
        data=DataSettings(folder=tmp_path / "data"),
        extract=ExtractSettings(processes=1),  # each loads all parsers and rules anew
        embedding=EmbeddingSettings(
            base_url=provider.base_url, api_key=SecretStr("scripted"), model=MODEL
        ),
        retry=RetrySettings(embedding_base_wait=0.01, embedding_max_wait=0.05),
        queue=QueueSettings(
            lease=2, reconcile_every=0.2, retry_base_wait=0.05, retry_max_wait=0.2, drain_timeout=1
        ),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a process of its own has these settings."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": os.environ["HOME"]}
    flat = _flatten(settings.model_dump(mode="python"), ())
    flat["API__KEYS"] = ",".join(key.get_secret_value() for key in settings.api.keys)
    return own | flat


def _flatten(group: dict[str, Any], path: tuple[str, ...]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in group.items():
        here = (*path, name.upper())
        if isinstance(value, dict):
            flat |= _flatten(value, here)  # pyright: ignore[reportUnknownArgumentType] - any settings
        elif isinstance(value, tuple):
            shown = json.dumps(value, default=lambda secret: secret.get_secret_value())
            flat["__".join(here)] = shown
        elif hasattr(value, "get_secret_value"):
            flat["__".join(here)] = value.get_secret_value()
        elif value is not None:
            flat["__".join(here)] = str(value)
    return flat


@pytest.fixture
async def runtime(settings: Settings) -> AsyncGenerator[Runtime]:
    """Everything open, nothing running."""
    async with open_runtime(settings) as opened:
        yield opened


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes into the clone."""
    monkeypatch.chdir(tmp_path)


_SETTINGS_AT_TOP = frozenset(
    {
        "ENV", "LOG_LEVEL", "ENCRYPTION_KEY", "ENCRYPTION_PREVIOUS_KEYS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    }
)  # fmt: skip
