"""The flow that is tortured, and what its runs owe: stages that write, ask, fail and take time."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bootstrap import Runtime
from app.errors import ErrorCode, PermanentError, RetryableError
from app.jobs.dead_letters import bury
from app.pipeline.effects import EffectHandler
from app.pipeline.fencing import Effect
from app.pipeline.flow import Flow
from app.pipeline.reconcile import DEAD_LETTER
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.resilience.policies import PolicyName
from tests.torture.chance import chance_of
from tests.torture.sink import ASK, HOOK

FLOW = "torture"
ROW, WEBHOOK = "torture_row", "torture_webhook"
OWING = (ErrorCode.INVALID_FILE, ErrorCode.MULTI_IDENTITY)
"""Runs that end with one of these owe effects."""
HANG = "hang"
"""In a run's input: its first attempt never ends by itself."""

TINY = "tiny"
"""In a run's input: it ends at once."""

_FAILING_SHARE = 0.06
_ANSWER = TypeAdapter(str)


@dataclass(frozen=True, slots=True)
class Odds:
    """Chance that depends on the seed, the run and the place alone."""

    seed: int
    run: int

    def at(self, place: str, attempt: int = 0) -> random.Random:
        return chance_of(self.seed, self.run, place, attempt)

    def owes(self) -> bool:
        return self.at("end").random() < 0.7

    async def trouble(self, place: str, attempt: int) -> None:
        """Take a little time, and perhaps fail in a way that another attempt can cure."""
        chance = self.at(place, attempt)
        await asyncio.sleep(chance.uniform(0.005, 0.12))
        if chance.random() < _FAILING_SHARE:
            raise RetryableError(ErrorCode.NETWORK_ERROR, details={"service": "torture"})


def torture_flow(seed: int, client: httpx.AsyncClient) -> Flow:
    async def call(run: Run) -> dict[str, Any]:
        odds = Odds(seed, int(run.row.input["number"]))
        attempt = run.row.attempt
        if run.row.input.get(HANG) and attempt == 1:
            await asyncio.Event().wait()
        if run.row.input.get(TINY):
            return {}
        await run.need(prepare, odds, attempt)
        answer = await run.once("ask", "", _ANSWER, lambda: ask(client))
        await run.commit(first, odds, run, answer)
        async with asyncio.TaskGroup() as side:
            side.create_task(run.want(draw, odds, attempt))
            side.create_task(run.need(weigh, odds, attempt))
        # Asked again on purpose: what was answered before must be what is used.
        answer = await run.once("ask", "", _ANSWER, lambda: ask(client))
        await run.commit(second, odds, run, answer)
        if odds.owes():
            raise PermanentError(OWING[odds.run % 2])
        return {"number": odds.run}

    def owed(run: Run) -> tuple[Effect, ...]:
        payload = {"run_id": str(run.id)}
        return tuple(
            Effect(kind=kind, key=f"{kind}:{run.id}", payload=payload) for kind in (ROW, WEBHOOK)
        )

    return Flow(call=call, refusals=frozenset(OWING), on_refusal=owed)


def torture_effects(runtime: Runtime, client: httpx.AsyncClient) -> Mapping[str, EffectHandler]:
    async def write(payload: dict[str, Any], key: str) -> None:
        async with runtime.database.begin() as session:
            await session.execute(
                text(
                    "INSERT INTO torture_effects (idempotency_key, run_id) VALUES (:key, :run_id) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"key": key, "run_id": UUID(payload["run_id"])},
            )

    async def post(payload: dict[str, Any], key: str) -> None:
        try:
            answer = await client.post(HOOK, json=payload, headers={"Idempotency-Key": key})
        except httpx.HTTPError:
            raise RetryableError(ErrorCode.NETWORK_ERROR) from None
        if answer.is_error:
            raise RetryableError(ErrorCode.NETWORK_ERROR)

    return {ROW: write, WEBHOOK: post, DEAD_LETTER: bury(runtime)}


async def ask(client: httpx.AsyncClient) -> str:
    """An answer that is never the same twice."""
    try:
        return _ANSWER.validate_python((await client.post(ASK)).json())
    except httpx.HTTPError:
        raise RetryableError(ErrorCode.NETWORK_ERROR) from None


@stage("prepare", policy=PolicyName.LOCAL)
async def prepare(odds: Odds, attempt: int) -> int:
    await odds.trouble("prepare", attempt)
    return attempt


@stage("first", policy=PolicyName.LOCAL)
async def first(session: AsyncSession, odds: Odds, run: Run, answer: str) -> int:
    return await _write(session, odds, run, "first", answer)


@stage("draw", policy=PolicyName.LOCAL, partial=ErrorCode.VISUAL_PARTIAL)
async def draw(odds: Odds, attempt: int) -> int:
    await odds.trouble("draw", attempt)
    return attempt


@stage("weigh", policy=PolicyName.LOCAL)
async def weigh(odds: Odds, attempt: int) -> int:
    await odds.trouble("weigh", attempt)
    return attempt


@stage("second", policy=PolicyName.LOCAL)
async def second(session: AsyncSession, odds: Odds, run: Run, answer: str) -> int:
    return await _write(session, odds, run, "second", answer)


async def _write(session: AsyncSession, odds: Odds, run: Run, place: str, answer: str) -> int:
    """A row that nothing but the fence keeps from being there twice."""
    await session.execute(
        text(
            "INSERT INTO torture_commits (run_id, stage, attempt, answer) "
            "VALUES (:run_id, :stage, :attempt, :answer)"
        ),
        {"run_id": run.id, "stage": place, "attempt": run.row.attempt, "answer": answer},
    )
    await odds.trouble(f"commit {place}", run.row.attempt)
    return run.row.attempt
