"""What operators and other processes may do to a breaker."""

from dataclasses import replace

import pytest

from app.resilience.breaker_states import Cause, Mode, State, Verdict
from tests.resilience.breaking import TEN, Driven


def test_forced_open_rejects_everything_and_time_does_not_end_it() -> None:
    driven = Driven()
    driven.force(Mode.FORCED_OPEN)
    for _ in range(3):
        driven.clock.pass_(1_000_000)
        details = driven.rejection().details
        assert details["state"] == "forced_open"
        assert details["retry_after"] == 10
    driven.force(Mode.AUTOMATIC)
    driven.succeed()
    assert driven.state is State.CLOSED


def test_disabled_admits_everything_and_counts_nothing() -> None:
    driven = Driven()
    driven.force(Mode.DISABLED)
    driven.fail(100)
    assert driven.state is State.DISABLED
    assert driven.breaker.snapshot().calls == 0


def test_metrics_only_admits_and_counts_but_never_opens() -> None:
    driven = Driven()
    driven.force(Mode.METRICS_ONLY)
    driven.fail(100)
    assert driven.state is State.METRICS_ONLY
    assert driven.breaker.snapshot().failure_percent == 100


@pytest.mark.parametrize("mode", [Mode.FORCED_OPEN, Mode.DISABLED, Mode.METRICS_ONLY])
def test_a_mode_is_taken_once_and_left_with_an_empty_window(mode: Mode) -> None:
    driven = Driven()
    driven.fail(9)
    driven.force(mode)
    driven.force(mode)
    driven.force(Mode.AUTOMATIC)
    assert [change.cause for change in driven.heard] == [Cause.OPERATOR, Cause.OPERATOR]
    assert driven.heard[0].counts.failures == 9
    assert driven.state is State.CLOSED
    assert driven.breaker.snapshot().calls == 0


@pytest.mark.parametrize("mode", [Mode.FORCED_OPEN, Mode.DISABLED, Mode.METRICS_ONLY])
def test_calls_under_way_when_the_mode_changes_say_nothing_about_the_new_one(mode: Mode) -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    probe = driven.half_open()
    for wanted in (mode, Mode.AUTOMATIC):
        driven.force(wanted)
        before = driven.breaker.snapshot()
        assert before.in_flight_probes == before.calls == 0
        driven.breaker.record(probe, Verdict.FAILURE, 99)
        assert driven.breaker.snapshot() == before


def test_a_reset_closes_it_empties_the_window_and_keeps_the_history() -> None:
    driven = Driven()
    driven.open()
    driven.breaker.reset()
    assert driven.state is State.CLOSED
    assert driven.breaker.snapshot().calls == 0
    assert [change.cause for change in driven.heard] == [Cause.FAILURES, Cause.RESET]
    assert driven.breaker.snapshot().history == tuple(driven.heard)
    driven.open()
    assert driven.breaker.snapshot().open_for_s == 10


@pytest.mark.parametrize("mode", [Mode.FORCED_OPEN, Mode.DISABLED, Mode.METRICS_ONLY])
def test_a_reset_leaves_the_mode(mode: Mode) -> None:
    driven = Driven()
    driven.force(mode)
    state = driven.state
    driven.breaker.reset()
    assert driven.state is state


def test_what_a_peer_found_stops_calls_here_for_the_same_time() -> None:
    driven = Driven()
    assert driven.breaker.peer_opened(4)
    assert driven.rejection().details["retry_after"] == 4
    assert driven.heard[0].cause is Cause.PEER
    driven.clock.pass_(4)
    driven.succeed(4)
    assert driven.state is State.CLOSED


def test_a_peer_opens_it_for_no_longer_than_it_would_itself() -> None:
    driven = Driven()
    driven.breaker.peer_opened(1_000_000)
    assert driven.breaker.snapshot().open_for_s == 60


@pytest.mark.parametrize("remaining_s", [0.0, -1.0])
def test_an_opening_that_is_over_already_is_not_followed(remaining_s: float) -> None:
    driven = Driven()
    assert not driven.breaker.peer_opened(remaining_s)
    assert driven.state is State.CLOSED


@pytest.mark.parametrize(("failures", "follows"), [(2, False), (3, True)])
def test_one_that_works_here_is_not_stopped_by_the_trouble_of_a_peer(
    failures: int, *, follows: bool
) -> None:
    driven = Driven()
    driven.fail(failures)
    driven.succeed(10 - failures)
    assert driven.breaker.peer_opened(4) is follows


def test_few_calls_here_are_no_reason_to_doubt_a_peer() -> None:
    driven = Driven()
    driven.succeed(9)
    assert driven.breaker.peer_opened(4)


@pytest.mark.parametrize("mode", [Mode.FORCED_OPEN, Mode.DISABLED, Mode.METRICS_ONLY])
def test_a_peer_does_not_overrule_an_operator(mode: Mode) -> None:
    driven = Driven()
    driven.force(mode)
    assert not driven.breaker.peer_opened(4)
    assert not driven.breaker.peer_closed()
    assert len(driven.heard) == 1


def test_its_own_finding_stands_against_that_of_a_peer() -> None:
    driven = Driven()
    driven.open()
    assert not driven.breaker.peer_opened(60)
    assert not driven.breaker.peer_closed()
    assert driven.breaker.snapshot().open_for_s == 10


def test_when_a_peer_closed_it_is_probed_at_once_and_judged_by_its_own_probes() -> None:
    driven = Driven(replace(TEN, half_open_calls=1))
    driven.breaker.peer_opened(60)
    assert driven.breaker.peer_closed()
    assert driven.state is State.HALF_OPEN
    driven.fail()
    assert driven.state is State.OPEN
    assert driven.breaker.snapshot().open_for_s == 10
    assert not driven.breaker.peer_closed()


def test_a_peer_that_closed_says_nothing_to_one_that_is_closed_or_probes() -> None:
    driven = Driven()
    assert not driven.breaker.peer_closed()
    driven.half_open()
    assert not driven.breaker.peer_closed()
    assert driven.state is State.HALF_OPEN
