"""Break the demo's model on purpose, and tell what happens."""

import asyncio
import http.client
import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel

from app.bootstrap import Runtime
from app.cli.render import print_json
from app.cli.serving import connected, stop_signals, unless_stopped
from app.demo.faults import FaultKind
from app.demo.samples import SAMPLES
from app.pipeline import records
from app.pipeline.tables import StageStatus
from app.settings import InvalidSettings, Settings

_ADDRESS = "scripted-provider.url"
_AT_ONCE = 4
"""Résumés that are sent at the start: enough failed calls to open a circuit."""
_EVERY_S = 2.0
_LOOK_EVERY_S = 0.25
_PATIENCE_S = 150.0
"""Wait for the circuit to close; the open time may have doubled to two minutes."""

_UNCOUNTED = frozenset({FaultKind.BROKEN_JSON})
"""The model answers, and the rules stand in for what it says: no circuit counts that."""


class Happening(BaseModel):
    """One line of what happened. `at_s` is seconds since the start."""

    at_s: float
    what: str


class ChaosReport(BaseModel):
    """What `chaos --json` prints. `counted`: whether circuits count such a fault at all."""

    counted: bool
    opened: bool
    fell_back: int
    closed: bool
    happenings: list[Happening]

    @property
    def exit_code(self) -> int:
        """1 when nothing fell back, or the circuit of a fault that counts did not open and close."""
        return int(not (self.fell_back and (self.closed or not self.counted)))


@asynccontextmanager
async def reachable(settings: Settings, base_url: str) -> AsyncGenerator[None]:
    """Let `./run chaos` find the scripted provider of this data folder."""
    address = settings.data.folder / _ADDRESS

    def write() -> None:
        address.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        address.write_text(base_url)

    await asyncio.to_thread(write)
    try:
        yield
    finally:
        await asyncio.to_thread(address.unlink, missing_ok=True)


async def run_chaos(settings: Settings, *, kind: str, for_s: float, as_json: bool) -> int:
    """The `chaos` command: the fault ends by itself, also when this process does not live to see it."""
    fault = FaultKind(kind)
    script = _Control(await asyncio.to_thread(_address, settings))
    with stop_signals() as stop:
        async with connected(settings) as runtime:
            scene = _Scene(runtime, script, visible=not as_json)
            report = await unless_stopped(stop.asked, scene.play(fault, for_s))
            if report is None:
                await script.heal()
                return 130
    if as_json:
        print_json(report)
    return report.exit_code


@dataclass(slots=True)
class _Seen:
    """What was told already."""

    changes: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    runs: set[UUID] = field(default_factory=set[UUID])


