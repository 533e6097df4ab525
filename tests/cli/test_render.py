"""What tables and lists say of what they show."""

import json
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest

from app.bootstrap import Runtime
from app.candidates.hits import HitView
from app.candidates.views import CandidateView, RunView
from app.cli.cancel import run_cancel
from app.cli.queries import show_run
from app.cli.render import Progress, print_hits, print_runs, print_settings
from app.errors import ErrorCode
from app.pipeline.tables import RunStatus
from app.settings import Settings
from app.settings.groups import EmbeddingSettings
from app.settings.llm import LlmSettings, ModelSettings

WILD = "cv\x1b]0;pwned\x1b[2J.pdf"


def test_passwords_in_urls_are_masked_like_other_secrets(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    further = ModelSettings(model="second", base_url="https://u:p@ss@two.example/v1")
    given = settings.model_copy(
        update={
            "llm": LlmSettings(
                base_url="http://user:pass@one.example/v1", model="first", fallbacks=(further,)
            ),
            "embedding": EmbeddingSettings(base_url="http://token@three.example:8080/v1"),
        }
    )
    print_settings(given, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["LLM__BASE_URL"] == "http://********@one.example/v1"
    assert "https://********@two.example/v1" in shown["LLM__FALLBACKS"][0]
    assert shown["EMBEDDING__BASE_URL"] == "http://********@three.example:8080/v1"


def test_only_settings_that_somebody_set_are_marked_as_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_settings(Settings(), as_json=False)
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith(" set")] == []

    print_settings(Settings.model_validate({"breakers": {"storage": {"open": 7}}}), as_json=False)
    marked = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" set")]
    assert [line.split()[:2] for line in marked] == [["BREAKERS__STORAGE__OPEN", "7.0"]]


async def test_a_run_that_ended_before_it_began_is_not_said_to_wait(
    runtime: Runtime, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = await runtime.intake.accept("cv.txt", b"cv of somebody")
    show = partial(show_run, settings, accepted.run_id, as_json=False, reveal=False)
    await show()
    assert "waits in the queue" in capsys.readouterr().out

    await run_cancel(settings, accepted.run_id, as_json=False)
    await show()
    told = capsys.readouterr().out
    assert ErrorCode.CANCELLED.english in told
    assert "waits in the queue" not in told


def test_the_id_of_a_hit_can_be_copied_whatever_stands_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    someone = CandidateView.model_construct(
        id=uuid4(), name="윤**", headline="Backend engineer of many years " * 5
    )
    hit = HitView.model_construct(
        candidate=someone,
        score=1,
        keyword=1,
        meaning=1,
        words=["kafka"] * 9,
        skills=[f"skill {number}" for number in range(30)],
        snippet="a line of text " * 20,
    )
    print_hits("kafka", [hit])
    assert str(someone.id) in capsys.readouterr().out


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
