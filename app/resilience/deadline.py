"""Deadlines that shrink: an inner one may end earlier than the one around it, never later.

A deadline is a moment of the running loop's clock, kept in a context variable: tasks that are
started inside inherit it. `asyncio.timeout_at` enforces it.
"""

import asyncio
from contextvars import ContextVar, Token
from types import TracebackType

from app.errors import ErrorCode, PermanentError

LEAST_ATTEMPT_S = 0.05
"""With less time than this left, a call is not begun: it could only be cut off."""

_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def deadline_at() -> float | None:
    """The moment, by the running loop's clock, at which the present work must have ended."""
    return _at.get()


def remaining_s() -> float | None:
    """Seconds left; None where nothing set a deadline. At or below 0 once it has passed."""
    at = _at.get()
    return None if at is None else at - asyncio.get_running_loop().time()


def narrow(seconds: float | None, *, reserve_s: float = 0) -> Token[float | None]:
    """Set an earlier deadline, for those who look at it; `restore` ends that.

    `seconds` from now, if the deadline in force is not earlier still; `reserve_s` before that.
    """
    at = _at.get()
    if seconds is not None:
        mine = asyncio.get_running_loop().time() + seconds
        at = mine if at is None else min(mine, at)
    return _at.set(None if at is None else at - reserve_s)


def restore(token: Token[float | None]) -> None:
    """End what `narrow` began."""
    _at.reset(token)


class Within:
    """`async with Within(seconds):` ends what runs longer with DEADLINE_EXCEEDED.

    `seconds` counts from entering; the deadline around it stays in force. With None it enforces
    that one alone.
    """

    __slots__ = ("_seconds", "_timeout", "_token")

    _timeout: asyncio.Timeout
    _token: Token[float | None]

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    async def __aenter__(self) -> None:
        self._token = narrow(self._seconds)
        self._timeout = asyncio.timeout_at(_at.get())
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        restore(self._token)
        try:
            await self._timeout.__aexit__(kind, error, stack)
        except TimeoutError:
            raise PermanentError(ErrorCode.DEADLINE_EXCEEDED) from None
