"""What of the `candidates` command makes no sense."""

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from app.cli import app


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([str(uuid4()), "--keep-employers"], "go with --anonymous"),
        (["--keep-schools"], "go with --anonymous"),
        (["--mail", ""], "say whom"),
        (["--phone", " "], "say whom"),
    ],
)
def test_what_would_be_ignored_or_look_up_nothing_is_wrong_usage(
    arguments: list[str], said: str
) -> None:
    told = CliRunner().invoke(app, ["candidates", *arguments])
    assert told.exit_code == 2
    assert said in told.stderr
