"""Twenty seconds of everything going wrong at once, and nothing left over."""

import asyncio
import random
from uuid import UUID

import pytest

from app.bootstrap import Runtime, open_runtime
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider, scripted_provider
from app.pipeline import records
from app.settings import Settings
from tests.flows.conftest import EndedRuns, with_model, working
from tests.resilience.calls import idle

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

CHAOS_S = 20
RESUME = (
    "이력서\n홍길동\nhong@example.kr\n경력\n2020.01 - 2023.02 나루 주식회사 개발자\n번호 {number}"
)
BREAKAGES = (
    FaultKind.STATUS,
    FaultKind.RATE_LIMIT,
    FaultKind.QUOTA,
    FaultKind.BROKEN_JSON,
    FaultKind.GARBLED,
    FaultKind.TRUNCATED,
    FaultKind.RESET,
    FaultKind.HANG,
)


@pytest.mark.parametrize("seed", [20_261_121])
async def test_after_twenty_seconds_of_faults_every_resume_has_ended_and_nothing_leaked(
    seed: int, settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    async with scripted_provider() as second:
        configured = _impatient(with_model(settings, provider, second))
        async with open_runtime(configured) as runtime, working(runtime):
            # The worker's claim stands in Redis whenever it has room.
            before = {"standing-claim", *(task.get_name() for task in asyncio.all_tasks())}
            async with asyncio.TaskGroup() as group:
                breaking = group.create_task(_break(chance, provider, second))
                run_ids = await _feed(runtime)
                breaking.cancel()
            for model in (provider, second):
                model.clear_faults()
            runs = await ended(run_ids)
            async with runtime.database.begin() as session:
                stages = [await records.stages(session, run.id) for run in runs]
            async with asyncio.timeout(5):
                while not idle() or {task.get_name() for task in asyncio.all_tasks()} - before:
                    await asyncio.sleep(0.05)
    # The rules stand behind the models and a missing vector is a partial success: nobody is lost.
    assert {run.status for run in runs} <= {"succeeded", "partial"}
    analyses = [row.status for rows in stages for row in rows if row.name == "analyze"]
    assert {"succeeded", "fallback_success"} <= set(analyses)
    assert len(runs) > 20


def _impatient(settings: Settings) -> Settings:
    """With time limits in which a hanging model is given up within the test."""
    retry = settings.retry.model_copy(update={"llm_timeout": 1, "embedding_timeout": 1})
    return settings.model_copy(update={"retry": retry})


async def _break(chance: random.Random, *models: ScriptedProvider) -> None:
    while True:
        model = chance.choice(models)
        model.clear_faults()
        if chance.random() < 0.8:
            model.fail_with(
                chance.choice(BREAKAGES),
                times=chance.choice([1, 3, None]),
                endpoint=chance.choice(["chat", "chat", "embeddings"]),
                retry_after=chance.choice([None, "0", "1", "60"]),
            )
        await asyncio.sleep(chance.uniform(0.05, 0.8))


async def _feed(runtime: Runtime) -> list[UUID]:
    run_ids: list[UUID] = []
    loop = asyncio.get_running_loop()
    until_s = loop.time() + CHAOS_S
    while loop.time() < until_s:
        text = RESUME.format(number=len(run_ids)).encode()
        run_ids.append((await runtime.intake.accept("cv.txt", text)).run_id)
        await asyncio.sleep(0.3)
    return run_ids
