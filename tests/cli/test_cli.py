"""The commands as a shell sees them."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.demo.samples import SAMPLES
from app.messages import Message
from app.settings import Settings
from tests.conftest import environment_of

pytestmark = pytest.mark.timeout(120)

Run = Callable[..., Awaitable["Ended"]]


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command said and left."""

    returncode: int
    stdout: str
    stderr: str


TEXT = "윤가온\ngaon.yun@example.kr\n010-0000-2101\n\n기술\nPython, Kafka\n"


@pytest.fixture
def run(settings: Settings, tmp_path: Path) -> Run:
    """Run one command in a process of its own, with the test's servers."""

    async def call(*arguments: str, **more: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *arguments,
            env=environment_of(settings) | more,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, stdout.decode(), stderr.decode())

    return call


async def test_help_lists_the_commands_and_imports_nothing_heavy(run: Run) -> None:
    listed = await run("--help")
    assert listed.returncode == 0
    for command in ("demo", "ingest", "runs", "candidates", "search", "up", "doctor", "reset"):
        assert f"  {command} " in listed.stdout
    loaded = (await run("--help", PYTHONPROFILEIMPORTTIME="1")).stderr
    assert " typer\n" in loaded
    for heavy in ("sqlalchemy", "fastapi", "openai", "structlog", "pydantic", "opentelemetry"):
        assert f" {heavy}\n" not in loaded


