"""Metrics as Prometheus reads them."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.settings import load_settings
from app.telemetry import configure_telemetry, metrics

ALLOWED_LABELS = {
    "le",
    "error_type",
    "gen_ai_operation_name",
    "gen_ai_provider_name",
    "gen_ai_request_model",
    "gen_ai_token_type",
    "http_request_method",
    "http_response_status_code",
    "http_route",
    "messaging_destination_name",
    "messaging_operation_name",
    "messaging_system",
    "naru_breaker_from",
    "naru_breaker_name",
    "naru_breaker_reason",
    "naru_breaker_to",
    "naru_call_outcome",
    "naru_dependency",
    "naru_job_function",
    "naru_job_outcome",
    "naru_job_priority",
    "naru_ordered_outcome",
    "naru_ordered_topic",
    "naru_rollout_cause",
    "naru_rollout_name",
    "naru_rollout_result",
    "naru_run_status",
    "naru_stage_name",
    "naru_stage_status",
}
"""Names of few values: no id of a run, a tenant or a person."""

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    with configure_telemetry(load_settings(), role="up"):
        yield


def scrape() -> Series:
    body, _ = metrics.render_prometheus()
    return {
        (sample.name, frozenset(pair for pair in sample.labels.items() if pair[1])): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name != "target_info"
    }


def value(series: Series, name: str, **labels: str) -> float:
    return series[name, frozenset(labels.items())]


def record_everything() -> None:
    metrics.record_sent("q")
    metrics.record_sent("q", count=3)
    metrics.record_consumed("q", 2)
    metrics.record_queue_wait("q", "chat", 75.0)
    metrics.record_process("q", "ingest", 75.0, outcome="retry", error_type="LLM_TIMEOUT")
    metrics.record_stage("embed", "failed", 0.3, error_type="EMBEDDING_TIMEOUT")
    metrics.record_retry("ingest", error_type="LLM_TIMEOUT")
    metrics.record_dead_letter("q", "LLM_TIMEOUT")
    metrics.record_run("succeeded")
    metrics.record_run("failed", code="INVALID_FILE")
    metrics.record_model_call("chat", "m", 110.0, provider="openai", error_type="LLM_TIMEOUT")
    metrics.record_tokens("chat", "m", provider="openai", input_tokens=900, output_tokens=100)
    metrics.record_tokens("embeddings", "e", provider="openai", input_tokens=30)
    metrics.record_request("GET", "/v1/runs/{id}", 200, 0.01)
    metrics.record_call("llm", "failure", 110.0, retries=2, error_type="LLM_TIMEOUT")
    metrics.record_transition("llm", "closed", "open", "failures")
    metrics.record_ordered("chat", "done")
    metrics.record_comparison("model_analyst", "match")
    metrics.record_switch("model_analyst", "guard")


def test_everything_recorded_can_be_scraped() -> None:
    record_everything()

    series = scrape()

    queue = {"messaging_system": "arq", "messaging_destination_name": "q"}
    sent = "messaging_client_sent_messages_total"
    assert value(series, sent, **queue, messaging_operation_name="send") == 4
    consumed = "messaging_client_consumed_messages_total"
    assert value(series, consumed, **queue, messaging_operation_name="process") == 2
    on = {"messaging_destination_name": "q"}
    wait = "naru_queue_wait_seconds_sum"
    assert value(series, wait, **on, naru_job_priority="chat") == 75
    dead = "naru_queue_dead_letters_total"
    assert value(series, dead, **on, error_type="LLM_TIMEOUT") == 1
    retry = {"naru_job_function": "ingest", "error_type": "LLM_TIMEOUT"}
    assert value(series, "naru_job_retries_total", **retry) == 1
    assert (
        value(
            series,
            "messaging_process_duration_seconds_sum",
            **queue,
            **retry,
            naru_job_outcome="retry",
            messaging_operation_name="process",
        )
        == 75
    )
    assert value(series, "naru_runs_total", naru_run_status="succeeded") == 1
    failed = {"naru_run_status": "failed", "error_type": "INVALID_FILE"}
    assert value(series, "naru_runs_total", **failed) == 1
    model = {
        "gen_ai_operation_name": "chat",
        "gen_ai_provider_name": "openai",
        "gen_ai_request_model": "m",
    }
    call = {"naru_dependency": "llm", "naru_call_outcome": "failure"}
    duration = "naru_call_duration_seconds_sum"
    assert value(series, duration, **call, error_type="LLM_TIMEOUT") == 110
    assert value(series, "naru_call_retries_total", **call) == 2
    tokens = "gen_ai_client_token_usage_sum"
    assert value(series, tokens, **model, gen_ai_token_type="input") == 900
    assert value(series, tokens, **model, gen_ai_token_type="output") == 100


@pytest.mark.parametrize(
    "name",
    [
        "messaging_process_duration_seconds_bucket",
        "naru_queue_wait_seconds_bucket",
        "naru_call_duration_seconds_bucket",
        "naru_stage_duration_seconds_bucket",
        "gen_ai_client_operation_duration_seconds_bucket",
    ],
)
def test_durations_of_two_minutes_are_told_apart_from_longer_ones(name: str) -> None:
    record_everything()

    bounds = {float(dict(labels)["le"]) for found, labels in scrape() if found == name} - {
        float("inf")
    }

    assert min(bounds) <= 0.01
    assert max(bounds) >= 120


def test_labels_are_a_closed_list() -> None:
    record_everything()

    assert {key for _, labels in scrape() for key, _ in labels} == ALLOWED_LABELS


def test_an_invented_method_and_an_unknown_route_make_no_new_series() -> None:
    metrics.record_request("BREW", None, 404, 0.01)
    metrics.record_request("PROPFIND", None, 404, 0.01)

    labels = {"http_request_method": "_OTHER", "http_response_status_code": "404"}
    assert value(scrape(), "http_server_request_duration_seconds_count", **labels) == 2


def test_the_content_type_is_that_of_the_text_format() -> None:
    assert metrics.render_prometheus()[1].startswith("text/plain; version=")
