"""A circuit breaker for one event loop: leave alone what keeps failing, and find out when it is well.

The state machine is that of resilience4j (closed, open, half-open; forced open, disabled, metrics
only; count and time windows; failure and slow-call rates), with permits tagged by generation as in
gobreaker: the result of a call that began in an older state says nothing about the present one.

No method awaits, so nothing can come between its steps and no lock is needed.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import ErrorCode, RetryableError, WorkerError
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Cause, Change, Mode, Snapshot, State, Verdict
from app.resilience.clock import Clock, SystemClock
from app.resilience.windows import CALL, FAILED, SLOW, CountWindow, TimeWindow, Window, unpack

T = TypeVar("T")

KEPT_CHANGES = 100

_BY_MODE = {
    Mode.AUTOMATIC: State.CLOSED,
    Mode.FORCED_OPEN: State.FORCED_OPEN,
    Mode.DISABLED: State.DISABLED,
    Mode.METRICS_ONLY: State.METRICS_ONLY,
}
# By name: a member of an enum is looked up slowly, and this is in the way of every call.
_CLOSED, _OPEN, _HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN
_DISABLED = State.DISABLED
_NEUTRAL, _FAILURE = Verdict.NEUTRAL, Verdict.FAILURE


def _nobody(change: Change) -> None:
    del change


class Breaker:
    """`notify` is called with each change, after it took effect; it must neither wait nor fail.

    Everything but `snapshot` belongs to one event loop; `snapshot` may be called from any thread.
    """

    def __init__(
        self,
        name: str,
        config: BreakerConfig,
        *,
        clock: Clock | None = None,
        notify: Callable[[Change], None] = _nobody,
    ) -> None:
        config.check(name)
        clock = clock or SystemClock()
        self.name = name
        self.config = config
        self._now = clock.now
        self._monotonic = clock.monotonic
        self._notify = notify
        self._window: Window = (
            CountWindow(config.window_calls)
            if config.window_s is None
            else TimeWindow(config.window_s)
        )
        self._slow_call_s = float("inf") if config.slow_call_s is None else config.slow_call_s
        self._state = State.CLOSED
        self._generation = 0
        self._history: tuple[Change, ...] = ()
        self._next_open_s = config.open_s
        self._open_until_s = 0.0
        self._cause: Cause | None = None
        self._permits = 0
        self._in_flight = 0
        self._probes = 0
        self._probing_until_s = 0.0
        self._rejected = 0

    @property
    def state(self) -> State:
        """The state that the last call left; an open time that is over shows with the next call."""
        return self._state

    def acquire(self) -> int:
        """A permit for one call, to be handed to `record`. Raises CIRCUIT_OPEN.

        `details` of the error: `breaker`, `state`, and `retry_after` in seconds, above 0.
        """
        state = self._state
        if state is _CLOSED:
            return self._generation
        if state is _OPEN and (left_s := self._open_until_s - self._monotonic()) > 0:
            raise self._rejection(left_s)
        self.peek()
        if self._state is _OPEN:
            self._change(State.HALF_OPEN, Cause.WAIT_OVER)
        if self._state is State.HALF_OPEN:
            self._permits -= 1
            self._in_flight += 1
        return self._generation

    def peek(self) -> None:
        """Raise CIRCUIT_OPEN where `acquire` would; takes nothing."""
        state = self._state
        if state is _CLOSED or state in (State.DISABLED, State.METRICS_ONLY):
            return
        if state is State.FORCED_OPEN:
            raise self._rejection(self.config.open_s)
        now_s = self._monotonic()
        if state is State.HALF_OPEN:
            if self._permits > 0:
                return
            if now_s < self._probing_until_s:
                raise self._rejection(min(self.config.open_s, self._probing_until_s - now_s))
            # The permits never came back: a probe hangs, and the circuit with it.
            self._open(Cause.PROBES_HUNG)
        if now_s < self._open_until_s:
            raise self._rejection(self._open_until_s - now_s)

    def record(self, permit: int, verdict: Verdict, seconds: float) -> Change | None:
        """Say how the call of this permit ended and how long it took; ends the permit.

        Returns the change that this made. A permit of an older state is ignored.
        """
        if permit != self._generation or self._state is _DISABLED:
            return None
        half_open = self._state is _HALF_OPEN
        if half_open:
            self._in_flight -= 1
        if verdict is _NEUTRAL:
            if half_open:
                self._permits += 1
            return None
        outcome = CALL
        if verdict is _FAILURE:
            outcome |= FAILED
        if seconds >= self._slow_call_s:
            outcome |= SLOW
        total = self._window.add(outcome, self._monotonic())
        if half_open:
            self._probes += outcome
            self._judge_probes()
        elif total >> 32 and self._state is _CLOSED and (cause := self._too_many(total)):
            self._open(cause)
        return self._history[-1] if permit != self._generation else None

    def verdict_of(self, error: BaseException | None, result: object = None) -> Verdict:
        """What an outcome says about the dependency.

        Only the configured codes count as failures. Cancellation, local rejections and errors of
        our own say nothing. A code that is both recorded and ignored is ignored.
        """
        config = self.config
        if error is None:
            failed = config.failed_result is not None and config.failed_result(result)
            return Verdict.FAILURE if failed else Verdict.SUCCESS
        if isinstance(error, WorkerError) and error.code in config.failures:
            return Verdict.FAILURE
        return Verdict.NEUTRAL

    async def call(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call under a permit. The error that trips the circuit is raised as it is."""
        permit = self.acquire()
        verdict = _NEUTRAL
        began_s = self._monotonic()
        try:
            result = await call()
            verdict = self.verdict_of(None, result)
        except WorkerError as error:
            verdict = self.verdict_of(error)
            raise
        else:
            return result
        finally:
            self.record(permit, verdict, self._monotonic() - began_s)

    def set_mode(self, mode: Mode) -> None:
        """Do as an operator says; AUTOMATIC starts closed, with an empty window. Safe to repeat."""
        if mode is not self._mode():
            self._change(_BY_MODE[mode], Cause.OPERATOR)

    def reset(self) -> None:
        """Forget what was seen, as after a start; the mode and the history stay."""
        self._change(_BY_MODE[self._mode()], Cause.RESET)

    def peer_opened(self, remaining_s: float) -> bool:
        """Another process found the dependency failing; returns whether this one stops too.

        It does unless its own window, with enough calls, shows at most half the failures it takes
        to open: a fault between that process and the dependency is not ours.
        """
        counts = unpack(self._window.at(self._monotonic()))
        healthy = (
            counts.calls >= self.config.minimum_calls
            and counts.failures * 200 <= self.config.failure_percent * counts.calls
        )
        if self._state is not _CLOSED or healthy or remaining_s <= 0:
            return False
        self._change(State.OPEN, Cause.PEER, open_s=min(remaining_s, self.config.open_max_s))
        return True

    def peer_closed(self) -> bool:
        """Another process found the dependency well; returns whether this one probes it at once."""
        if self._state is not State.OPEN or self._cause is not Cause.PEER:
            return False
        self._change(State.HALF_OPEN, Cause.PEER)
        return True

    def snapshot(self) -> Snapshot:
        """What can be seen from outside, as one immutable value. Safe from any thread."""
        now_s = self._monotonic()
        state = self._state
        counts = unpack(self._window.at(now_s))
        enough = counts.calls >= self.config.minimum_calls
        return Snapshot(
            name=self.name,
            state=state,
            calls=counts.calls,
            failures=counts.failures,
            slow=counts.slow,
            failure_percent=100 * counts.failures / counts.calls if enough else None,
            slow_percent=100 * counts.slow / counts.calls if enough else None,
            open_for_s=max(0.0, self._open_until_s - now_s) if state is State.OPEN else None,
            in_flight_probes=self._in_flight if state is State.HALF_OPEN else 0,
            rejected=self._rejected,
            history=self._history,
        )

    def _mode(self) -> Mode:
        return next(
            (mode for mode, state in _BY_MODE.items() if state is self._state), Mode.AUTOMATIC
        )

    def _too_many(self, total: int) -> Cause | None:
        calls, failures, slow = unpack(total)
        if calls < self.config.minimum_calls:
            return None
        if failures * 100 >= self.config.failure_percent * calls:
            return Cause.FAILURES
        if slow * 100 >= self.config.slow_percent * calls:
            return Cause.SLOW_CALLS
        return None

    def _judge_probes(self) -> None:
        """Decide as soon as the probes that are still to come can no longer change it."""
        # Summed apart from the window, which may be smaller or shorter than a round of probes.
        probes = self.config.half_open_calls
        ended, failures, slow = unpack(self._probes)
        if (
            failures * 100 >= self.config.failure_percent * probes
            or slow * 100 >= self.config.slow_percent * probes
        ):
            self._open(Cause.PROBES_FAILED)
        elif ended >= probes:
            self._change(State.CLOSED, Cause.PROBES_SUCCEEDED)

    def _open(self, cause: Cause) -> None:
        open_s = self._next_open_s
        self._next_open_s = min(open_s * self.config.open_growth, self.config.open_max_s)
        self._change(State.OPEN, cause, open_s=open_s)

    def _change(self, to: State, cause: Cause, *, open_s: float | None = None) -> None:
        now_s = self._monotonic()
        change = Change(
            name=self.name,
            at=self._now(),
            from_state=self._state,
            to_state=to,
            cause=cause,
            counts=unpack(self._window.at(now_s)),
            open_s=open_s,
        )
        self._state = to
        self._cause = cause
        self._generation += 1
        self._in_flight = 0
        if open_s is not None:
            self._open_until_s = now_s + open_s
        if to is not State.OPEN:
            self._window.clear()
        if to is State.HALF_OPEN:
            self._probes = 0
            self._permits = self.config.half_open_calls
            self._probing_until_s = now_s + self.config.half_open_wait_s
        elif to is not State.OPEN:
            self._next_open_s = self.config.open_s
        self._history = (*self._history[1 - KEPT_CHANGES :], change)
        self._notify(change)

    def _rejection(self, retry_after_s: float) -> RetryableError:
        self._rejected += 1
        return RetryableError(
            ErrorCode.CIRCUIT_OPEN,
            details={
                "breaker": self.name,
                "state": self._state,
                "retry_after": retry_after_s,
            },
        )
