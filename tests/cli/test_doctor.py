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
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.demo.wire import MODEL
from app.settings import Settings
from app.settings.groups import EmbeddingSettings, RedisSettings, StorageSettings
from app.settings.llm import LlmSettings, ModelSettings
from app.settings.portfolio import PortfolioSettings
from tests.fakes.browsers import program
from tests.flows.conftest import with_model
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


async def checks_of(
    settings: Settings, capsys: pytest.CaptureFixture[str], **groups: object
) -> Mapping[str, Mapping[str, Any]]:
    await run_doctor(settings.model_copy(update=groups), as_json=True)
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


async def test_a_malformed_key_is_a_warning_like_a_missing_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = (await checks_of(settings, capsys, encryption_key=None))["key"]
    malformed = (await checks_of(settings, capsys, encryption_key=SecretStr("zz")))["key"]
    assert missing["state"] == malformed["state"] == "warning"
    assert "encryption.key" in malformed["message"]
    assert "must be 64 hex characters (got 2)" in malformed["message"]
    assert (await checks_of(settings, capsys))["key"]["state"] == "ok"


async def test_what_is_ticked_was_asked(
    settings: Settings, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = await checks_of(with_model(settings, provider), capsys)
    for name in ("model", "embedding", "storage"):
        assert checks[name]["state"] == "ok", checks[name]
    assert {call.endpoint for call in provider.calls} == {"chat", "embeddings"}
    assert not any(path.is_file() for path in (settings.data.folder / "blobs").rglob("*"))


async def test_a_model_an_embedder_and_a_store_that_are_away_are_failures_with_their_settings(
    settings: Settings, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    away = ModelSettings(model="second", base_url="http://user:secret@127.0.0.1:1/v1")
    checks = await checks_of(
        settings,
        capsys,
        llm=LlmSettings(base_url=provider.base_url, model=MODEL, fallbacks=(away,)),
        embedding=EmbeddingSettings(base_url="http://127.0.0.1:1/v1"),
        storage=StorageSettings(url="s3://bucket/prefix", s3_endpoint="http://127.0.0.1:1"),
    )
    for name, setting in (
        ("model", "LLM__BASE_URL"),
        ("embedding", "EMBEDDING__BASE_URL"),
        ("storage", "STORAGE__S3_ENDPOINT"),
    ):
        assert checks[name]["state"] == "failed", checks[name]
        assert setting in checks[name]["message"]
        assert "secret" not in checks[name]["message"]
        assert "tried again" not in checks[name]["message"]
    assert MODEL not in checks["model"]["message"]


async def test_a_key_that_a_model_refuses_is_a_failure_that_says_so(
    settings: Settings, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.fail_with(FaultKind.STATUS, status=401)
    found = (await checks_of(with_model(settings, provider), capsys))["model"]
    assert found["state"] == "failed"
    assert "refuses the API key (HTTP 401)" in found["message"]
