"""What is seen of breakers from outside their process."""

import asyncio
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from app.coordination.announcements import Announcements
from app.coordination.breaker_reports import Board, ProcessReport, read_all
from app.coordination.breakers import open_breaker_control
from app.resilience.breaker_states import Mode, State, Verdict
from app.resilience.registry import registry
from app.settings import load_settings
from app.telemetry import configure_telemetry, metrics
from tests.coordination.fleet import (
    CONFIG,
    Fleet,
    Process,
    end_call,
    is_shown,
    logged,
    order,
    trip,
    until,
)


async def test_a_change_is_seen_by_the_others_soon_and_a_count_within_two_seconds(
    first: Process, second: Process
) -> None:
    trip(first.breaker())
    await is_shown(first, second, within_s=2)
    first.breaker().reset()
    await is_shown(first, second, within_s=2)
    end_call(first.breaker(), Verdict.FAILURE)
    view = await second.control.view("llm")
    async with asyncio.timeout(2):
        while [process.calls for process in view.processes] != [1]:
            await asyncio.sleep(0.02)
            view = await second.control.view("llm")
    (shown,) = view.processes
    assert (shown.instance, shown.state, shown.failures) == ("first", "closed", 1)
    assert shown.failure_percent is None
    assert [change.cause for change in shown.history] == ["failures", "reset"]
    assert shown.history[0].open_s == 30


async def test_every_known_breaker_is_listed_with_each_process_that_uses_it(
    first: Process, second: Process
) -> None:
    for process in (first, second):
        process.breaker()
        await process.control.load()
    await is_shown(second, first, within_s=2)
    await order(first, Mode.DISABLED, "storage")
    listed = await first.control.views()
    assert listed.complete
    assert [
        (view.name, [process.instance for process in view.processes]) for view in listed.breakers
    ] == [("llm", ["first", "second"]), ("storage", [])]
    assert listed.breakers[1].changed_by == "operator"


async def test_processes_that_do_not_follow_an_order_yet_can_be_told(
    fleet: Fleet, first: Process
) -> None:
    async with fleet.process("second", look_every_s=600) as second:
        second.breaker()
        await is_shown(second, first, within_s=2)
        await fleet.redis.cut()
        view = await first.control.set_mode("llm", Mode.DISABLED, reason="r", by="operator")
        assert [process.instance for process in view.processes] == []
        await fleet.redis.mend()
        await until(lambda: second.state is State.DISABLED, within_s=6)
        async with asyncio.timeout(2):
            while (view := await first.control.view("llm")).behind or not view.processes:
                await asyncio.sleep(0.02)


async def test_without_redis_a_process_still_shows_itself(fleet: Fleet, first: Process) -> None:
    first.breaker()
    await fleet.redis.cut()
    listed = await first.control.views()
    assert not listed.complete
    assert [process.instance for process in listed.breakers[0].processes] == ["first"]


async def test_a_process_that_is_gone_is_shown_no_more_and_junk_is_left_out(
    first: Process, second: Process
) -> None:
    first.breaker()
    await is_shown(first, second, within_s=2)
    redis: Redis = Redis(connection_pool=second.pool)
    assert 0 < await redis.pttl("naru:breakers:first") <= 5_000
    await redis.zadd("naru:breakers", {"gone": 0, "junk": 0, "newer": 0})
    await redis.execute_command("HSET", "naru:breakers:junk", "", "{}")  # pyright: ignore[reportUnknownMemberType] - typed loosely
    newer = '{"instance": "newer", "at": "2026-03-01T00:00:00Z", "breakers": [], "more": 1}'
    await redis.execute_command("HSET", "naru:breakers:newer", "", newer)  # pyright: ignore[reportUnknownMemberType] - typed loosely
    assert [report.instance for report in await read_all(redis)] == ["first", "newer"]


