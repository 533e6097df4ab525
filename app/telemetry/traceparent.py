"""W3C Trace Context: the one line that lets another process continue a trace."""

import re
from functools import lru_cache
from typing import NamedTuple

from opentelemetry.trace import TraceFlags

_FORMAT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LONGEST = 512


class SpanContext(NamedTuple):
    """What names a span everywhere; neither id is zero."""

    trace_id: int
    span_id: int
    trace_flags: TraceFlags
    is_remote: bool

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{self.trace_flags:02x}"


@lru_cache(maxsize=256)  # a span's parent and link are often the same, and a batch has one sender
def parse(traceparent: str) -> SpanContext | None:
    """Read a traceparent of another process; None for one that is to be ignored (section 3.2).

    OpenTelemetry's propagator reads all headers of a request, at twice the cost.
    """
    found = _FORMAT.fullmatch(traceparent.strip(" \t"))
    if found is None or len(traceparent) > _LONGEST:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):  # a later version may append a field
        return None
    context = SpanContext(
        int(trace_id, 16), int(span_id, 16), TraceFlags(int(flags, 16)), is_remote=True
    )
    return context if context.trace_id and context.span_id else None
