"""200 text résumés through the whole flow: throughput, critical path, loop lag, memory.

    ./run bench pipeline [--json] [--resumes N] [--workers N] [--seconds S] [--only SCENARIO,...]

Starts PostgreSQL, Valkey, a scripted model and workers of its own, on loopback, and ends them.
Scenarios: `rules` (nothing waits), `model` (chat and embeddings answer after a second, or S), `local`
(the embedder of this machine, apart: it computes). Exit code 1: a bar was missed.
"""

import argparse
import asyncio
import json
import math
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from app.bootstrap import Runtime, open_runtime
from app.demo.faults import KEPT_CALLS
from app.embedded import embedded_servers
from app.errors import RetryableError
from app.queue.envelope import Priority
from app.queue.inspection import pause, resume
from app.settings import Settings, load_settings
from app.settings.groups import DataSettings, Environment
from app.telemetry.logs import configure_logs
from bench.pipeline_resumes import resumes
from bench.queue_bars import Judged, percentile
from bench.queue_jobs import NotDoneError
from bench.queue_stage import Child, child, script
from bench.queue_systems import Environment as Packages

IN_FLIGHT = 50
_CALL_S = 1.0
_WARM_UP = 20
_MOST = KEPT_CALLS // 3
"""The scripted model remembers this many résumés' calls, those of the warm-up included."""
_WITHIN_S = 600
_FORGET_TRIES = 5
_LOCAL_SHARE = 5
"""One of so many résumés goes through the local embedder: it takes a core for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`call_s`: how long chat and embeddings take; `local`: the embedder of this machine."""

    name: str
    model: bool = False
    local: bool = False
    call_s: float = 0


