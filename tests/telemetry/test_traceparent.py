"""Traceparents, read as OpenTelemetry's propagator reads them."""

from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.telemetry.traceparent import parse

parts = st.tuples(
    st.sampled_from(["00", "01", "ff", "FF", "0", "xx"]),
    st.sampled_from(["a" * 32, "0" * 32, "A" * 32, "1" * 31, f"{7:032x}"]),
    st.sampled_from(["b" * 16, "0" * 16, "b" * 17, f"{9:016x}"]),
    st.sampled_from(["00", "01", "03", "ff", "1", "0g"]),
    st.sampled_from(["", "-", "-more", "more", " ", "\t", "-" + "x" * 600]),
)


@given(parts.map(lambda found: "-".join(found[:4]) + found[4]) | st.text(max_size=80))
@example("")
@example("٠٠-" + "a" * 32 + "-" + "b" * 16 + "-01")
def test_it_reads_what_the_propagator_reads_and_nothing_else(text: str) -> None:
    carried = TraceContextTextMapPropagator().extract({"traceparent": text}, context.Context())
    expected = trace.get_current_span(carried).get_span_context()
    found = parse(text)
    assert (found is not None) == expected.is_valid
    if found is not None:
        assert (found.trace_id, found.span_id) == (expected.trace_id, expected.span_id)
        assert (found.trace_flags, found.is_remote) == (expected.trace_flags, True)
        assert parse(found.traceparent) == found
