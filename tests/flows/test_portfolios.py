"""A portfolio that a résumé links, from the file to the sealed picture, by a real Chromium."""

import io
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from app.bootstrap import Runtime, open_runtime
from app.candidates.portfolio import portfolio_place
from app.candidates.tables import VersionRow
from app.errors import ErrorCode
from app.pipeline import records
from app.settings import Settings
from app.settings.portfolio import PortfolioSettings
from app.store.keys import load_data_key
from tests.fakes.website import Website, website
from tests.flows.conftest import EndedRuns, working

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.flow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="apt install chromium"),
]


@pytest.fixture
async def site() -> AsyncGenerator[Website]:
    async with website() as running:
        yield running


@pytest.fixture
def settings(settings: Settings) -> Settings:
    portfolio = PortfolioSettings(
        browser=Path(CHROMIUM or ""),
        sandbox=False,
        allow_private=True,
        timeout=120,
        load_timeout=60,
    )
    return settings.model_copy(update={"portfolio": portfolio})


def resume(link: str) -> bytes:
    return (
        "윤가온\ngaon.yun@example.com\n010-0000-2101\n"
        f"포트폴리오: {link}\n\n경력\n은토끼게임즈 데이터 분석가 2021.02 ~ 현재\n\n기술\nPython, Kafka\n"
    ).encode()


async def version_of(runtime: Runtime) -> VersionRow:
    async with runtime.database.begin() as session:
        found = await session.scalar(select(VersionRow))
    assert found is not None
    return found


async def test_the_page_is_drawn_and_sealed_under_the_key_of_the_run(
    here: Runtime, site: Website, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept("cv.txt", resume(site.url("/")))
    (run,) = await ended([accepted.run_id])
    assert (run.status, run.partial_codes) == ("succeeded", [])
    key = (await version_of(here)).portfolio_key
    assert key is not None
    sealed = await here.blobs.get(key)
    assert b"PNG" not in sealed
    async with here.database.begin() as session:
        assert run.data_key_id is not None
        data_key = await load_data_key(session, here.keyring, run.data_key_id)
    picture = Image.open(io.BytesIO(data_key.open_bytes(sealed, portfolio_place(run.id))))
    assert picture.size == (640, 480)


async def test_a_page_that_cannot_be_shown_is_a_partial_code_and_is_repaired_later(
    here: Runtime, site: Website, ended: EndedRuns
) -> None:
    accepted = await here.intake.accept("cv.txt", resume(site.url("/later")))
    (run,) = await ended([accepted.run_id])
    assert (run.status, run.partial_codes) == ("partial", ["VISUAL_PARTIAL"])
    async with here.database.begin() as session:
        (failed,) = [
            row for row in await records.stages(session, run.id) if row.name == "portfolio"
        ]
    assert failed.code == ErrorCode.VALIDATION_ERROR

    site.pages["/later"] = "<p>now it is there</p>"
    (repair,) = await ended([(await here.repairs.ask(run.id)).run.id])
    assert repair.result is not None
    assert repair.result["repaired"] == ["portfolio"]
    assert (await version_of(here)).portfolio_key is not None
    async with here.database.begin() as session:
        repaired = await records.find(session, here.tenant_id, run.id)
    assert repaired is not None
    assert repaired.status == "succeeded"


async def test_without_a_browser_nobody_misses_a_picture(
    settings: Settings, site: Website, ended: EndedRuns
) -> None:
    without = settings.model_copy(update={"portfolio": PortfolioSettings()})
    async with open_runtime(without) as runtime, working(runtime):
        accepted = await runtime.intake.accept("cv.txt", resume(site.url("/")))
        (run,) = await ended([accepted.run_id])
    assert (run.status, run.partial_codes) == ("succeeded", [])
    assert site.requests == []
