"""The numbers of a circuit breaker, and what is wrong with wrong ones."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.errors import ErrorCode


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When to open, for how long, and what it takes to close.

    The window is the last `window_calls` calls, or the last `window_s` seconds when that is set.
    It opens when, of at least `minimum_calls` calls, `failure_percent` failed or `slow_percent`
    took `slow_call_s` or longer. It then rejects for `open_s`, `open_growth` times longer after
    each failed round, at most `open_max_s`. After that `half_open_calls` calls may pass; when they
    have not all ended after `half_open_wait_s`, it opens again.

    `record` are the codes that count as failures, less those in `ignore`; `failed_result` finds
    failures among returned values.
    """

    window_calls: int = 20
    window_s: float | None = None
    minimum_calls: int = 5
    failure_percent: float = 50
    slow_percent: float = 100
    slow_call_s: float | None = None
    open_s: float = 10
    open_growth: float = 2
    open_max_s: float = 120
    half_open_calls: int = 2
    half_open_wait_s: float = 60
    record: frozenset[ErrorCode] = field(
        default_factory=lambda: frozenset(code for code in ErrorCode if code.retry_in_process)
    )
    ignore: frozenset[ErrorCode] = frozenset()
    failed_result: Callable[[object], bool] | None = None
    failures: frozenset[ErrorCode] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "failures", self.record - self.ignore)

    def faults(self) -> Iterator[str]:
        """One sentence for each number that makes no sense."""
        for name in ("window_calls", "minimum_calls", "half_open_calls"):
            if not (isinstance(number := getattr(self, name), int) and number >= 1):
                yield f"{name} is {number}; it must be a whole number, at least 1"
        for name in ("failure_percent", "slow_percent"):
            if not 0 < getattr(self, name) <= _ALL_PERCENT:
                yield f"{name} is {getattr(self, name)}; it must be above 0 and at most 100"
        for name in ("window_s", "slow_call_s", "open_s", "open_max_s", "half_open_wait_s"):
            seconds = getattr(self, name)
            if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
                yield f"{name} is {seconds}; it must be a finite number of seconds above 0"
        if not (math.isfinite(self.open_growth) and self.open_growth >= 1):
            yield f"open_growth is {self.open_growth}; it must be at least 1"
        if self.open_max_s < self.open_s:
            yield f"open_max_s is {self.open_max_s:g}; it must be at least open_s, {self.open_s:g}"
        if self.window_s is None and self.minimum_calls > self.window_calls:
            yield (
                f"minimum_calls is {self.minimum_calls}; "
                f"a window of {self.window_calls} calls never has that many"
            )

    def check(self, name: str) -> None:
        """Raise ValueError with one line per fault."""
        if faults := [f"breaker {name}: {fault}" for fault in self.faults()]:
            raise ValueError("\n".join(faults))


_ALL_PERCENT = 100
