"""What the `dead` commands print and do."""

import json

import pytest

from app.cli.letters import list_letters, purge, retry_all, retry_letter, show_letter
from app.cli.running import Exit
from app.errors import ErrorCode, PermanentError
from app.queue.deadletters import DeadLetters
from app.queue.envelope import Envelope, NewJob
from app.queue.producer import Producer
from app.settings.queue import QueueSettings
from tests.queue.letters import bury, kill, letters_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def letters(producer: Producer) -> DeadLetters:
    return letters_of(producer)


async def test_letters_are_listed_a_line_each_the_newest_first(
    letters: DeadLetters, producer: Producer, capsys: Capture
) -> None:
    await list_letters(letters, limit=50, as_json=False)
    assert capsys.readouterr().out == "No job has died.\n"
    await kill(letters, "job-1")
    await bury(producer, "odd\x1b[2J", letter='{"function": "[red]"}')
    await list_letters(letters, limit=50, as_json=False)
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "died", "function", "code", "tries", "priority", "tenant"]
    assert "odd [2J" in first
    assert "[red]" in first
    assert [second.split()[at] for at in (0, 3, 4, 5, 6, 7)] == [
        "job-1", "embed", "LLM_TIMEOUT", "5", "bulk", "acme",
    ]  # fmt: skip


async def test_more_than_asked_for_is_said(letters: DeadLetters, capsys: Capture) -> None:
    await kill(letters, *(f"{number:03}" for number in range(210)))
    await list_letters(letters, limit=205, as_json=False)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 206
    assert "There are more than 205" in told.err
    await list_letters(letters, limit=210, as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert (len(listed["letters"]), listed["next_cursor"]) == (210, None)


async def test_one_is_shown_with_its_arguments_and_without_what_is_empty(
    letters: DeadLetters, capsys: Capture
) -> None:
    await kill(letters, "job-1")
    await show_letter(letters, "job-1", as_json=False)
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    shown = {name: value.strip() for name, value in lines}
    assert (shown["code"], shown["args"]) == ("LLM_TIMEOUT", "['job-1']")
    await show_letter(letters, "job-1", as_json=True)
    assert json.loads(capsys.readouterr().out)["args"] == ["job-1"]


async def test_a_retry_says_what_became_of_it(letters: DeadLetters, capsys: Capture) -> None:
    await kill(letters, "job-1")
    assert await retry_letter(letters, "job-1", as_json=False) is Exit.OK
    assert capsys.readouterr().out == "job-1 is in the queue again.\n"
    await retry_letter(letters, "job-1", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"id": "job-1", "outcome": "there"}
    with pytest.raises(PermanentError, match="dead ls") as raised:
        await retry_letter(letters, "nobody", as_json=False)
    assert raised.value.code is ErrorCode.NOT_FOUND


async def test_retrying_all_counts_and_fails_for_what_cannot_run_again(
    producer: Producer, capsys: Capture
) -> None:
    async def reopen(envelope: Envelope) -> NewJob | None:
        del envelope

    letters = DeadLetters(producer, QueueSettings(), reopen={"embed": reopen})
    await kill(letters, "obsolete")
    await bury(producer, "plain", letter="{}")
    assert await retry_all(letters, as_json=False) is Exit.OK
    told = "In the queue again: 1. There already: 0. Nothing left to do: 1.\n"
    assert capsys.readouterr().out == told
    await bury(producer, "empty", payload=b"", letter="{}")
    assert await retry_all(letters, as_json=True) is Exit.SOME_FAILED
    failed = capsys.readouterr()
    assert json.loads(failed.out) == {"queued": 0, "there": 0, "obsolete": 0, "refused": 1}
    assert "1 cannot run again" in failed.err


async def test_one_or_all_are_forgotten(letters: DeadLetters, capsys: Capture) -> None:
    await kill(letters, "1", "2", "3")
    await purge(letters, "1", older_than_s=0, as_json=False)
    await purge(letters, None, older_than_s=3_600, as_json=False)
    await purge(letters, None, older_than_s=0, as_json=True)
    one, none, both = capsys.readouterr().out.split("\n", 2)
    assert (one, none) == ("1 job is forgotten.", "0 jobs are forgotten.")
    assert json.loads(both) == {"purged": 2}
