import asyncio
import traceback
from dataclasses import replace

import pytest

from app.errors import ErrorCode, PermanentError, RetryableError
from app.resilience.breaker import KEPT_CHANGES, Breaker
from app.resilience.breaker_config import BreakerConfig
from app.resilience.breaker_states import Cause, Mode, State, Verdict
from tests.resilience.breaking import TEN, Driven
from tests.resilience.manual_clock import ManualClock

FAILED = RetryableError(ErrorCode.NETWORK_ERROR)
STOPPED = asyncio.CancelledError()


class Answer:
    """A call that ends as it is told."""

    def __init__(self, ending: BaseException | str = "answer") -> None:
        self.ending = ending
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if isinstance(self.ending, BaseException):
            raise self.ending
        return self.ending


def test_it_opens_when_the_window_has_enough_calls_and_half_of_them_failed() -> None:
    driven = Driven()
    driven.fail(5)
    driven.succeed(4)
    assert driven.state is State.CLOSED
    driven.succeed()
    assert driven.state is State.OPEN
    assert driven.heard[0].cause is Cause.FAILURES
    assert driven.heard[0].counts == (10, 5, 0)


def test_too_few_calls_say_nothing_even_if_all_failed() -> None:
    driven = Driven()
    driven.fail(9)
    assert driven.state is State.CLOSED
    assert driven.breaker.snapshot().failures == 9
    assert driven.breaker.snapshot().failure_percent is None


def test_calls_that_leave_the_window_do_not_count() -> None:
    driven = Driven()
    driven.fail(4)
    driven.succeed(6)
    driven.succeed(4)  # push the failures out
    driven.fail(4)
    assert driven.state is State.CLOSED
    driven.fail()
    assert driven.state is State.OPEN


def test_slow_successes_open_it_too() -> None:
    driven = Driven(replace(TEN, slow_percent=80))
    driven.end(Verdict.SUCCESS, seconds=5, times=8)
    driven.end(Verdict.SUCCESS, seconds=4.99)
    assert driven.state is State.CLOSED
    driven.succeed()
    assert driven.state is State.OPEN
    assert driven.heard[0].cause is Cause.SLOW_CALLS
    assert driven.heard[0].counts == (10, 0, 8)


async def test_an_open_circuit_rejects_without_calling_and_says_for_how_long() -> None:
    driven = Driven()
    driven.open()
    driven.clock.pass_(3)
    call = Answer()
    with pytest.raises(RetryableError) as rejected:
        await driven.breaker.call(call)
    assert call.calls == 0
    assert rejected.value.code is ErrorCode.CIRCUIT_OPEN
    assert rejected.value.details == {"breaker": "llm", "state": "open", "retry_after": 7}
    assert driven.breaker.snapshot().rejected == 1


async def test_rejections_are_new_errors_with_equally_deep_tracebacks() -> None:
    driven = Driven()
    driven.open()
    errors: list[RetryableError] = []
    for _ in range(200):
        with pytest.raises(RetryableError) as rejected:
            await driven.breaker.call(Answer())
        errors.append(rejected.value)
    assert len({id(error) for error in errors}) == 200
    assert len({len(traceback.extract_tb(error.__traceback__)) for error in errors}) == 1
    assert all(error.__context__ is None for error in errors)


def test_it_admits_a_call_when_the_open_time_is_over_and_not_before() -> None:
    driven = Driven()
    driven.open()
    driven.clock.pass_(9.999)
    assert driven.rejection().details["retry_after"] == pytest.approx(0.001)
    driven.clock.pass_(0.001)
    driven.breaker.peek()
    assert driven.state is State.OPEN  # to look is not to probe
    driven.breaker.acquire()
    assert driven.state is State.HALF_OPEN


def test_half_open_admits_so_many_at_once_and_rejects_the_next_at_once() -> None:
    driven = Driven()
    driven.half_open()
    for _ in range(3):
        driven.breaker.acquire()
    error = driven.rejection()
    assert error.details["state"] == "half_open"
    assert error.details["retry_after"] == 10
    assert driven.breaker.snapshot().in_flight_probes == 4
    with pytest.raises(RetryableError):
        driven.breaker.peek()


def test_a_round_of_good_probes_closes_it_with_an_empty_window() -> None:
    driven = Driven()
    driven.breaker.record(driven.half_open(), Verdict.SUCCESS, 0.1)
    driven.succeed(2)
    assert driven.state is State.HALF_OPEN
    driven.succeed()
    assert driven.state is State.CLOSED
    assert driven.breaker.snapshot().calls == 0
    driven.fail(9)
    assert driven.state is State.CLOSED


