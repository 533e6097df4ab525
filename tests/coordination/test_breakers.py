"""Breakers of several processes: what they tell each other, and what operators order of them."""

import asyncio
import math

import pytest
from sqlalchemy import text

from app.coordination.announcements import Announcements, Topic
from app.coordination.breakers import open_breaker_control
from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Language
from app.resilience.breaker_states import Cause, Mode, State, Verdict
from app.resilience.registry import Here
from tests.coordination.fleet import (
    CONFIG,
    Fleet,
    Process,
    all_heard,
    end_call,
    is_shown,
    logged,
    order,
    trip,
    until,
)

SOON_S = 1.0
"""What is announced must be known elsewhere within this time."""


def tell(process: Process, open_for_s: float | None, name: str = "llm") -> None:
    """Announce as if a breaker of this process had changed."""
    process.announcements.tell(Topic.BREAKER, {"name": name, "open_for_s": open_for_s})


# --- what they tell each other -------------------------------------------------------------------


async def test_a_circuit_that_opens_in_one_process_is_open_in_the_others_within_a_second(
    first: Process, second: Process
) -> None:
    second.breaker()
    trip(first.breaker())
    await until(lambda: second.state is State.OPEN, within_s=SOON_S)
    with pytest.raises(RetryableError) as rejected:
        second.breaker().acquire()
    retry_after_s = rejected.value.details["retry_after"]
    assert isinstance(retry_after_s, float)
    assert 28 < retry_after_s <= 30
    assert [change.cause for change in second.changes] == [Cause.PEER]


async def test_a_circuit_that_closes_in_one_process_is_probed_by_the_others_at_once(
    first: Process, second: Process
) -> None:
    second.breaker()
    tell(first, 30)
    await until(lambda: second.state is State.OPEN, within_s=SOON_S)
    brief = first.breaker(open_s=0.05)
    trip(brief)
    await asyncio.sleep(0.06)
    end_call(brief, Verdict.SUCCESS)
    await until(lambda: second.state is State.HALF_OPEN, within_s=SOON_S)
    end_call(second.breaker(), Verdict.SUCCESS)
    assert second.state is State.CLOSED


async def test_an_opening_is_announced_once_and_echoed_by_nobody(
    fleet: Fleet, first: Process, second: Process
) -> None:
    async with fleet.process("third") as third:
        second.breaker()
        third.breaker()
        trip(first.breaker())
        await until(lambda: second.state is third.state is State.OPEN, within_s=SOON_S)
        everyone = (first, second, third)
        for teller in everyone:
            for hearer in everyone:
                if teller is not hearer:
                    await all_heard(teller, hearer)
        assert [len(process.heard_of(Topic.BREAKER)) for process in everyone] == [0, 1, 1]


async def test_only_findings_of_its_own_are_announced_and_never_a_moment_of_its_clock(
    first: Process, second: Process
) -> None:
    breaker = first.breaker(open_s=0.05, open_growth=1)
    await order(first, Mode.FORCED_OPEN)
    await order(first, Mode.AUTOMATIC)
    trip(breaker)
    for verdict in (Verdict.FAILURE, Verdict.SUCCESS):
        await asyncio.sleep(0.06)
        end_call(breaker, verdict)
    breaker.reset()
    await asyncio.sleep(0)
    await all_heard(first, second)
    envelope = {"from": "first", "topic": "breaker", "name": "llm"}
    assert second.heard_of(Topic.BREAKER) == [
        envelope | {"open_for_s": open_for_s} for open_for_s in (0.05, 0.05, None)
    ]


async def test_a_breaker_that_is_made_later_starts_with_what_the_others_found(
    first: Process, second: Process
) -> None:
    tell(first, 30)
    tell(first, 30, "storage")
    tell(first, None, "storage")
    tell(first, 0.01, "embedding")
    await all_heard(first, second)
    await asyncio.sleep(0.02)
    with pytest.raises(RetryableError):
        second.breaker().acquire()
    second.breaker("storage").acquire()
    second.breaker("embedding").acquire()


async def test_a_process_that_comes_later_learns_which_circuits_are_open(
    fleet: Fleet, first: Process, second: Process
) -> None:
    trip(first.breaker())
    await is_shown(first, second, within_s=2)
    async with fleet.process("late") as late:
        await until(lambda: late.state is State.OPEN, within_s=SOON_S)
        assert [change.cause for change in late.changes] == [Cause.PEER]
        assert late.heard_of(Topic.BREAKER) == []


