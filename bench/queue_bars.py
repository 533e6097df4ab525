"""The figures of one run, and the bars that ours is held to (docs/queue.md)."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench import queue_scenarios as scenarios
from bench.queue_recovery import Recovered
from bench.queue_systems import OURS, SYSTEMS

LATENCIES = (scenarios.IDLE_MS, scenarios.LOADED_MS, scenarios.CANCEL_MS)
"""Many samples a repeat; every other metric has one."""

Results = Mapping[str, Mapping[str, Sequence[float]]]
"""By system and metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Over the repeats; of latencies, over all samples of all repeats."""

    median: float
    low: float
    high: float
    p99: float


def figure(samples: Sequence[float]) -> Figure:
    """Raises ValueError without samples."""
    return Figure(
        median=statistics.median(samples),
        low=min(samples),
        high=max(samples),
        p99=percentile(samples, 0.99),
    )


def percentile(samples: Sequence[float], share: float) -> float:
    """The sample that this share of all does not exceed."""
    return sorted(samples)[min(int(len(samples) * share), len(samples) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A bar in words, and what was measured; None: not measured in this run."""

    bar: str
    measured: float | None
    unit: str
    ok: bool | None


class _Judge:
    def __init__(self, results: Results, recovered: Sequence[Recovered]) -> None:
        self._results = results
        self._recovered = recovered

    def ours(self, metric: str) -> float | None:
        return self._median(OURS.name, metric)

    def best(self, metric: str, choose: Callable[[Sequence[float]], float]) -> float | None:
        """The fastest peer's."""
        found = [self._median(system.name, metric) for system in SYSTEMS if system.peer]
        measured = [value for value in found if value is not None]
        return choose(measured) if measured else None

    def worst(self, metric: str) -> float | None:
        """Of our repeats."""
        samples = self._results.get(OURS.name, {}).get(metric)
        return min(samples) if samples else None

    def slowest_recovery_s(self, lease_s: float) -> float | None:
        """Infinite when one of them did not recover."""
        ours = [
            row
            for row in self._recovered
            if row.death.system == OURS and row.death.lease_s == lease_s
        ]
        taken = [float("inf") if row.after_s is None else row.after_s for row in ours]
        return max(taken, default=None)

    def _median(self, system: str, metric: str) -> float | None:
        samples = self._results.get(system, {}).get(metric)
        return statistics.median(samples) if samples else None


def judge(results: Results, recovered: Sequence[Recovered]) -> list[Judged]:
    """Every bar, in the order of the design."""
    said = _Judge(results, recovered)
    idle, loaded = said.ours(scenarios.IDLE_MS), said.ours(scenarios.LOADED_MS)
    quickest_idle = said.best(scenarios.IDLE_MS, min)
    quickest_loaded = said.best(scenarios.LOADED_MS, min)
    noop, fastest = said.ours(scenarios.NOOP_PER_S), said.best(scenarios.NOOP_PER_S, max)
    most = "×", float.__le__
    least = "×", float.__ge__
    judged = [
        _bar("start p50, idle ≤ 1.1 × fastest peer", _ratio(idle, quickest_idle), 1.1, *most),
        _bar(
            "start p50, 500 in flight ≤ 1.1 × fastest peer",
            _ratio(loaded, quickest_loaded),
            1.1,
            *most,
        ),
        _bar("start p50, 500 in flight ≤ 1.25 × idle", _ratio(loaded, idle), 1.25, *most),
        _bar("no-op jobs/s ≥ 2 × fastest peer", _ratio(noop, fastest), 2.0, *least),
        _bar(
            "1,000 sleepers ≥ 95 % of ideal",
            said.ours(scenarios.IDEAL),
            0.95,
            "of ideal",
            float.__ge__,
        ),
        _bar(
            "1,000 sleepers ≤ 60 MiB above the idle worker",
            said.ours(scenarios.ABOVE_IDLE_MIB),
            60.0,
            "MiB",
            float.__le__,
        ),
        _bar(
            "spans received ≥ 1 a job, in every repeat",
            said.worst(scenarios.SPANS),
            1.0,
            "a job",
            float.__ge__,
        ),
    ]
    leases_s = sorted({row.death.lease_s for row in recovered if row.death.system == OURS})
    for lease_s in leases_s or [15.0]:
        bar = f"killed worker's job runs again ≤ lease of {lease_s:g} s + 1 s, every time"
        slowest_s = said.slowest_recovery_s(lease_s)
        judged.append(_bar(bar, slowest_s, lease_s + 1, "s", float.__le__))
    return judged


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _bar(
    words: str,
    measured: float | None,
    limit: float,
    unit: str,
    holds: Callable[[float, float], bool],
) -> Judged:
    ok = None if measured is None else holds(float(measured), limit)
    return Judged(bar=words, measured=measured, unit=unit, ok=ok)
