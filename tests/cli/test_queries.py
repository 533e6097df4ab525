"""`./run runs`: what somebody asked for, and with `--all` what the service did by itself."""

import json
from functools import partial
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from app.bootstrap import Runtime
from app.cli import RunState, app
from app.cli.cancel import run_cancel
from app.cli.queries import show_runs
from app.cli.retention import run_retention
from app.jobs.scheduled import RETENTION_FLOW
from app.pipeline.tables import RunStatus
from app.settings import Settings


async def test_runs_of_the_service_itself_are_listed_only_when_asked_for(
    runtime: Runtime,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    accepted = await runtime.intake.accept("cv.txt", b"cv of somebody")
    assert await run_retention(settings, dry_run=False, as_json=True) == 0
    capsys.readouterr()

    async def listed(*, every_flow: bool) -> dict[str, str]:
        await show_runs(settings, as_json=True, reveal=False, every_flow=every_flow)
        return {run["id"]: run["flow"] for run in json.loads(capsys.readouterr().out)["runs"]}

    asked_for = {str(accepted.run_id): "ingest"}
    assert await listed(every_flow=False) == asked_for
    both = await listed(every_flow=True)
    assert both.items() >= asked_for.items()
    assert RETENTION_FLOW in both.values()

    await show_runs(settings, as_json=False, reveal=False, every_flow=True)
    assert f"({RETENTION_FLOW})" in capsys.readouterr().out


async def test_more_runs_than_are_shown_are_told_of_and_reached(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = [await runtime.intake.accept("cv.txt", f"cv {n}".encode()) for n in range(5)]
    newest_first = [str(each.run_id) for each in reversed(accepted)]
    show = partial(show_runs, settings, reveal=False, every_flow=False, limit=2)

    await show(as_json=False)
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()[1:]] == newest_first[:2]
    assert f"--before {newest_first[1]}" in told.err

    await show(as_json=False, before=UUID(newest_first[1]))
    told = capsys.readouterr()
    assert [line.split()[0] for line in told.out.splitlines()[1:]] == newest_first[2:4]
    await show(as_json=True, before=UUID(newest_first[3]))
    last = json.loads(capsys.readouterr().out)
    assert [run["id"] for run in last["runs"]] == newest_first[4:]
    assert last["next_cursor"] is None


async def test_runs_are_listed_by_state(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = [await runtime.intake.accept("cv.txt", f"cv {n}".encode()) for n in range(2)]
    await run_cancel(settings, accepted[0].run_id, as_json=True)
    capsys.readouterr()
    await show_runs(settings, as_json=True, reveal=False, every_flow=False, state="cancelled")
    (only,) = json.loads(capsys.readouterr().out)["runs"]
    assert only["id"] == str(accepted[0].run_id)


def test_the_states_of_the_command_are_those_of_runs() -> None:
    assert list(RunState) == list(RunStatus)


def test_a_run_and_a_filter_of_the_list_are_wrong_usage() -> None:
    told = CliRunner().invoke(app, ["runs", str(uuid4()), "--state", "failed"])
    assert told.exit_code == 2
    assert "leave the id out" in told.stderr
