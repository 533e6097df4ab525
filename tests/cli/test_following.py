import asyncio
import json
from uuid import uuid4

import pytest
from sqlalchemy import update

from app.bootstrap import Runtime
from app.cli.following import follow_run
from app.errors import ErrorCode, PermanentError
from app.pipeline.tables import RunRow, RunStatus
from app.queue.events import GapEvent, RunEvent, StageEvent, TokenEvent
from app.settings import Settings
from tests.flows.conftest import working

RESUME = "윤가온\ngaon.yun@example.kr\n\n기술\nPython, Kafka\n".encode()


async def test_a_run_is_followed_line_by_line_until_it_has_succeeded(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    following = asyncio.create_task(follow_run(settings, accepted.run_id, as_json=False))
    async with working(runtime):
        assert await following == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["fetch", "running"] in lines
    assert ["fetch", "succeeded"] in lines
    assert lines.index(["fetch", "succeeded"]) < lines.index(["extract", "running"])
    assert lines[-1] == ["run", "succeeded"]


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (RunStatus.SUCCEEDED, 0),
        (RunStatus.PARTIAL, 0),
        (RunStatus.FAILED, 1),
        (RunStatus.CANCELLED, 1),
    ],
)
async def test_the_exit_code_is_that_of_the_end(
    runtime: Runtime,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    status: RunStatus,
    exit_code: int,
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    async with runtime.database.begin() as session:
        await session.execute(update(RunRow).values(status=status, attempt=2, code="WORKER_ERROR"))
    assert await follow_run(settings, accepted.run_id, as_json=False) == exit_code
    assert capsys.readouterr().out.split() == ["run", status, "WORKER_ERROR", "attempt", "2"]


async def test_as_json_each_event_is_a_line(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = await runtime.intake.accept("cv.txt", RESUME)
    runtime.events.tell(accepted.run_id, StageEvent(stage="fetch", status="running", attempt=1))
    runtime.events.tell(accepted.run_id, TokenEvent(number=1, sealed="for the chat alone"))
    runtime.events.tell(accepted.run_id, GapEvent())
    await runtime.events.all_told(within_s=30)
    async with runtime.database.begin() as session:
        await session.execute(update(RunRow).values(status=RunStatus.SUCCEEDED))
    for as_json in (True, False):
        assert await follow_run(settings, accepted.run_id, as_json=as_json) == 0
    lines = capsys.readouterr().out.splitlines()
    stage, gap, last = (json.loads(line) for line in lines[:3])
    assert (stage["kind"], stage["stage"]) == ("stage", "fetch")
    assert gap["kind"] == "gap"
    assert RunEvent.model_validate(last) == RunEvent(status="succeeded", attempt=0, ended=True)
    assert "something may be missing" in lines[4]


async def test_an_unknown_run_is_said_to_be_unknown(settings: Settings) -> None:
    with pytest.raises(PermanentError) as refused:
        await follow_run(settings, uuid4(), as_json=False)
    assert refused.value.code is ErrorCode.NOT_FOUND
