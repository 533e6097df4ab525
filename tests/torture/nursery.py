"""A process that forks workers: what takes a second to import is imported once.

    python -m tests.torture.nursery FOLDER SEED SINK_URL

Told on standard input: `fork NAME HOURS`, a worker of this name whose wall clock is so many hours
off, and `signal NAME NUMBER`. Tells on standard output: `ready NAME TIME PID` (the time as it sees
it) and `ended NAME EXIT_CODE`, negative for a signal. The workers are real: processes with loops
and connections of their own, with the settings of the environment and a log in FOLDER. When
standard input ends, they are killed.
"""

import asyncio
import os
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.torture import clock  # before all that takes the time

# isort: split
import httpx

from app.bootstrap import open_runtime
from app.cli.serving import stop_signals
from app.jobs import worker
from app.settings import load_settings
from app.telemetry.logs import configure_logs
from tests.torture.flow import FLOW, torture_effects, torture_flow

_folder, _seed, _sink = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
_pids: dict[str, int] = {}
"""Of workers that were not reaped yet: no signal can hit a stranger."""


async def work(name: str) -> None:
    with stop_signals() as stop:
        async with (
            open_runtime(load_settings()) as runtime,
            httpx.AsyncClient(base_url=_sink, timeout=10, trust_env=False) as client,
            asyncio.TaskGroup() as group,
        ):
            ready = asyncio.Event()
            whole = worker.Work(
                flows={FLOW: torture_flow(_seed, client)},
                effects=torture_effects(runtime, client),
            )
            telling = group.create_task(_tell_when(ready, name))
            await worker.serve(runtime, stop, ready=ready, work=whole)
            telling.cancel()


async def _tell_when(ready: asyncio.Event, name: str) -> None:
    await ready.wait()
    _tell(f"ready {name} {time.time()} {os.getpid()}")


def _tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # at once and in one piece, whoever else writes


def _fork(name: str, hours: float) -> None:
    pid = os.fork()
    if pid:
        _pids[name] = pid
        return
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _live(name, hours)


def _live(name: str, hours: float) -> NoReturn:
    with (_folder / f"{name}.log").open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 2)
    os.close(0)
    clock.put_wrong(hours)
    code = 1
    try:
        configure_logs("INFO", json=True)
        asyncio.run(work(name))
        code = 0
    except BaseException:  # noqa: BLE001 - this copy of the nursery must not go on as one
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _reap() -> None:
    for name, pid in list(_pids.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            del _pids[name]
            _tell(f"ended {name} {os.waitstatus_to_exitcode(status)}")


def _obey(line: str) -> None:
    match line.split():
        case ["fork", name, hours]:
            _fork(name, float(hours))
        case ["signal", name, number]:
            if name in _pids:
                os.kill(_pids[name], int(number))
        case _:
            raise ValueError(line)


def _noted(number: int, frame: FrameType | None) -> None:
    """The pipe that wakes `select` is written to for signals that have a handler."""
    del number, frame


def main() -> None:
    heard, hear = os.pipe()
    os.set_blocking(hear, False)
    signal.set_wakeup_fd(hear, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _noted)
    orders = ""
    while True:
        readable, _, _ = select.select([0, heard], [], [])
        if heard in readable:
            os.read(heard, 4_096)
            _reap()
        if 0 in readable:
            read = os.read(0, 4_096).decode()
            if not read:
                break
            *lines, orders = (orders + read).split("\n")
            for line in lines:
                _obey(line)
    for pid in _pids.values():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


main()
