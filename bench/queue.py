"""arq, SAQ, taskiq, streaq and app/queue on one Valkey: latency, jobs per second, recovery.

    ./run bench queue [--json | --markdown] [--quick] [--repeats N] [--only SYSTEM,...]
                      [--scenarios NAME,...]

Starts servers, producers and workers of its own, on loopback, and ends them. One worker process
per measurement; repeats go round over the systems, in an order that rotates, so that a neighbour on
the machine hits all alike. Exit code 1: a bar was missed, or ours did not come to its end.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.queue_bars import judge
from bench.queue_jobs import NotDoneError
from bench.queue_recovery import Death, Recovered, recoveries
from bench.queue_report import Report, Run
from bench.queue_rows import database
from bench.queue_scenarios import SCENARIOS, Case, Sizes
from bench.queue_stage import Child, Stage, proxy, sink, stage
from bench.queue_systems import OURS, SYSTEMS, System
from bench.queue_wire import command, round_trip_ms

RECOVERY = "recovery"
_DELAY_MS = 1.0
"""In each direction."""
_LEASES_S = (15.0, 1.0)
"""Of ours: the default, and a short one. Peers have one of their own, and keep it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure, and how often. `bound_s`: the longest that a recovery is waited for."""

    systems: Sequence[System]
    scenarios: Sequence[str]
    repeats: int
    sizes: Sizes
    bound_s: float


class Bench:
    """One run over all systems and scenarios."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        self._versions: dict[str, dict[str, str]] = {}
        self._results: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._faults: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    async def run(self) -> Report:
        """Measure everything; what does not come to its end is a fault of its system."""
        began_s, load = time.monotonic(), os.getloadavg()[0]
        async with AsyncExitStack() as stack:
            sink_port = await stack.enter_async_context(sink(self._folder))
            here = await stack.enter_async_context(stage(self._folder, sink_port))
            here.distant_port = await stack.enter_async_context(
                proxy(self._folder, here.port, _DELAY_MS)
            )
            if any(system.rows for system in self._plan.systems):
                here.database = await stack.enter_async_context(database(self._folder))
            distance_ms = round_trip_ms(here.distant_port)
            server = _server(here.port)
            producers: dict[str, Child] = {}
            for system in self._plan.systems:
                self._versions[system.name] = {}
                try:
                    producer, versions = await stack.enter_async_context(here.producer(system))
                except NotDoneError as fault:
                    self._faults[system.name]["start"].append(str(fault))
                    continue
                producers[system.name], self._versions[system.name] = producer, versions
            for repeat in range(self._plan.repeats):
                await self._repeat(repeat, here, producers)
            recovered = await self._recover(sink_port, producers)
        run = Run(
            python=platform.python_version(),
            server=server,
            cores=os.cpu_count() or 1,
            load=round(load, 2),
            repeats=self._plan.repeats,
            distance_ms=round(distance_ms, 2),
            took_s=round(time.monotonic() - began_s, 1),
        )
        return Report(
            run=run,
            versions=self._versions,
            results=self._results,
            faults=self._faults,
            recovered=recovered,
            bars=judge(self._results, recovered),
        )

    async def _repeat(self, repeat: int, here: Stage, producers: Mapping[str, Child]) -> None:
        systems = [system for system in self._plan.systems if system.name in producers]
        first = repeat % max(len(systems), 1)
        for scenario in self._plan.scenarios:
            for system in (*systems[first:], *systems[:first]):
                if scenario == RECOVERY:
                    continue
                case = Case(
                    stage=here,
                    system=system,
                    producer=producers[system.name],
                    sizes=self._plan.sizes,
                    repeat=repeat,
                )
                _progress(f"{repeat + 1}/{self._plan.repeats} {scenario} {system.name}")
                try:
                    measured = await SCENARIOS[scenario](case)
                except NotDoneError as fault:
                    self._faults[system.name][scenario].append(str(fault))
                    continue
                for metric, samples in measured.items():
                    self._results[system.name][metric] += samples

    async def _recover(self, sink_port: int, started: Mapping[str, Child]) -> list[Recovered]:
        if RECOVERY not in self._plan.scenarios:
            return []
        _progress("recovery, all at once")
        deaths = [
            Death(system=system, lease_s=lease_s)
            for system in self._plan.systems
            if system.name in started and system.recovers
            for lease_s in (_LEASES_S * self._plan.repeats if system == OURS else _LEASES_S[:1])
        ]
        return await recoveries(self._folder, sink_port, deaths, bound_s=self._plan.bound_s)


def _server(port: int) -> str:
    said = dict(
        line.split(":", 1) for line in command(port, "INFO", "server").splitlines() if ":" in line
    )
    if "valkey_version" in said:
        return f"Valkey {said['valkey_version']}"
    return f"Redis {said['redis_version']}"


def _progress(what: str) -> None:
    """On a terminal, one line that is overwritten."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()


async def bench(plan: Plan) -> Report:
    """Run it; SIGTERM ends it as Ctrl-C does, with every process."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="naru-bench-queue-") as folder:
        return await Bench(plan, Path(folder)).run()


def _chosen(given: str | None, known: Sequence[str], parser: argparse.ArgumentParser) -> list[str]:
    asked = given.split(",") if given else [*known]
    if strange := [name for name in asked if name not in known]:
        parser.error(f"{', '.join(strange)}: unknown; choose from {', '.join(known)}")
    return [name for name in known if name in asked]


def _plan(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Plan:
    names = _chosen(options.only, [system.name for system in SYSTEMS], parser)
    repeats = options.repeats or (1 if options.quick else 5)
    return Plan(
        systems=[system for system in SYSTEMS if system.name in names],
        scenarios=_chosen(options.scenarios, [*SCENARIOS, RECOVERY], parser),
        repeats=repeats,
        sizes=Sizes(),
        bound_s=20 if options.quick else 85,
    )


def main() -> int:
    """Run, print, and say whether every bar was kept."""
    parser = argparse.ArgumentParser(
        prog="./run bench queue",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON object")
    shape.add_argument("--markdown", action="store_true", help="print the tables of the docs")
    parser.add_argument("--quick", action="store_true", help="one repeat, in 2.5 minutes")
    parser.add_argument("--repeats", type=int, help="repeats of every scenario (5)")
    parser.add_argument("--only", help="systems, separated by commas")
    parser.add_argument(
        "--scenarios", help=f"of {', '.join([*SCENARIOS, RECOVERY])}; separated by commas"
    )
    options = parser.parse_args()
    if options.repeats is not None and options.repeats < 1:
        parser.error("one repeat is the least")
    plan = _plan(parser, options)
    try:
        report = asyncio.run(bench(plan))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130
    if options.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        print(report.as_markdown() if options.markdown else report.as_text())
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
