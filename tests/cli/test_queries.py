"""`./run runs`: what somebody asked for, and with `--all` what the service did by itself."""

import json

import pytest

from app.bootstrap import Runtime
from app.cli.queries import show_runs
from app.cli.retention import run_retention
from app.jobs.scheduled import RETENTION_FLOW
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
        await show_runs(settings, None, as_json=True, reveal=False, every_flow=every_flow)
        return {run["id"]: run["flow"] for run in json.loads(capsys.readouterr().out)["runs"]}

    asked_for = {str(accepted.run_id): "ingest"}
    assert await listed(every_flow=False) == asked_for
    both = await listed(every_flow=True)
    assert both.items() >= asked_for.items()
    assert RETENTION_FLOW in both.values()

    await show_runs(settings, None, as_json=False, reveal=False, every_flow=True)
    assert f"({RETENTION_FLOW})" in capsys.readouterr().out
