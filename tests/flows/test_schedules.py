"""Runs that begin by the clock, through a whole worker."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.bootstrap import Runtime
from app.jobs.scheduled import RETENTION
from app.pipeline import fencing
from app.pipeline.schedules import ScheduleView, list_schedules
from app.pipeline.tables import RunRow, RunStatus, ScheduleRow
from tests.flows.conftest import working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(60)]


async def retention(runtime: Runtime) -> ScheduleView | None:
    async with runtime.database.begin() as session:
        listed = await list_schedules(session)
    return next((view for view in listed if view.name == RETENTION.name), None)


async def test_a_worker_that_starts_after_three_days_makes_up_for_them_with_one_run(
    runtime: Runtime,
) -> None:
    async with runtime.database.begin() as session:
        session.add(
            ScheduleRow(
                name=RETENTION.name,
                flow=RETENTION.flow,
                cron=RETENTION.cron,
                timezone=runtime.settings.queue.timezone,
                next_due_at=await fencing.now(session) - timedelta(days=3),
            )
        )
    async with working(runtime):
        while True:
            view = await retention(runtime)
            if view and view.last_run_status and view.last_run_status.final:
                break
            await asyncio.sleep(0.02)
    assert view.last_run_status is RunStatus.SUCCEEDED
    async with runtime.database.begin() as session:
        runs = await session.scalar(select(func.count()).select_from(RunRow))
        run = await session.get_one(RunRow, view.last_run_id)
    assert (runs, run.attempt) == (1, 1)
    assert run.result
    assert not any(run.result.values())


async def test_a_fresh_install_has_its_schedules_and_runs_none_at_once(runtime: Runtime) -> None:
    async with working(runtime):
        while (view := await retention(runtime)) is None:
            await asyncio.sleep(0.02)
    assert (view.cron, view.last_run_id) == (RETENTION.cron, None)
