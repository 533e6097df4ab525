"""The words of the `dead` commands; what they do is in test_letters."""

import pytest
from typer.testing import CliRunner

from app.cli.dead import dead_commands

RUNNER = CliRunner()


@pytest.mark.parametrize(
    "words",
    [
        ["show"],
        ["retry"],
        ["retry", "x", "--all"],
        ["purge"],
        ["purge", "x", "--all"],
        ["purge", "x", "--older-than", "7d"],
        ["purge", "--all", "--older-than", "soon"],
        ["ls", "--limit", "0"],
        ["bury", "x"],
    ],
)
def test_words_that_make_no_sense_are_wrong_usage(words: list[str]) -> None:
    assert RUNNER.invoke(dead_commands, words).exit_code == 2


@pytest.mark.parametrize("command", ["retry", "purge"])
@pytest.mark.parametrize("answer", ["n\n", ""])
def test_all_is_asked_for_first_and_no_is_no(command: str, answer: str) -> None:
    asked = RUNNER.invoke(dead_commands, [command, "--all"], input=answer)
    assert asked.exit_code == 1
    assert "?" in asked.stderr
