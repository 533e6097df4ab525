"""The `breakers` command."""

import json
import re
from collections.abc import AsyncGenerator

import pytest
import typer

from app.cli.breakers import give, parse, show_all, show_one
from app.errors import PermanentError
from app.resilience.breaker_states import Mode, State, Verdict
from tests.coordination.fleet import Fleet, Process, end_call, is_shown, open_fleet, trip


@pytest.fixture
async def fleet(database_url: str, redis_url: str) -> AsyncGenerator[Fleet]:
    async with open_fleet(database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def cli(fleet: Fleet) -> AsyncGenerator[Process]:
    async with fleet.process("cli") as process:
        yield process


@pytest.fixture
async def worker(fleet: Fleet, cli: Process) -> AsyncGenerator[Process]:
    """A process that has called the model twice."""
    async with fleet.process("worker-1") as process:
        end_call(process.breaker(), Verdict.SUCCESS)
        end_call(process.breaker(), Verdict.FAILURE)
        await is_shown(process, cli, within_s=2)
        yield process


@pytest.mark.parametrize(
    ("words", "reason", "meant"),
    [
        ([], "", (None, None)),
        (["llm"], "", ("llm", None)),
        (["open", "llm"], "r", ("llm", Mode.FORCED_OPEN)),
        (["disable", "llm"], "r", ("llm", Mode.DISABLED)),
        (["metrics-only", "llm"], "r", ("llm", Mode.METRICS_ONLY)),
        (["auto", "llm"], "r", ("llm", Mode.AUTOMATIC)),
        (["reset", "llm"], "r", ("llm", "reset")),
    ],
)
def test_words_are_nothing_a_name_or_a_verb_and_a_name(
    words: list[str], reason: str, meant: tuple[object, object]
) -> None:
    assert parse(words, reason=reason) == meant


@pytest.mark.parametrize(
    ("words", "reason", "told"),
    [
        (["open"], "", "open needs the name of a breaker"),
        (["close", "llm"], "r", "close is none of: open, disable, metrics-only, auto, reset"),
        (["open", "llm"], " ", "--reason is needed"),
        (["llm"], "r", "--reason goes with one of"),
        (["open", "llm", "storage"], "r", "give one name"),
    ],
)
def test_words_that_make_no_sense_are_told(words: list[str], reason: str, told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told):
        parse(words, reason=reason)


async def test_the_table_has_a_line_for_each_process_and_for_breakers_not_used_yet(
    cli: Process, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    trip(worker.breaker())
    await is_shown(worker, cli, within_s=2)
    await show_all(cli.control, as_json=False)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split("  ")[0] == "name"
    (llm,) = [line for line in shown if line.startswith("llm")]
    assert re.search(r" (?:2\d|30)\.\d s ", llm)  # until the probe, as it was when it was shown
    for word in ("open", "worker-1", "4", "75", "failures"):
        assert word in llm
    (storage,) = [line for line in shown if line.startswith("storage")]
    assert "not used yet" in storage


async def test_one_breaker_is_shown_with_its_history(
    cli: Process, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    trip(worker.breaker())
    worker.breaker().reset()
    await is_shown(worker, cli, within_s=2)
    await show_one(cli.control, "llm", as_json=False)
    shown = capsys.readouterr().out
    assert "llm  worker-1  closed, 0 calls, 0 rejected" in shown
    history = [line.split() for line in shown.splitlines() if line.startswith("20")]
    assert [line[3:6] for line in history] == [
        ["closed", "open", "failures"],
        ["open", "closed", "reset"],
    ]


async def test_json_has_everything(
    cli: Process, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    await show_all(cli.control, as_json=True)
    listed = json.loads(capsys.readouterr().out)
    assert listed["complete"] is True
    assert listed["breakers"][0]["processes"][0]["failures"] == 1
    await show_one(cli.control, "llm", as_json=True)
    assert json.loads(capsys.readouterr().out)["processes"][0]["instance"] == "worker-1"
    assert worker.state is State.CLOSED


async def test_an_order_tells_who_follows_and_is_shown_afterwards(
    cli: Process, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "bad\x1b[2J answers"
    await give(cli.control, "llm", Mode.FORCED_OPEN, reason=reason, as_json=False)
    told = capsys.readouterr().out
    assert told == "llm is forced_open. 1 of 1 processes with this breaker follow.\n"
    assert worker.state is State.FORCED_OPEN
    await show_all(cli.control, as_json=False)
    shown = capsys.readouterr().out
    assert "llm: forced_open by cli:" in shown
    assert "bad [2J answers" in shown
    assert "\x1b" not in shown


async def test_a_reset_waits_until_it_is_followed(
    cli: Process, worker: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    trip(worker.breaker())
    await give(cli.control, "llm", "reset", reason="repaired", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["resets"], told["processes"][0]["resets"]) == (1, 1)
    assert worker.state is State.CLOSED


async def test_who_does_not_follow_yet_is_told(
    fleet: Fleet, cli: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    async with fleet.process("deaf", look_every_s=600, installation="another") as deaf:
        deaf.breaker()
        await is_shown(deaf, cli, within_s=2)
        await give(cli.control, "llm", Mode.DISABLED, reason="r", as_json=False)
        told = capsys.readouterr().out
    assert "0 of 1 processes with this breaker follow; the others do within 3 s." in told


async def test_an_unknown_name_is_refused_with_the_known_ones(cli: Process) -> None:
    with pytest.raises(PermanentError, match=r"Known: llm, storage\."):
        await show_one(cli.control, "lllm", as_json=False)
    with pytest.raises(PermanentError, match=r"Known: llm, storage\."):
        await give(cli.control, "lllm", "reset", reason="r", as_json=False)


async def test_without_redis_it_is_said_that_others_are_not_shown(
    fleet: Fleet, cli: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    await fleet.redis.cut()
    await show_all(cli.control, as_json=False)
    assert "Redis cannot be read" in capsys.readouterr().err
