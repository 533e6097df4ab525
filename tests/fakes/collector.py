"""A collector that speaks OTLP over HTTP."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Value = str | int | float | bool | list[str]


@dataclass(frozen=True, slots=True)
class SentSpan:
    """A span as the collector saw it."""

    raw: Span
    service: str

    @property
    def attributes(self) -> dict[str, Value]:
        return _values(self.raw.attributes)


@dataclass(slots=True)
class Collector:
    """What was posted to `/v1/traces` and `/v1/metrics` so far; `spans` has the last of each name."""

    endpoint: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])
    spans: dict[str, SentSpan] = field(default_factory=dict[str, SentSpan])
    received: list[SentSpan] = field(default_factory=list[SentSpan])
    metrics: set[str] = field(default_factory=set[str])
    resource: dict[str, Value] = field(default_factory=dict[str, Value])

    def take(self, path: str, body: bytes) -> bool:
        self.bodies.append(body)
        if path == "/v1/traces":
            self._take_spans(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            sent = ExportMetricsServiceRequest.FromString(body)
            self.metrics |= {
                metric.name
                for resource in sent.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
            }
        else:
            return False
        return True

    def _take_spans(self, sent: ExportTraceServiceRequest) -> None:
        for part in sent.resource_spans:
            self.resource = _values(part.resource.attributes)
            service = str(self.resource["service.name"])
            for scope in part.scope_spans:
                self.received += [SentSpan(raw, service) for raw in scope.spans]
                self.spans |= {sent.raw.name: sent for sent in self.received}


@pytest.fixture
def collector() -> Iterator[Collector]:
    received = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200 if received.take(self.path, body) else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


def _values(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bool_value":
            return value.bool_value
        case _:
            return [inner.string_value for inner in value.array_value.values]
