"""The layers around a whole logical call, retries and fallbacks included: time, and order."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from app.resilience.deadline import DEADLINE, earlier, remaining_s
from app.resilience.layers import Call, Step
from app.resilience.registry import Here


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Everything inside ends within `seconds`, or at the deadline around it; else DEADLINE_EXCEEDED."""

    title: ClassVar[str] = "deadline"

    seconds: float

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if not (math.isfinite(self.seconds) and self.seconds > 0):
            yield f"the deadline is {self.seconds}; it must be a finite number of seconds above 0"

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The layer in one loop. It sets no timer: all that waits inside looks at the deadline."""
        del dependency
        monotonic = here.clock.monotonic
        seconds = self.seconds

        async def step(call: Call) -> object:
            token = DEADLINE.set(earlier(monotonic() + seconds))
            try:
                return await inner(call)
            finally:
                DEADLINE.reset(token)

        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOrder:
    """Calls with the same `key` one after the other, in the order in which they came.

    SESSION_BUSY for a call that waited `wait_s`. Within this process; across processes the numbers
    that `app.coordination.ordering` gives out keep the order. A call without a key does not wait.
    """

    title: ClassVar[str] = "session order"

    wait_s: float = 60

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        if not (math.isfinite(self.wait_s) and self.wait_s > 0):
            yield f"wait_s is {self.wait_s}; it must be a finite number of seconds above 0"

    def bind(self, dependency: str, here: Here, inner: Step) -> Step:
        """The layer in one loop; the order is shared by all policies of the dependency."""
        lock = here.order(dependency)

        async def step(call: Call) -> object:
            key = call.key
            if key is None:
                return await inner(call)
            if not lock.take(key):
                left_s = remaining_s()
                wait_s = self.wait_s if left_s is None else min(self.wait_s, max(left_s, 0))
                await lock.wait(key, wait_s)
            try:
                return await inner(call)
            finally:
                lock.release(key)

        return step
