"""One rollout in several processes: each has a database pool and a Redis connection of its own."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import delete, select

from app.coordination.announcements import Announcements
from app.coordination.rollouts import GUARD, Rollouts, open_rollouts
from app.coordination.tables import RolloutRow
from app.errors import ErrorCode, PermanentError, RetryableError
from app.resilience.rollout import Comparable
from app.resilience.rollout_config import OFF, Extent, Limits, RolloutSpec
from app.resilience.rollout_guard import Result
from app.settings import load_settings
from app.settings.groups import DatabaseSettings, RedisSettings
from app.store.database import Database, open_database
from app.store.redis import open_redis
from app.telemetry import configure_telemetry, metrics
from tests.fakes.wire import Wires, wires_to
from tests.resilience.rollout_paths import lines

LIMITS = Limits(min_samples=3, window=10, shadows_at_once=2)
READER = RolloutSpec(name="reader", description="Reads in columns.", limits=LIMITS)
ANALYST = RolloutSpec(
    name="analyst", description="Asks twice.", default=Extent(shadow=True), limits=LIMITS
)
TEN = Extent(share_bp=1_000)
EVERYONE = Extent(share_bp=10_000)
SELDOM_S = 600.0


class Start(Protocol):
    def __call__(
        self, instance: str, *, look_every_s: float = SELDOM_S, look_limit_s: float = 5
    ) -> AbstractAsyncContextManager[Rollouts]: ...


@pytest.fixture
async def wires(database_url: str, redis_url: str) -> AsyncGenerator[Wires]:
    async with wires_to(database_url, redis_url) as opened:
        yield opened


@pytest.fixture
def process(database_url: str, wires: Wires) -> Start:
    """Start one more process's worth of objects; they talk through the wires alone."""
    database = DatabaseSettings(url=SecretStr(wires.database_url), connect_timeout=2)
    redis = RedisSettings(url=SecretStr(wires.redis_url))

    @asynccontextmanager
    async def start(
        instance: str, *, look_every_s: float = SELDOM_S, look_limit_s: float = 5
    ) -> AsyncGenerator[Rollouts]:
        async with open_database(database) as opened, open_redis(redis) as pool:
            announcements = Announcements(pool, installation=database_url, instance=instance)
            async with open_rollouts(
                (READER, ANALYST),
                opened,
                announcements,
                look_every_s=look_every_s,
                look_limit_s=look_limit_s,
            ) as rollouts:
                connected = asyncio.Event()

                async def subscribed() -> None:
                    connected.set()

                announcements.after_connecting(subscribed)
                serving = [
                    asyncio.create_task(announcements.serve()),
                    asyncio.create_task(rollouts.serve()),
                ]
                await connected.wait()
                try:
                    yield rollouts
                    assert [task for task in serving if task.done()] == []
                finally:
                    for task in serving:
                        task.cancel()
                    await asyncio.wait(serving)

    return start


@pytest.fixture
async def here(process: Start) -> AsyncGenerator[Rollouts]:
    async with process("here") as rollouts:
        yield rollouts


@pytest.fixture
async def there(process: Start) -> AsyncGenerator[Rollouts]:
    async with process("there") as rollouts:
        yield rollouts