class _Scene:
    def __init__(self, runtime: Runtime, script: "_Control", *, visible: bool) -> None:
        self._runtime = runtime
        self._script = script
        self._visible = visible
        self._began_s = time.monotonic()
        self._happenings: list[Happening] = []
        self._sent: dict[UUID, str] = {}
        self._seen = _Seen()
        self._opened = self._is_open = False
        self._fell_back = 0

    async def play(self, kind: FaultKind, for_s: float) -> ChaosReport:
        """Break, send, look, until the circuit has closed again and no run is under way."""
        await self._look(tell=False)
        await self._script.break_(kind, for_s)
        self._tell(f"the model is broken ({kind}) for {for_s:g} s")
        await self._send(_AT_ONCE)
        healed = False
        next_s = _EVERY_S
        while not (healed and self._over) and self._now_s() < for_s + _PATIENCE_S:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self._look(tell=True)
            if not healed and self._now_s() >= for_s:
                healed = True
                self._tell("the model is well again")
            # Once it is well, calls are needed only to close a circuit.
            if self._now_s() >= next_s and (not healed or self._is_open):
                next_s = self._now_s() + _EVERY_S
                await self._send(1)
        counted = kind not in _UNCOUNTED
        if lacking := self._lacking(counted=counted):
            self._tell(lacking)
        return ChaosReport(
            counted=counted,
            opened=self._opened,
            fell_back=self._fell_back,
            closed=self._opened and not self._is_open,
            happenings=self._happenings,
        )

    @property
    def _over(self) -> bool:
        return not self._is_open and self._seen.runs >= self._sent.keys()

    def _lacking(self, *, counted: bool) -> str | None:
        """Why it did not go well."""
        if counted and not self._opened:
            return "the circuit did not open: too few calls failed; break it for longer (--for)"
        if self._is_open:
            return "the circuit has not closed yet; ./run breakers shows it"
        if not self._fell_back:
            return "nothing fell back on the rules; break it for longer (--for)"
        return None

    async def _send(self, files: int) -> None:
        good = [sample.path for sample in SAMPLES if sample.code is None and not sample.needs_ocr]
        for _ in range(files):
            path = good[len(self._sent) % len(good)]
            data = await asyncio.to_thread(path.read_bytes)
            accepted = await self._runtime.intake.accept(path.name, data, force=True)
            self._sent[accepted.run_id] = path.name

    async def _look(self, *, tell: bool) -> None:
        listed = await self._runtime.breakers.views()
        for view in listed.breakers:
            for process in view.processes:
                for change in process.history:
                    key = (process.instance, f"{view.name} {change.at.isoformat()}")
                    if key in self._seen.changes:
                        continue
                    self._seen.changes.add(key)
                    if tell:
                        self._note(view.name, change.from_state, change.to_state, change.cause)
        await self._look_at_runs()

    def _note(self, name: str, before: str, after: str, cause: str) -> None:
        self._tell(f"{name}: {before} → {after} ({cause})")
        if name.startswith("llm:"):
            self._opened = self._opened or after == "open"
            self._is_open = after != "closed"

    async def _look_at_runs(self) -> None:
        for run_id in self._sent.keys() - self._seen.runs:
            async with self._runtime.database.begin() as session:
                run = await records.find(session, self._runtime.tenant_id, run_id)
                stages = await records.stages(session, run_id)
            if run is None or run.finished_at is None:
                continue
            self._seen.runs.add(run_id)
            status = next((stage.status for stage in stages if stage.name == "analyze"), "missing")
            self._fell_back += status == StageStatus.FALLBACK_SUCCESS
            self._tell(f"{self._sent[run_id]}: {run.status}, analyze {status}")

    def _now_s(self) -> float:
        return time.monotonic() - self._began_s

    def _tell(self, what: str) -> None:
        happening = Happening(at_s=round(self._now_s(), 1), what=what)
        self._happenings.append(happening)
        if self._visible:
            print(f"{happening.at_s:6.1f} s  {what}", flush=True)


class _Control:
    """The control routes of the scripted provider."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._host, self._port = parts.hostname or "", parts.port or 80

    async def break_(self, kind: FaultKind, for_s: float) -> None:
        fault = {"kind": kind.value, "endpoint": "chat", "for_s": for_s, "status": 503}
        await self._put([fault])

    async def heal(self) -> None:
        await self._put([])

    async def _put(self, faults: Sequence[dict[str, Any]]) -> None:
        def send() -> int:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=5)
            try:
                connection.request("PUT", "/control/faults", json.dumps(faults))
                return connection.getresponse().status
            finally:
                connection.close()

        try:
            status = await asyncio.to_thread(send)
        except OSError:
            raise InvalidSettings([_NOBODY]) from None
        if status != http.client.OK:
            raise InvalidSettings([f"The scripted provider refused the fault (HTTP {status})."])


_NOBODY = (
    "No scripted model to break is running here. Start one in another terminal: "
    "./run demo --llm scripted"
)


def _address(settings: Settings) -> str:
    path: Path = settings.data.folder / _ADDRESS
    try:
        return path.read_text()
    except FileNotFoundError:
        raise InvalidSettings([_NOBODY]) from None
