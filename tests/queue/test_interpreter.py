"""The settings of a worker process."""

import gc
import subprocess
import sys

from tests.conftest import ROOT

SCRIPT = """
import gc, sys
from app.queue.interpreter import settle
settle()
print(gc.get_freeze_count() > 1000, gc.isenabled(), sys.getswitchinterval() < 0.002)
"""


def test_what_stands_is_not_looked_at_again() -> None:
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["True"] * 3
    assert gc.get_freeze_count() == 0  # a matter of the process, not of the import
