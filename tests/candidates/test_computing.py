"""Work beside the loop."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from app.candidates.computing import computed

_told: ContextVar[str] = ContextVar("told", default="")


async def test_one_at_a_time_with_the_callers_context() -> None:
    begun, free = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        begun.set()
        free.wait()
        order.append(_told.get())

    def second(word: str) -> str:
        order.append(word)
        return _told.get()

    _told.set("of the caller")
    async with asyncio.TaskGroup() as group:
        group.create_task(computed(first))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        last = group.create_task(computed(second, word="second"))
        await asyncio.sleep(0.05)
        assert order == []  # the loop goes on, and the second waits
        free.set()
    assert order == ["of the caller", "second"]
    assert last.result() == "of the caller"


async def test_what_it_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await computed(divmod, 1, 0)
