"""Signals, sent to a process of their own."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE

from tests.conftest import ROOT

PROGRAM = """
import asyncio, sys, threading
from app.cli.serving import stop_signals

async def main():
    threading.Thread(target=threading.Event().wait, daemon=True).start()  # it blocks no signal
    with stop_signals() as stop:
        print("ready", flush=True)
        await stop.asked.wait()
    print("done", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


async def test_a_signal_that_comes_when_all_is_done_does_not_change_the_exit_code() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{PROGRAM}"),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert await process.stdout.readline() == b"done\n"
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
    process.stdin.close()
    assert await process.wait() == 0