@pytest.mark.parametrize("seconds", [0.1, 6])
def test_a_round_of_bad_or_slow_probes_opens_it_for_a_fresh_time(seconds: float) -> None:
    driven = Driven(replace(TEN, slow_percent=50, open_growth=1))
    verdict = Verdict.FAILURE if seconds < 5 else Verdict.SUCCESS
    driven.breaker.record(driven.half_open(), verdict, seconds)
    assert driven.state is State.HALF_OPEN
    driven.end(verdict, seconds=seconds)  # two of four: the other two cannot save it
    assert driven.state is State.OPEN
    assert driven.heard[-1].cause is Cause.PROBES_FAILED
    assert driven.breaker.snapshot().open_for_s == 10


@pytest.mark.parametrize(
    "config",
    [
        replace(TEN, window_calls=1, minimum_calls=1),
        replace(TEN, window_s=1),
    ],
    ids=["fewer calls than probes", "shorter than the probes"],
)
def test_probes_are_judged_together_whatever_the_window_holds(config: BreakerConfig) -> None:
    driven = Driven(config)
    driven.breaker.record(driven.half_open(), Verdict.FAILURE, 0.1)
    for _ in range(2):
        driven.clock.pass_(3)
        driven.succeed()
    driven.fail()
    assert driven.state is State.OPEN


def test_a_neutral_probe_gives_its_permit_back() -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    permit = driven.half_open()
    for _ in range(50):
        driven.rejection()
        driven.breaker.record(permit, Verdict.NEUTRAL, 0.1)
        permit = driven.breaker.acquire()
    assert driven.state is State.HALF_OPEN
    driven.breaker.record(permit, Verdict.SUCCESS, 0.1)
    assert driven.state is State.CLOSED


async def test_a_cancelled_or_ignored_probe_neither_closes_nor_opens_nor_blocks() -> None:
    ignored = RetryableError(ErrorCode.LLM_RATE_LIMIT)
    driven = Driven(replace(TEN, half_open_calls=1, ignore=frozenset({ErrorCode.LLM_RATE_LIMIT})))
    driven.open()
    driven.wait()
    for ending in (STOPPED, ignored, PermanentError(ErrorCode.VALIDATION_ERROR), ValueError()):
        with pytest.raises(type(ending)):
            await driven.breaker.call(Answer(ending))
        assert driven.state is State.HALF_OPEN
        assert driven.breaker.snapshot().in_flight_probes == 0
    assert await driven.breaker.call(Answer()) == "answer"
    assert driven.state is State.CLOSED


def test_a_probe_that_hangs_opens_it_again_and_its_late_end_says_nothing() -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    hanging = driven.half_open()
    driven.clock.pass_(29.999)
    assert driven.rejection().details["state"] == "half_open"
    driven.clock.pass_(0.001)
    assert driven.rejection().details["state"] == "open"
    assert driven.heard[-1].cause is Cause.PROBES_HUNG
    driven.breaker.record(hanging, Verdict.SUCCESS, 60)
    assert driven.state is State.OPEN
    driven.wait()
    driven.succeed()
    assert driven.state is State.CLOSED


@pytest.mark.parametrize("verdict", Verdict)
def test_the_end_of_a_call_of_an_older_state_changes_nothing(verdict: Verdict) -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    old = driven.breaker.acquire()
    driven.open()
    driven.breaker.record(old, verdict, 99)
    assert driven.state is State.OPEN
    driven.wait()
    probe = driven.breaker.acquire()
    driven.breaker.record(old, verdict, 99)
    assert driven.state is State.HALF_OPEN
    assert driven.breaker.snapshot().in_flight_probes == 1
    driven.rejection()  # no permit came from the old call
    driven.breaker.record(probe, Verdict.SUCCESS, 0.1)
    driven.breaker.record(old, verdict, 99)
    assert driven.breaker.snapshot().calls == 0


async def test_a_herd_at_half_open_runs_as_many_calls_as_there_are_permits() -> None:
    driven = Driven()
    driven.open()
    driven.wait()
    release = asyncio.Event()
    running = 0

    async def probe() -> None:
        nonlocal running
        running += 1
        await release.wait()

    async def caller() -> bool:
        try:
            await driven.breaker.call(probe)
        except RetryableError:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(caller()) for _ in range(50)]
        await asyncio.sleep(1)
        assert running == 4
        release.set()
    assert sum(caller.result() for caller in callers) == 4
    assert driven.state is State.CLOSED


