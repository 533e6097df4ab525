"""The words of the `credits` commands; what they do is in test_account."""

import pytest
from typer.testing import CliRunner

from app.cli.credits import credit_commands

RUNNER = CliRunner()


@pytest.mark.parametrize(
    "words",
    [
        ["grant"],
        ["grant", "0"],
        ["grant", "-5"],
        ["grant", "many"],
        ["adjust", "-5"],
        ["adjust", "-5", "--note", " "],
        ["ledger", "--limit", "0"],
        ["steal", "5"],
    ],
)
def test_words_that_make_no_sense_are_wrong_usage(words: list[str]) -> None:
    assert RUNNER.invoke(credit_commands, words).exit_code == 2
