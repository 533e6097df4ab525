"""arq's own command beside ours."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import pytest

from app.bootstrap import Runtime
from app.jobs.stock import worker_settings
from app.pipeline.tables import RunRow
from app.settings import InvalidSettings, Settings
from app.settings.groups import Environment
from tests.conftest import environment_of
from tests.flows.conftest import ended as ended  # noqa: PLC0414 - a fixture of theirs

TEXT = "윤가온\ngaon.yun@example.kr\n010-0000-2101\n\n기술\nPython\n".encode()


@pytest.mark.timeout(90)
async def test_arqs_own_command_runs_the_same_functions_and_names_ours(
    runtime: Runtime,
    settings: Settings,
    ended: Callable[[Sequence[UUID]], Awaitable[list[RunRow]]],
) -> None:
    accepted = await runtime.intake.accept("cv.txt", TEXT)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from arq.cli import cli; cli()", "app.jobs.worker.WorkerSettings"),
        env=environment_of(settings),
        cwd=settings.data.folder.parent,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        (run,) = await ended([accepted.run_id])
        assert (run.status, run.attempt) == ("succeeded", 1)
        job = runtime.producer.job(f"{run.id}:1")
        assert (await job.result(timeout=20))["status"] == "succeeded"
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
    assert b"./run worker" in said, said.decode()


@pytest.mark.timeout(90)
@pytest.mark.usefixtures("runtime")  # it has migrated
async def test_once_it_has_begun_all_its_lines_are_json_in_staging(settings: Settings) -> None:
    staging = settings.model_copy(update={"env": Environment.STAGING})
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", "from arq.cli import cli; cli()", "app.jobs.worker.WorkerSettings"),
        env=environment_of(staging),
        cwd=settings.data.folder.parent,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    while b"stock_worker" not in (line := await process.stderr.readline()):
        assert line, "it has ended"
    process.send_signal(signal.SIGTERM)
    later = (await process.stderr.read()).splitlines()
    await process.wait()
    assert json.loads(line)["event"] == "stock_worker"
    assert [text for text in later if not text.startswith(b"{")] == []


def test_without_servers_it_says_what_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS__URL", "DATABASE__URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidSettings, match=r"\./run worker"):
        worker_settings()
