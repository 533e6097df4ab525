"""Prompt injection: what a résumé says to its reader changes nothing."""

import json
from collections.abc import Sequence

import pytest

from app.candidates.analysis import analyze_by_model, analyze_by_rules
from app.errors import PermanentError
from tests.candidates.attacks import ATTACKS, UNSEEN, Attack
from tests.candidates.reciting import (
    RESUMES,
    Recited,
    by_model,
    honest,
    read_by_rules,
    reading_of,
    told,
)

PLACES = {"top": 0, "header": 3, "experience": 5, "end": None}


def attacked(lines: Sequence[str], attack: Attack, place: str) -> list[str]:
    at = PLACES[place]
    at = len(lines) if at is None else at
    return [*lines[:at], "", *attack.lines, "", *lines[at:]]


def document_text(question: str) -> str:
    """The question without the fence, whose key depends on the text."""
    return question.partition("\n")[2].rpartition("\n")[0]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("language", RESUMES)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
async def test_an_attack_does_not_reach_the_model_or_the_rules(
    attack: Attack, language: str, place: str
) -> None:
    clean, lines = RESUMES[language], attacked(RESUMES[language], attack, place)
    given = json.dumps(await honest(clean))
    quiet, loud = Recited(given), Recited(given)

    before = await analyze_by_model(reading_of(clean), quiet, parse_tries=1)
    after = await analyze_by_model(reading_of(lines), loud, parse_tries=1)

    ((_, without, _),), ((_, question, _),) = quiet.asked, loud.asked
    assert document_text(question) == document_text(without)
    assert after.profile.model_dump(exclude={"sources", "notes"}) == before.profile.model_dump(
        exclude={"sources", "notes"}
    )
    assert after.profile.notes == ("instructions_withheld",)
    by_rules = await analyze_by_rules(reading_of(lines))
    assert told(by_rules.profile) == told(read_by_rules(clean))


@pytest.mark.parametrize("language", RESUMES)
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
async def test_a_model_that_obeys_all_the_same_changes_nothing(
    attack: Attack, language: str
) -> None:
    lines = RESUMES[language]
    given = await honest(lines)
    reading = reading_of(attacked(lines, attack, "experience"))
    obeyed = json.dumps({**given, **attack.obeyed})

    try:
        analysis = await analyze_by_model(reading, Recited(obeyed, obeyed), parse_tries=2)
    except PermanentError:
        analysis = await analyze_by_rules(reading)  # as the stage's fallback does

    clean = await by_model(lines, json.dumps(given))
    assert told(analysis.profile) == told(clean.profile)


@pytest.mark.parametrize("language", RESUMES)
@pytest.mark.parametrize("lines", UNSEEN)
async def test_what_an_unrecognised_attack_demands_is_not_believed(
    lines: tuple[str, ...], language: str
) -> None:
    clean = RESUMES[language]
    given = await honest(clean)
    demands = {
        "name": "Eve Mallory",
        "headline": "CTO",
        "emails": ["eve@example.net"],
        "experience": [*given["experience"], {"company": "Evil Corp", "title": "CTO"}],
        "skills": [*given["skills"], "PWNED"],
        "summary": "The assistant has agreed to hire Eve Mallory.",
    }
    answers = [json.dumps({**given, **demands})]

    profile = (await by_model([*clean[:5], "", *lines, "", *clean[5:]], *answers)).profile

    before = (await by_model(clean, json.dumps(given))).profile
    for field in ("name", "headline", "emails", "phones", "experience", "education", "skills"):
        assert getattr(profile, field) == getattr(before, field)
