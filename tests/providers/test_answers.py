"""The client of models is loaded where a model is asked, and not before."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("modules", ["app.bootstrap", "app.cli.ingest", "app.jobs.worker"])
def test_who_asks_no_model_does_not_load_its_client(modules: str) -> None:
    code = f"import {modules}, sys; sys.exit('openai' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
