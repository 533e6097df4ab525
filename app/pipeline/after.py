"""Something to do unless it is over before."""

import asyncio
from collections.abc import Callable, Coroutine


class After:
    """Begins `work` once so many seconds have passed, unless `settled` was called before.

    A timer and no task, so that what is soon over costs next to nothing. `work` must not raise.
    """

    __slots__ = ("_task", "_timer", "_work")

    def __init__(self, seconds: float, work: Callable[[], Coroutine[None, None, None]]) -> None:
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    async def settled(self) -> None:
        """Wait until nothing of it is under way, nor will be."""
        self._timer.cancel()
        if self._task is not None:
            await self._task

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._work())