async def test_only_histories_that_grew_are_written_anew(first: Process) -> None:
    """They are most of what there is to write: eight breakers that changed a hundred times each."""
    breakers = [first.breaker(f"b{number}") for number in range(8)]
    for breaker in breakers:
        for _ in range(50):
            breaker.set_mode(Mode.DISABLED)
            breaker.set_mode(Mode.AUTOMATIC)
    client: Redis = Redis(connection_pool=first.pool)
    board = Board(client)

    def report() -> ProcessReport:
        # As another process: the control of this one writes, too.
        return first.control.report().model_copy(update={"instance": "aside"})

    await board.write(report())
    shown = next(one for one in await read_all(client) if one.instance == "aside")
    assert [len(breaker.history) for breaker in shown.breakers] == [100] * 8

    key = "naru:breakers:aside"
    assert await client.hdel(key, "b0", "b1") == 2  # pyright: ignore[reportGeneralTypeIssues] - typed loosely
    breakers[0].reset()
    await board.write(report())
    fields: list[bytes] = await client.hkeys(key)  # pyright: ignore[reportGeneralTypeIssues, reportUnknownMemberType, reportUnknownVariableType] - typed loosely
    assert b"b0" in fields
    assert b"b1" not in fields


async def test_a_breaker_that_is_made_anew_is_shown_without_the_history_of_the_old_one(
    first: Process, second: Process
) -> None:
    first.breaker("storage")
    first.breaker().set_mode(Mode.DISABLED)
    client: Redis = Redis(connection_pool=second.pool)

    async def shown(**changes: int) -> None:
        """Wait until these breakers are shown, and as many changes of each."""
        async with asyncio.timeout(10):
            while {
                breaker.name: len(breaker.history)
                for report in await read_all(client)
                for breaker in report.breakers
            } != changes:
                await asyncio.sleep(0.02)

    await shown(storage=0, llm=1)
    first.here.forget("llm")
    await shown(storage=0)
    first.breaker()
    await shown(storage=0, llm=0)


# --- logs and metrics ----------------------------------------------------------------------------


async def test_each_change_is_logged_once_and_loudly_when_calls_stop(
    first: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    trip(first.breaker())
    first.breaker().reset()
    await asyncio.sleep(0)
    await order(first, Mode.FORCED_OPEN)
    await asyncio.sleep(0)
    told = [
        (line["level"], line["breaker"], line["from_state"], line["to_state"], line["cause"])
        for line in logged(caplog, "breaker_changed")
    ]
    assert told == [
        ("warning", "llm", "closed", "open", "failures"),
        ("info", "llm", "open", "closed", "reset"),
        ("warning", "llm", "closed", "forced_open", "operator"),
    ]
    assert [line["failures"] for line in logged(caplog, "breaker_changed")] == [4, 4, 0]
    assert "repaired" not in caplog.text  # words of people stay out of logs


async def test_changes_are_counted_and_the_gauge_shows_one_state_at_a_time(
    fleet: Fleet,
) -> None:
    here = registry.here()
    breaker = here.breaker("llm", CONFIG)
    async with fleet.servers() as (database, pool):
        announcements = Announcements(pool, installation=fleet.installation, instance="metered")
        with configure_telemetry(load_settings(), role="up"):
            async with open_breaker_control(database, pool, announcements, here=here, known=()):
                trip(breaker)
                await asyncio.sleep(0)
                assert states() == {state: float(state is State.OPEN) for state in State}
                breaker.set_mode(Mode.FORCED_OPEN)
                await asyncio.sleep(0)
                with configure_telemetry(load_settings(), role="up"):
                    assert states()[State.FORCED_OPEN] == 1
                assert states()[State.OPEN] == 0
                counted = {
                    (
                        labels["naru_breaker_from"],
                        labels["naru_breaker_to"],
                        labels["naru_breaker_reason"],
                    )
                    for labels, value in series("naru_breaker_transitions_total")
                    if value == 1
                }
            assert states() == {}
            breaker.set_mode(Mode.AUTOMATIC)
            await asyncio.sleep(0)
            assert len(list(series("naru_breaker_transitions_total"))) == 2
    assert counted == {
        ("closed", "open", "failures"),
        ("open", "forced_open", "operator"),
    }
    registry.reset()


def series(name: str) -> list[tuple[Mapping[str, str], float]]:
    """Labels and value of each series that Prometheus would read."""
    body, _ = metrics.render_prometheus()
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == name
    ]


def states() -> dict[str, float]:
    """The gauge of `llm`."""
    return {
        labels["naru_breaker_state"]: value
        for labels, value in series("naru_breaker_state")
        if labels["naru_breaker_name"] == "llm"
    }
