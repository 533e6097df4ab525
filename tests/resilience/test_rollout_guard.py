"""What is seen of a new code path, and when that switches it off."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from app.errors import ErrorCode, PermanentError
from app.resilience.rollout import Comparable, Path, Rollout, differing
from app.resilience.rollout_config import OFF, Extent, Limits
from app.resilience.rollout_guard import Guard, Result
from app.settings import load_settings
from app.telemetry import configure_telemetry, metrics
from tests.resilience.rollout_paths import (
    EVERYONE,
    LIMITS,
    SHADOW,
    Paths,
    Watched,
    lines,
    quietly,
    run,
    settled,
    watch,
)
from tests.resilience.virtual_time import VirtualTimeLoop


@pytest.fixture
async def watched() -> AsyncGenerator[Watched]:
    watched = watch()
    yield watched
    await watched.rollout.close()
    assert watched.rollout.shadows == 0


@pytest.fixture
def rollout(watched: Watched) -> Rollout:
    return watched.rollout


@pytest.fixture
def paths() -> Paths:
    return Paths()


def test_fields_that_differ_are_named() -> None:
    old: Comparable = {"name": "A", "skills": frozenset({"x"}), "years": None}
    new: Comparable = {"name": "A", "skills": frozenset({"y"}), "email": "a@example.com"}
    assert differing(old, new) == ["email", "skills", "years"]
    assert differing(old, dict(reversed(old.items()))) == []


async def test_a_mismatch_is_logged_by_the_names_of_fields_and_no_value(
    rollout: Rollout, paths: Paths, caplog: pytest.LogCaptureFixture
) -> None:
    paths.new_answer = {"name": "윤가온", "phone": "010-0000-2101", "email": "gaon@example.kr"}
    await run(rollout, paths)
    await settled(rollout)
    paths.new_error = ValueError("gaon@example.kr")
    await run(rollout, paths)
    await settled(rollout)
    (mismatch,) = (line for line in lines(caplog) if line["event"] == "rollout_mismatch")
    assert mismatch["fields"] == ["email", "name", "phone"]
    assert (mismatch["rollout"], mismatch["mismatches"], mismatch["matches"]) == ("reader", 1, 0)
    (failed,) = (line for line in lines(caplog) if line["event"] == "rollout_shadow_failed")
    assert failed["error_type"] == "ValueError"
    said = str(lines(caplog))
    assert [value for value in ("윤가온", "2101", "gaon", "1111") if value in said] == []


def test_who_runs_both_paths_alone_reports_and_compares(rollout: Rollout) -> None:
    assert rollout.compare({"name": "A"}, {"name": "A"})
    assert not rollout.compare({"name": "A"}, {"name": "B"})
    rollout.report(Result.ERROR_NEW)
    with rollout.observing():
        pass
    with pytest.raises(ZeroDivisionError), rollout.observing():
        raise ZeroDivisionError
    with pytest.raises(PermanentError), rollout.observing():
        raise PermanentError(ErrorCode.INVALID_FILE)
    with pytest.raises(asyncio.CancelledError), rollout.observing():
        raise asyncio.CancelledError
    assert rollout.counts == {
        Result.MATCH: 1,
        Result.MISMATCH: 1,
        Result.ERROR_NEW: 2,
        Result.SERVED: 1,
    }


async def test_comparisons_are_counted_as_metrics(rollout: Rollout, paths: Paths) -> None:
    with configure_telemetry(load_settings(), role="up"):
        await run(rollout, paths)
        await settled(rollout)
        rollout.report(Result.SERVED)
        body, _ = metrics.render_prometheus()
    samples = [
        (sample.labels["naru_rollout_name"], sample.labels["naru_rollout_result"], sample.value)
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == "naru_rollout_comparisons_total"
    ]
    assert samples == [("reader", "match", 1)]


async def test_too_many_mismatches_switch_it_off_once(watched: Watched) -> None:
    rollout = watched.rollout
    for _ in range(9):
        rollout.compare({"a": 1}, {"a": 2})
    assert (rollout.extent, watched.verdicts) == (SHADOW, [])
    for _ in range(9):
        rollout.compare({"a": 1}, {"a": 2})
    assert rollout.extent == OFF
    ((before, verdict),) = watched.verdicts
    assert before == SHADOW
    assert str(verdict) == (
        "The mismatch rate was 100.00% over 10 samples; at most 10.00% is accepted."
    )


async def test_too_many_errors_in_a_share_switch_it_off(watched: Watched) -> None:
    rollout = watched.rollout
    rollout.switch(EVERYONE)
    for number in range(10):
        rollout.report(Result.ERROR_NEW if number < 3 else Result.SERVED)
    assert rollout.choose("k") is Path.OLD
    assert [verdict.what for _, verdict in watched.verdicts] == ["error"]


async def test_a_rate_at_its_limit_is_accepted(watched: Watched) -> None:
    for number in range(100):
        watched.rollout.compare({"a": 0}, {"a": int(number % 10 == 9)})
    assert watched.verdicts == []


async def test_no_data_is_no_reason(watched: Watched) -> None:
    rollout = watched.rollout
    for _ in range(100):
        rollout.report(Result.ERROR_OLD)
        rollout.report(Result.DROPPED)
        with pytest.raises(PermanentError), rollout.observing():
            raise PermanentError(ErrorCode.INVALID_FILE)
    assert (rollout.extent, watched.verdicts) == (SHADOW, [])


async def test_a_new_switch_begins_with_an_empty_window_and_old_shadows_do_not_count(
    watched: Watched, paths: Paths
) -> None:
    rollout = watched.rollout
    for _ in range(9):
        rollout.report(Result.ERROR_NEW)
    paths.new_takes_s, paths.new_error = 1, ValueError()
    await run(rollout, paths)
    rollout.switch(Extent(shadow=True, share_bp=10))
    await settled(rollout)
    assert rollout.counts[Result.ERROR_NEW] == 10
    for _ in range(9):
        rollout.report(Result.ERROR_NEW)
    assert (rollout.extent.shadow, watched.verdicts) == (True, [])
    rollout.report(Result.ERROR_NEW)
    assert len(watched.verdicts) == 1


JUDGED = st.sampled_from(list(Result))


@quietly
@given(
    results=st.lists(JUDGED, max_size=120),
    min_samples=st.integers(1, 15),
    more=st.integers(0, 15),
    rates=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_guard_speaks_exactly_when_a_rate_over_its_window_is_above_its_limit(
    results: list[Result], min_samples: int, more: int, rates: tuple[float, float]
) -> None:
    limits = Limits(
        max_mismatch_rate=rates[0],
        max_error_rate=rates[1],
        min_samples=min_samples,
        window=min_samples + more,
    )
    guard = Guard(limits)
    compared: list[bool] = []
    answered: list[bool] = []
    for result in results:
        verdict = guard.judge(result)
        if result in (Result.MATCH, Result.MISMATCH):
            compared.append(result is Result.MISMATCH)
            answered.append(False)
            samples, limit = compared[-limits.window :], rates[0]
        elif result in (Result.SERVED, Result.ERROR_NEW):
            answered.append(result is Result.ERROR_NEW)
            samples, limit = answered[-limits.window :], rates[1]
        else:
            samples, limit = [], 0
        due = len(samples) >= min_samples and sum(samples) > limit * len(samples)
        assert (verdict is not None) == due
        if verdict is not None:
            assert verdict.rate > verdict.limit
            assert verdict.samples == len(samples) >= min_samples


EXTENTS = st.sampled_from([OFF, SHADOW, EVERYONE, Extent(share_bp=5_000, shadow=True)])
CALLS = st.tuples(st.floats(0, 8), st.sampled_from(["same", "other", "fails"]))
STEPS = st.lists(st.one_of(CALLS, CALLS, EXTENTS, st.floats(0, 3), st.integers(0, 30)), max_size=40)
"""A call with how long its new path takes and how it ends; a switch; a wait; a cancelled call."""

Step = tuple[float, str] | Extent | float | int


@quietly
@given(STEPS)
def test_whatever_happens_answers_are_right_shadows_bounded_and_nothing_is_left(
    steps: list[Step],
) -> None:
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(_anything(steps))
    finally:
        loop.close()


async def _anything(steps: list[Step]) -> None:
    rollout = watch().rollout
    callers: list[asyncio.Task[None]] = []
    for step in steps:
        match step:
            case Extent():
                rollout.switch(step)
            case float():
                await asyncio.sleep(step)
            case int():
                if step < len(callers):
                    callers[step].cancel()
            case (takes_s, how):
                call = _call(rollout, str(len(callers)), takes_s, how)
                callers.append(asyncio.create_task(call))
        assert rollout.shadows <= LIMITS.shadows_at_once
    for caller in callers:
        await asyncio.wait({caller})
        assert caller.cancelled() or caller.exception() is None
    await rollout.close()
    assert rollout.shadows == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def _call(rollout: Rollout, key: str, takes_s: float, how: str) -> None:
    chosen = rollout.choose(key)
    paths = Paths(new_takes_s=takes_s)
    if how == "other":
        paths.new_answer = {"name": "B"}
    if how == "fails":
        paths.new_error = ValueError()
    started_s = asyncio.get_running_loop().time()
    try:
        answer = await run(rollout, paths, key)
    except ValueError:
        assert (chosen, how) == (Path.NEW, "fails")
    else:
        assert answer is (paths.new_answer if chosen is Path.NEW else paths.old_answer)
    if chosen is not Path.NEW:
        assert asyncio.get_running_loop().time() - started_s < 0.02