async def test_a_folder_is_ingested_with_what_is_no_document_skipped(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    (folder / "below").mkdir(parents=True)
    (folder / "posing.pdf").mkdir()
    (folder / "cv.txt").write_text(TEXT)
    (folder / "empty.pdf").touch()
    (folder / "notes.md").write_text("notes")
    (folder / "data.json").write_text("{}")
    two = next(sample for sample in SAMPLES if sample.names)
    (folder / "two.pdf").write_bytes(two.path.read_bytes())

    shown = await run("ingest", "inbox", "--json", "--once")
    assert shown.returncode == 1, shown.stderr  # some failed
    report = json.loads(shown.stdout)
    by_file = {Path(entry["file"]).name: entry for entry in report["runs"]}
    assert {key: report[key] for key in ("succeeded", "partial", "failed", "cancelled")} == {
        "succeeded": 1, "partial": 0, "failed": 3, "cancelled": 0,
    }  # fmt: skip
    assert report["skipped"] == ["inbox/below", "inbox/data.json", "inbox/notes.md"]
    assert by_file["posing.pdf"]["code"] == "INVALID_FILE"
    assert by_file["empty.pdf"]["code"] == "INVALID_FILE"
    assert by_file["two.pdf"]["code"] == "MULTI_IDENTITY"
    assert by_file["two.pdf"]["details"] == {"count": 2}
    good = by_file["cv.txt"]
    assert good["profile"] is None
    assert [stage["name"] for stage in good["stages"]][:3] == ["fetch", "extract", "identity"]
    assert {"name", "status", "ms", "attempt"} <= good["stages"][0].keys()
    assert good["ms"] > 0

    revealed = await run("ingest", "inbox/cv.txt", "inbox/two.pdf", "--json", "--reveal")
    first, second = json.loads(revealed.stdout)["runs"]
    assert first["profile"]["name"] == "윤가온"
    assert first["profile"]["emails"] == ["gaon.yun@example.kr"]
    assert set(second["details"]["names"]) == set(two.names)


async def test_an_ingested_resume_can_be_looked_at(run: Run, tmp_path: Path) -> None:
    (tmp_path / "cv.txt").write_text(TEXT)
    (good,) = json.loads((await run("ingest", "cv.txt", "--json")).stdout)["runs"]

    table = await run("ingest", "cv.txt")
    assert "윤**" in table.stdout
    assert "Kafka" in table.stdout
    assert "윤가온" not in table.stdout

    waterfall = await run("runs", good["id"])
    assert waterfall.returncode == 0
    for word in ("queue wait", "extract", "save", "succeeded", "█"):
        assert word in waterfall.stdout
    listed = json.loads((await run("candidates", "--json")).stdout)["candidates"]
    assert [entry["name"] for entry in listed] == ["윤**"]
    one = json.loads((await run("candidates", good["candidate_id"], "--json", "--reveal")).stdout)
    assert one["profile"]["phones"] == ["010-0000-2101"]
    (span,) = one["profile"]["sources"]["phones.0"]
    assert TEXT.splitlines()[span["block"]][span["start"] : span["end"]] == "010-0000-2101"
    shown = await run("candidates", good["candidate_id"], "--reveal", "--sources")
    assert "box (left" in shown.stdout
    assert (await run("candidates", good["candidate_id"], "--sources")).returncode == 2
    hits = json.loads((await run("search", "Kafka", "--json")).stdout)["hits"]
    assert {hit["candidate"]["id"] for hit in hits} == {entry["id"] for entry in listed}
    assert "gaon" not in json.dumps(hits)
    assert (await run("search", "Kafka")).returncode == 0
    assert (await run("search", " ")).returncode == 2


async def test_an_unknown_id_is_one_line(run: Run) -> None:
    unknown = await run("runs", "00000000-0000-4000-8000-000000000000")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("naru: NOT_FOUND")
    assert "Traceback" not in unknown.stderr


async def test_messages_speak_the_language_of_the_settings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    shown = await run("ingest", "empty.pdf", "--json", UI__LANGUAGE="ko")
    assert "비어" in json.loads(shown.stdout)["runs"][0]["message"]
    unknown = await run("runs", "00000000-0000-4000-8000-000000000000", UI__LANGUAGE="ko")
    assert Message.RUN_UNKNOWN.korean in unknown.stderr


async def test_wrong_usage_wrong_settings_and_absent_servers_have_their_exit_codes(
    run: Run,
) -> None:
    missing = await run("ingest", "no-such-file.pdf")
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr

    wrong = await run("settings", RETRY__LLM_MAX="many", API__PORT="-1")
    assert wrong.returncode == 3
    assert wrong.stderr.count("naru: ") == 2

    away = await run("runs", DATABASE__URL="postgresql://nobody@127.0.0.1:1/none")
    assert away.returncode == 4
    assert "DB_CONNECTION: PostgreSQL at 127.0.0.1:1" in away.stderr
    assert "DATABASE__URL" in away.stderr
    mute = await run("queue", "--json", REDIS__URL="redis://:secret@127.0.0.1:1")
    assert mute.returncode == 4
    assert "NETWORK_ERROR: Redis at 127.0.0.1:1" in mute.stderr
    assert "REDIS__URL" in mute.stderr
    assert "Traceback" not in missing.stderr + wrong.stderr + away.stderr + mute.stderr


async def test_a_search_by_words_alone_says_how_to_find_out_why(run: Run) -> None:
    shown = await run("search", "Kafka", EMBEDDING__BASE_URL="http://127.0.0.1:1/v1")
    assert shown.returncode == 0
    assert "NETWORK_ERROR" in shown.stderr
    assert "./run doctor" in shown.stderr
    assert "tried again" not in shown.stderr


async def test_a_database_of_another_version_is_not_used(run: Run, settings: Settings) -> None:
    assert settings.database.url is not None
    url = settings.database.url.get_secret_value()
    shown = await run("runs", DATABASE__URL=url.replace("/test_", "/postgres?x=").partition("?")[0]
                + "?" + url.partition("?")[2])  # fmt: skip
    assert shown.returncode == 3
    assert "./run migrate" in shown.stderr


async def test_another_encryption_key_is_refused_before_anything_is_touched(run: Run) -> None:
    assert (await run("runs")).returncode == 0
    shown = await run("runs", ENCRYPTION_KEY="ab" * 32)
    assert shown.returncode == 3
    assert "not the key that this data was sealed with" in shown.stderr


async def test_settings_are_shown_without_secrets(run: Run) -> None:
    shown = json.loads((await run("settings", "--json")).stdout)
    assert shown["ENCRYPTION_KEY"] == "********"
    assert shown["DATABASE__URL"] == "********"
    assert shown["RETRY__LLM_TIMEOUT"] == 120


async def test_the_doctor_names_each_part_and_what_to_do(run: Run) -> None:
    shown = await run("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(shown.stdout)["checks"]}
    assert {
        "python",
        "parsers",
        "ocr",
        "browser",
        "model",
        "embedding",
        "key",
        "data",
        "data keys",
        "database",
        "redis",
        "storage",
        "worker",
    } == (checks.keys())
    assert checks["parsers"]["state"] == "ok"
    assert checks["database"]["state"] == "ok"
    assert "pgvector" in checks["database"]["message"]
    without = json.loads((await run("doctor", "--json", PATH="/nowhere")).stdout)["checks"]
    ocr = next(check for check in without if check["name"] == "ocr")
    assert ocr["state"] == "warning"
    assert "tesseract-ocr-kor" in ocr["message"]


async def test_a_deprecated_name_is_told_once(run: Run) -> None:
    shown = await run("settings", "--json", LLM_TIMEOUT_SECONDS="77")
    assert shown.stderr.count("RETRY__LLM_TIMEOUT") == 1


async def test_reset_asks_first_and_deletes_only_a_data_folder(run: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "blobs").mkdir(parents=True, exist_ok=True)
    refused = await run("reset")
    assert refused.returncode == 1
    assert data.exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").touch()
    assert (await run("reset", "--yes", DATA__FOLDER=str(other))).returncode == 1
    (other / "logs").mkdir()  # as many a folder has
    shared = await run("reset", "--yes", DATA__FOLDER=str(other))
    assert shared.returncode == 1
    assert "precious.txt" in shared.stderr
    assert (other / "precious.txt").exists()
    assert (await run("reset", "--yes")).returncode == 0
    assert not data.exists()