async def test_what_opened_while_redis_was_away_is_told_when_it_is_back(
    fleet: Fleet, first: Process, second: Process, caplog: pytest.LogCaptureFixture
) -> None:
    first.breaker()
    second.breaker()
    await fleet.redis.cut()
    await until(lambda: len(logged(caplog, "breaker_states_not_shown")) == 2, within_s=6)
    trip(first.breaker())
    await asyncio.sleep(0.1)
    assert second.state is State.CLOSED  # meanwhile each decides by what it knows
    await fleet.redis.mend()
    await until(lambda: second.state is State.OPEN, within_s=6)


async def test_what_is_over_when_redis_is_back_is_told_to_nobody(
    fleet: Fleet, first: Process, second: Process, caplog: pytest.LogCaptureFixture
) -> None:
    first.breaker()
    second.breaker()
    await fleet.redis.cut()
    await until(lambda: len(logged(caplog, "breaker_states_not_shown")) == 2, within_s=6)
    trip(first.breaker())
    await asyncio.sleep(0)
    first.breaker().reset()
    await fleet.redis.mend()
    await all_heard(first, second)
    assert second.heard_of(Topic.BREAKER) == []
    assert second.changes == []


async def test_announcements_that_make_no_sense_are_passed_over(
    first: Process, second: Process, caplog: pytest.LogCaptureFixture
) -> None:
    second.breaker()
    wrong: tuple[object, ...] = ("soon", -1, 0, 1e9, math.nan, math.inf, {})
    for open_for_s in wrong:
        first.announcements.tell(Topic.BREAKER, {"name": "llm", "open_for_s": open_for_s})
    first.announcements.tell(Topic.BREAKER, {"name": "llm"})
    first.announcements.tell(Topic.BREAKER, {"open_for_s": 30})
    await all_heard(first, second)
    assert second.state is State.CLOSED
    assert len(logged(caplog, "announcement_unreadable")) == len(wrong) + 2
    tell(first, 30)
    await until(lambda: second.state is State.OPEN, within_s=SOON_S)


# --- what operators order ------------------------------------------------------------------------


async def test_an_order_is_followed_here_on_return_and_elsewhere_within_a_second(
    first: Process, second: Process
) -> None:
    modes = {
        Mode.FORCED_OPEN: State.FORCED_OPEN,
        Mode.DISABLED: State.DISABLED,
        Mode.METRICS_ONLY: State.METRICS_ONLY,
        Mode.AUTOMATIC: State.CLOSED,
    }
    second.breaker()
    for mode, state in modes.items():
        await order(first, mode)
        assert first.state is state
        await until(lambda wanted=state: second.state is wanted, within_s=SOON_S)
        assert second.breaker("storage").state is State.CLOSED
    assert {change.cause for change in second.changes} == {Cause.OPERATOR}
    assert len(second.changes) == 4


async def test_an_order_holds_from_the_first_call_of_a_process_that_comes_later(
    fleet: Fleet, first: Process
) -> None:
    await order(first, Mode.FORCED_OPEN)
    here = Here(asyncio.get_running_loop())
    async with fleet.servers() as (database, pool):
        announcements = Announcements(pool, installation=fleet.installation, instance="late")
        async with open_breaker_control(database, pool, announcements, here=here, known=()):
            with pytest.raises(RetryableError) as rejected:
                here.breaker("llm", CONFIG).acquire()
    assert rejected.value.details["state"] == "forced_open"


async def test_without_the_database_no_process_starts_that_might_miss_an_order(
    fleet: Fleet,
) -> None:
    here = Here(asyncio.get_running_loop())
    async with fleet.servers() as (database, pool):
        announcements = Announcements(pool, installation=fleet.installation, instance="late")
        await fleet.database.cut()
        with pytest.raises(RetryableError) as raised:
            async with open_breaker_control(database, pool, announcements, here=here, known=()):
                pass
    assert raised.value.code is ErrorCode.DB_CONNECTION


async def test_without_redis_an_order_is_followed_at_the_next_look(fleet: Fleet) -> None:
    async with (
        fleet.process("first") as first,
        fleet.process("second", look_every_s=0.2) as second,
    ):
        second.breaker()
        await fleet.redis.cut()
        await order(first, Mode.FORCED_OPEN)
        await until(lambda: second.state is State.FORCED_OPEN, within_s=2)


