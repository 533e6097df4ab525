"""The OpenTelemetry SDK put together. Imported late: it alone takes a quarter of a second."""

import threading
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from prometheus_client import CollectorRegistry

from app.telemetry import metrics, spans
from app.telemetry.conventions import Attribute
from app.telemetry.logs import get_logger

_SCOPE = "naru"
# The library's 2,048 overflows at 1,000 spans/s when one export takes 2 s.
_MAX_QUEUED_SPANS = 8_192
_EXPORT_EVERY_MS = 1_000
_METRICS_EVERY_MS = 15_000
_EXPORT_TIMEOUT_S = 5
FLUSH_LIMIT_S = 2.0
"""Longest wait for a collector at the end of a process; giving up takes up to 0.5 s more."""
_GIVE_UP_LIMIT_S = 0.5

log = get_logger(__name__)


@contextmanager
def open_telemetry(
    *, service: str, version: str, environment: str, endpoint: str | None, scraped: bool
) -> Generator[None]:
    """Record spans and metrics inside the block; send what is left at its end.

    `scraped`: metrics can be rendered for Prometheus. A process that serves no HTTP saves that:
    each reader counts everything for itself.
    """
    resource = Resource.create(
        {
            Attribute.SERVICE_NAME: service,
            Attribute.SERVICE_VERSION: version,
            Attribute.SERVICE_INSTANCE_ID: str(uuid.uuid4()),
            Attribute.DEPLOYMENT_ENVIRONMENT_NAME: environment,
        }
    )
    base = endpoint.rstrip("/") if endpoint else None
    tracing = TracerProvider(
        sampler=ParentBased(ALWAYS_ON), resource=resource, shutdown_on_exit=False
    )
    registry = CollectorRegistry() if scraped else None
    readers: list[MetricReader] = []
    if registry is not None:
        readers.append(PrometheusMetricReader(registry=registry, scope_info_enabled=False))
    exporters: list[_SpanExporter | _MetricExporter] = []
    if base:
        span_exporter = _SpanExporter(f"{base}/v1/traces", timeout=_EXPORT_TIMEOUT_S)
        metric_exporter = _MetricExporter(f"{base}/v1/metrics", timeout=_EXPORT_TIMEOUT_S)
        exporters += span_exporter, metric_exporter
        tracing.add_span_processor(
            BatchSpanProcessor(
                span_exporter,
                max_queue_size=_MAX_QUEUED_SPANS,
                schedule_delay_millis=_EXPORT_EVERY_MS,
            )
        )
        readers.append(
            PeriodicExportingMetricReader(metric_exporter, export_interval_millis=_METRICS_EVERY_MS)
        )
    metering = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    tracer_before = spans.install(tracing.get_tracer(_SCOPE, version))
    meter_before = metrics.install(metering.get_meter(_SCOPE, version), registry)
    try:
        yield
    finally:
        spans.install(tracer_before)
        metrics.restore(meter_before)
        _shut_down(tracing, metering, exporters)


class _SpanExporter(OTLPSpanExporter):
    closed = False

    def shutdown(self) -> None:
        # Called by us to give up and by the processor at its end; the library warns of a second.
        if not self.closed:
            self.closed = True
            super().shutdown()


class _MetricExporter(OTLPMetricExporter):
    closed = False

    def shutdown(self, timeout_millis: float = 0, **kwargs: object) -> None:
        if not self.closed:
            self.closed = True
            super().shutdown(timeout_millis, **kwargs)  # pyright: ignore[reportUnknownMemberType]


def _shut_down(
    tracing: TracerProvider,
    metering: MeterProvider,
    exporters: Sequence[_SpanExporter | _MetricExporter],
) -> None:
    # In daemon threads with one deadline: the SDK's own shutdown waits 30 s for a collector that
    # accepts and never answers, and its flush has no limit at all.
    threads = [
        threading.Thread(target=tracing.shutdown, name="flush-spans", daemon=True),
        threading.Thread(target=metering.shutdown, name="flush-metrics", daemon=True),
    ]
    for thread in threads:
        thread.start()
    if _join(threads, FLUSH_LIMIT_S):
        return
    log.warning("telemetry_flush_incomplete", limit_s=FLUSH_LIMIT_S)
    for exporter in exporters:
        exporter.shutdown()
    _join(threads, _GIVE_UP_LIMIT_S)


def _join(threads: Sequence[threading.Thread], limit_s: float) -> bool:
    deadline = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)
