"""Waiting for a word, and looking anyway when none comes."""

import asyncio
from contextlib import suppress


async def woken(event: asyncio.Event, within_s: float) -> None:
    """Return when the event is set, or `within_s` later; it is clear then.

    To be followed by a look: what sets the event during that look is not lost.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    event.clear()
