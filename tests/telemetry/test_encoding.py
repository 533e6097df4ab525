"""The encoder against OpenTelemetry's own: a receiver must not be able to tell them apart."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from app.telemetry.encoding import Encoder
from app.telemetry.spans import RecordedSpan, SpanEvent, SpanKind
from app.telemetry.traceparent import SpanContext

RESOURCE = Resource({"service.name": "naru-worker", "나이": 1})
SCOPE = InstrumentationScope("naru", "1.2")
ENCODER = Encoder(RESOURCE.attributes, scope="naru", version="1.2")

texts = st.text(max_size=200)
values = (
    texts
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0, 1, 0.0, 1.0, -0.0, True, False, ""])  # equal, and not the same
    | st.floats(allow_nan=False)
    | st.lists(texts, max_size=3)
)
attributes = st.dictionaries(st.sampled_from(["a", "b", "나이", "d"]), values)
contexts = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    trace_flags=st.sampled_from([trace.TraceFlags(1), trace.TraceFlags(3)]),
    is_remote=st.booleans(),
)
times_ns = st.integers(1, 2**63)
events = st.builds(SpanEvent, name=texts, time_ns=times_ns, attributes=attributes)


@st.composite
def recorded(draw: st.DrawFn) -> RecordedSpan:
    span = RecordedSpan(
        draw(texts),
        draw(st.sampled_from(list(SpanKind))),
        draw(attributes),
        draw(st.none() | contexts),
        draw(st.none() | contexts),
    )
    span.events += draw(st.lists(events, max_size=2))
    span.failed = draw(st.booleans())
    span.end_ns = draw(times_ns)
    return span


def by_the_library(spans: Sequence[RecordedSpan]) -> ExportTraceServiceRequest:
    return encode_spans(
        [
            ReadableSpan(
                span.name,
                context=_context(span.context),
                parent=span.parent and _context(span.parent),
                resource=RESOURCE,
                attributes=span.attributes,
                events=[Event(one.name, one.attributes, one.time_ns) for one in span.events],
                links=[trace.Link(_context(span.link))] if span.link else [],
                kind=span.kind.value,
                status=trace.Status(
                    trace.StatusCode.ERROR if span.failed else trace.StatusCode.UNSET
                ),
                start_time=span.start_ns,
                end_time=span.end_ns,
                instrumentation_scope=SCOPE,
            )
            for span in spans
        ]
    )


def _context(context: SpanContext) -> trace.SpanContext:
    return trace.SpanContext(
        context.trace_id, context.span_id, context.is_remote, context.trace_flags
    )


@given(st.lists(recorded(), min_size=1, max_size=20))
def test_what_a_collector_reads_is_what_the_library_would_have_sent(
    spans: Sequence[RecordedSpan],
) -> None:
    sent = ExportTraceServiceRequest.FromString(ENCODER.encode(spans))
    assert sent == by_the_library(spans)


@pytest.mark.parametrize("count", [1, 16, 17, 500])
def test_a_batch_of_any_size_arrives_whole(count: int) -> None:
    span = RecordedSpan("long " * 100, SpanKind.INTERNAL, {"a": "b" * 20_000}, None, None)
    span.end_ns = span.start_ns + 1
    sent = ExportTraceServiceRequest.FromString(ENCODER.encode([span] * count))
    assert sent == by_the_library([span] * count)
