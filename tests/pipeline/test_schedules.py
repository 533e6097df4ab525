import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text

from app.errors import ErrorCode, RetryableError
from app.pipeline import fencing
from app.pipeline.fencing import End
from app.pipeline.schedules import Schedule, Scheduler, ScheduleView, list_schedules
from app.pipeline.tables import RunId, RunRow, RunStatus, ScheduleRow
from app.settings.groups import DatabaseSettings
from app.store.crypto import Keyring
from app.store.database import Database, open_database
from app.store.keys import TenantId
from tests.conftest import ROOT
from tests.fakes.wire import wires_to
from tests.pipeline.conftest import BeginRun

DAILY = Schedule(name="daily", flow="test", cron="30 2 * * *", input={"kind": "full"})
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Fleet:
    """Workers on one database. `delivered` are the runs that they enqueued."""

    database: Database
    worker: Callable[..., Scheduler]
    delivered: list[RunRow]

    async def view(self) -> ScheduleView:
        async with self.database.begin() as session:
            (view,) = await list_schedules(session)
        return view

    async def runs(self) -> Sequence[RunRow]:
        async with self.database.begin() as session:
            return (await session.scalars(select(RunRow).order_by(RunRow.created_at))).all()

    async def now(self) -> datetime:
        async with self.database.begin() as session:
            return await fencing.now(session)

    async def make_due(self, *, ago: timedelta) -> None:
        """The row as it is when nobody has looked since then."""
        async with self.database.begin() as session:
            row = (await session.scalars(select(ScheduleRow))).one()
            row.next_due_at = (await fencing.now(session)) - ago

    async def end(self, run: RunRow) -> None:
        async with self.database.begin() as session:
            row = await session.get_one(RunRow, run.id)
            row.status, row.finished_at = RunStatus.SUCCEEDED, func.now()


@pytest.fixture
def fleet(database: Database, keyring: Keyring, tenant_id: TenantId) -> Fleet:
    delivered: list[RunRow] = []

    async def deliver(run: RunRow) -> None:
        async with database.begin() as session:
            committed = await session.get_one(RunRow, run.id)
        delivered.append(committed)

    def worker(*schedules: Schedule, timezone: str = "UTC") -> Scheduler:
        return Scheduler(
            database=database,
            keyring=keyring,
            tenant_id=tenant_id,
            schedules=schedules or (DAILY,),
            timezone=timezone,
            run_deadline_s=3_600,
            deliver=deliver,
        )

    return Fleet(database=database, worker=worker, delivered=delivered)


async def test_a_new_schedule_is_not_due_at_once(fleet: Fleet) -> None:
    before = await fleet.now()
    assert 0 <= await fleet.worker().look() <= 30
    assert await fleet.runs() == []
    view = await fleet.view()
    assert (view.last_due_at, view.last_run_id, view.last_run_status) == (None, None, None)
    assert before < view.next_due_at <= before + timedelta(days=1, minutes=1)
    assert f"{view.next_due_at.astimezone(UTC):%H:%M:%S}" == "02:30:00"


async def test_the_expression_is_read_in_the_time_zone_of_the_settings(fleet: Fleet) -> None:
    await fleet.worker(timezone="Asia/Seoul").look()
    view = await fleet.view()
    assert view.timezone == "Asia/Seoul"
    assert f"{view.next_due_at.astimezone(ZoneInfo('Asia/Seoul')):%H:%M}" == "02:30"


async def test_what_is_due_becomes_a_run_with_its_due_time_key_and_deadline(
    fleet: Fleet, begin_run: BeginRun, tenant_id: TenantId
) -> None:
    await fleet.worker().look()
    await fleet.make_due(ago=timedelta(seconds=1))
    await fleet.worker().look()
    (run,) = await fleet.runs()
    view = await fleet.view()
    assert (run.tenant_id, run.flow, run.status, run.priority) == (
        tenant_id, "test", "queued", "bulk",
    )  # fmt: skip
    assert view.last_due_at is not None
    assert run.input == {"kind": "full", "due_at": view.last_due_at.isoformat()}
    assert run.deadline_at == run.created_at + timedelta(hours=1)
    assert (view.last_run_id, view.last_run_status) == (run.id, RunStatus.QUEUED)
    assert [each.id for each in fleet.delivered] == [run.id]
    began = await begin_run(RunId(run.id))  # opens its data key
    assert began.row.status == "running"


async def test_ten_workers_that_saw_the_same_due_time_make_one_run(fleet: Fleet) -> None:
    await fleet.worker().look()
    await fleet.make_due(ago=timedelta(minutes=5))
    async with asyncio.TaskGroup() as group, fleet.database.begin() as holding:
        await holding.execute(text("SELECT 1 FROM schedules FOR UPDATE"))
        for _ in range(10):
            group.create_task(fleet.worker().look())
        while await _waiting_for_a_lock(fleet.database) < 10:
            await asyncio.sleep(0.01)
    assert len(await fleet.runs()) == len(fleet.delivered) == 1
    assert (await fleet.view()).next_due_at > await fleet.now()