async def test_a_cancelled_call_leaves_no_trace() -> None:
    driven = Driven()
    driven.fail(4)
    before = driven.breaker.snapshot()
    hanging = asyncio.create_task(driven.breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    for _ in range(20):
        with pytest.raises(asyncio.CancelledError):
            await driven.breaker.call(Answer(STOPPED))
    assert driven.breaker.snapshot() == before


async def test_the_call_that_trips_it_gets_its_own_error() -> None:
    driven = Driven()
    driven.fail(9)
    with pytest.raises(RetryableError) as raised:
        await driven.breaker.call(Answer(FAILED))
    assert raised.value is FAILED
    assert driven.state is State.OPEN


async def test_an_answer_that_counts_as_a_failure_is_still_returned() -> None:
    def empty(answer: object) -> bool:
        return answer == "empty"

    driven = Driven(replace(TEN, window_calls=2, minimum_calls=2, failed_result=empty))
    assert await driven.breaker.call(Answer("full")) == "full"
    assert await driven.breaker.call(Answer("empty")) == "empty"
    assert driven.state is State.OPEN


def test_a_code_that_is_recorded_and_ignored_is_ignored() -> None:
    both = frozenset({ErrorCode.NETWORK_ERROR})
    driven = Driven(replace(TEN, record=both, ignore=both))
    assert driven.breaker.verdict_of(FAILED) is Verdict.NEUTRAL


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (FAILED, Verdict.FAILURE),
        (RetryableError(ErrorCode.LLM_TIMEOUT), Verdict.FAILURE),
        (RetryableError(ErrorCode.BULKHEAD_FULL), Verdict.NEUTRAL),
        (RetryableError(ErrorCode.RATE_LIMITED), Verdict.NEUTRAL),
        (RetryableError(ErrorCode.CIRCUIT_OPEN), Verdict.NEUTRAL),
        (PermanentError(ErrorCode.DEADLINE_EXCEEDED), Verdict.NEUTRAL),
        (PermanentError(ErrorCode.INVALID_FILE), Verdict.NEUTRAL),
        (ZeroDivisionError(), Verdict.NEUTRAL),
        (STOPPED, Verdict.NEUTRAL),
        (None, Verdict.SUCCESS),
    ],
    ids=str,
)
def test_only_failures_of_the_dependency_count(
    error: BaseException | None, verdict: Verdict
) -> None:
    assert Driven().breaker.verdict_of(error) is verdict


def test_each_failed_round_doubles_the_open_time_up_to_its_longest_and_a_close_resets_it() -> None:
    driven = Driven(replace(TEN, half_open_calls=1, open_s=1, open_max_s=30))
    driven.open()
    waits: list[float | None] = []
    for _ in range(10_000):
        waits.append(driven.heard[-1].open_s)
        driven.wait()
        driven.fail()
    assert waits[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert waits[-1] == 30
    driven.wait()
    driven.succeed()
    driven.open()
    assert driven.breaker.snapshot().open_for_s == 1


def test_every_change_is_notified_once_in_order_with_its_cause_and_time() -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    driven.open()
    driven.wait()
    driven.succeed()
    told = [(change.from_state, change.to_state, change.cause) for change in driven.heard]
    assert told == [
        (State.CLOSED, State.OPEN, Cause.FAILURES),
        (State.OPEN, State.HALF_OPEN, Cause.WAIT_OVER),
        (State.HALF_OPEN, State.CLOSED, Cause.PROBES_SUCCEEDED),
    ]
    assert [(change.at - driven.heard[0].at).total_seconds() for change in driven.heard] == [
        0, 10, 10,
    ]  # fmt: skip
    assert driven.breaker.snapshot().history == tuple(driven.heard)


def test_the_history_keeps_the_last_hundred_changes() -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    driven.open()
    while len(driven.heard) < 250:
        driven.wait()
        driven.fail()
    assert driven.breaker.snapshot().history == tuple(driven.heard[-KEPT_CHANGES:])


def test_a_wall_clock_that_jumps_changes_nothing() -> None:
    class Jumping(ManualClock):
        def now(self):
            return super().now().replace(year=1999)

    clock = Jumping()
    breaker = Breaker("llm", TEN, clock=clock)
    for _ in range(10):
        breaker.record(breaker.acquire(), Verdict.FAILURE, 0.1)
    assert breaker.snapshot().open_for_s == 10
    clock.pass_(10)
    breaker.acquire()
    assert breaker.state is State.HALF_OPEN


def test_a_change_keeps_automatic_breakers_as_they_are() -> None:
    driven = Driven()
    driven.open()
    driven.force(Mode.AUTOMATIC)
    assert driven.state is State.OPEN
    assert len(driven.heard) == 1
