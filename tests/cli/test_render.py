"""What tables and lists say of what they show."""

import json

import pytest

from app.cli.render import print_settings
from app.settings import Settings
from app.settings.groups import EmbeddingSettings
from app.settings.llm import LlmSettings, ModelSettings


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
