"""A wall clock that can be wrong, in one process. To be imported before whoever takes the time.

Monotonic clocks stay right: no machine's runs backwards.
"""

import datetime as dt
import time
from typing import Any

_RIGHT_DATETIME = dt.datetime
_right_time, _right_time_ns = time.time, time.time_ns
_off_by = dt.timedelta()


class _Kind(type):
    """What PostgreSQL's driver and pydantic make are instances of the right class."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _RIGHT_DATETIME)


class WrongDatetime(_RIGHT_DATETIME, metaclass=_Kind):
    __slots__ = ()  # as large as the right one, which numpy and others compare

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        return _RIGHT_DATETIME.now(tz) + _off_by

    @classmethod
    def utcnow(cls) -> Any:
        return _RIGHT_DATETIME.now(dt.UTC).replace(tzinfo=None) + _off_by


def put_wrong(hours: float) -> None:
    """From now on this process believes that it is so many hours later."""
    global _off_by  # noqa: PLW0603 - a process has one clock
    _off_by = dt.timedelta(hours=hours)


time.time = lambda: _right_time() + _off_by.total_seconds()
time.time_ns = lambda: _right_time_ns() + int(_off_by.total_seconds() * 1_000_000_000)
dt.datetime = WrongDatetime
