"""What runs look like in a terminal."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.candidates.views import RunView
from app.cli.render import Progress, print_runs
from app.pipeline.tables import RunStatus

WILD = "cv\x1b]0;pwned\x1b[2J.pdf"


def test_no_control_character_of_a_file_name_reaches_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = RunView(
        id=uuid4(),
        flow="ingest",
        file=WILD,
        status=RunStatus.FAILED,
        code="INVALID_FILE",
        partial_codes=[],
        message="The file cannot be read.",
        details={},
        candidate_id=None,
        candidate_version=None,
        attempt=1,
        created_at=datetime(2026, 8, 1, tzinfo=UTC),
        ms=5,
        stages=[],
        spend=None,
    )
    print_runs([failed], reveal=True, skipped=[WILD])
    with Progress(visible=True) as bars:
        bars.add(failed.id, WILD)
    shown = capsys.readouterr()
    assert shown.out.count("pwned") == 3
    assert "pwned" in shown.err
    assert "\x1b" not in shown.out + shown.err
