"""Candidates at the shell: versions, look-up, export and erasure."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from app.bootstrap import Runtime
from app.pipeline.tables import RunRow
from app.settings import Settings
from tests.conftest import environment_of
from tests.flows.conftest import working
from tests.flows.persons import MAIL, PHONE, candidates, resume

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True, slots=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Awaitable[Ended]]


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    """Run one command in a process of its own, with the test's servers."""

    async def call(*arguments: str, said: str = "") -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *arguments,
            env=environment_of(settings),
            cwd=tmp_path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate(said.encode())
        assert process.returncode is not None
        return Ended(process.returncode, stdout.decode(), stderr.decode())

    return call


async def test_a_file_that_is_there_already_is_said_and_read_anew_only_by_force(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "cv.txt").write_bytes(resume())
    (tmp_path / "copy.txt").write_bytes(resume())
    first = json.loads((await run("ingest", "cv.txt", "copy.txt", "--json")).stdout)
    assert [each["file"] for each in first["runs"]] == ["cv.txt", "copy.txt"]
    assert len({each["id"] for each in first["runs"]}) == 1
    assert len(first["already_there"]) == 1
    assert first["succeeded"] == 2

    again = await run("ingest", "cv.txt")
    assert again.returncode == 0
    assert f"cv.txt: already there, as run {first['runs'][0]['id']}" in again.stdout
    assert "--force" in again.stdout

    forced = json.loads((await run("ingest", "cv.txt", "--force", "--json")).stdout)
    assert forced["already_there"] == []
    assert forced["runs"][0]["id"] != first["runs"][0]["id"]
    assert forced["runs"][0]["candidate_version"] == 2


@pytest.fixture
async def person(runtime: Runtime) -> UUID:
    """Somebody with two versions, and another one with the same contacts; returns the first."""
    async with working(runtime):
        for file in (
            resume(skills="Python, Kafka"),
            resume(skills="Go, Redis"),
            resume("윤가람", skills="Rust"),
        ):
            accepted = await runtime.intake.accept("cv.txt", file)
            async with asyncio.timeout(60):
                while not await _ended(runtime, accepted.run_id):
                    await asyncio.sleep(0.02)
    return next(each.id for each in await candidates(runtime) if each.version == 2)


async def _ended(runtime: Runtime, run_id: UUID) -> bool:
    async with runtime.database.begin() as session:
        return (await session.get_one(RunRow, run_id)).status == "succeeded"


async def test_a_person_is_looked_up(run: Run, person: UUID) -> None:
    found = json.loads((await run("candidates", "--name", "가온 윤", "--json")).stdout)
    assert [(each["id"], each["name"]) for each in found["candidates"]] == [(str(person), "윤**")]
    by_mail = json.loads((await run("candidates", "--mail", "-", "--json", said=MAIL)).stdout)
    assert len(by_mail["candidates"]) == 2
    table = await run("candidates", "--phone", PHONE)
    assert f"may be {person}" in table.stdout
    wrong = await run("candidates", "--phone", "x")
    assert (wrong.returncode, wrong.stderr.count("VALIDATION_ERROR")) == (1, 1)


async def test_a_person_is_shown_with_versions_and_exported(run: Run, person: UUID) -> None:
    shown = await run("candidates", str(person), "--versions")
    assert "Kafka" in shown.stdout
    assert "Redis" in shown.stdout
    exported = await run("candidates", str(person), "--anonymous", "--json")
    assert json.loads(exported.stdout)["skills"] == ["Go", "Redis"]
    assert str(person) not in exported.stdout
    pseudonym = json.loads(exported.stdout)["pseudonym"]
    assert pseudonym in (await run("candidates", str(person), "--anonymous")).stdout


async def test_two_persons_are_told_apart(run: Run, person: UUID, runtime: Runtime) -> None:
    other = next(each.id for each in await candidates(runtime) if each.id != person)
    assert "--not-duplicate" in (await run("candidates", str(other))).stdout

    told = await run("candidates", str(other), "--not-duplicate")
    again = await run("candidates", str(other), "--not-duplicate")
    shown = json.loads((await run("candidates", str(other), "--not-duplicate", "--json")).stdout)

    assert (told.returncode, again.returncode) == (0, 0)
    assert f"{other} and {person} are two persons" in told.stdout
    assert f"{other} is not flagged" in again.stdout
    assert (shown["id"], shown["possible_duplicate_of"]) == (str(other), None)
    assert [each.possible_duplicate_of for each in await candidates(runtime)] == [None, None]


async def test_a_person_is_forgotten_when_it_is_confirmed(
    run: Run, person: UUID, runtime: Runtime
) -> None:
    refused = await run("forget", str(person), said="no\n")
    assert (refused.returncode, "Nothing was erased" in refused.stderr) == (1, True)
    assert "윤**, 2 version(s)" in refused.stderr
    assert len(await candidates(runtime)) == 2

    erased = await run("forget", str(person), said="yes\n")
    assert erased.returncode == 0
    assert "nothing of it can be read" in erased.stdout
    (left,) = await candidates(runtime)
    assert left.possible_duplicate_of is None
    gone = await run("candidates", str(person))
    assert (gone.returncode, "ERASED" in gone.stderr) == (1, True)
    again = json.loads((await run("forget", str(person), "--yes", "--json")).stdout)
    assert (again["id"], again["files_deleted"]) == (str(person), True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--versions",),
        ("--anonymous",),
        ("--not-duplicate",),
        ("00000000-0000-4000-8000-000000000000", "--not-duplicate", "--versions"),
        ("00000000-0000-4000-8000-000000000000", "--mail", "a@example.com"),
        ("00000000-0000-4000-8000-000000000000", "--anonymous", "--reveal"),
    ],
)
async def test_what_does_not_go_together_is_a_usage_error(
    arguments: tuple[str, ...], run: Run
) -> None:
    assert (await run("candidates", *arguments)).returncode == 2