SCENARIOS = (
    Scenario(name="rules"),
    Scenario(name="model", model=True, call_s=_CALL_S),
    Scenario(name="local", local=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`calls`: of models, for one résumé; `critical_s`: what they alone take, all in their waves.

    Memory is the highest of any worker, and of any parser process.
    """

    resumes: int
    total_s: float
    per_s: float
    wall_p50_s: float
    wall_p95_s: float
    calls: float
    critical_s: float
    ratio: float | None
    lag_p50_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    worker_cpu_ms: float
    """Of all workers, for one résumé; their parsers apart."""
    worker_mib: float
    parser_mib: float


class Bench:
    """One run over the scenarios."""

    def __init__(self, folder: Path, *, count: int, workers: int) -> None:
        self._folder = folder
        self._count = count
        self._workers = workers

    async def run(self, scenarios: Sequence[Scenario]) -> dict[str, Figures]:
        """Figures by scenario."""
        asked = load_settings(
            env=Environment.TEST,
            encryption_key=SecretStr("5e" * 32),
            data=DataSettings(folder=self._folder / "data"),
        )
        found: dict[str, Figures] = {}
        words = script(Packages.OURS, "pipeline_child", "provider")
        async with (
            child(self._folder, "provider", *words) as provider,
            embedded_servers(asked) as servers,
        ):
            base_url = (await provider.answer())["base_url"]
            for scenario in scenarios:
                print(f"{scenario.name} ...", file=sys.stderr)
                settings = self._settings(servers, scenario, base_url)
                async with open_runtime(settings, migrate_first=True) as runtime:
                    found[scenario.name] = await self._measure(
                        scenario, runtime, settings, provider
                    )
        return found

    def _settings(self, servers: Settings, scenario: Scenario, base_url: str) -> Settings:
        each = math.ceil(IN_FLIGHT / self._workers)
        remote = {"base_url": base_url, "api_key": "scripted", "model": "scripted"}
        overrides: dict[str, Any] = {
            "database": servers.database.model_dump(),
            "redis": servers.redis.model_dump(),
            "queue": {"concurrency": each},
            "policies": {"llm": {"concurrent": each}, "embedding": {"concurrent": each}},
        }
        if not scenario.local:
            overrides["embedding"] = remote
        if scenario.model:
            overrides["llm"] = remote
        told = servers.model_dump()
        for name, fields in overrides.items():
            told[name] = {**told[name], **_merged(told[name], fields)}
        return load_settings(**told)

    async def _measure(
        self, scenario: Scenario, runtime: Runtime, settings: Settings, provider: Child
    ) -> Figures:
        async with AsyncExitStack() as stack:
            workers = [
                await stack.enter_async_context(self._worker(settings, number))
                for number in range(self._workers)
            ]
            for each in workers:
                await each.answer()
            count = self._count // _LOCAL_SHARE if scenario.local else self._count
            await self._through(runtime, provider, workers, _WARM_UP, scenario)
            return await self._through(runtime, provider, workers, count, scenario)

    async def _through(
        self,
        runtime: Runtime,
        provider: Child,
        workers: Sequence[Child],
        count: int,
        scenario: Scenario,
    ) -> Figures:
        await _forget(runtime)
        await provider.ask("slow", seconds=scenario.call_s, answers=count)
        await pause(runtime.producer, reason="the bench fills the queue", by="bench")
        for number, data in enumerate(resumes(count)):
            await runtime.intake.accept(f"{number}.txt", data, priority=Priority.INGESTION)
        for each in workers:
            each.reset_peak()
            await each.ask("start")
        cpu_s = sum(each.cpu_s() or 0 for each in workers)
        await resume(runtime.producer)
        await _all_ended(runtime, count)
        cpu_s = sum(each.cpu_s() or 0 for each in workers) - cpu_s
        lags = [await each.ask("stop") for each in workers]
        calls = sum((await provider.ask("take")).values()) / count
        walls_s, total_s = await _times(runtime)
        critical_s = math.ceil(count / IN_FLIGHT) * calls * scenario.call_s
        parsers = [mib for each in workers for mib in _parsers_mib(each.pid)]
        return Figures(
            resumes=count,
            total_s=total_s,
            per_s=count / total_s,
            wall_p50_s=statistics.median(walls_s),
            wall_p95_s=percentile(walls_s, 0.95),
            calls=calls,
            critical_s=critical_s,
            ratio=total_s / critical_s if critical_s else None,
            lag_p50_ms=max(lag["p50"] for lag in lags),
            lag_p99_ms=max(lag["p99"] for lag in lags),
            lag_max_ms=max(lag["max"] for lag in lags),
            worker_cpu_ms=cpu_s / count * 1000,
            worker_mib=max(each.rss_mib("VmHWM") or 0 for each in workers),
            parser_mib=max(parsers, default=0),
        )

    @asynccontextmanager
    async def _worker(self, settings: Settings, number: int) -> AsyncGenerator[Child]:
        told = json.dumps(settings.model_dump(), default=_plain)
        words = script(Packages.OURS, "pipeline_child", "worker", told)
        async with child(self._folder, f"worker-{number}", *words) as started:
            try:
                yield started
            finally:
                await started.end(by=signal.SIGTERM)


def _merged(group: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**group[name], **value} if isinstance(group.get(name), dict) else value
        for name, value in fields.items()
    }


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


async def _forget(runtime: Runtime) -> None:
    for tries_left in reversed(range(_FORGET_TRIES)):
        try:
            async with runtime.database.begin() as session:
                await session.execute(text("TRUNCATE runs, candidates CASCADE"))
        except RetryableError:  # a deadlock with a worker's upkeep
            if not tries_left:
                raise
        else:
            return


async def _all_ended(runtime: Runtime, count: int) -> None:
    """Raises NotDoneError for a run that did not succeed, or when it takes too long."""
    async with asyncio.timeout(_WITHIN_S):
        while True:
            async with runtime.database.begin() as session:
                rows = await session.execute(
                    text(
                        "SELECT status, count(*) AS runs FROM runs WHERE flow = 'ingest' GROUP BY status"
                    )
                )
                states = {row.status: row.runs for row in rows}
                owing = await session.scalar(
                    text("SELECT count(*) FROM effects WHERE done_at IS NULL")
                )
            if set(states) - {"queued", "running", "succeeded"}:
                raise NotDoneError(f"runs ended as {states}")
            if states.get("succeeded") == count and not owing:
                return  # else what is forgotten next would still be locked
            await asyncio.sleep(0.1)


async def _times(runtime: Runtime) -> tuple[list[float], float]:
    """Seconds of each run from its start, and from the first start to the last end."""
    async with runtime.database.begin() as session:
        rows = await session.execute(
            text(
                "SELECT extract(epoch FROM started_at), extract(epoch FROM ended_at)"
                " FROM run_attempts JOIN runs ON id = run_id WHERE flow = 'ingest'"
            )
        )
        times = [(float(started_s), float(ended_s)) for started_s, ended_s in rows]
    first_s, last_s = min(started for started, _ in times), max(ended for _, ended in times)
    return [ended_s - started_s for started_s, ended_s in times], last_s - first_s


def _parsers_mib(worker_pid: int) -> list[float]:
    """The highest memory of each process that the worker has started; none outside of Linux."""
    try:
        children = Path(f"/proc/{worker_pid}/task/{worker_pid}/children").read_text().split()
        statuses = [Path(f"/proc/{each}/status").read_text() for each in children]
    except OSError:
        return []
    found = [line for status in statuses for line in status.splitlines() if line[:6] == "VmHWM:"]
    return [int(line.split()[1]) / 1_024 for line in found]


def judge(found: Mapping[str, Figures]) -> list[Judged]:
    """Every bar; what was not measured is neither kept nor missed."""
    model = found.get("model")
    remote = [figures for name, figures in found.items() if name != "local"]
    lag = max((figures.lag_p99_ms for figures in remote), default=None)
    memory = max((figures.worker_mib for figures in remote), default=None)
    return [
        _bar(f"wall ≤ 1.1 × critical path, {IN_FLIGHT} in flight", model and model.ratio, 1.1, "×"),
        _bar("loop lag p99 ≤ 20 ms", lag, 20, "ms"),
        _bar("worker ≤ 500 MiB", memory, 500, "MiB"),
    ]


def _bar(words: str, measured: float | None, limit: float, unit: str) -> Judged:
    ok = None if measured is None else measured <= limit
    return Judged(bar=words, measured=measured, unit=unit, ok=ok)


def as_text(found: Mapping[str, Figures], bars: Sequence[Judged]) -> str:
    """For a terminal."""
    lines = [f"{'':20}" + "".join(f"{name:>12}" for name in found)]
    for name in Figures.__dataclass_fields__:
        cells = [getattr(figures, name) for figures in found.values()]
        shown = ["-" if cell is None else f"{cell:.2f}".rstrip("0").rstrip(".") for cell in cells]
        lines.append(f"{name:20}" + "".join(f"{cell:>12}" for cell in shown))
    for bar in bars:
        verdict = {None: "not measured", True: "kept", False: "MISSED"}[bar.ok]
        measured = "-" if bar.measured is None else f"{bar.measured:.2f} {bar.unit}"
        lines.append(f"  {bar.bar:50}{measured:>14}  {verdict}")
    return "\n".join(lines)


async def bench(scenarios: Sequence[Scenario], *, count: int, workers: int) -> dict[str, Figures]:
    """Run it; SIGTERM ends it as Ctrl-C does, with every process."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="naru-bench-pipeline-") as folder:
        return await Bench(Path(folder), count=count, workers=workers).run(scenarios)


def main() -> int:
    """Run, print, and say whether every bar was kept."""
    parser = argparse.ArgumentParser(
        prog="./run bench pipeline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--resumes", type=int, default=200, help=f"how many (200, at most {_MOST})")
    parser.add_argument(
        "--workers", type=int, default=2, help=f"processes that share {IN_FLIGHT} in flight (2)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=_CALL_S,
        help="until the model answers (1; bars are for that)",
    )
    parser.add_argument("--only", help="scenarios, separated by commas")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [each.name for each in SCENARIOS]
    chosen = [
        replace(each, call_s=options.seconds) if each.model else each
        for each in SCENARIOS
        if each.name in names
    ]
    if len(chosen) < len(names) or min(options.resumes, options.workers, options.seconds) < 1:
        parser.error(f"scenarios are {', '.join(each.name for each in SCENARIOS)}; numbers from 1")
    if options.resumes > _MOST:
        parser.error(f"--resumes is at most {_MOST}: the scripted model remembers no more calls")
    load = os.getloadavg()[0]
    configure_logs("ERROR", json=False)
    try:
        found = asyncio.run(bench(chosen, count=options.resumes, workers=options.workers))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130
    except NotDoneError as fault:
        print(f"./run bench pipeline: {fault}", file=sys.stderr)
        return 1
    bars = judge(found)
    if options.json:
        run = {"cores": os.cpu_count(), "load": load, "workers": options.workers}
        told = {name: asdict(figures) for name, figures in found.items()}
        print(json.dumps({"run": run, "figures": told, "bars": [asdict(bar) for bar in bars]}))
    else:
        print(f"{os.cpu_count()} cores, load {load:.2f}, {options.workers} workers")
        print(as_text(found, bars))
    return int(any(bar.ok is False for bar in bars))


if __name__ == "__main__":
    sys.exit(main())