async def test_ten_workers_that_are_the_first_agree_on_one_row(fleet: Fleet) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(fleet.worker().look())
    assert (await fleet.view()).next_due_at > await fleet.now()
    assert await fleet.runs() == []


async def test_three_missed_days_are_made_up_for_once_and_the_rhythm_goes_on(
    fleet: Fleet,
) -> None:
    worker = fleet.worker(replace(DAILY, may_overlap=True))
    await worker.look()
    async with fleet.database.begin() as session:
        await session.execute(
            text("UPDATE schedules SET next_due_at = next_due_at - interval '4 days'")
        )
    first_missed_at = (await fleet.view()).next_due_at
    for _ in range(3):
        await worker.look()
    (run,) = await fleet.runs()
    view = await fleet.view()
    latest_missed_at = first_missed_at + timedelta(days=3)
    assert view.last_due_at == latest_missed_at
    assert view.next_due_at == latest_missed_at + timedelta(days=1)
    assert run.input["due_at"] == latest_missed_at.isoformat()


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_process_whose_clock_is_an_hour_off_starts_what_postgresql_says_is_due(
    hours: int, fleet: Fleet, database_url: str, tenant_id: TenantId
) -> None:
    async def look_with_wrong_clock() -> int:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            Path(__file__).with_name("wrong_clock.py"),
            database_url,
            str(tenant_id),
            str(hours),
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await child.communicate()
        answer = json.loads(told)
        now = (await fleet.now()).timestamp()
        assert all(abs(believed - now - hours * 3_600) < 1_800 for believed in answer["now"])
        return answer["started"]

    await fleet.worker().look()
    await fleet.make_due(ago=timedelta(minutes=-30))
    assert await look_with_wrong_clock() == 0
    await fleet.make_due(ago=timedelta(seconds=1))
    assert await look_with_wrong_clock() == 1
    assert len(await fleet.runs()) == 1


async def test_a_due_time_is_skipped_while_the_run_before_has_not_ended(
    fleet: Fleet, begin_run: BeginRun
) -> None:
    worker = fleet.worker()
    await worker.look()
    await fleet.make_due(ago=timedelta(seconds=1))
    await worker.look()
    (first,) = await fleet.runs()
    for status in (RunStatus.QUEUED, RunStatus.RUNNING):
        if status is RunStatus.RUNNING:
            await begin_run(RunId(first.id))
        await fleet.make_due(ago=timedelta(seconds=1))
        await worker.look()
        view = await fleet.view()
        assert (view.last_run_id, view.last_run_status) == (first.id, status)
        assert view.last_skipped_at == view.last_due_at is not None
        assert view.next_due_at > await fleet.now()
    await fleet.end(first)
    await fleet.make_due(ago=timedelta(seconds=1))
    await worker.look()
    assert len(await fleet.runs()) == len(fleet.delivered) == 2
    view = await fleet.view()
    assert view.last_skipped_at is not None
    assert view.last_due_at is not None
    assert view.last_skipped_at < view.last_due_at


async def test_runs_overlap_where_the_schedule_says_so(fleet: Fleet) -> None:
    worker = fleet.worker(replace(DAILY, may_overlap=True))
    await worker.look()
    for _ in range(2):
        await fleet.make_due(ago=timedelta(seconds=1))
        await worker.look()
    assert len(await fleet.runs()) == 2
    assert (await fleet.view()).last_skipped_at is None


async def test_a_changed_expression_or_zone_counts_from_now_and_starts_nothing(
    fleet: Fleet,
) -> None:
    await fleet.worker().look()
    often = replace(DAILY, cron="*/5 * * * *", flow="other")
    for worker in (fleet.worker(often), fleet.worker(often, timezone="Asia/Kathmandu")):
        await worker.look()
        view = await fleet.view()
        assert (view.cron, view.flow, view.timezone) == ("*/5 * * * *", "other", worker.timezone)
        now = await fleet.now()
        assert now - MINUTE < view.next_due_at <= now + 5 * MINUTE
    assert await fleet.runs() == []


async def test_what_was_due_before_the_expression_changed_is_made_up_for_once(
    fleet: Fleet,
) -> None:
    await fleet.worker().look()
    await fleet.make_due(ago=timedelta(days=3))
    was_due_at = (await fleet.view()).next_due_at
    changed = fleet.worker(replace(DAILY, cron="0 * * * *"))
    for _ in range(2):
        await changed.look()
    assert [run.input["due_at"] for run in await fleet.runs()] == [was_due_at.isoformat()]
    view = await fleet.view()
    assert (view.cron, view.last_due_at) == ("0 * * * *", was_due_at)
    assert view.next_due_at <= await fleet.now() + timedelta(hours=1)


