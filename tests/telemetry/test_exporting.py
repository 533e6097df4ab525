"""Opening and closing: what is sent, and how long a missing collector may hold up the end."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.settings import load_settings
from app.telemetry import configure_telemetry, metrics
from app.telemetry.conventions import SpanName
from app.telemetry.spans import current_trace_id, span
from tests.fakes.collector import Collector
from tests.telemetry.conftest import LogLines

LIMIT_S = 3


@pytest.fixture
def silent_collector() -> Iterator[str]:
    """An address that accepts connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def absent_collector() -> str:
    """An address where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_the_resource_names_service_role_version_and_environment(collector: Collector) -> None:
    settings = load_settings(
        env="test",
        otel_exporter_otlp_endpoint=collector.endpoint + "/",
        telemetry={"service_name": "acme"},
    )

    with configure_telemetry(settings, role="up"), span(SpanName.STAGE, "extract"):
        pass

    assert collector.resource["service.name"] == "acme-up"
    assert collector.resource["deployment.environment.name"] == "test"
    assert collector.resource["service.version"] != "unknown"
    assert len(str(collector.resource["service.instance.id"])) == 36


def test_metrics_are_sent_when_the_process_ends(collector: Collector) -> None:
    settings = load_settings(otel_exporter_otlp_endpoint=collector.endpoint)

    with configure_telemetry(settings, role="worker"):
        metrics.record_stage("extract", "succeeded", 0.2)

    assert "naru.stage.duration" in collector.metrics


def test_no_endpoint_means_ids_and_metrics_but_nothing_sent(collector: Collector) -> None:
    with configure_telemetry(load_settings(), role="cli"), span(SpanName.STAGE, "extract"):
        assert current_trace_id() is not None

    assert collector.bodies == []


def test_closing_and_opening_again_starts_clean(collector: Collector) -> None:
    settings = load_settings(otel_exporter_otlp_endpoint=collector.endpoint)

    for name in ("first", "second"):
        with configure_telemetry(settings, role="up"), span(SpanName.STAGE, name):
            metrics.record_run("succeeded")
            assert b"naru_runs_total" in metrics.render_prometheus()[0]
        assert metrics.render_prometheus()[0] == b""
        with span(SpanName.STAGE, "outside") as outside:
            assert outside.traceparent is None

    assert set(collector.spans) == {"stage first", "stage second"}


@pytest.mark.parametrize("kind", ["absent_collector", "silent_collector"])
def test_a_collector_that_is_gone_holds_up_the_end_for_a_bounded_time(
    request: pytest.FixtureRequest, logs: LogLines, kind: str
) -> None:
    settings = load_settings(otel_exporter_otlp_endpoint=request.getfixturevalue(kind))
    with configure_telemetry(settings, role="worker"):
        with span(SpanName.STAGE, "extract"):
            metrics.record_stage("extract", "succeeded", 0.2)
        left = time.monotonic()

    assert time.monotonic() - left < LIMIT_S
    assert "telemetry_flush_incomplete" in logs.text
