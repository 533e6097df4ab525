"""The words of the `webhooks` commands; what they do is in test_endpoints."""

from uuid import uuid4

import pytest
from typer.testing import CliRunner

from app.cli.webhooks import webhook_commands

RUNNER = CliRunner()
ID = str(uuid4())


@pytest.mark.parametrize(
    "words",
    [
        ["add"],
        ["add", "https://example.com/", "--event", "run.started"],
        ["rm"],
        ["rm", "first"],
        ["test"],
        ["enable", "x"],
        ["disable"],
        ["deliveries", "--limit", "0"],
        ["resend"],
        ["resend", "x"],
        ["secret", ID],
        ["secret", "--rotate"],
        ["send", ID],
    ],
)
def test_words_that_make_no_sense_are_wrong_usage(words: list[str]) -> None:
    assert RUNNER.invoke(webhook_commands, words).exit_code == 2


def test_a_secret_is_not_shown_without_a_new_one_being_made() -> None:
    assert "--rotate" in RUNNER.invoke(webhook_commands, ["secret", ID]).stderr


def test_an_unknown_event_is_answered_with_those_there_are() -> None:
    asked = RUNNER.invoke(webhook_commands, ["add", "https://example.com/", "--event", "x"])
    assert "run.succeeded" in asked.stderr