async def test_a_schedule_of_another_version_is_left_alone_until_nobody_can_know_it(
    fleet: Fleet,
) -> None:
    await fleet.worker().look()
    other_version = fleet.worker(replace(DAILY, name="newer"))
    await fleet.make_due(ago=timedelta(days=6, hours=23))
    await other_version.look()
    async with fleet.database.begin() as session:
        assert [view.name for view in await list_schedules(session)] == ["daily", "newer"]
        await session.execute(
            text("UPDATE schedules SET next_due_at = now() - interval '8 days' WHERE name='daily'")
        )
    await other_version.look()
    assert (await fleet.view()).name == "newer"
    assert await fleet.runs() == []


async def test_a_run_that_cannot_be_stored_leaves_its_due_time_to_the_next_look(
    fleet: Fleet,
) -> None:
    worker = fleet.worker()
    await worker.look()
    await fleet.make_due(ago=timedelta(minutes=1))
    due_at = (await fleet.view()).next_due_at
    async with fleet.database.begin() as session:
        for statement in (
            """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE 'going away' USING ERRCODE = '57P01'; END $$""",
            """CREATE TRIGGER refuse BEFORE INSERT ON runs FOR EACH ROW
               EXECUTE FUNCTION refuse()""",
        ):
            await session.execute(text(statement))
    with pytest.raises(RetryableError) as raised:
        await worker.look()
    assert raised.value.code is ErrorCode.DB_CONNECTION
    assert (await fleet.view()).next_due_at == due_at
    async with fleet.database.begin() as session:
        await session.execute(text("DROP TRIGGER refuse ON runs"))
    await worker.look()
    assert [run.input["due_at"] for run in await fleet.runs()] == [due_at.isoformat()]


async def test_it_starts_by_itself_when_the_time_comes(fleet: Fleet) -> None:
    worker = fleet.worker()
    await worker.look()
    await fleet.make_due(ago=timedelta(seconds=-1))
    due_at = (await fleet.view()).next_due_at
    serving = asyncio.create_task(worker.serve())
    while not fleet.delivered:  # the first look is too early, the second is at the due time
        await asyncio.sleep(0.01)
    await _stopped(serving)
    assert fleet.delivered[0].created_at >= due_at


async def test_it_goes_on_after_the_database_was_away(
    fleet: Fleet, database_url: str, redis_url: str
) -> None:
    async with wires_to(database_url, redis_url) as wires:
        by_wire = DatabaseSettings.model_validate({"url": wires.database_url})
        async with open_database(by_wire) as away:
            worker = replace(fleet.worker(), database=away, look_every_s=0.05)
            await worker.look()
            await wires.database.cut()
            await fleet.make_due(ago=timedelta(seconds=1))
            with pytest.raises(RetryableError):
                await worker.look()
            serving = asyncio.create_task(worker.serve())
            await wires.database.mend()
            while not fleet.delivered:
                await asyncio.sleep(0.01)
            await _stopped(serving)
    assert len(await fleet.runs()) == 1


async def test_a_deleted_run_does_not_hold_up_its_schedule(fleet: Fleet) -> None:
    worker = fleet.worker()
    await worker.look()
    await fleet.make_due(ago=timedelta(seconds=1))
    await worker.look()
    async with fleet.database.begin() as session:
        await session.execute(text("DELETE FROM runs"))
    view = await fleet.view()
    assert (view.last_run_id, view.last_run_status) == (None, None)
    await fleet.make_due(ago=timedelta(seconds=1))
    await worker.look()
    assert len(await fleet.runs()) == 1


async def test_schedules_are_listed_by_what_is_due_next(fleet: Fleet, begin_run: BeginRun) -> None:
    worker = fleet.worker(DAILY, Schedule(name="often", flow="test", cron="* * * * *"))
    await worker.look()
    async with fleet.database.begin() as session:
        await session.execute(
            text("UPDATE schedules SET next_due_at = now() + interval '2 days' WHERE name='daily'")
        )
        await session.execute(
            text("UPDATE schedules SET next_due_at = now() - interval '1 hour' WHERE name='often'")
        )
    await worker.look()
    run = await begin_run(RunId(fleet.delivered[0].id))
    async with fleet.database.begin() as session:
        await fencing.end(session, run.row, End(status=RunStatus.SUCCEEDED))
        listed = await list_schedules(session)
    assert [(view.name, view.last_run_status) for view in listed] == [
        ("often", RunStatus.SUCCEEDED), ("daily", None),
    ]  # fmt: skip


def test_a_schedule_that_makes_no_sense_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ValueError, match="it has not 5 fields"):
        Schedule(name="daily", flow="test", cron="@daily")
    with pytest.raises(ValueError, match="due_at"):
        Schedule(name="daily", flow="test", cron="0 0 * * *", input={"due_at": "now"})


async def _waiting_for_a_lock(database: Database) -> int:
    async with database.begin() as session:
        waiting = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
    return waiting or 0


async def _stopped(serving: asyncio.Task[None]) -> None:
    assert not serving.done()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
