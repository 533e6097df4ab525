"""Overhead of app/resilience a call, and its behaviour, beside the peers.

    ./run bench resilience [--json | --markdown] [--rounds N] [--calls N]

Times every case in one process, in shuffled rounds, then asks every circuit breaker the same six
questions. Exit code 1: a bar was missed, or a question found fault with ours.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import warnings
from importlib.metadata import version

from bench import resilience_cases as ours
from bench.resilience_peer_cases import peer_cases
from bench.resilience_peers import SUBJECTS
from bench.resilience_probes import probe
from bench.resilience_report import Bar, Probed, Report, Run
from bench.resilience_timing import measure

BARS = (
    Bar(case=ours.BREAKER_100, most=3, of=ours.LOCK),
    Bar(case=ours.BREAKER_10_000, most=3, of=ours.LOCK),
    Bar(case=ours.BREAKER_60_S, most=3, of=ours.LOCK),
    Bar(case=ours.BREAKER_10_000, most=1.15, of=ours.BREAKER_100),
    Bar(case=ours.REJECTION, most=5, of=ours.LOCK),
    Bar(case=ours.RETRY, most=1, of=None),
    Bar(case=ours.KEYED_LOCK, most=5, of=ours.LOCK),
    Bar(case=ours.PIPELINE, most=4, of=ours.TIMEOUT),
)
GROUPS = ("asyncio", *ours.GROUPS)


async def bench(run: Run) -> Report:
    """Measure first, while the process is still small; then probe."""
    cases = [*await ours.our_cases(), *await peer_cases()]
    cases.sort(key=lambda case: GROUPS.index(case.group))
    figures = await measure(cases, rounds=run.rounds, calls=run.calls)
    async with asyncio.TaskGroup() as group:
        probing = [group.create_task(probe(subject)) for subject in SUBJECTS]
    return Report(
        run=run,
        cases=cases,
        figures=figures,
        lock=figures[ours.LOCK],
        timeout=figures[ours.TIMEOUT],
        bars=[bar.judge(figures) for bar in BARS],
        probes=[
            Probed(peer=subject.name, package=_release(subject.package), faults=task.result())
            for subject, task in zip(SUBJECTS, probing, strict=True)
        ],
    )


def _release(package: str | None) -> str | None:
    return f"{package} {version(package)}" if package else None


def main() -> int:
    """Run, print, and say whether every bar was kept."""
    parser = argparse.ArgumentParser(
        prog="./run bench resilience",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print one JSON object")
    shape.add_argument("--markdown", action="store_true", help="print the section of the docs")
    parser.add_argument("--rounds", type=int, default=181, help="rounds, 2 or more (181)")
    parser.add_argument("--calls", type=int, default=500, help="calls per case and round (500)")
    options = parser.parse_args()
    if options.rounds < 2 or options.calls < 1:
        parser.error("2 rounds and 1 call are the least")
    # pybreaker drops a coroutine at half-open, each time; the probes tell what comes of it.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    run = Run(
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 2),
        rounds=options.rounds,
        calls=options.calls,
    )
    report = asyncio.run(bench(run))
    if options.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        print(report.as_markdown() if options.markdown else report.as_text())
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
