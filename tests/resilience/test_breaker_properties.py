"""A breaker against a naive model of it, under any order of calls, ends, waits and orders."""

import asyncio
import random
import sys
import threading
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.errors import ErrorCode, RetryableError
from app.resilience.breaker import KEPT_CHANGES, Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Cause, Change, Mode, State, Verdict
from app.resilience.clock import LoopClock
from tests.resilience.manual_clock import ManualClock

SLOW_S = 5.0
ADMITTING = (State.CLOSED, State.DISABLED, State.METRICS_ONLY)


class BreakerMachine(RuleBasedStateMachine):
    """What the breaker does is foretold before each step, from lists that are counted anew."""

    @initialize(
        timed=st.booleans(),
        window_calls=st.integers(1, 6),
        minimum_calls=st.integers(1, 4),
        percents=st.tuples(st.sampled_from([1, 34, 50, 100]), st.sampled_from([40, 100])),
        half_open_calls=st.integers(1, 4),
    )
    def begin_with(
        self,
        *,
        timed: bool,
        window_calls: int,
        minimum_calls: int,
        percents: tuple[int, int],
        half_open_calls: int,
    ) -> None:
        self.config = BreakerConfig(
            window_s=60 if timed else None,
            window_calls=window_calls,
            minimum_calls=min(minimum_calls, window_calls),
            failure_percent=percents[0],
            slow_percent=percents[1],
            slow_call_s=SLOW_S,
            open_s=10,
            open_max_s=40,
            half_open_calls=half_open_calls,
            half_open_wait_s=30,
        )
        self.clock = ManualClock()
        self.heard: list[Change] = []
        self.breaker = Breaker("b", self.config, clock=self.clock, notify=self.hear)
        self.under_way: list[tuple[int, int]] = []
        self.calls: list[tuple[float, bool, bool]] = []
        self.probes: list[tuple[bool, bool]] = []
        self.permits = 0
        self.probing_until_s = 0.0

    def hear(self, change: Change) -> None:
        """Called by the breaker: forget what its new state does not know."""
        self.heard.append(change)
        if change.to_state is not State.OPEN:
            self.calls.clear()
        if change.to_state is State.HALF_OPEN:
            self.probes.clear()
            self.permits = self.config.half_open_calls
            self.probing_until_s = self.clock.seconds + self.config.half_open_wait_s

    @rule()
    def begin_call(self) -> None:
        state = self.breaker.state
        before = self.breaker.snapshot()
        hung = self.permits == 0 and self.clock.seconds >= self.probing_until_s
        admits = (
            state in ADMITTING
            or (state is State.OPEN and before.open_for_s == 0)
            or (state is State.HALF_OPEN and self.permits > 0)
        )
        try:
            permit = self.breaker.acquire()
        except RetryableError as error:
            assert not admits
            retry_after_s = error.details["retry_after"]
            assert isinstance(retry_after_s, float | int)
            assert 0 < retry_after_s <= self.config.open_max_s
            assert self.breaker.state is (
                State.OPEN if state is State.HALF_OPEN and hung else state
            )
            return
        assert admits
        if self.breaker.state is State.HALF_OPEN:
            self.permits -= 1
        self.under_way.append((permit, len(self.heard)))

    @precondition(lambda self: self.under_way)
    @rule(
        which=st.integers(0, 1_000),
        verdict=st.sampled_from(Verdict),
        seconds=st.sampled_from([0.1, SLOW_S]),
    )
    def end_call(self, which: int, verdict: Verdict, seconds: float) -> None:
        permit, changes = self.under_way.pop(which % len(self.under_way))
        before, state = self.breaker.snapshot(), self.breaker.state
        if changes != len(self.heard) or state is State.DISABLED:
            self.breaker.record(permit, verdict, seconds)
            assert self.breaker.snapshot() == before
            return
        outcome = (verdict is Verdict.FAILURE, seconds >= SLOW_S)
        if verdict is Verdict.NEUTRAL:
            expected = state
            self.permits += state is State.HALF_OPEN
        else:
            self.calls.append((self.clock.seconds, *outcome))
            expected = self.judged(state, outcome)
        self.breaker.record(permit, verdict, seconds)
        assert self.breaker.state is expected

    @rule(seconds=st.sampled_from([0.5, 5.0, 10.0, 29.0, 61.0, 3_600.0]))
    def wait(self, seconds: float) -> None:
        self.clock.pass_(seconds)

    @precondition(lambda self: self.breaker.state is State.CLOSED)
    @rule()
    def break_down(self) -> None:
        """Fail until it opens, and let the open time pass: chance alone seldom comes so far."""
        while self.breaker.state is State.CLOSED:
            self.begin_call()
            self.end_call(len(self.under_way) - 1, Verdict.FAILURE, 0.1)
        self.clock.pass_(self.breaker.snapshot().open_for_s or 0)

    @rule(mode=st.sampled_from([*[Mode.AUTOMATIC] * 5, *Mode]))
    def order(self, mode: Mode) -> None:
        self.breaker.set_mode(mode)
        assert (self.breaker.state in (State.CLOSED, State.OPEN, State.HALF_OPEN)) == (
            mode is Mode.AUTOMATIC
        )

    @rule(really=st.integers(0, 5))
    def reset(self, really: int) -> None:
        if really:
            return
        self.breaker.reset()
        assert self.breaker.state not in (State.OPEN, State.HALF_OPEN)

    @rule(remaining_s=st.sampled_from([0.0, 1.0, 20.0, 1_000.0]))
    def peer_opens(self, remaining_s: float) -> None:
        state = self.breaker.state
        calls, failures, _ = self.counts()
        healthy = (
            calls >= self.config.minimum_calls
            and failures / calls <= self.config.failure_percent / 200
        )
        follows = state is State.CLOSED and remaining_s > 0 and not healthy
        assert self.breaker.peer_opened(remaining_s) is follows
        assert self.breaker.state is (State.OPEN if follows else state)

    @rule()
    def peer_closes(self) -> None:
        by_peer = bool(self.heard) and self.heard[-1].cause is Cause.PEER
        follows = by_peer and self.breaker.state is State.OPEN
        assert self.breaker.peer_closed() is follows

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        seen = self.breaker.snapshot()
        assert (seen.calls, seen.failures, seen.slow) == self.counts()
        assert (seen.failure_percent is None) == (seen.calls < self.config.minimum_calls)

    @invariant()
    def probes_are_never_more_than_allowed_and_none_is_lost(self) -> None:
        if self.breaker.state is not State.HALF_OPEN:
            return
        in_flight = sum(changes == len(self.heard) for _, changes in self.under_way)
        assert self.breaker.snapshot().in_flight_probes == in_flight
        assert in_flight + len(self.probes) + self.permits == self.config.half_open_calls

    @invariant()
    def history_is_a_chain_of_the_last_hundred_changes(self) -> None:
        history = self.breaker.snapshot().history
        assert history == tuple(self.heard[-KEPT_CHANGES:])
        if history:
            assert history[-1].to_state is self.breaker.state
        for earlier, later in pairwise(history):
            assert later.from_state is earlier.to_state
            assert later.at >= earlier.at

    def counts(self) -> tuple[int, int, int]:
        """Of the calls that the window should hold now."""
        if self.config.window_s is None:
            kept = self.calls[-self.config.window_calls :]
        else:
            bucket = int(self.clock.seconds / 6)
            kept = [call for call in self.calls if int(call[0] / 6) > bucket - 10]
        return len(kept), sum(failed for _, failed, _ in kept), sum(slow for _, _, slow in kept)

    def judged(self, state: State, outcome: tuple[bool, bool]) -> State:
        """The state that this call's end leads to."""
        if state is State.HALF_OPEN:
            self.probes.append(outcome)
            calls = self.config.half_open_calls
            failures, slow = (sum(column) for column in zip(*self.probes, strict=True))
        elif state is State.CLOSED:
            calls, failures, slow = self.counts()
        else:
            return state
        too_many = (
            failures / calls >= self.config.failure_percent / 100
            or slow / calls >= self.config.slow_percent / 100
        )
        if state is State.HALF_OPEN:
            ended = len(self.probes) == calls
            return State.OPEN if too_many else State.CLOSED if ended else state
        return State.OPEN if calls >= self.config.minimum_calls and too_many else state


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(
    max_examples=70, stateful_step_count=60, deadline=None, derandomize=True
)

