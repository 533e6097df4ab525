"""What `./run ingest` says of what it is given."""

import asyncio
import os
from pathlib import Path

import pytest
from typer import BadParameter

from app.bootstrap import Runtime
from app.cli.ingest import collect, run_ingest
from app.queue.inspection import depth, pause
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


async def test_who_interrupts_it_is_told_what_goes_on_without_them(
    runtime: Runtime, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await pause(runtime.producer, reason="nothing ends", by="test")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(f"{name} 이력서")
    ingesting = asyncio.create_task(
        run_ingest(settings, [tmp_path], as_json=True, reveal=False, once=False, force=False)
    )
    while (await depth(runtime.producer)).due < 2:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.05)  # the last answer of the queue is heard by now

    ingesting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ingesting

    assert "accepted and not done: 2" in capsys.readouterr().err
    assert (await depth(runtime.producer)).due == 2
