"""Spans and measurements that end in memory."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.telemetry import metrics, spans


@pytest.fixture
def traced() -> Iterator[InMemorySpanExporter]:
    """Every span that has ended."""
    exporter = InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    before = spans.install(tracing.get_tracer("test"))
    yield exporter
    spans.install(before)
    tracing.shutdown()


@pytest.fixture
def measured() -> Iterator[InMemoryMetricReader]:
    """Every measurement so far."""
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader])
    before = metrics.install(meters.get_meter("test"), None)
    yield reader
    metrics.restore(before)
    meters.shutdown()
