"""One way to open a span.

Before `configure_telemetry` the same calls work and record nothing; a given parent is still handed
on. Exception texts never enter a span: they may quote a document.

Spans are OpenTelemetry's in all that leaves the process. They are not made by its SDK, which copies
and checks each attribute twice and makes a dozen objects: on an idle worker, whose caches have gone
cold, one took .26 ms of the 1.5 ms between enqueue and start.
"""

import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from enum import Enum
from types import TracebackType
from typing import NamedTuple, Self

from opentelemetry import trace

from app.errors import WorkerError
from app.telemetry.conventions import Attribute, EventName, SpanName
from app.telemetry.traceparent import SpanContext, parse

AttributeValue = str | int | float | bool | Sequence[str]


class SpanKind(Enum):
    """Which side of a border the span stands on."""

    INTERNAL = trace.SpanKind.INTERNAL
    PRODUCER = trace.SpanKind.PRODUCER
    CONSUMER = trace.SpanKind.CONSUMER
    CLIENT = trace.SpanKind.CLIENT
    SERVER = trace.SpanKind.SERVER


class ActiveSpan:
    """A span that is under way. This one records nothing, and stands for the one it was given."""

    __slots__ = ("_token", "context")

    _token: Token["ActiveSpan"]

    def __init__(self, context: SpanContext | None) -> None:
        self.context = context

    def set(self, key: Attribute, value: AttributeValue) -> None:
        """Set one attribute. Never a text of a document, a name or an address."""

    def rename(self, title: str) -> None:
        """Give the span the name that was not known at its start (a route's template)."""

    def event(self, name: EventName, attributes: Mapping[str, AttributeValue]) -> None:
        """Mark a point in time."""

    def fail(self, error_type: str) -> None:
        """Mark as failed without an exception. `error_type` is a code or the name of a class."""

    @property
    def traceparent(self) -> str | None:
        """What another process needs to continue here (W3C); None where there is no trace."""
        return self.context.traceparent if self.context else None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        _current.reset(self._token)


class SpanEvent(NamedTuple):
    """A point in time within a span, in ns since 1970."""

    name: str
    time_ns: int
    attributes: Mapping[str, AttributeValue]


class RecordedSpan(ActiveSpan):
    """A span that is handed over when it ends, and does not change from then on."""

    __slots__ = (
        "attributes",
        "end_ns",
        "events",
        "failed",
        "kind",
        "link",
        "name",
        "parent",
        "start_ns",
    )

    context: SpanContext

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, AttributeValue] | None,
        parent: SpanContext | None,
        link: SpanContext | None,
    ) -> None:
        if parent is None:
            self.context = SpanContext(_random(128), _random(64), _SAMPLED, is_remote=False)
        else:
            self.context = SpanContext(
                parent.trace_id, _random(64), parent.trace_flags, is_remote=False
            )
        self.name = name
        self.kind = kind
        self.attributes: dict[str, AttributeValue] = dict(attributes) if attributes else {}
        self.parent = parent
        self.link = link
        self.events: list[SpanEvent] = []
        self.failed = False
        self.start_ns = time.time_ns()
        self.end_ns = 0

    def set(self, key: Attribute, value: AttributeValue) -> None:
        if not self.end_ns:
            self.attributes[key] = value

    def rename(self, title: str) -> None:
        if not self.end_ns:
            self.name = title

    def event(self, name: EventName, attributes: Mapping[str, AttributeValue]) -> None:
        if not self.end_ns:
            self.events.append(SpanEvent(name, time.time_ns(), dict(attributes)))

    def fail(self, error_type: str) -> None:
        if not self.end_ns:
            self.attributes[Attribute.ERROR_TYPE] = error_type
            self.failed = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, stack)
        # CancelledError and KeyboardInterrupt are no Exception: a stop is not a failure.
        if isinstance(error, Exception):
            type_name = type(error).__qualname__
            self.fail(error.code.value if isinstance(error, WorkerError) else type_name)
            self.event(EventName.EXCEPTION, {Attribute.EXCEPTION_TYPE: type_name})
        self.end_ns = time.time_ns()
        if _tracing.on_end is not None:
            _tracing.on_end(self)


def span(
    name: SpanName,
    target: str = "",
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, AttributeValue] | None = None,
    parent: str | None = None,
    link: str | None = None,
) -> ActiveSpan:
    """Open a span `<name> <target>` for the duration of a `with` block.

    `parent` and `link` are traceparent strings of other processes; one that does not parse is
    ignored. Without `parent` the span stands below the current one. An exception marks it as failed
    with the error's code, or the class name of a foreign exception; a cancellation does not.
    A trace that was not sampled where it began is handed on, and not recorded.
    """
    if _tracing.on_end is None and parent is None:
        return _NOWHERE
    above = (parse(parent) if parent else None) or _current.get().context
    if _tracing.on_end is None:
        return ActiveSpan(above)
    if above and not above.trace_flags.sampled:
        return ActiveSpan(above)
    title = target if name is SpanName.HTTP else f"{name.value} {target}" if target else name.value
    return RecordedSpan(title, kind, attributes, above, parse(link) if link else None)


def recording() -> bool:
    """Whether spans are recorded at all."""
    return _tracing.on_end is not None


def current_span() -> ActiveSpan:
    """Return the innermost open span; one that records nothing where there is none."""
    return _current.get()


def current_traceparent() -> str | None:
    """Return the current span as a traceparent string, to be sent along with a job."""
    return _current.get().traceparent


def current_trace_id() -> str | None:
    """Return the current trace as 32 hex digits."""
    return _trace_id(_current.get().context)


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace that a traceparent string names, as 32 hex digits."""
    return _trace_id(parse(traceparent)) if traceparent else None


def current_span_id() -> str | None:
    """Return the current span as 16 hex digits."""
    context = _current.get().context
    return f"{context.span_id:016x}" if context else None


def install(on_end: "Ended | None") -> "Ended | None":
    """Hand spans that have ended to this from now on, or record none; returns what was before."""
    previous, _tracing.on_end = _tracing.on_end, on_end
    return previous


Ended = Callable[[RecordedSpan], None]


class _Tracing:
    on_end: Ended | None = None


class _Nowhere(ActiveSpan):
    """No span at all: while telemetry is off, one costs next to nothing."""

    __slots__ = ()

    @property
    def traceparent(self) -> str | None:
        return None if (innermost := _current.get()) is self else innermost.traceparent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        return


_NOWHERE = _Nowhere(None)
_tracing = _Tracing()
# Of its own: that of the module repeats itself for whoever seeds it; and each does after a fork.
_ids = random.Random()  # noqa: S311 - identifiers, not secrets
os.register_at_fork(after_in_child=_ids.seed)
_current: ContextVar[ActiveSpan] = ContextVar("naru-span", default=_NOWHERE)
# A trace that begins here says that its id is random (W3C Trace Context, level 2).
_SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED | trace.TraceFlags.RANDOM_TRACE_ID)


def _random(bits: int) -> int:
    return _ids.getrandbits(bits) or 1  # zero names no span


def _trace_id(context: SpanContext | None) -> str | None:
    return f"{context.trace_id:032x}" if context else None
