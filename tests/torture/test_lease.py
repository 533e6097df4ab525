"""At the lease of production: what a killed worker held runs again within it."""

import signal
import sys
from pathlib import Path

import pytest

from app.pipeline import fencing
from app.pipeline.tables import AttemptRow
from tests.torture.flow import HANG
from tests.torture.scene import open_scene, quick_queue

pytestmark = [pytest.mark.flow, pytest.mark.timeout(240)]

LEASE_S = 15
SLACK_S = 15
"""The figure is printed; on a quiet machine it is below a second. This bounds what a busy one adds."""


async def test_a_killed_workers_run_starts_again_within_the_lease(
    seed: int, database_url: str, tmp_path: Path
) -> None:
    queue = quick_queue(LEASE_S).model_copy(update={"reconcile_every": 5.0})
    async with open_scene(tmp_path, database_url, queue, seed=seed) as storm:
        victim = await storm.fleet.start()
        await victim.settled.wait()
        run_id = await storm.accept_one(number=0, **{HANG: True})
        await storm.begun(run_id, attempt=1)
        heir = await storm.fleet.start(hours=1)
        await heir.settled.wait()

        async with storm.runtime.database.begin() as session:
            killed_at = await fencing.now(session)
        await storm.fleet.end(victim, signal.SIGKILL)
        await storm.begun(run_id, attempt=2)

        async with storm.runtime.database.begin() as session:
            second = await session.get_one(AttemptRow, (run_id, 2))
        after_s = (second.started_at - killed_at).total_seconds()
        sys.stdout.write(f"runs again {after_s:.2f} s after the kill; the lease is {LEASE_S} s\n")
        # Renewed three times a lease: not before two thirds of it have passed.
        assert LEASE_S * 0.6 < after_s < LEASE_S + SLACK_S
        await storm.see_them_end()
