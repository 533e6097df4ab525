from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.resilience.windows import CALL, FAILED, SLOW, CountWindow, TimeWindow, Window, unpack

OUTCOMES = st.sampled_from([CALL, CALL | FAILED, CALL | SLOW, CALL | FAILED | SLOW])


def counted(outcomes: list[int]) -> tuple[int, int, int]:
    """Counts of a list, the slow way."""
    return (
        len(outcomes),
        sum(bool(outcome & FAILED) for outcome in outcomes),
        sum(bool(outcome & SLOW) for outcome in outcomes),
    )


@given(size=st.integers(1, 30), outcomes=st.lists(OUTCOMES, max_size=100))
def test_a_count_window_holds_the_last_calls(size: int, outcomes: list[int]) -> None:
    window = CountWindow(size)
    for number, outcome in enumerate(outcomes, start=1):
        total = window.add(outcome, 0.0)
        assert unpack(total) == counted(outcomes[:number][-size:])
        assert window.at(0.0) == total


@given(steps=st.lists(st.tuples(st.floats(0, 100), OUTCOMES), max_size=60))
def test_a_time_window_forgets_in_tenths_and_never_what_is_younger(
    steps: list[tuple[float, int]],
) -> None:
    window, now_s = TimeWindow(60), 0.0
    ended: list[tuple[float, int]] = []
    for gap_s, outcome in steps:
        now_s += gap_s
        ended.append((now_s, outcome))
        total = window.add(outcome, now_s)
        assert window.at(now_s) == total
        bucket = int(now_s / 6)
        kept = [outcome for at_s, outcome in ended if int(at_s / 6) > bucket - 10]
        assert unpack(total) == counted(kept)
        young = [outcome for at_s, outcome in ended if now_s - at_s <= 54]
        old = [outcome for at_s, outcome in ended if now_s - at_s >= 60]
        assert len(young) <= unpack(total).calls <= len(ended) - len(old)


def test_failures_older_than_the_window_do_not_count_even_if_nothing_was_added_since() -> None:
    window = TimeWindow(60)
    for second in range(30):
        window.add(CALL | FAILED, float(second))
    assert unpack(window.at(53.9)).failures == 30
    assert unpack(window.at(75.0)).failures < 18
    assert window.at(90.0) == 0


def test_a_gap_of_an_hour_empties_it_and_costs_no_more_than_ten_steps() -> None:
    window = TimeWindow(60)
    for second in range(60):
        window.add(CALL | FAILED, float(second))
    replaced = [list(window._buckets)]
    assert unpack(window.add(CALL, 3_660.0)) == (1, 0, 0)
    replaced.append(window._buckets)
    assert len(replaced[0]) == len(replaced[1]) == 10
    assert unpack(window.add(CALL, 1e15)) == (1, 0, 0)  # bucket by bucket it would not end


@pytest.mark.parametrize("make", [lambda: CountWindow(5), lambda: TimeWindow(60)])
def test_a_cleared_window_is_as_new(make: Callable[[], Window]) -> None:
    window = make()
    for _ in range(7):
        window.add(CALL | FAILED | SLOW, 100.0)
    window.clear()
    assert window.at(100.0) == 0
    assert unpack(window.add(CALL, 100.0)) == (1, 0, 0)


@pytest.mark.parametrize("now_s", [0.0, 0.1, 1e9])
def test_a_clock_may_start_anywhere_and_stand_still(now_s: float) -> None:
    window = TimeWindow(1)
    for number in range(1, 4):
        assert unpack(window.add(CALL, now_s)).calls == number


def test_millions_of_calls_do_not_spill_into_the_failures() -> None:
    window = TimeWindow(60)
    for _ in range(3):
        window.add(CALL * 1_000_000, 0.0)
    assert unpack(window.at(0.0)) == (3_000_000, 0, 0)
