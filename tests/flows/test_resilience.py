"""What happens to résumés and searches while what they need is failing."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy import select

from app.bootstrap import Runtime, open_runtime
from app.candidates.search import search
from app.candidates.tables import VersionRow
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider, scripted_provider
from app.errors import ErrorCode
from app.pipeline import records
from app.pipeline.tables import StageRow
from app.resilience.breaker_states import Mode
from app.resilience.policies import PolicyName
from app.resilience.registry import registry
from app.resilience.rollout_config import Extent
from app.resilience.rollout_guard import Result
from app.settings import Settings
from app.settings.resilience import FailMode
from tests.flows.conftest import EndedRuns, with_model, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(90)]

RESUME = (
    "이력서\n홍길동\nhong@example.kr\n010-0000-1234\n경력\n2020.01 - 2023.02 나루 주식회사 개발자\n"
)
BREAKER = "llm:naru-scripted-1"


async def ingest(runtime: Runtime, ended: EndedRuns, files: int) -> list[StageRow]:
    """Ingest so many résumés at once; returns their analyze stages, last attempts."""
    run_ids = [
        (await runtime.intake.accept("cv.txt", f"{RESUME}번호 {n}".encode(), force=True)).run_id
        for n in range(files)
    ]
    await ended(run_ids)
    return await analyses(runtime, run_ids)


async def analyses(runtime: Runtime, run_ids: Sequence[UUID]) -> list[StageRow]:
    async with runtime.database.begin() as session:
        found = [await records.stages(session, run_id) for run_id in run_ids]
    return [[row for row in rows if row.name == "analyze"][-1] for rows in found]


def statuses(stages: Sequence[StageRow]) -> list[str]:
    return [stage.status for stage in stages]


def chats(provider: ScriptedProvider) -> int:
    return sum(call.endpoint == "chat" for call in provider.calls)


async def test_a_model_that_is_down_opens_its_circuit_the_rules_answer_and_it_closes_by_itself(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        provider.fail_with(FaultKind.STATUS, endpoint="chat", status=503)
        stages = await ingest(runtime, ended, 8)
        assert set(statuses(stages)) == {"fallback_success"}
        assert {stage.code for stage in stages} <= {"NETWORK_ERROR", "CIRCUIT_OPEN"}
        view = await runtime.breakers.view(BREAKER)
        (changed, *_) = view.processes[0].history
        assert (changed.to_state, changed.cause) == ("open", "failures")
        asked = chats(provider)

        provider.clear_faults()
        async with asyncio.timeout(20):
            while "succeeded" not in statuses(await ingest(runtime, ended, 2)):
                await asyncio.sleep(0.1)
        assert statuses(await ingest(runtime, ended, 2)) == ["succeeded", "succeeded"]
        view = await runtime.breakers.view(BREAKER)
        assert view.processes[0].state == "closed"
        assert view.processes[0].history[-1].cause == "probes_succeeded"
    # Eight résumés, two tries each, would be 16 calls; the circuit saved the rest.
    assert 5 <= asked < 16


async def test_the_next_model_answers_for_one_that_is_down_or_talks_nonsense(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    async with (
        scripted_provider() as second,
        open_runtime(with_model(settings, provider, second)) as runtime,
        working(runtime),
    ):
        provider.fail_with(FaultKind.QUOTA, endpoint="chat", times=1)
        provider.fail_with(FaultKind.WRONG_SHAPE, endpoint="chat")
        for _ in range(2):
            assert statuses(await ingest(runtime, ended, 1)) == ["succeeded"]
        async with runtime.database.begin() as session:
            analysts = (await session.scalars(select(VersionRow.analyst))).all()
    assert list(analysts) == ["model", "model"]
    assert (chats(provider), chats(second)) == (3, 2)


async def test_without_a_fallback_a_run_is_tried_again_later_and_its_tries_do_not_multiply(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    alone = with_model(settings, provider)
    analysis = alone.policies.analysis.model_copy(update={"fail_mode": FailMode.FAIL_CLOSE})
    llm = alone.policies.llm.model_copy(update={"breaker": None})
    policies = alone.policies.model_copy(update={"analysis": analysis, "llm": llm})
    retry = alone.retry.model_copy(update={"llm_max": 3})
    queue = alone.queue.model_copy(update={"max_attempts": 4})
    closed = alone.model_copy(update={"policies": policies, "retry": retry, "queue": queue})
    async with open_runtime(closed) as runtime, working(runtime):
        provider.fail_with(FaultKind.STATUS, endpoint="chat", status=503)
        (stage,) = await ingest(runtime, ended, 1)
        async with runtime.database.begin() as session:
            run = await records.find(session, runtime.tenant_id, stage.run_id)
    assert run is not None
    assert (run.status, run.code, run.tries) == ("failed", ErrorCode.NETWORK_ERROR, 4)
    # Three tries in the first attempt, one in each of the three others; not three times four.
    assert chats(provider) == 6


async def test_a_search_goes_on_by_words_while_the_query_cannot_be_embedded(
    here: Runtime, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    await ingest(here, ended, 1)
    provider.fail_with(FaultKind.STATUS, endpoint="embeddings", status=503)
    found = await search(
        here.database,
        here.tenant_id,
        "나루 주식회사",
        embedder=here.embedder,
        policy=here.policies[PolicyName.QUERY],
        top_k=5,
    )
    assert found.without_meaning is ErrorCode.NETWORK_ERROR
    assert [hit.meaning for hit in found.hits] == [0.0]
    assert found.hits[0].keyword > 0.5


async def test_a_circuit_forced_open_holds_from_the_first_call_of_a_process_that_starts_later(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    configured = with_model(settings, provider)
    async with open_runtime(configured) as operator:
        await operator.breakers.set_mode(BREAKER, Mode.FORCED_OPEN, reason="test", by="test")
    registry.reset()
    async with open_runtime(configured) as runtime, working(runtime):
        assert statuses(await ingest(runtime, ended, 2)) == ["fallback_success"] * 2
        assert chats(provider) == 0
        await runtime.breakers.set_mode(BREAKER, Mode.AUTOMATIC, reason="test", by="test")
        assert statuses(await ingest(runtime, ended, 1)) == ["succeeded"]


async def test_the_models_reading_is_rolled_out_without_a_restart(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        rollouts = runtime.rollouts
        await rollouts.switch("model_analyst", Extent(), reason="test", changed_by="test")
        await ingest(runtime, ended, 2)
        assert chats(provider) == 0

        shadow = Extent(shadow=True)
        await rollouts.switch("model_analyst", shadow, reason="test", changed_by="test")
        await ingest(runtime, ended, 2)
        async with asyncio.timeout(10):
            while sum(rollouts.status("model_analyst").counts.values()) < 2:
                await asyncio.sleep(0.02)
        compared = rollouts.status("model_analyst").counts
        assert chats(provider) == 2

        everyone = Extent(share_bp=10_000)
        await rollouts.switch("model_analyst", everyone, reason="test", changed_by="test")
        await ingest(runtime, ended, 2)
        async with runtime.database.begin() as session:
            rows = await session.scalars(select(VersionRow.analyst).order_by(VersionRow.created_at))
            analysts = list(rows)
        breakers = {breaker.name for breaker in registry.here().breakers()}
    assert analysts == ["rules", "rules", "rules", "rules", "model", "model"]
    assert compared.get(Result.MATCH, 0) + compared.get(Result.MISMATCH, 0) == 2
    assert {BREAKER, f"shadow:{BREAKER}"} <= breakers
