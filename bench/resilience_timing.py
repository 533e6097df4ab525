"""How long one call takes: every case in one process, in a new order each round, medians.

What else runs on the machine is not to be measured: it is processor time of the thread, for nothing
here waits, and of the rounds only the quieter half counts. A neighbour on the other half of a core
makes everything up to twice as slow, for a second or for ten.
"""

import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

Work = Callable[[], Awaitable[object]]
Loop = Callable[[int], Awaitable[None]]

BARE = "await of an async no-op"
_LEAST_ROUNDS = 2
"""Fewer have no spread."""


async def nothing() -> None:
    """The call that is guarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`run(count)` makes that many calls, `warm` of them before the first round.

    `less` names the case whose time is taken off.
    """

    name: str
    group: str
    run: Loop
    less: str = BARE
    warm: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Microseconds of one call, over what is taken off; the middle half of the quiet rounds."""

    us: float
    low_us: float
    high_us: float


async def measure(cases: Sequence[Case], *, rounds: int, calls: int) -> dict[str, Figure]:
    """Time all cases in shuffled rounds of `calls` calls each."""
    for case in cases:
        await case.run(case.warm)
    taken: list[dict[str, float]] = []
    order = [*cases]
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for _ in range(rounds):
            random.shuffle(order)
            taken.append({case.name: await _time(case, calls) for case in order})
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    taken.sort(key=lambda times: sum(times.values()))
    quiet = taken[: max(_LEAST_ROUNDS, rounds // 2)]
    by_case = {case.name: [times[case.name] for times in quiet] for case in cases}
    middle = {name: statistics.median(times) for name, times in by_case.items()}
    return {case.name: _figure(case, by_case[case.name], middle) for case in cases}


async def _time(case: Case, calls: int) -> float:
    began_s = time.thread_time()
    await case.run(calls)
    return (time.thread_time() - began_s) / calls * 1e6


def _figure(case: Case, taken: list[float], middle: dict[str, float]) -> Figure:
    off = 0 if case.name == case.less else middle[case.less]
    low, _, high = statistics.quantiles(taken, n=4)
    return Figure(us=middle[case.name] - off, low_us=low - off, high_us=high - off)


# One loop per way of use, so that cases differ in nothing else.


def called(call: Callable[[Work], Awaitable[object]]) -> Loop:
    """`await call(work)`."""

    async def run(count: int) -> None:
        for _ in range(count):
            await call(nothing)

    return run


def decorated(work: Work) -> Loop:
    """`await work()`, of a function that was decorated before."""

    async def run(count: int) -> None:
        for _ in range(count):
            await work()

    return run


def inside(context: AbstractAsyncContextManager[Any]) -> Loop:
    """`async with context:`, the same every time."""

    async def run(count: int) -> None:
        for _ in range(count):
            async with context:
                await nothing()

    return run


def inside_new(make: Callable[[float], AbstractAsyncContextManager[Any]], seconds: float) -> Loop:
    """`async with make(seconds):`, a new one every time."""

    async def run(count: int) -> None:
        for _ in range(count):
            async with make(seconds):
                await nothing()

    return run


def rejected(call: Callable[[Work], Awaitable[object]], error: type[Exception]) -> Loop:
    """`await call(work)`, which raises `error` every time."""

    async def run(count: int) -> None:
        for _ in range(count):
            try:
                await call(nothing)
            except error:  # not suppress(), which would be measured too
                pass
            else:
                raise AssertionError("a call that had to be rejected was let through")

    return run
