"""The words of the `queue` commands; what they do is in test_queue_screen."""

import pytest
from typer.testing import CliRunner

from app.cli.queue import queue_commands

RUNNER = CliRunner()


@pytest.mark.parametrize(
    "words",
    [
        ["pause"],
        ["pause", "--reason", " "],
        ["pause", "--reason", "r", "--for", "ever"],
        ["drain"],
        ["drain", "--reason", ""],
        ["drain", "--reason", "r", "--within", "0"],
        ["stop"],
    ],
)
def test_words_that_make_no_sense_are_wrong_usage(words: list[str]) -> None:
    assert RUNNER.invoke(queue_commands, words).exit_code == 2


def test_each_command_says_what_it_does() -> None:
    told = RUNNER.invoke(queue_commands, ["--help"]).stdout
    for command in ("pause", "resume", "drain"):
        assert f"  {command} " in told
