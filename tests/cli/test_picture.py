"""A picture of a candidate, from the shell into a file."""

import io
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from app.bootstrap import Runtime
from app.demo.samples import SAMPLES
from tests.cli.test_candidates import Run, run
from tests.flows.conftest import EndedRuns, ended, working
from tests.flows.persons import candidates

pytestmark = pytest.mark.timeout(180)

__all__ = ["ended", "run"]  # fixtures

PDF = next(sample for sample in SAMPLES if sample.file == "ko-one-column.pdf")


@pytest.fixture
async def person(runtime: Runtime, ended: EndedRuns) -> UUID:
    """Of a PDF without a portfolio."""
    async with working(runtime):
        accepted = await runtime.intake.accept("cv.pdf", PDF.path.read_bytes())
        await ended([accepted.run_id])
    (row,) = await candidates(runtime)
    return row.id


async def test_the_first_page_is_written_and_the_warning_that_it_shows_the_person(
    run: Run, person: UUID, tmp_path: Path
) -> None:
    written = await run("picture", str(person), "page.png")
    assert written.returncode == 0, written.stderr
    assert "nothing in it is masked" in written.stdout
    page = Image.open(io.BytesIO((tmp_path / "page.png").read_bytes()))
    assert (page.format, page.height > page.width) == ("PNG", True)

    none = await run("picture", str(person), "portfolio.png", "--portfolio")
    assert (none.returncode, none.stderr.count("NOT_FOUND")) == (1, 1)
    assert not (tmp_path / "portfolio.png").exists()


async def test_a_file_that_cannot_be_written_is_said_in_a_sentence(run: Run, person: UUID) -> None:
    ended = await run("picture", str(person), "not/there/page.png")
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert "cannot be written: No such file or directory" in " ".join(ended.stderr.split())


async def test_who_is_not_there_has_no_picture(run: Run, tmp_path: Path) -> None:
    ended = await run("picture", "00000000-0000-4000-8000-000000000000", "page.png")
    assert (ended.returncode, ended.stderr.count("NOT_FOUND")) == (1, 1)
    assert not (tmp_path / "page.png").exists()
    assert (await run("picture", "nobody", "page.png")).returncode == 2
