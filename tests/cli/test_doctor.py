"""What the doctor says of what will not do, or not well."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.cli.doctor import run_doctor
from app.settings import Settings
from app.settings.groups import RedisSettings
from app.settings.portfolio import PortfolioSettings
from tests.fakes.browsers import program
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


async def browser_check(
    settings: Settings, capsys: pytest.CaptureFixture[str], **portfolio: object
) -> Mapping[str, Any]:
    group = PortfolioSettings.model_validate({"sandbox": False, "timeout": 120, **portfolio})
    code = await run_doctor(settings.model_copy(update={"portfolio": group}), as_json=True)
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert code == int(checks["browser"]["state"] == "failed")
    assert checks["database"]["state"] == "ok"  # the others are told whatever the browser does
    return checks["browser"]


async def test_without_a_browser_the_doctor_says_how_to_have_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await browser_check(settings, capsys)
    assert found["state"] == "ok"
    assert "PORTFOLIO__BROWSER" in found["message"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="apt install chromium")
async def test_a_browser_is_started_and_named(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await browser_check(settings, capsys, browser=shutil.which("chromium"))
    assert found["state"] == "ok", found
    assert "Chrom" in found["message"]


async def test_a_browser_that_is_not_there_is_a_failure_with_the_package_to_install(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await browser_check(settings, capsys, browser="/nowhere/chromium")
    assert found["state"] == "failed"
    assert "apt install chromium" in found["message"]


@pytest.mark.skipif(os.geteuid() != 0, reason="the sandbox works for others than root")
async def test_a_sandbox_that_cannot_work_is_a_failure_with_the_setting(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = program(tmp_path, "says nothing")
    found = await browser_check(settings, capsys, browser=path, sandbox=True)
    assert found["state"] == "failed"
    assert "PORTFOLIO__SANDBOX" in found["message"]


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("ends at the first command", "ends by itself"),
        ("says nothing", "PORTFOLIO__TIMEOUT (1 s)"),
        ("refuses every command", "does not work"),
    ],
)
async def test_a_browser_that_does_not_work_is_a_failure_and_how_to_look_is_said(
    behaviour: str,
    said: str,
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = program(tmp_path, behaviour)
    limit = {"timeout": 1} if behaviour == "says nothing" else {}
    found = await browser_check(settings, capsys, browser=path, **limit)
    assert found["state"] == "failed"
    assert said in found["message"]
    assert f"{path} --headless --no-sandbox --dump-dom about:blank" in found["message"]


async def key_check(
    settings: Settings, key: str | None, capsys: pytest.CaptureFixture[str]
) -> Mapping[str, Any]:
    given = settings.model_copy(update={"encryption_key": key and SecretStr(key)})
    await run_doctor(given, as_json=True)
    checks = json.loads(capsys.readouterr().out)["checks"]
    return next(check for check in checks if check["name"] == "key")


async def test_a_malformed_key_is_a_warning_like_a_missing_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = await key_check(settings, None, capsys)
    malformed = await key_check(settings, "zz", capsys)
    assert missing["state"] == malformed["state"] == "warning"
    assert "encryption.key" in malformed["message"]
    assert "must be 64 hex characters (got 2)" in malformed["message"]
    assert (await key_check(settings, "5e" * 32, capsys))["state"] == "ok"
