import json

import pytest
from typer.testing import CliRunner

from app.bootstrap import open_runtime
from app.cli import app
from app.cli.chaos import reachable, run_chaos
from app.demo.provider import ScriptedProvider
from app.settings import InvalidSettings, Settings
from tests.flows.conftest import with_model, working


@pytest.mark.timeout(90)
async def test_chaos_shows_the_circuit_open_the_rules_answer_and_the_circuit_close_by_itself(
    settings: Settings, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    configured = with_model(settings, provider)
    async with (
        reachable(configured, provider.base_url),
        open_runtime(configured) as runtime,
        working(runtime),
    ):
        code = await run_chaos(configured, kind="status", for_s=2, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (code, told["opened"], told["closed"]) == (0, True, True)
    assert told["fell_back"] > 0
    lines = [happening["what"] for happening in told["happenings"]]
    assert lines[0] == "the model is broken (status) for 2 s"
    assert "llm:naru-scripted-1: closed → open (failures)" in lines
    assert "llm:naru-scripted-1: half_open → closed (probes_succeeded)" in lines
    assert any(line.endswith("analyze fallback_success") for line in lines)


@pytest.mark.timeout(90)
async def test_a_model_that_hangs_for_too_short_is_watched_to_the_end_and_the_reason_told(
    settings: Settings, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    configured = with_model(settings, provider)
    patient = configured.retry.model_copy(update={"llm_timeout": 3})
    configured = configured.model_copy(update={"retry": patient})
    async with (
        reachable(configured, provider.base_url),
        open_runtime(configured) as runtime,
        working(runtime),
    ):
        code = await run_chaos(configured, kind="hang", for_s=0.5, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (code, told["opened"], told["closed"]) == (1, False, False)
    lines = [happening["what"] for happening in told["happenings"]]
    assert sum(line.endswith("analyze succeeded") for line in lines) == 4
    assert lines[-1].startswith("the circuit did not open")


@pytest.mark.timeout(90)
async def test_answers_that_cannot_be_read_open_no_circuit_and_the_rules_stand_in(
    settings: Settings, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    configured = with_model(settings, provider)
    async with (
        reachable(configured, provider.base_url),
        open_runtime(configured) as runtime,
        working(runtime),
    ):
        code = await run_chaos(configured, kind="broken_json", for_s=4, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (code, told["counted"], told["opened"]) == (0, False, False)
    assert told["fell_back"] > 0


async def test_without_a_scripted_model_there_is_nothing_to_break(settings: Settings) -> None:
    with pytest.raises(InvalidSettings, match="No scripted model to break"):
        await run_chaos(settings, kind="status", for_s=3, as_json=True)
    async with reachable(settings, "http://127.0.0.1:9/v1"):
        with pytest.raises(InvalidSettings, match="No scripted model to break"):
            await run_chaos(settings, kind="status", for_s=3, as_json=True)


@pytest.mark.parametrize("seconds", ["2h", "3601", "0", "soon"])
def test_a_time_that_is_none_or_longer_than_an_hour_is_wrong_usage(seconds: str) -> None:
    told = CliRunner().invoke(app, ["chaos", "llm", "--for", seconds])
    assert told.exit_code == 2
    assert "30s" in told.stderr
