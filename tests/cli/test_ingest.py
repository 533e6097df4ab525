"""What `./run ingest` says of what it is given."""

import os
from pathlib import Path

import pytest
from typer import BadParameter

from app.cli.ingest import collect, run_ingest
from app.settings import Settings


def test_a_pipe_is_wrong_usage_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "cv.pdf"
    os.mkfifo(pipe)
    with pytest.raises(BadParameter, match="neither a file nor a folder"):
        collect([pipe])
    assert collect([tmp_path]).skipped == [pipe]


async def test_of_a_folder_without_documents_it_is_said(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    code = await run_ingest(settings, [folder], as_json=False, reveal=False, once=True, force=False)
    assert code == 0
    assert "No documents" in capsys.readouterr().out
