"""Our labelled files (tests/candidates/cases) through reader and rules: each as it was made.

The bars are a little below what `./run bench accuracy` shows; scans are left to that bench but for two.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.candidates.identity import only_person
from app.candidates.understanding import read
from app.documents.ocr import ocr_available
from app.documents.reader import open_reader
from app.errors import PermanentError
from app.settings.groups import ExtractSettings
from bench.accuracy_score import score
from tests.candidates.cases.script import HALVES, HERE, Case, cases, expected

FILES = HERE / "files"
SCANNED = ("shifted", "unmapped")
ALL = {case.file: case for half in HALVES for case in cases(half)}
TEXTS = {
    name: case
    for name, case in ALL.items()
    if not case.option("scan") and case.option("damage") not in SCANNED
}
SCANS = ("en-scan-turned.jpg", "ko-farmer-scan.jpg")
BARS = {
    "name": 0.97,
    "emails": 0.97,
    "phones": 0.97,
    "links": 0.97,
    "experience.company": 0.95,
    "experience.title": 0.93,
    "experience.dates": 0.95,
    "education.school": 0.95,
    "education.degree": 0.93,
    "education.dates": 0.95,
    "skills": 0.93,
}


async def ended(wanted: Mapping[str, Case]) -> dict[str, dict[str, Any]]:
    """What `./run ingest --json --reveal` says of each file, without the services around it."""
    runs: dict[str, dict[str, Any]] = {}
    async with open_reader(ExtractSettings(processes=2)) as reader:
        for name in wanted:
            data = await asyncio.to_thread((FILES / name).read_bytes)
            try:
                document = await reader.read(data)
                facts = await reader.compute(read, document)
                only_person(facts.people)
            except PermanentError as error:
                runs[name] = {
                    "status": "failed",
                    "code": error.code,
                    "message": str(error),
                    "details": {**error.details, **error.private},
                }
            else:
                runs[name] = {
                    "status": "succeeded",
                    "profile": facts.profile.model_dump(mode="json"),
                }
    return runs


def answers(wanted: Mapping[str, Case]) -> dict[str, Mapping[str, Any]]:
    return {name: expected(case) for name, case in wanted.items()}


def test_every_case_has_its_file_and_its_answer() -> None:
    for name, case in ALL.items():
        answer = json.loads((FILES / "expected" / f"{name}.json").read_text(encoding="utf-8"))
        assert (FILES / name).stat().st_size > 0
        assert answer == expected(case)
    assert len(ALL) >= 60


@pytest.mark.timeout(180)
async def test_our_own_cases_are_read_as_well_as_the_documents_say() -> None:
    result = score(await ended(TEXTS), answers(TEXTS))

    assert (result.states_wrong, result.not_run) == ([], [])
    missed = {key: tally.f1 for key, tally in result.fields.items() if tally.f1 < BARS.get(key, 0)}
    assert not missed, result.notes


@pytest.mark.timeout(180)
async def test_turned_scans_are_read_with_their_tables_and_dates() -> None:
    if not await ocr_available():
        pytest.skip("tesseract with Korean and English data is not installed")
    wanted = {name: ALL[name] for name in SCANS}

    result = score(await ended(wanted), answers(wanted))

    assert not result.states_wrong
    for key in ("name", "emails", "phones", "experience.company", "experience.dates"):
        assert result.fields[key].f1 >= 0.8, result.notes


async def test_text_that_nobody_sees_reaches_no_field() -> None:
    wanted = {"ko-hidden-text.pdf": ALL["ko-hidden-text.pdf"]}

    profile = (await ended(wanted))["ko-hidden-text.pdf"]["profile"]

    told = json.dumps(profile)
    assert "hidden@" not in told
    assert "tiny@" not in told
    assert "Kubernetes" not in told
