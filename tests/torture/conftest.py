"""The seed of a storm: a new one, unless the environment gives one to be replayed."""

import os
import sys
from secrets import randbelow

import pytest


@pytest.fixture
def seed() -> int:
    """`TORTURE_SEED=… ./run test tests/torture` replays one."""
    given = int(os.environ.get("TORTURE_SEED", "0")) or 1 + randbelow(1_000_000)
    sys.stdout.write(f"TORTURE_SEED={given}\n")  # pytest shows it when the test fails
    return given
