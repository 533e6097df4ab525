"""One way to open a span.

Before `configure_telemetry` the same calls work and record nothing; a given parent is still handed
on. Exception texts never enter a span: they may quote a document.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import Token
from enum import Enum
from functools import lru_cache
from types import TracebackType

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.errors import WorkerError
from app.telemetry.conventions import Attribute, EventName, SpanName

AttributeValue = str | int | float | bool | Sequence[str]


class SpanKind(Enum):
    """Which side of a border the span stands on."""

    INTERNAL = trace.SpanKind.INTERNAL
    PRODUCER = trace.SpanKind.PRODUCER
    CONSUMER = trace.SpanKind.CONSUMER
    CLIENT = trace.SpanKind.CLIENT
    SERVER = trace.SpanKind.SERVER


class ActiveSpan:
    """A span that is under way."""

    __slots__ = ("_span",)

    def __init__(self, inner: trace.Span) -> None:
        self._span = inner

    def set(self, key: Attribute, value: AttributeValue) -> None:
        """Set one attribute. Never a text of a document, a name or an address."""
        self._span.set_attribute(key, value)

    def rename(self, title: str) -> None:
        """Give the span the name that was not known at its start (a route's template)."""
        self._span.update_name(title)

    def event(self, name: EventName, attributes: Mapping[str, AttributeValue]) -> None:
        """Mark a point in time."""
        self._span.add_event(name, attributes)

    def fail(self, error_type: str) -> None:
        """Mark as failed without an exception. `error_type` is a code or the name of a class."""
        self._span.set_attribute(Attribute.ERROR_TYPE, error_type)
        self._span.set_status(trace.StatusCode.ERROR)

    @property
    def traceparent(self) -> str | None:
        """What another process needs to continue here (W3C); None while nothing is recorded."""
        return _traceparent(self._span.get_span_context())


def span(
    name: SpanName,
    target: str = "",
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    parent: str | None = None,
    link: str | None = None,
) -> AbstractContextManager[ActiveSpan]:
    """Open a span `<name> <target>` for the duration of a `with` block.

    `parent` and `link` are traceparent strings of other processes; one that does not parse is
    ignored. Without `parent` the span stands below the current one. An exception marks it as failed
    with the error's code, or the class name of a foreign exception; a cancellation does not.
    """
    if _tracing.is_off and parent is None:
        return _NOT_RECORDED
    words = (target,) if name is SpanName.HTTP else (name.value, target)
    title = " ".join(filter(None, words))
    return _Scope(title, kind, attributes, _context(parent), _link(link))


def recording() -> bool:
    """Whether spans are recorded at all."""
    return not _tracing.is_off


def current_span() -> ActiveSpan:
    """Return the innermost open span; one that records nothing where there is none."""
    return _NOT_RECORDED.__enter__() if _tracing.is_off else ActiveSpan(trace.get_current_span())


def current_traceparent() -> str | None:
    """Return the current span as a traceparent string, to be sent along with a job."""
    return _traceparent(trace.get_current_span().get_span_context())


def current_trace_id() -> str | None:
    """Return the current trace as 32 hex digits."""
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else None


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace that a traceparent string names, as 32 hex digits."""
    found = _remote(traceparent) if traceparent else trace.INVALID_SPAN_CONTEXT
    return f"{found.trace_id:032x}" if found.is_valid else None


def current_span_id() -> str | None:
    """Return the current span as 16 hex digits."""
    found = trace.get_current_span().get_span_context()
    return f"{found.span_id:016x}" if found.is_valid else None


def install(tracer: trace.Tracer) -> trace.Tracer:
    """Make spans with this tracer from now on; returns the one before, to be put back."""
    # Our own holder, not OpenTelemetry's global provider, which can be set once per process: then
    # telemetry could not be closed and opened again.
    previous, _tracing.tracer = _tracing.tracer, tracer
    _tracing.is_off = type(tracer) is trace.NoOpTracer
    return previous


class _Tracing:
    def __init__(self) -> None:
        self.tracer: trace.Tracer = trace.NoOpTracer()
        self.is_off = True


_tracing = _Tracing()
_propagator = TraceContextTextMapPropagator()


class _Scope(AbstractContextManager[ActiveSpan]):
    # A class, not a generator: half the cost, and the exception is seen without an except clause.
    __slots__ = ("_arguments", "_inner", "_token")

    _inner: trace.Span
    _token: Token[otel_context.Context]

    def __init__(
        self,
        title: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: otel_context.Context | None,
        link: tuple[trace.Link, ...],
    ) -> None:
        self._arguments = (title, parent, kind.value, attributes, link)

    def __enter__(self) -> ActiveSpan:
        self._inner = _tracing.tracer.start_span(
            *self._arguments, record_exception=False, set_status_on_exception=False
        )
        self._token = otel_context.attach(trace.set_span_in_context(self._inner))
        return ActiveSpan(self._inner)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        otel_context.detach(self._token)
        # CancelledError and KeyboardInterrupt are no Exception: a stop is not a failure.
        if isinstance(error, Exception):
            name = type(error).__qualname__
            code = error.code.value if isinstance(error, WorkerError) else name
            ActiveSpan(self._inner).fail(code)
            self._inner.add_event(EventName.EXCEPTION, {Attribute.EXCEPTION_TYPE: name})
        self._inner.end()


class _Nowhere(ActiveSpan):
    """Stands for a span while nothing is recorded: hands on the parent, if one was given."""

    __slots__ = ()

    def set(self, key: Attribute, value: AttributeValue) -> None:
        del key, value

    @property
    def traceparent(self) -> str | None:
        return current_traceparent()


class _NotRecorded(AbstractContextManager[ActiveSpan]):
    """No span at all: while telemetry is off, one costs next to nothing."""

    __slots__ = ("_nowhere",)

    def __init__(self) -> None:
        self._nowhere = _Nowhere(trace.INVALID_SPAN)

    def __enter__(self) -> ActiveSpan:
        return self._nowhere

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        return


_NOT_RECORDED = _NotRecorded()


def _context(parent: str | None) -> otel_context.Context | None:
    if parent is None:
        return None
    remote = _remote(parent)
    return trace.set_span_in_context(trace.NonRecordingSpan(remote)) if remote.is_valid else None


def _link(traceparent: str | None) -> tuple[trace.Link, ...]:
    if traceparent is None:
        return ()
    remote = _remote(traceparent)
    return (trace.Link(remote),) if remote.is_valid else ()


@lru_cache(maxsize=256)  # a span's parent and link are often the same, and a batch has one sender
def _remote(traceparent: str) -> trace.SpanContext:
    # An empty context, or an unreadable text would fall back to the current span.
    found = _propagator.extract({"traceparent": traceparent}, otel_context.Context())
    return trace.get_current_span(found).get_span_context()


def _traceparent(found: trace.SpanContext) -> str | None:
    if not found.is_valid:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
