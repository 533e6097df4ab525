"""Work in Python that takes milliseconds, beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_thread = ThreadPoolExecutor(1, thread_name_prefix="computing")
"""One, since only one runs at any time: several would take the interpreter's lock from the event loop
in turn, 5 ms each, whenever it writes to a socket (docs/measurements.md)."""


async def computed(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`asyncio.to_thread` for work that computes and does not wait; one at a time."""
    call = partial(copy_context().run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_thread, call)
