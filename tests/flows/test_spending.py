"""A run that has spent what it may is carried on by the rules, and says so."""

import asyncio
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import UUID

import pytest

from app.bootstrap import Runtime
from app.candidates.views import RunView, view_run
from app.cli.render import print_waterfall
from app.demo.provider import ScriptedProvider, scripted_provider
from app.demo.samples import SAMPLES
from app.messages import Language
from app.settings import Settings
from tests.flows.conftest import (
    EndedRuns,
    WorkerProcess,
    held_runs,
    hold_checkpoint,
    with_model,
    working,
)

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

KOREAN = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")
NOT_UNDERSTOOD = "This is no JSON, and so it is asked for again. " * 100
"""More than a thousand tokens."""
ANSWER = 50_000
"""How long an answer may be: beside that, the tokens of a question hardly count."""


@pytest.fixture
def caps() -> dict[str, object]:
    """What the settings of the models say beside `max_output_tokens`."""
    return {}


@pytest.fixture
async def second() -> AsyncIterator[ScriptedProvider]:
    """The server of the second model."""
    async with scripted_provider() as running:
        yield running


@pytest.fixture
def settings(
    settings: Settings,
    provider: ScriptedProvider,
    second: ScriptedProvider,
    caps: dict[str, object],
) -> Settings:
    modelled = with_model(settings, provider, second)
    llm = modelled.llm.model_copy(update={"max_output_tokens": ANSWER, **caps})
    return modelled.model_copy(update={"llm": llm})


async def carried(here: Runtime, ended: EndedRuns) -> RunView:
    """Ingest one résumé to its end."""
    accepted = await here.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    return await view(here, ended, accepted.run_id)


async def view(here: Runtime, ended: EndedRuns, run_id: UUID) -> RunView:
    (run,) = await ended([run_id])
    async with here.database.begin() as session:
        return await view_run(session, here.keyring, run, language=Language.ENGLISH, reveal=False)


def analysis(run: RunView) -> tuple[str, str | None]:
    """How the stage that asks the model ended."""
    (stage,) = [stage for stage in run.stages if stage.name == "analyze"]
    return stage.status, stage.code


def questions(provider: ScriptedProvider) -> int:
    return len([call for call in provider.calls if call.endpoint == "chat"])


@pytest.mark.parametrize(
    "caps",
    [
        {
            "input_price": Decimal(1),
            "output_price": Decimal(2),
            "max_run_cost": Decimal(1),
            "fallbacks": (),
        }
    ],
)
async def test_a_run_shows_what_its_model_took_also_when_its_checkpoints_are_gone(
    here: Runtime,
    ended: EndedRuns,
    provider: ScriptedProvider,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = await carried(here, ended)
    assert (run.status, analysis(run)) == ("succeeded", ("succeeded", None))
    assert run.spend is not None
    assert run.spend.calls == questions(provider) == 1
    assert run.spend.input_tokens > run.spend.output_tokens > 0
    assert run.spend.cost_micros == run.spend.input_tokens + 2 * run.spend.output_tokens

    print_waterfall(run, [], [])
    shown = capsys.readouterr().out
    assert f"{run.spend.input_tokens:,} tokens in" in shown
    assert f"cost 0.{run.spend.cost_micros:06}" in shown


@pytest.mark.parametrize("caps", [{"max_run_tokens": ANSWER}])
async def test_a_run_that_may_not_ask_at_all_is_read_by_the_rules_and_says_why(
    here: Runtime,
    ended: EndedRuns,
    provider: ScriptedProvider,
    second: ScriptedProvider,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = await carried(here, ended)
    assert (run.status, run.code, run.spend) == ("succeeded", None, None)
    assert analysis(run) == ("fallback_success", "SPEND_CAP")
    assert (questions(provider), questions(second)) == (0, 0)
    print_waterfall(run, [], [])
    assert "analyze fell back: The run may spend no more on models" in capsys.readouterr().out


@pytest.mark.parametrize("caps", [{"max_run_tokens": ANSWER + 4_000}])
async def test_a_cap_that_is_reached_between_an_answer_and_its_correction_ends_the_asking(
    here: Runtime, ended: EndedRuns, provider: ScriptedProvider, second: ScriptedProvider
) -> None:
    provider.replies(NOT_UNDERSTOOD)
    run = await carried(here, ended)
    assert (run.status, analysis(run)) == ("succeeded", ("fallback_success", "SPEND_CAP"))
    assert (questions(provider), questions(second)) == (1, 0)
    assert run.spend is not None
    assert run.spend.calls == 1


@pytest.mark.parametrize("caps", [{"max_run_tokens": ANSWER + 8_000}])
async def test_the_models_of_a_chain_spend_from_one_purse(
    here: Runtime, ended: EndedRuns, provider: ScriptedProvider, second: ScriptedProvider
) -> None:
    provider.replies(NOT_UNDERSTOOD, NOT_UNDERSTOOD)
    run = await carried(here, ended)
    # Two questions to the first use it up; the second, which comes next, is not asked.
    assert (questions(provider), questions(second)) == (2, 0)
    assert (run.status, analysis(run)) == ("succeeded", ("fallback_success", "LLM_PARSE_ERROR"))
    assert run.spend is not None
    assert run.spend.calls == 2


@pytest.mark.parametrize("caps", [{"max_run_tokens": ANSWER + 4_000}])
async def test_what_an_attempt_spent_before_its_worker_was_killed_counts_for_the_next(
    runtime: Runtime,
    worker_process: WorkerProcess,
    ended: EndedRuns,
    provider: ScriptedProvider,
    second: ScriptedProvider,
) -> None:
    provider.replies(NOT_UNDERSTOOD)
    await hold_checkpoint(runtime, "analyze")
    accepted = await runtime.intake.accept(KOREAN.file, KOREAN.path.read_bytes())
    async with worker_process() as victim:
        async with asyncio.timeout(60):
            while not await held_runs(runtime):
                assert victim.returncode is None
                await asyncio.sleep(0.02)
        victim.send_signal(signal.SIGKILL)
        await victim.wait()
    async with working(runtime):
        run = await view(runtime, ended, accepted.run_id)
    assert (run.status, run.attempt) == ("succeeded", 2)
    assert analysis(run) == ("fallback_success", "SPEND_CAP")
    # The answer was saved: it was neither asked for nor paid again.
    assert (questions(provider), questions(second)) == (1, 0)
    assert run.spend is not None
    assert run.spend.calls == 1