BUSY = BreakerConfig(
    window_calls=20, minimum_calls=5, open_s=0.5, open_max_s=2, half_open_calls=3, slow_call_s=0.4
)


async def test_a_thousand_tasks_with_random_cancels_leak_no_permit() -> None:
    dice = random.Random(7)  # noqa: S311 - chance, no secret
    loop = asyncio.get_running_loop()
    changes: list[Change] = []
    breaker = Breaker("b", BUSY, clock=LoopClock(loop), notify=changes.append)

    async def dependency(seconds: float, *, fails: bool) -> None:
        await asyncio.sleep(seconds)
        if fails:
            raise RetryableError(ErrorCode.NETWORK_ERROR)

    async def caller(seconds: float, *, fails: bool) -> str:
        try:
            await breaker.call(lambda: dependency(seconds, fails=fails))
        except RetryableError as error:
            return error.code.value
        return "answered"

    tasks: list[asyncio.Task[str]] = []
    async with asyncio.TaskGroup() as group:
        for number in range(1_000):
            bad_time = number // 100 % 2 == 0
            fails = dice.random() < (0.9 if bad_time else 0.05)
            task = group.create_task(caller(dice.expovariate(5), fails=fails))
            tasks.append(task)
            if dice.random() < 0.3:
                loop.call_later(dice.expovariate(5), task.cancel)
            await asyncio.sleep(dice.expovariate(50))

    ended = [task.result() if not task.cancelled() else "cancelled" for task in tasks]
    assert {"cancelled", "answered", "NETWORK_ERROR", "CIRCUIT_OPEN"} == set(ended)
    assert State.CLOSED in {change.to_state for change in changes}
    assert breaker.snapshot().in_flight_probes == 0
    await asyncio.sleep(10)
    if breaker.state is State.OPEN:
        breaker.record(breaker.acquire(), Verdict.NEUTRAL, 0)
    if breaker.state is State.HALF_OPEN:
        ended_probes = breaker.snapshot().calls
        for _ in range(BUSY.half_open_calls - ended_probes):
            breaker.record(breaker.acquire(), Verdict.SUCCESS, 0)
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("window_s", [None, 0.005])
def test_a_snapshot_read_in_another_thread_is_never_torn(window_s: float | None) -> None:
    breaker = Breaker("b", replace(BUSY, window_s=window_s, window_calls=50, open_s=1e-4))
    done = threading.Event()
    torn: list[object] = []

    def read() -> None:
        for _ in range(10_000):
            seen = breaker.snapshot()
            if (
                not 0 <= seen.failures <= seen.calls
                or not 0 <= seen.slow <= seen.calls
                or (seen.failure_percent or 0) > 100
                or any(
                    later.from_state is not earlier.to_state
                    for earlier, later in pairwise(seen.history)
                )
            ):
                torn.append(seen)
        done.set()

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    reader.start()
    calls = 0
    try:
        while not done.is_set():
            calls += 1
            verdict = Verdict.FAILURE if calls // 64 % 2 else Verdict.SUCCESS
            try:
                breaker.record(breaker.acquire(), verdict, calls % 2)
            except RetryableError:
                continue
    finally:
        reader.join()
        sys.setswitchinterval(interval_s)
    assert torn == []
    assert calls > 1_000
    assert breaker.snapshot().history
