import math
from dataclasses import fields, replace

import pytest

from app.errors import ErrorCode
from app.resilience.breaker import Breaker
from app.resilience.breaker_config import BreakerConfig

COUNTS = ("window_calls", "minimum_calls", "half_open_calls")
SECONDS = ("window_s", "slow_call_s", "open_s", "open_max_s", "half_open_wait_s")
PERCENTS = ("failure_percent", "slow_percent")


@pytest.mark.parametrize("name", [*COUNTS, *SECONDS, *PERCENTS, "open_growth"])
@pytest.mark.parametrize("number", [0, -1, math.nan, math.inf, -math.inf])
def test_a_number_that_makes_no_sense_stops_the_making(name: str, number: float) -> None:
    with pytest.raises(
        ValueError, match=rf"breaker llm: {name} is {number}; it must be "
    ) as raised:
        Breaker("llm", replace(BreakerConfig(), **{name: number}))
    assert all(line.startswith("breaker llm: ") for line in str(raised.value).splitlines())


@pytest.mark.parametrize("name", PERCENTS)
def test_more_than_all_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 100.1"):
        replace(BreakerConfig(), **{name: 100.1}).check("llm")
    replace(BreakerConfig(), **{name: 100}).check("llm")


def test_half_a_call_is_refused() -> None:
    with pytest.raises(ValueError, match=r"half_open_calls is 2\.5; it must be a whole number"):
        BreakerConfig(half_open_calls=2.5).check("llm")  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_a_window_that_never_has_enough_calls_is_refused() -> None:
    with pytest.raises(ValueError, match="a window of 5 calls never has that many"):
        BreakerConfig(window_calls=5, minimum_calls=6).check("llm")
    BreakerConfig(window_calls=5, window_s=60, minimum_calls=6).check("llm")


def test_a_longest_open_time_below_the_first_is_refused() -> None:
    with pytest.raises(ValueError, match="open_max_s is 5; it must be at least open_s"):
        BreakerConfig(open_s=10, open_max_s=5).check("llm")


def test_there_is_one_sentence_for_each_fault() -> None:
    faults = list(BreakerConfig(window_calls=0, failure_percent=0, open_s=-1).faults())
    assert [fault.partition(" ")[0] for fault in faults] == [
        *("window_calls", "failure_percent", "open_s"),
        "minimum_calls",
    ]


def test_the_defaults_are_sound() -> None:
    assert list(BreakerConfig().faults()) == []


def test_failures_are_the_codes_worth_a_retry_less_the_ignored() -> None:
    config = BreakerConfig(ignore=frozenset({ErrorCode.LLM_RATE_LIMIT}))
    assert config.failures == {code for code in ErrorCode if code.retry_in_process} - {
        ErrorCode.LLM_RATE_LIMIT
    }


def test_every_number_has_a_check() -> None:
    numbers = {
        field.name
        for field in fields(BreakerConfig)
        if isinstance(field.default, int | float) or field.name in ("window_s", "slow_call_s")
    }
    assert numbers == {*COUNTS, *SECONDS, *PERCENTS, "open_growth"}
