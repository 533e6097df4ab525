"""Six questions to a circuit breaker under asyncio, asked from outside alone.

No state is read: a circuit is open when a call does not run, and closed when a failure does not
stop the next call.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from bench.resilience_peers import Guard, Subject, Tuning, failure

_FAILURES = 3
_PROBES = 3
_CALLERS = 50
_REJECTIONS = 200
_OPEN_S = 0.2
"""Long enough for what is to happen before it is over, also on a busy machine."""
_STAYS_OPEN_S = 60
_QUEUED_AFTER_S = 0.05
"""Nothing here takes time, so a call that has not ended by then waits in a queue."""
_LIMIT_S = 20

Make = Callable[[Tuning], Awaitable[Guard]]


class Held:
    """A call that runs until it is let go, and then succeeds."""

    def __init__(self) -> None:
        self.started = 0
        self._end = asyncio.Event()

    async def __call__(self) -> None:
        self.started += 1
        await self._end.wait()

    def let_go(self) -> None:
        self._end.set()


@dataclass(frozen=True, slots=True)
class Attempt:
    """Whether the guarded work ran, and what the caller got."""

    ran: bool
    error: BaseException | None


async def tripping_call_raises_its_own_error(make: Make) -> str | None:
    """(a) The call that opens the circuit raises what it failed with."""
    guard = await make(Tuning(failures=_FAILURES, open_s=_STAYS_OPEN_S, probes=1))
    for _ in range(_FAILURES):
        error = failure()
        got = (await _attempt(guard, error)).error
        if got is not error:
            return f"raised {type(got).__name__} in place of the call's own error"
    return None


async def cancellations_leave_it_closed(make: Make) -> str | None:
    """(b) As many cancellations as failures would open it say nothing about the dependency."""
    guard = await make(Tuning(failures=_FAILURES, open_s=_STAYS_OPEN_S, probes=1))
    for _ in range(_FAILURES):
        await _cancel_one(guard)
    if not (await _attempt(guard)).ran:
        return f"{_FAILURES} cancellations opened it"
    return None


async def half_open_lets_few_through(make: Make) -> str | None:
    """(c) Of 50 callers at half-open, as many run as were permitted, until their result is in."""
    guard = await make(Tuning(failures=_FAILURES, open_s=_OPEN_S, probes=_PROBES))
    await _open(guard)
    await asyncio.sleep(_OPEN_S * 1.2)
    held = Held()
    callers = {_start(guard(held)) for _ in range(_CALLERS)}
    await _settle()
    ran = held.started
    held.let_go()
    await _ended(callers)
    if ran == 0:
        return "let nobody through"
    return None if ran <= _PROBES else f"{ran} of {_CALLERS} ran where {_PROBES} were permitted"


async def old_success_does_not_close(make: Make) -> str | None:
    """(d) A success of a call that began before the circuit opened does not close it."""
    guard = await make(Tuning(failures=_FAILURES, open_s=_OPEN_S, probes=1))
    old, probe = Held(), Held()
    calls = {_start(guard(old))}
    await _settle()
    await _open(guard)
    await asyncio.sleep(_OPEN_S * 1.2)
    calls.add(_start(guard(probe)))
    await _settle()
    if not probe.started:
        return "let no probe through"
    old.let_go()
    await _settle()
    closed = await _is_closed(guard)
    probe.let_go()
    await _ended(calls)
    return "closed while its probe was still running" if closed else None


async def cancelled_probe_is_neutral(make: Make) -> str | None:
    """(e) A cancelled probe neither closes nor re-opens the circuit, and gives its permit back."""
    guard = await make(Tuning(failures=_FAILURES, open_s=_OPEN_S, probes=1))
    await _open(guard)
    await asyncio.sleep(_OPEN_S * 1.2)
    if not await _cancel_one(guard):
        return "let no probe through"
    if not (await _attempt(guard, failure())).ran:
        await asyncio.sleep(_OPEN_S * 4)
        return "re-opened" if (await _attempt(guard)).ran else "stuck: lets nobody through again"
    return "closed" if (await _attempt(guard)).ran else None


async def rejections_stay_small(make: Make) -> str | None:
    """(f) The traceback of the 200th rejection is as long as that of the first."""
    guard = await make(Tuning(failures=_FAILURES, open_s=_STAYS_OPEN_S, probes=1))
    await _open(guard)
    depths = [_depth((await _attempt(guard)).error) for _ in range(_REJECTIONS)]
    if depths[-1] > depths[0]:
        return f"its traceback grew from {depths[0]} to {depths[-1]} frames"
    return None


PROBES: dict[str, Callable[[Make], Coroutine[Any, Any, str | None]]] = {
    "a": tripping_call_raises_its_own_error,
    "b": cancellations_leave_it_closed,
    "c": half_open_lets_few_through,
    "d": old_success_does_not_close,
    "e": cancelled_probe_is_neutral,
    "f": rejections_stay_small,
}


async def probe(subject: Subject) -> dict[str, str | None]:
    """What is wrong with it, per probe; None where nothing is."""
    return {letter: await _ask(ask(subject.make)) for letter, ask in PROBES.items()}


async def _ask(asking: Coroutine[Any, Any, str | None]) -> str | None:
    # A task, and no except clause: whatever a peer raises is a result, not an error of ours.
    task = _start(asking)
    await asyncio.wait({task}, timeout=_LIMIT_S)
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
        return f"did not end within {_LIMIT_S} s"
    if error := task.exception():
        return f"raised {type(error).__name__}: {error}"
    return task.result()


async def _attempt(guard: Guard, error: Exception | None = None) -> Attempt:
    """One call that ends at once, with `error` or well; one that is made to queue is withdrawn."""
    ran = False

    async def work() -> None:
        nonlocal ran
        ran = True
        if error:
            raise error

    task = _start(guard(work))
    await asyncio.wait({task}, timeout=_QUEUED_AFTER_S)
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    return Attempt(ran, None if task.cancelled() else task.exception())


async def _cancel_one(guard: Guard) -> bool:
    """Cancel a call that is under way; returns whether it was let through."""
    held = Held()
    task = _start(guard(held))
    await _settle()
    task.cancel()
    # A call that its breaker does not cancel is still running, and now succeeds.
    held.let_go()
    await _ended({task})
    await _settle()
    return held.started > 0


async def _open(guard: Guard) -> None:
    for _ in range(_FAILURES):
        await _attempt(guard, failure())
    if (await _attempt(guard)).ran:
        raise AssertionError(f"it did not open after {_FAILURES} failures")


async def _is_closed(guard: Guard) -> bool:
    await _attempt(guard, failure())
    return (await _attempt(guard)).ran


def _start(work: Awaitable[Any]) -> asyncio.Future[Any]:
    return asyncio.ensure_future(work)


async def _ended(calls: set[asyncio.Future[Any]]) -> None:
    """Wait for all of them, however they end."""
    await asyncio.wait(calls)
    for call in calls:
        if not call.cancelled():
            call.exception()  # looked at, or the loop reports it as lost


async def _settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def _depth(error: BaseException | None) -> int:
    depth = 0
    frame: TracebackType | None = error.__traceback__ if error else None
    while frame:
        depth += 1
        frame = frame.tb_next
    return depth
