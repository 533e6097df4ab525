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

DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
"""The moment, by the running loop's clock, at which the present work must have ended.

Whoever sets an earlier one resets it; nobody sets a later one.
"""


def remaining_s() -> float | None:
    """Seconds left; None where nothing set a deadline. At or below 0 once it has passed."""
    at = DEADLINE.get()
    return None if at is None else at - asyncio.get_running_loop().time()


def earlier(at: float) -> float:
    """This moment, or the deadline in force when that is earlier."""
    outer = DEADLINE.get()
    return at if outer is None or at < outer else outer


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
        at = DEADLINE.get()
        if self._seconds is not None:
            at = earlier(asyncio.get_running_loop().time() + self._seconds)
        self._token = DEADLINE.set(at)
        self._timeout = asyncio.timeout_at(at)
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        DEADLINE.reset(self._token)
        try:
            await self._timeout.__aexit__(kind, error, stack)
        except TimeoutError:
            raise PermanentError(ErrorCode.DEADLINE_EXCEEDED) from None
