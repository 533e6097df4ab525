"""Breakers driven step by step: what a test says about each call."""

import pytest

from app.errors import ErrorCode, RetryableError
from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Change, Mode, State, Verdict
from tests.resilience.manual_clock import ManualClock

TEN = BreakerConfig(
    window_calls=10,
    minimum_calls=10,
    failure_percent=50,
    open_s=10,
    open_max_s=60,
    half_open_calls=4,
    half_open_wait_s=30,
    slow_call_s=5,
)


class Driven:
    """A breaker with its clock and what it notified."""

    def __init__(self, config: BreakerConfig = TEN) -> None:
        self.clock = ManualClock()
        self.heard: list[Change] = []
        self.breaker = Breaker("llm", config, clock=self.clock, notify=self.heard.append)

    @property
    def state(self) -> State:
        return self.breaker.state

    def end(self, verdict: Verdict, *, seconds: float = 0.1, times: int = 1) -> None:
        """Calls that begin and end at once."""
        for _ in range(times):
            self.breaker.record(self.breaker.acquire(), verdict, seconds)

    def succeed(self, times: int = 1) -> None:
        self.end(Verdict.SUCCESS, times=times)

    def fail(self, times: int = 1) -> None:
        self.end(Verdict.FAILURE, times=times)

    def rejection(self) -> RetryableError:
        """The error that a call is answered with. Fails where it is admitted."""
        with pytest.raises(RetryableError) as rejected:
            self.breaker.acquire()
        assert rejected.value.code is ErrorCode.CIRCUIT_OPEN
        return rejected.value

    def open(self) -> None:
        """Open by failures; the clock stands at the beginning of the open time."""
        while self.state is State.CLOSED:
            self.fail()
        assert self.state is State.OPEN

    def half_open(self) -> int:
        """Open, wait, and return the permit of the first probe, which is under way."""
        self.open()
        self.wait()
        permit = self.breaker.acquire()
        assert self.state is State.HALF_OPEN
        return permit

    def wait(self) -> None:
        """Until the open time is over."""
        open_for_s = self.breaker.snapshot().open_for_s
        assert open_for_s is not None
        self.clock.pass_(open_for_s)

    def force(self, mode: Mode) -> None:
        self.breaker.set_mode(mode)
