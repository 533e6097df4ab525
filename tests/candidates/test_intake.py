"""Files that are accepted, and those that are refused at once."""

from dataclasses import replace

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from app.bootstrap import Runtime
from app.telemetry.conventions import Metric


def run_count(measured: InMemoryMetricReader) -> int:
    """How many runs were counted as failed by INVALID_FILE."""
    found = measured.get_metrics_data()
    return sum(
        int(getattr(point, "value", 0))
        for resource in (found.resource_metrics if found else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == Metric.RUNS
        for point in metric.data.data_points
        if {"failed", "INVALID_FILE"} <= set(map(str, (point.attributes or {}).values()))
    )


async def test_a_file_that_is_refused_counts_as_a_run_once(
    runtime: Runtime, measured: InMemoryMetricReader
) -> None:
    intake = replace(runtime.intake, max_file_bytes=100)
    for _ in range(2):
        accepted = await intake.accept("a.pdf", bytes(1_000), idempotency_key="k1")
        assert accepted.status == "failed"
    assert run_count(measured) == 1
