"""`./run retention`: what would go, and what went."""

import json
import os

import pytest
from sqlalchemy import text

from app.bootstrap import Runtime
from app.cli.retention import run_retention
from app.settings import Settings
from app.settings.groups import RetentionSettings

pytestmark = pytest.mark.timeout(60)


async def test_a_dry_run_tells_what_a_real_one_then_drops(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    short = settings.model_copy(
        update={"retention": RetentionSettings(originals_days=2, failed_uploads_days=1)}
    )
    for status in ("succeeded", "succeeded", "failed"):
        accepted = await runtime.intake.accept("cv.txt", os.urandom(20))
        async with runtime.database.begin() as session:
            await session.execute(
                text(
                    "UPDATE runs SET status = :status, finished_at = now() - interval '3 days'"
                    " WHERE id = :id"
                ),
                {"status": status, "id": accepted.run_id},
            )
    folder = settings.data.folder / "blobs" / "originals"

    assert await run_retention(short, dry_run=True, as_json=True) == 0
    would = json.loads(capsys.readouterr().out)
    assert would["dry_run"]
    assert would["dropped"] == {
        "checkpoints": 0, "run_details": 0, "failed_uploads": 1, "originals": 2, "runs": 0,
        "swept": 0,
    }  # fmt: skip
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 3

    assert await run_retention(short, dry_run=False, as_json=True) == 0
    did = json.loads(capsys.readouterr().out)
    assert (did["status"], did["dropped"]) == ("succeeded", would["dropped"])
    assert [path for path in folder.rglob("*") if path.is_file()] == []

    assert await run_retention(short, dry_run=True, as_json=False) == 0
    shown = capsys.readouterr().out
    assert "originals that made no candidate" in shown
    assert "1 days" in shown
    assert "ever" in shown  # what no setting limits

    assert await run_retention(short, dry_run=False, as_json=False) == 0
    told = capsys.readouterr().out
    # A worker elsewhere has settings of its own: none of ours are shown for what it did.
    assert "kept for" not in told
    assert "the settings of the worker that did it" in told
