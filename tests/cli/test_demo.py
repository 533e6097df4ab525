"""What the demo sets up and tells."""

import pytest

from app.bootstrap import Runtime
from app.cli.demo import _analyst, _tell
from app.cli.ingest import Report
from app.settings import Settings
from app.settings.groups import RetrySettings


@pytest.mark.parametrize(("asked_s", "used_s"), [(120, 10), (3, 3)])
async def test_a_scripted_model_is_given_up_within_the_time_that_chaos_makes_it_hang(
    asked_s: float, used_s: float, settings: Settings
) -> None:
    given = settings.model_copy(update={"retry": RetrySettings(llm_timeout=asked_s)})
    async with _analyst(given, scripted=True) as chosen:
        assert chosen.retry.llm_timeout == used_s
    async with _analyst(given, scripted=False) as chosen:
        assert chosen.retry.llm_timeout == asked_s


async def test_addresses_are_told_only_where_they_are_served(
    runtime: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(
        runs=[],
        succeeded=0,
        partial=0,
        failed=0,
        cancelled=0,
        skipped=[],
        already_there=[],
        not_accepted=[],
    )
    await _tell(runtime, report, "http://127.0.0.1:7777", as_json=False)
    assert "http://127.0.0.1:7777/v1/resumes" in capsys.readouterr().out
    await _tell(runtime, report, None, as_json=False)
    ended = capsys.readouterr().out
    assert "http" not in ended
    assert "API key" not in ended
    assert "./run search" in ended
