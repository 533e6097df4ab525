"""Everything at once, in random order: nothing is lost, and nothing is done twice."""

import sys
from pathlib import Path

import pytest

from tests.torture.scene import lease_of, open_scene, quick_queue

pytestmark = [pytest.mark.flow, pytest.mark.timeout(500)]

RUNS = 500
FOR_S = 45


async def test_every_run_ends_once_whatever_dies(
    seed: int, database_url: str, tmp_path: Path
) -> None:
    queue = quick_queue(lease_of(seed))
    async with open_scene(tmp_path, database_url, queue, seed=seed) as storm:
        figures = await storm.rage(runs=RUNS, for_s=FOR_S)
    sys.stdout.write(f"{figures}\n")
