"""Tells when the event loop is blocked, from a thread that does not depend on it."""

import asyncio
import sys
import threading
import time
import traceback
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from app.telemetry.logs import get_logger

log = get_logger(__name__)

_TICK_S = 0.1
_DEPTH = 12
_RECENT_S = 15.0


class Watchdog(AbstractContextManager["Watchdog"]):
    """Logs where the loop's thread stands when it has not come round for `blocked_after_s`.

    It cannot interrupt what blocks. While it lasts no lease is renewed, so the jobs of this worker
    start again elsewhere, as they should: nothing here makes progress.
    """

    def __init__(self, blocked_after_s: float) -> None:
        self._blocked_after_s = blocked_after_s
        self._seen_s = time.monotonic()
        self._worst_s = 0.0
        self._recent: tuple[float, float, float] = (self._seen_s, 0.0, 0.0)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._watched = threading.get_ident()

    def __enter__(self) -> Self:
        self._watched = threading.get_ident()
        self._seen_s = time.monotonic()
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:  # it is woken at once, and must not tell of a loop that ended
            self._thread.join(1)

    async def tick(self) -> None:
        """Show that the loop comes round, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = time.monotonic()
            late_s = max(now_s - self._seen_s - _TICK_S, 0)
            self._worst_s = max(self._worst_s, late_s)
            since_s, before_s, worst_s = self._recent
            if now_s - since_s >= _RECENT_S:
                since_s, before_s, worst_s = now_s, worst_s, 0.0
            self._recent = since_s, before_s, max(worst_s, late_s)
            self._seen_s = now_s

    def worst_lag_s(self) -> float:
        """The longest that the loop was late since this was last asked."""
        worst_s, self._worst_s = self._worst_s, 0.0
        return max(worst_s, 0.0)

    def recent_lag_s(self) -> float:
        """The longest that the loop was late in the last 15 to 30 s, and still is. For any thread."""
        _, before_s, worst_s = self._recent
        return max(before_s, worst_s, time.monotonic() - self._seen_s - _TICK_S, 0.0)

    def _watch(self) -> None:
        told_s = 0.0
        while not self._ended.wait(min(self._blocked_after_s / 4, 1)):
            seen_s = self._seen_s
            blocked_s = time.monotonic() - seen_s - _TICK_S
            if blocked_s >= self._blocked_after_s and told_s != seen_s:
                told_s = seen_s  # once for each time it is blocked
                log.error("loop_blocked", blocked_s=round(blocked_s, 1), at=self._where())

    def _where(self) -> list[str]:
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the documented way to see another thread
        stack = traceback.extract_stack(frame, limit=None)[-_DEPTH:] if frame else []
        return [f"{each.filename}:{each.lineno} {each.name}" for each in stack]
