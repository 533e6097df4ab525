"""What the doctor says of a Redis that will not do, or not well."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.cli.doctor import run_doctor
from app.settings import Settings
from app.settings.groups import RedisSettings
from tests.store.redis_servers import free_port, valkey_server


async def redis_check(
    settings: Settings, port: int, capsys: pytest.CaptureFixture[str]
) -> Mapping[str, Any]:
    redis = RedisSettings.model_validate({"url": f"redis://127.0.0.1:{port}"})
    code = await run_doctor(settings.model_copy(update={"redis": redis}), as_json=True)
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    # Once a start refuses such a server, it is the settings that are at fault.
    found = checks["redis"] if "redis" in checks else checks["settings"]
    assert code == int(found["state"] == "failed")
    return found


async def test_a_redis_that_deletes_keys_is_a_warning(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with valkey_server(tmp_path / "lru", "--maxmemory-policy", "volatile-lru") as server:
        found = await redis_check(settings, server.port, capsys)
    assert found["state"] == "warning"
    assert "noeviction" in found["message"]


async def test_a_cluster_is_a_failure_with_the_reason(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    async with valkey_server(tmp_path / "cluster", *options) as server:
        found = await redis_check(settings, server.port, capsys)
    assert found["state"] == "failed"
    assert "slots" in found["message"]