async def until(true: Callable[[], bool], *, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


async def switch(rollouts: Rollouts, extent: Extent, name: str = "reader") -> None:
    await rollouts.switch(name, extent, reason="trial", changed_by="tester")


def fail(rollouts: Rollouts, name: str = "reader") -> None:
    """As many errors of the new path as the guard needs."""
    for _ in range(LIMITS.min_samples):
        rollouts[name].report(Result.ERROR_NEW)


async def rows(database: Database) -> dict[str, RolloutRow]:
    async with database.begin() as session:
        return {row.name: row for row in await session.scalars(select(RolloutRow))}


# --- switching -----------------------------------------------------------------------------------


async def test_a_switch_is_in_force_in_the_other_process_within_a_second(
    here: Rollouts, there: Rollouts
) -> None:
    for extent in (TEN, EVERYONE, OFF):
        await switch(here, extent)
        assert here["reader"].extent == extent
        await until(lambda wanted=extent: there["reader"].extent == wanted, within_s=2)
    decision = there.status("reader").decision
    assert decision is not None
    assert (decision.reason, decision.changed_by, decision.extent) == ("trial", "tester", OFF)
    assert decision == here.status("reader").decision


async def test_without_redis_a_switch_is_in_force_at_the_next_look(
    process: Start, wires: Wires
) -> None:
    async with process("here") as here, process("there", look_every_s=0.2) as there:
        await wires.redis.cut()
        await switch(here, TEN)
        await until(lambda: there["reader"].extent == TEN, within_s=2)


async def test_what_was_announced_while_redis_was_away_is_learnt_when_it_is_back(
    here: Rollouts, wires: Wires, database: Database
) -> None:
    await wires.redis.cut()
    async with database.begin() as session:
        session.add(RolloutRow(name="reader", share_bp=1_000, reason="", changed_by="tester"))
    await asyncio.sleep(0.1)
    assert here["reader"].extent == OFF
    await wires.redis.mend()
    await until(lambda: here["reader"].extent == TEN, within_s=5)


async def test_a_new_process_knows_what_was_switched_before_it_started(
    here: Rollouts, process: Start
) -> None:
    await switch(here, TEN)
    async with process("later") as later:
        assert later["reader"].extent == TEN
        assert later["analyst"].extent == Extent(shadow=True), "its default: nobody switched it"
        assert later.status("analyst").decision is None


async def test_without_the_database_the_last_known_extent_holds_and_a_switch_is_refused(
    process: Start, wires: Wires, caplog: pytest.LogCaptureFixture
) -> None:
    async with process("here", look_every_s=0.05) as here:
        await switch(here, TEN)
        await wires.database.cut()
        with pytest.raises(RetryableError) as raised:
            await switch(here, EVERYONE)
        assert raised.value.code is ErrorCode.DB_CONNECTION
        await asyncio.sleep(0.3)
        assert here["reader"].extent == TEN
        told = [line for line in lines(caplog) if line["event"] == "rollouts_not_in_step"]
        assert [line["code"] for line in told] == ["DB_CONNECTION"], "once an outage"
        await wires.database.mend()
        await switch(here, EVERYONE)
        assert here["reader"].extent == EVERYONE


async def test_a_connection_that_went_silent_holds_no_look_and_no_switch_for_long(
    process: Start, wires: Wires, database: Database
) -> None:
    async with process("here", look_every_s=0.05, look_limit_s=0.2) as here:
        wires.database.stall()
        async with database.begin() as session:
            session.add(RolloutRow(name="reader", share_bp=1_000, reason="", changed_by="tester"))
        await until(lambda: here["reader"].extent == TEN, within_s=5)
    async with process("there", look_limit_s=0.2) as there:
        wires.database.stall()
        with pytest.raises(RetryableError) as raised:
            await switch(there, EVERYONE)
        assert raised.value.code is ErrorCode.DB_CONNECTION
        assert there["reader"].extent == TEN
        async with asyncio.timeout(5):
            while there["reader"].extent != EVERYONE:
                with suppress(RetryableError):
                    await switch(there, EVERYONE)


async def test_an_unknown_name_is_refused_with_those_there_are(
    here: Rollouts, database: Database
) -> None:
    for ask in (lambda: here["readr"], lambda: here.status("readr")):
        with pytest.raises(PermanentError) as raised:
            ask()
        assert raised.value.code is ErrorCode.NOT_FOUND
        assert str(raised.value).endswith("Known: analyst, reader.")
    with pytest.raises(PermanentError):
        await switch(here, TEN, "readr")
    assert await rows(database) == {}


async def test_a_row_of_a_rollout_that_is_no_more_disturbs_nobody(
    here: Rollouts, database: Database
) -> None:
    async with database.begin() as session:
        session.add(RolloutRow(name="gone", share_bp=100, reason="", changed_by="tester"))
    assert await here.look()
    assert [status.spec.name for status in here.statuses()] == ["reader", "analyst"]


async def test_a_deleted_row_gives_back_the_default(here: Rollouts, database: Database) -> None:
    await switch(here, OFF, "analyst")
    async with database.begin() as session:
        await session.execute(delete(RolloutRow))
    assert await here.look()
    assert here["analyst"].extent == ANALYST.default


async def test_words_of_operators_are_cut_and_cleaned(here: Rollouts, database: Database) -> None:
    reason = "\x1b[31mred\x00\ud800" + "x" * 1_000
    await here.switch("reader", TEN, reason=reason, changed_by="a\nb")
    row = (await rows(database))["reader"]
    assert row.reason.startswith(" [31mred  xxx")
    assert (len(row.reason), row.changed_by) == (500, "a b")


async def test_a_look_does_not_undo_a_switch_made_meanwhile(here: Rollouts) -> None:
    for number in range(1, 30):
        extent = Extent(share_bp=number)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(here.look())
            group.create_task(switch(here, extent))
            group.create_task(here.look())
        assert here["reader"].extent == extent


async def test_the_same_name_twice_is_refused(here: Rollouts, database: Database) -> None:
    del here
    with pytest.raises(ValueError, match="Declared twice as a rollout: reader"):
        Rollouts((READER, READER), database, cast("Announcements", None))


# --- the guard -----------------------------------------------------------------------------------


async def test_the_guard_switches_off_everywhere_and_says_why(
    here: Rollouts, there: Rollouts, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="app.coordination.rollouts")
    await switch(here, EVERYONE)
    await until(lambda: there["reader"].extent == EVERYONE, within_s=2)
    with configure_telemetry(load_settings(), role="up"):
        fail(here)
        assert here["reader"].extent == OFF, "here at once"
        body, _ = metrics.render_prometheus()
    await until(lambda: there["reader"].extent == OFF, within_s=2)
    row = (await rows(database))["reader"]
    assert (row.share_bp, row.changed_by) == (0, GUARD)
    assert row.reason == ("The error rate was 100.00% over 3 samples; at most 2.00% is accepted.")
    switches = [
        sample.labels["naru_rollout_cause"]
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name == "naru_rollout_switches_total"
    ]
    assert switches == ["guard"]
    said = [line for line in lines(caplog) if line["event"] == "rollout_switched"]
    assert [(line["before"], line["after"], line["cause"]) for line in said] == [
        ("off", "100%", "operator"),
        ("off", "100%", "operator"),
        ("100%", "off", "guard"),
        ("100%", "off", "guard"),
    ]


async def test_a_default_that_does_harm_is_switched_off_too(
    here: Rollouts, database: Database
) -> None:
    fail(here, "analyst")
    await until(lambda: here.status("analyst").decision is not None, within_s=2)
    assert (await rows(database))["analyst"].changed_by == GUARD
    assert here["analyst"].extent == OFF


async def test_two_guards_that_see_the_same_write_one_row(
    here: Rollouts, there: Rollouts, database: Database
) -> None:
    await switch(here, EVERYONE)
    await until(lambda: there["reader"].extent == EVERYONE, within_s=2)
    fail(here)
    fail(there)
    await until(lambda: not (_pending(here) or _pending(there)), within_s=2)
    assert here.status("reader").decision == there.status("reader").decision
    assert here["reader"].extent == there["reader"].extent == OFF
    assert (await rows(database))["reader"].changed_by == GUARD


def _pending(rollouts: Rollouts) -> bool:
    return rollouts.status("reader").verdict is not None


async def test_without_the_database_the_guard_acts_here_and_writes_later(
    process: Start, wires: Wires, database: Database
) -> None:
    async with process("here", look_every_s=0.05) as here, process("there") as there:
        await switch(here, EVERYONE)
        await until(lambda: there["reader"].extent == EVERYONE, within_s=2)
        await wires.database.cut()
        fail(here)
        await asyncio.sleep(0.2)
        assert here["reader"].extent == OFF
        assert _pending(here)
        assert (await rows(database))["reader"].share_bp == 10_000
        await wires.database.mend()
        await until(lambda: there["reader"].extent == OFF, within_s=2)
        assert not _pending(here)
        assert (await rows(database))["reader"].changed_by == GUARD


@pytest.mark.parametrize("name", ["reader", "analyst"])  # switched before, and by default
async def test_a_late_verdict_does_not_undo_what_an_operator_decided_since(
    process: Start, wires: Wires, database: Database, name: str
) -> None:
    async with process("here", look_every_s=0.05) as here:
        await switch(here, EVERYONE)
        await wires.database.cut()
        fail(here, name)
        async with database.begin() as session:
            await session.execute(delete(RolloutRow))
            session.add(RolloutRow(name=name, share_bp=1_000, reason="", changed_by="tester"))
        assert here[name].extent == OFF
        await wires.database.mend()
        await until(lambda: here[name].extent == TEN, within_s=2)
        assert (await rows(database))[name].changed_by == "tester"


async def test_a_switch_made_before_a_verdict_is_written_stands(here: Rollouts) -> None:
    await switch(here, EVERYONE)
    fail(here)
    await switch(here, TEN)
    assert not _pending(here)
    assert await here.look()
    assert here["reader"].extent == TEN


async def test_switched_on_again_it_is_judged_anew(here: Rollouts) -> None:
    await switch(here, EVERYONE)
    fail(here)
    await until(lambda: not _pending(here), within_s=2)
    await switch(here, EVERYONE)
    for _ in range(LIMITS.min_samples - 1):
        here["reader"].report(Result.ERROR_NEW)
    assert here["reader"].extent == EVERYONE
    here["reader"].report(Result.ERROR_NEW)
    assert here["reader"].extent == OFF


# --- shadows -------------------------------------------------------------------------------------


async def test_the_end_of_a_process_ends_its_shadows(process: Start) -> None:
    async def old() -> str:
        return "old"

    async def new() -> str:
        await asyncio.sleep(60)
        return "new"

    def comparable(answer: str) -> Comparable:
        return {"answer": answer}

    async with process("here") as here:
        analyst = here["analyst"]
        for _ in range(3):
            assert await analyst.run("k", old=old, new=new, comparable=comparable) == "old"
        assert analyst.shadows == 2
    assert analyst.counts == {Result.DROPPED: 1}
    assert [task for task in asyncio.all_tasks() if "shadow" in task.get_name()] == []
