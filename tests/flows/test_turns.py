"""Résumés are saved one after the other, and none keeps its turn while it waits for others."""

import asyncio
from uuid import UUID

import pytest

from app.bootstrap import Runtime, open_runtime
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider
from app.pipeline import records
from app.settings import Settings
from tests.flows.conftest import (
    EndedRuns,
    WorkerProcess,
    held_runs,
    hold_checkpoint,
    with_model,
    working,
)

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

RESUME = (
    "이력서\n홍길동\nhong@example.kr\n010-0000-1234\n경력\n2020.01 - 2023.02 나루 주식회사 개발자\n"
)


async def accept(runtime: Runtime, number: int) -> UUID:
    content = f"{RESUME}번호 {number}".encode()
    return (await runtime.intake.accept("cv.txt", content, force=True)).run_id


async def has_begun(runtime: Runtime, run_id: UUID, stage: str) -> bool:
    async with runtime.database.begin() as session:
        return stage in {row.name for row in await records.stages(session, run_id)}


async def test_who_waits_for_a_model_lets_others_go_by(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    assert settings.queue.saving == 1
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        provider.fail_with(FaultKind.HANG, endpoint="chat", times=1)
        first = await accept(runtime, 1)
        async with asyncio.timeout(20):
            while not provider.calls:
                await asyncio.sleep(0.02)

        (other,) = await ended([await accept(runtime, 2)])

        assert other.status == "succeeded"
        assert not await has_begun(runtime, first, "protect")


async def test_one_turn_is_for_one_resume(runtime: Runtime, worker_process: WorkerProcess) -> None:
    await hold_checkpoint(runtime, "protect")
    run_ids = [await accept(runtime, number) for number in range(3)]
    async with worker_process(), asyncio.timeout(40):
        while not all([await has_begun(runtime, run_id, "extract") for run_id in run_ids]):
            await asyncio.sleep(0.05)
        while not await held_runs(runtime):
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)  # time for the others to get there

        assert await held_runs(runtime) == 1
