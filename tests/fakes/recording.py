"""Spans and measurements that end in memory."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from app.telemetry import metrics, spans
from app.telemetry.spans import RecordedSpan


@pytest.fixture
def traced() -> Iterator[list[RecordedSpan]]:
    """Every span that has ended."""
    ended: list[RecordedSpan] = []
    before = spans.install(ended.append)
    yield ended
    spans.install(before)


@pytest.fixture
def measured() -> Iterator[InMemoryMetricReader]:
    """Every measurement so far."""
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    before = metrics.install(meters.get_meter("test"), None)
    yield reader
    metrics.restore(before)
    meters.shutdown()
