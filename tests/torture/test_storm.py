"""Everything at once, in random order: nothing is lost, and nothing is done twice."""

from pathlib import Path

import pytest

from tests.torture.scene import open_scene, quick_queue

pytestmark = [pytest.mark.flow, pytest.mark.timeout(400)]

RUNS = 500
FOR_S = 60


async def test_every_run_ends_once_whatever_dies(
    seed: int, database_url: str, tmp_path: Path
) -> None:
    lease_s = 1 + seed % 11 / 10  # 1 to 2 s
    async with open_scene(tmp_path, database_url, quick_queue(lease_s), seed=seed) as storm:
        await storm.rage(runs=RUNS, for_s=FOR_S)
