"""The OpenTelemetry SDK put together. Imported late: it alone takes a quarter of a second."""

import threading
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from prometheus_client import CollectorRegistry

from app.telemetry import metrics, spans
from app.telemetry.conventions import Attribute
from app.telemetry.encoding import Encoder
from app.telemetry.logs import get_logger
from app.telemetry.spans import RecordedSpan

_SCOPE = "naru"
# The library's 2,048 overflows at 1,000 spans/s when one export takes 2 s.
_MAX_QUEUED_SPANS = 8_192
# A full batch wakes the exporter, which takes the interpreter from the jobs that filled it: with
# the library's 512 in the middle of each burst, with this once a second.
_MAX_BATCH_SPANS = 4_096
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
    registry = CollectorRegistry() if scraped else None
    readers: list[MetricReader] = []
    if registry is not None:
        readers.append(PrometheusMetricReader(registry=registry, scope_info_enabled=False))
    exporters: list[_SpanExporter | _MetricExporter] = []
    on_end, sending = _dropped, None
    if base:
        encoder = Encoder(resource.attributes, scope=_SCOPE, version=version)
        span_exporter = _SpanExporter(encoder, f"{base}/v1/traces")
        metric_exporter = _MetricExporter(f"{base}/v1/metrics", timeout=_EXPORT_TIMEOUT_S)
        exporters += span_exporter, metric_exporter
        sending = BatchSpanProcessor(
            span_exporter,
            max_queue_size=_MAX_QUEUED_SPANS,
            max_export_batch_size=_MAX_BATCH_SPANS,
            schedule_delay_millis=_EXPORT_EVERY_MS,
        )
        # What the processor and the exporter read of a span, ours has as well.
        on_end = cast("spans.Ended", sending.on_end)
        readers.append(
            PeriodicExportingMetricReader(metric_exporter, export_interval_millis=_METRICS_EVERY_MS)
        )
    metering = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
    spans_before = spans.install(on_end)
    meter_before = metrics.install(metering.get_meter(_SCOPE, version), registry)
    try:
        yield
    finally:
        spans.install(spans_before)
        metrics.restore(meter_before)
        _shut_down(sending, metering, exporters)


class _SpanExporter(OTLPSpanExporter):
    closed = False

    def __init__(self, encoder: Encoder, endpoint: str) -> None:
        super().__init__(endpoint, timeout=_EXPORT_TIMEOUT_S)
        self._encoder = encoder

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        sent = self._client.export(self._encoder.encode(cast("Sequence[RecordedSpan]", spans)))
        return SpanExportResult.SUCCESS if sent.success else SpanExportResult.FAILURE

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


def _dropped(span: RecordedSpan) -> None:
    # Without a collector spans still give logs their trace, and callers their traceparent.
    del span


def _shut_down(
    sending: BatchSpanProcessor | None,
    metering: MeterProvider,
    exporters: Sequence[_SpanExporter | _MetricExporter],
) -> None:
    # In daemon threads with one deadline: the SDK's own shutdown waits 30 s for a collector that
    # accepts and never answers, and its flush has no limit at all.
    threads = [
        threading.Thread(target=metering.shutdown, name="flush-metrics", daemon=True),
    ]
    if sending is not None:
        threads.append(threading.Thread(target=sending.shutdown, name="flush-spans", daemon=True))
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
