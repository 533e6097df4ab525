"""One server as a child process: its log, its lock, readiness, restart, bounded stop."""

import asyncio
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.embedded import launch
from app.embedded.ownership import MAX_LOG_BYTES, locked
from app.errors import ErrorCode, RetryableError
from app.messages import Message
from app.telemetry.logs import get_logger

READY_WITHIN_S = 60
"""Long: after a crash a server first replays its log."""
PREDECESSOR_GONE_WITHIN_S = 30
STOP_WITHIN_S = 10
"""For each stop signal, until the next stronger one; the last resort is SIGKILL."""
MAX_RESTARTS = 3
FIRST_RESTART_AFTER_S = 0.1
"""Four times longer each time."""
STABLE_AFTER_S = 600
POLL_S = 0.01

# Nothing is inherited: PGDATA, PGOPTIONS and their like would change what we start.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PATH": os.defpath}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to start and how to stop it.

    `lock` is held by the process and all its children, so it is free when the last one has gone,
    however they ended. `stop_signals` go from polite to strict; the first one is also what the
    kernel sends when we are gone.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    lock: Path
    stop_signals: Sequence[signal.Signals]
    identity: str = "same"


class Server:
    """A program that is kept running. `ready` tells whether it answers yet."""

    def __init__(self, program: Program, ready: Callable[[], Awaitable[bool]]) -> None:
        self.program = program
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return when it answers. Raises DB_CONNECTION when it does not come up."""
        self._process = process = await spawn(self.program)
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await self._ready():
                    if process.returncode is not None:
                        raise failed(self.program)
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise failed(self.program) from None

    async def keep_running(self) -> None:
        """Start it again when it dies, a few times. Raises DB_CONNECTION when that does not help."""
        deaths = 0
        while self._process is not None:
            since = time.monotonic()
            code = await self._process.wait()
            deaths = 1 if time.monotonic() - since > STABLE_AFTER_S else deaths + 1
            log.error(
                "embedded_server_died",
                server=self.program.name,
                exit_code=code,
                deaths=deaths,
                log_file=str(self.program.log),
            )
            if deaths > MAX_RESTARTS:
                raise failed(self.program)
            await asyncio.sleep(FIRST_RESTART_AFTER_S * 4 ** (deaths - 1))
            await self.start()

    async def stop(self) -> None:
        """Return when it is gone. Never takes longer than STOP_WITHIN_S for each signal."""
        if self._process is not None:
            await end(self._process, self.program.stop_signals)


async def spawn(program: Program) -> asyncio.subprocess.Process:
    """Start it in a session of its own: Ctrl-C in the terminal must not hit it before us.

    Called on the loop's thread, never in a
    worker thread: the kernel takes the end of the starting *thread* for the end of the parent.
    """
    lock = await predecessor_gone(program.name, program.lock)
    output = await asyncio.to_thread(_open_log, program.log)
    with lock, output:
        return await asyncio.create_subprocess_exec(
            *launcher(program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=ENVIRONMENT,
            pass_fds=(lock.fileno(),),
            start_new_session=True,
        )


async def predecessor_gone(name: str, path: Path) -> IO[bytes]:
    """Take the lock of a server, once no process of an earlier start is left."""
    try:
        async with asyncio.timeout(PREDECESSOR_GONE_WITHIN_S):
            while (lock := await asyncio.to_thread(locked, path)) is None:  # noqa: ASYNC110 - not ours to signal
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise RetryableError(
            ErrorCode.DB_CONNECTION,
            Message.EMBEDDED_SERVER_LINGERS,
            details={"server": name, "seconds": PREDECESSOR_GONE_WITHIN_S},
        ) from None
    return lock


async def end(process: asyncio.subprocess.Process, signals: Sequence[signal.Signals]) -> None:
    """Ask with each signal in turn, then kill the process and its children."""
    for stop in signals:
        if process.returncode is None:
            process.send_signal(stop)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            continue
        return
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def output_of(program: Program) -> str | None:
    """Return what a short command prints; None when it fails."""
    process = await asyncio.create_subprocess_exec(
        *launcher(program),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate()
    finally:
        await end(process, program.stop_signals)
    return output.decode() if process.returncode == 0 else None


def launcher(program: Program) -> list[str]:
    return [
        *(sys.executable, "-I", "-S", launch.__file__),
        *(str(os.getpid()), str(program.stop_signals[0].value), program.identity),
        *(str(program.folder), *program.command),
    ]


def in_wheel(package: str, pattern: str) -> Path | None:
    """Find a program inside an installed package, which is not imported. Blocking."""
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(place).glob(pattern)):
            if os.access(path, os.X_OK):
                return path
    return None


def failed(program: Program) -> RetryableError:
    return RetryableError(
        ErrorCode.DB_CONNECTION,
        Message.EMBEDDED_SERVER_FAILED,
        details={"server": program.name, "log": str(program.log)},
    )


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    path.touch(mode=0o600)
    return path.open("ab")
