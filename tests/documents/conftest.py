import stat
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from app.documents.limits import Limits
from app.documents.reader import Reader, limits_of, open_reader
from app.settings.groups import ExtractSettings

# Answers as tesseract does, without reading: tests of what is made of its answer need no engine.
FAKE = """#!{python}
import sys, time
arguments = sys.argv[1:]
if "--list-langs" in arguments:
    print("List of available languages (2):", *{languages}, sep="\\n")
    sys.exit({status})
picture = sys.stdin.buffer.read()
mode = arguments[arguments.index("--psm") + 1]
turned = picture[:20].split()[1] == b"300"
if mode == "0":
    print("Rotate: {turn}")
elif {hangs}:
    time.sleep(60)
else:
    print("level", *"page block par line word left top width height conf text".split(), sep="\\t")
    for row in {rows} if not turned else [(1, 1, 10, 10, 200, 30, 95, "Upright words " * 9)]:
        block, line, left, top, width, height, conf, text = row
        print(5, 1, block, 1, line, 1, left, top, width, height, conf, text, sep="\\t")
sys.exit({status})
"""


@pytest.fixture
def limits() -> Limits:
    """The limits of a fresh install."""
    return limits_of(ExtractSettings())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[Reader]:
    """A reader for the tests of a module, which share its loop; starting one takes half a second."""
    async with open_reader(ExtractSettings(processes=1)) as opened:
        yield opened


@pytest.fixture
def fake_tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a program named tesseract on the PATH that answers with these rows."""

    def put(
        rows: list[tuple[object, ...]] | None = None,
        *,
        languages: tuple[str, ...] = ("eng", "kor"),
        turn: int = 0,
        status: int = 0,
        hangs: bool = False,
    ) -> None:
        program = tmp_path / "tesseract"
        program.write_text(
            FAKE.format(
                python=sys.executable, languages=languages, rows=rows or [], turn=turn,
                status=status, hangs=hangs,
            )
        )  # fmt: skip
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))

    return put