async def test_an_order_that_nobody_announced_is_followed_after_connecting_again(
    fleet: Fleet, first: Process, second: Process
) -> None:
    second.breaker()
    await fleet.redis.cut()
    await order(first, Mode.FORCED_OPEN)
    await fleet.redis.mend()
    await until(lambda: second.state is State.FORCED_OPEN, within_s=5)


async def test_without_the_database_what_was_ordered_stays_and_it_is_logged_once(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    async with fleet.process("first", look_every_s=0.05) as first:
        await order(first, Mode.FORCED_OPEN)
        await fleet.database.cut()
        await until(lambda: logged(caplog, "breaker_orders_unreachable"), within_s=5)
        await asyncio.sleep(0.5)
        assert first.state is State.FORCED_OPEN
        assert first.breaker("made meanwhile").state is State.CLOSED
        with pytest.raises(RetryableError) as raised:
            await order(first, Mode.DISABLED)
        assert raised.value.code is ErrorCode.DB_CONNECTION
        assert len(logged(caplog, "breaker_orders_unreachable")) == 1
        await fleet.database.mend()
        await order(first, Mode.DISABLED)
        assert first.state is State.DISABLED


async def test_a_reset_makes_every_process_forget_once(fleet: Fleet, first: Process) -> None:
    async with fleet.process("second", look_every_s=0.05) as second:
        for process in (first, second):
            trip(process.breaker())
        await first.control.reset("llm", reason="repaired", by="operator")
        assert first.state is State.CLOSED
        await until(lambda: second.state is State.CLOSED, within_s=SOON_S)
        end_call(second.breaker(), Verdict.FAILURE)
        await asyncio.sleep(0.2)  # several looks
        assert second.breaker().snapshot().failures == 1
        assert [change.cause for change in second.changes].count(Cause.RESET) == 1
        await first.control.reset("llm", reason="again", by="operator")
        await until(lambda: second.breaker().snapshot().failures == 0, within_s=SOON_S)


async def test_a_process_that_starts_has_nothing_to_forget(fleet: Fleet, first: Process) -> None:
    await first.control.reset("llm", reason="repaired", by="operator")
    async with fleet.process("late") as late:
        late.breaker()
        await late.control.load()
        assert late.changes == []


async def test_a_reset_leaves_a_mode_and_the_reason_for_it(first: Process) -> None:
    await order(first, Mode.FORCED_OPEN)
    view = await first.control.reset("llm", reason="once more", by="somebody else")
    assert (view.mode, view.resets) == (Mode.FORCED_OPEN, 1)
    assert (view.reason, view.changed_by) == ("the provider is repaired", "operator")
    await order(first, Mode.AUTOMATIC)
    view = await first.control.reset("llm", reason="once more", by="somebody else")
    assert (view.mode, view.resets) == (Mode.AUTOMATIC, 2)
    assert (view.reason, view.changed_by) == ("once more", "somebody else")


async def test_orders_given_at_once_do_not_get_lost(first: Process, second: Process) -> None:
    for process in (first, second):
        trip(process.breaker())
    async with asyncio.TaskGroup() as group:
        for process in (first, second):
            for _ in range(5):
                group.create_task(process.control.reset("llm", reason="r", by="operator"))
    await first.control.load()  # the last order may be the other's
    assert (await first.control.view("llm")).resets == 10


async def test_an_unknown_name_is_refused_with_the_names_there_are(
    first: Process, second: Process
) -> None:
    second.breaker("embedding")
    second.breaker()
    await is_shown(second, first, within_s=2)
    for attempt in (
        order(first, Mode.DISABLED, "lllm"),
        first.control.reset("lllm", reason="r", by="operator"),
        first.control.view("lllm"),
    ):
        with pytest.raises(PermanentError) as raised:
            await attempt
        assert raised.value.code is ErrorCode.NOT_FOUND
        assert "Known: embedding, llm, storage." in str(raised.value)
        assert "embedding, llm, storage" in raised.value.text(Language.KOREAN)
    await order(first, Mode.DISABLED, "embedding")


async def test_a_mode_of_a_newer_version_leaves_the_breaker_as_it_is(first: Process) -> None:
    first.breaker()
    await order(first, Mode.FORCED_OPEN)
    async with first.database.begin() as session:
        await session.execute(text("UPDATE breaker_controls SET mode = 'half_shut', resets = 1"))
    await first.control.load()
    assert first.state is State.FORCED_OPEN
    assert (await first.control.view("llm")).mode == "unknown"
