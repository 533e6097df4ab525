from pathlib import Path

import pytest

from app.settings import FLAT_NAMES, InvalidSettings, Settings, deprecations, load_settings


def test_the_defaults_are_those_of_the_requirements() -> None:
    settings = load_settings()
    assert settings.retry.model_dump() == {
        "webhook_max": 3, "webhook_timeout": 10, "webhook_retry_delay": 1,
        "storage_max": 3, "storage_timeout": 30,
        "llm_max": 2, "llm_timeout": 120, "llm_connect_timeout": 10,
        "embedding_max": 3, "embedding_timeout": 60, "embedding_base_wait": 1,
        "embedding_max_wait": 10,
    }  # fmt: skip
    assert settings.chunk.model_dump() == {
        "max_structured_chars": 2000, "max_raw_full_chars": 8000, "section_size": 1500,
        "section_overlap": 300, "korean_threshold": 0.5, "korean_size": 2000, "korean_overlap": 500,
    }  # fmt: skip


def test_the_environment_is_read_by_group_and_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRY__LLM_TIMEOUT", "180")
    monkeypatch.setenv("API__KEYS", "a" * 20 + ", " + "b" * 20)
    settings = load_settings()
    assert settings.retry.llm_timeout == 180
    assert [key.get_secret_value() for key in settings.api.keys] == ["a" * 20, "b" * 20]


def test_every_wrong_value_gets_its_own_line_and_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETRY__LLM_MAX", "canary")
    monkeypatch.setenv("RETRY__STORAGE_TIMEOUT", "nan")
    monkeypatch.setenv("CHUNK__SECTION_OVERLAP", "5000")
    monkeypatch.setenv("RETRY__LLM_TIMEOT", "5")
    monkeypatch.setenv("API__KEYS", "canary")
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    lines = raised.value.lines
    assert {line.partition(":")[0] for line in lines} == {
        "RETRY__LLM_MAX", "RETRY__STORAGE_TIMEOUT", "CHUNK", "RETRY__LLM_TIMEOT", "API__KEYS",
    }  # fmt: skip
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("flat", FLAT_NAMES)
def test_a_flat_name_of_the_older_worker_is_still_read(
    flat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, field = FLAT_NAMES[flat]
    value = "0.7" if field == "korean_threshold" else "9"
    if field == "section_size":
        value = "900"
    if field == "korean_size":
        value = "1900"
    monkeypatch.setenv(flat, value)
    if field == "embedding_base_wait":
        monkeypatch.setenv("EMBEDDING_RETRY_MAX_WAIT", "9")
    assert float(getattr(getattr(load_settings(), group), field)) == float(value)
    assert f"{group.upper()}__{field.upper()}" in next(
        line for line in deprecations() if line.startswith(flat)
    )


def test_a_flat_name_in_the_file_is_read_as_well_and_that_of_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("LLM_TIMEOUT_SECONDS=77\nLLM_MAX_RETRIES=4\nRETRY__STORAGE_MAX=5\n")
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    monkeypatch.setenv("LLM_MAX_RETRIES", "6")
    retry = load_settings().retry
    assert (retry.llm_timeout, retry.llm_max, retry.storage_max) == (77, 6, 5)
    assert [line.partition(" ")[0] for line in deprecations()] == [
        "LLM_MAX_RETRIES",
        "LLM_TIMEOUT_SECONDS",
    ]


def test_the_new_name_wins_over_the_flat_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_TIMEOUT_SECONDS", "5")
    monkeypatch.setenv("RETRY__LLM_TIMEOUT", "7")
    assert load_settings().retry.llm_timeout == 7


@pytest.mark.parametrize("env", ["production", "staging"])
@pytest.mark.parametrize("key", [None, "ab", "z" * 64])
def test_production_and_staging_do_not_start_without_a_good_key(
    env: str, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV", env)
    if key is not None:
        monkeypatch.setenv("ENCRYPTION_KEY", key)
    with pytest.raises(InvalidSettings, match="openssl rand -hex 32"):
        load_settings()


def test_a_url_of_another_kind_of_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE__URL", "mysql://canary@localhost/db")
    monkeypatch.setenv("REDIS__URL", "http://canary")
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert len(raised.value.lines) == 2
    assert "canary" not in str(raised.value)


_CALLED = (
    "LLM__BASE_URL",
    "EMBEDDING__BASE_URL",
    "STORAGE__S3_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)


@pytest.mark.parametrize("name", _CALLED)
@pytest.mark.parametrize(
    "url", ["localhost:canary", "ftp://canary", "http://", "http://canary:x/v1", "http://[canary"]
)
def test_what_cannot_be_called_over_http_is_refused(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert raised.value.lines == [f"{name}: must start with http:// or https:// and name a host"]


@pytest.mark.parametrize("name", ["DATABASE__URL", "REDIS__URL", "STORAGE__URL", *_CALLED[:3]])
def test_an_empty_url_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for one that is not set, it would put a deployment's data into the embedded servers."""
    monkeypatch.setenv(name, "")
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert [line.partition(":")[0] for line in raised.value.lines] == [name]


def test_an_empty_collector_is_none_as_opentelemetry_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    assert load_settings().otel_exporter_otlp_endpoint is None


def test_secrets_do_not_print() -> None:
    settings = load_settings(encryption_key="ab" * 32)
    assert isinstance(settings, Settings)
    assert "abab" not in repr(settings)
    assert "abab" not in settings.model_dump_json()
