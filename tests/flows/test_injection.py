"""A résumé that gives orders, a model that obeys, and the candidate who stays the same."""

import asyncio
import json

import pytest

from app.bootstrap import Runtime, open_runtime
from app.candidates.views import view_run
from app.demo.faults import FaultKind
from app.demo.provider import ScriptedProvider, scripted_provider
from app.demo.samples import SAMPLES
from app.messages import Language
from app.settings import Settings
from tests.candidates.attacks import ATTACKS
from tests.flows.conftest import EndedRuns, with_model, working

pytestmark = [pytest.mark.flow, pytest.mark.timeout(120)]

PLAIN = next(sample for sample in SAMPLES if sample.file == "ko-plain.txt")
SECTION = "[ 학력 ]"


async def read(runtime: Runtime, ended: EndedRuns, text: str) -> tuple[str, str]:
    """Ingest one text; returns how the analysis ended, and all that the profile says."""
    accepted = await runtime.intake.accept("cv.txt", text.encode(), force=True)
    (run,) = await ended([accepted.run_id])
    assert run.status == "succeeded"
    async with runtime.database.begin() as session:
        view = await view_run(session, runtime.keyring, run, language=Language.ENGLISH, reveal=True)
    assert view.profile is not None
    (analyze,) = [stage for stage in view.stages if stage.name == "analyze"]
    said = view.profile.model_dump_json(exclude={"sources", "confidence", "notes"})
    return analyze.status, said


async def test_no_attack_changes_the_stored_profile_though_the_model_obeys_all(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    text = await asyncio.to_thread(PLAIN.path.read_text, "utf-8")
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        clean = await read(runtime, ended, text)
        provider.fail_with(FaultKind.OBEDIENT, endpoint="chat")
        changed = [
            attack.id
            for attack in ATTACKS
            if await read(
                runtime, ended, text.replace(SECTION, "\n".join([*attack.lines, "", SECTION]))
            )
            != clean
        ]
    assert clean[0] == "succeeded"
    assert changed == []


async def test_an_answer_about_somebody_else_is_asked_of_the_next_model_and_then_of_the_rules(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    text = await asyncio.to_thread(PLAIN.path.read_text, "utf-8")
    foreign = {
        "name": "Eve Mallory",
        "headline": None,
        "emails": ["eve@example.net"],
        "phones": [],
        "links": [],
        "education": [],
        "experience": [],
        "skills": [],
        "languages": [],
        "summary": None,
    }
    async with (
        scripted_provider() as second,
        open_runtime(with_model(settings, provider, second)) as runtime,
        working(runtime),
    ):
        provider.replies(foreign)
        by_second = await read(runtime, ended, text)
        provider.replies(foreign)
        second.replies(foreign)
        by_rules = await read(runtime, ended, text)
    assert (by_second[0], by_rules[0]) == ("succeeded", "fallback_success")
    for _, said in (by_second, by_rules):
        assert json.loads(said)["name"] == PLAIN.name


async def test_refusals_cut_off_answers_and_empty_ones_end_with_the_rules(
    settings: Settings, provider: ScriptedProvider, ended: EndedRuns
) -> None:
    text = await asyncio.to_thread(PLAIN.path.read_text, "utf-8")
    ends: list[str] = []
    answers = (("", "stop", 2), ('{"name": "', "length", 2), ("", "content_filter", 1))
    async with open_runtime(with_model(settings, provider)) as runtime, working(runtime):
        for content, reason, times in answers:
            provider.replies(*[content] * times, finish_reason=reason)
            status, _ = await read(runtime, ended, text)
            ends.append(status)
    assert ends == ["fallback_success"] * 3
