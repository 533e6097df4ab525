"""The one logging configuration: structlog in front, the standard library behind.

Lines of libraries pass through the same formatter. A fixed event name in snake_case, then ids and
numbers by keyword: `log.warning("webhook_undelivered", webhook_id=hook.id, tries=3)`.
"""

import logging
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final, TextIO
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.stdlib import add_log_level as add_level
from structlog.stdlib import add_logger_name as add_name
from structlog.typing import EventDict, Processor, WrappedLogger

from app.telemetry.redaction import redact_field
from app.telemetry.spans import current_span_id, current_trace_id

_NOISY: Final[Mapping[str, int]] = {
    # Least level of each under LOG_LEVEL=DEBUG; above DEBUG all of them start at WARNING.
    # Never lower: arq prints the arguments of jobs, openai whole requests, SQLAlchemy parameters,
    # httpcore headers, httpx the URLs of webhooks, which let somebody in.
    "arq": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpcore2": logging.WARNING,
    "openai": logging.INFO,
    "httpx": logging.WARNING,
    "httpx2": logging.INFO,
    "urllib3": logging.INFO,
    "uvicorn": logging.DEBUG,
    "alembic": logging.DEBUG,
    "asyncio": logging.DEBUG,
    "PIL": logging.INFO,
    "opentelemetry": logging.INFO,
}
_OURS = frozenset({"timestamp", "level", "trace_id", "span_id"})
_QUIET_PERIOD_S = 60


def configure_logs(level: str, *, json: bool, stream: TextIO | None = None) -> None:
    """Send every line of this process to `stream` (stderr by default) from now on.

    `level` is a name of the standard library. May be called again; the last call holds. Handlers
    that libraries have given themselves go.
    """
    target = sys.stderr if stream is None else stream
    handler = _Handler(target)
    handler.addFilter(_OncePerMinute())
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[merge_contextvars, *_COMMON],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                format_exc_info,
                _redact,
                _renderer(json=json, colors=target.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old, _Handler):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, least in _NOISY.items():
        library = logging.getLogger(name)
        library.setLevel(least if level == "DEBUG" else logging.WARNING)
        library.handlers.clear()
    logging.captureWarnings(capture=True)


def get_logger(name: str = "naru") -> BoundLogger:
    """Return a logger; cheap, works before `configure_logs` (then only warnings reach stderr)."""
    # Processors are given here and not to structlog.configure: no global state but the standard
    # library's, so a logger may be made at any time.
    logger: BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=_FRONT,
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def bound(**ids: str | int | UUID) -> AbstractContextManager[None]:
    """Add these ids to every line of this task, and of the tasks it starts, inside a `with`."""
    return bound_contextvars(
        **{name: str(value) if isinstance(value, UUID) else value for name, value in ids.items()}
    )


def _add_trace(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    del logger, method
    if (trace_id := current_trace_id()) is not None:
        event_dict["trace_id"] = trace_id
        event_dict["span_id"] = current_span_id()
    return event_dict


def _redact(logger: WrappedLogger, method: str, event_dict: EventDict) -> EventDict:
    del logger, method
    return {
        key: value if key in _OURS else redact_field(key, value)
        for key, value in event_dict.items()
    }


def _renderer(*, json: bool, colors: bool) -> Processor:
    if json:
        return JSONRenderer(ensure_ascii=False)
    # The pretty tracebacks of structlog show local variables, and those are personal data.
    return ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)


_COMMON: Final[tuple[Processor, ...]] = (
    add_level,
    add_name,
    TimeStamper(fmt="iso", utc=True),
    _add_trace,
)
_FRONT: Final[tuple[Processor, ...]] = (
    structlog.stdlib.filter_by_level,
    merge_contextvars,
    *_COMMON,
    ProcessorFormatter.wrap_for_formatter,
)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        # The library's own answer prints the arguments of the line, unmasked.
        kind = sys.exc_info()[0]
        lost = f"log_line_lost logger={record.name} error={kind.__name__ if kind else 'unknown'}\n"
        self.stream.write(lost)


class _OncePerMinute(logging.Filter):
    """A collector that is down is told once a minute, not with each batch."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry."):
            return True
        key, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._last.get(key, float("-inf")) < _QUIET_PERIOD_S:
            return False
        self._last[key] = now
        return True
