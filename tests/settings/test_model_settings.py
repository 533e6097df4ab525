"""The models of the chain, as settings."""

import json

import pytest
from pydantic import SecretStr

from app.settings import InvalidSettings, load_settings
from app.settings.llm import LlmSettings


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first model in the environment."""
    monkeypatch.setenv("LLM__BASE_URL", "https://models.example.com/v1")
    monkeypatch.setenv("LLM__API_KEY", "first-key")
    monkeypatch.setenv("LLM__MODEL", "first")
    monkeypatch.setenv("LLM__MAX_OUTPUT_TOKENS", "500")


def told(settings: LlmSettings) -> tuple[str | None, str | None, str]:
    key = settings.api_key
    return settings.base_url, key.get_secret_value() if key else None, settings.model


@pytest.mark.usefixtures("first")
def test_further_models_take_over_what_they_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    further = [
        {"model": "second"},
        {"model": "third", "api_key": "third-key"},
        {"model": "fourth", "base_url": "https://models.example.com/v1"},
        {"model": "fifth", "base_url": "https://other.example.com/v1", "api_key": "fifth-key"},
    ]
    monkeypatch.setenv("LLM__FALLBACKS", json.dumps(further))

    chain = load_settings().llm.chain()

    assert [told(each) for each in chain] == [
        ("https://models.example.com/v1", "first-key", "first"),
        ("https://models.example.com/v1", "first-key", "second"),
        ("https://models.example.com/v1", "third-key", "third"),
        ("https://models.example.com/v1", "first-key", "fourth"),
        ("https://other.example.com/v1", "fifth-key", "fifth"),
    ]
    assert {each.max_output_tokens for each in chain} == {500}


@pytest.mark.usefixtures("first")
def test_a_key_is_not_sent_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "LLM__FALLBACKS", '[{"model": "local", "base_url": "http://127.0.0.1:9/v1"}]'
    )

    _, local = load_settings().llm.chain()

    assert told(local) == ("http://127.0.0.1:9/v1", None, "local")


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("nothing", ["", " ", "[]"])
def test_no_further_model_is_a_chain_of_one(monkeypatch: pytest.MonkeyPatch, nothing: str) -> None:
    monkeypatch.setenv("LLM__FALLBACKS", nothing)

    assert [each.model for each in load_settings().llm.chain()] == ["first"]


def test_without_a_base_url_there_is_no_chain() -> None:
    assert load_settings().llm.chain() == ()


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("canary", "must be a JSON list of models"),
        ('{"model": "canary"}', "must be a JSON list of models"),
        ('["canary"]', "model 1: Input should be a valid dictionary"),
        ('[{"model": "second"}, {"api_key": "canary"}]', "model 2: model: Field required"),
        ('[{"model": ""}]', "model 1: model: String should have at least 1 character"),
        ('[{"model": "m", "modell": "canary"}]', "model 1: modell: Extra inputs"),
        ('[{"model": "m", "base_url": "canary"}]', "model 1: base_url: must start with http://"),
    ],
)
def test_a_wrong_model_stops_the_start_with_a_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, wrong: str, line: str
) -> None:
    monkeypatch.setenv("LLM__FALLBACKS", wrong)

    with pytest.raises(InvalidSettings) as raised:
        load_settings()

    (said,) = raised.value.lines
    assert said.startswith(f"LLM__FALLBACKS: {line}")
    assert "canary" not in said


def test_further_models_need_a_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM__FALLBACKS", '[{"model": "second"}]')

    with pytest.raises(InvalidSettings, match="LLM__BASE_URL"):
        load_settings()


def test_keys_of_further_models_do_not_print() -> None:
    settings = LlmSettings.model_validate(
        {
            "base_url": "https://models.example.com/v1",
            "fallbacks": [{"model": "second", "api_key": SecretStr("canary")}],
        }
    )

    assert "canary" not in f"{settings!r} {settings.model_dump_json()} {settings.chain()}"
