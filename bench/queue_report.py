"""The results as text for a terminal, as one JSON object, and as tables for docs/queue.md."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from bench import queue_scenarios as scenarios
from bench.queue_bars import LATENCIES, Figure, Judged, Results, figure
from bench.queue_recovery import Recovered
from bench.queue_systems import OURS

ARQ_RECOVERY = (
    "arq, by its configuration: 310 s, its job timeout of 300 s and 10 (arq 0.28, worker.py:277)"
)
_NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How it was measured. `load` is that of the machine in the minute before."""

    python: str
    server: str
    cores: int
    load: float
    repeats: int
    distance_ms: float
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All results. `faults`: what did not come to an end, by system and scenario."""

    run: Run
    versions: Mapping[str, Mapping[str, str]]
    results: Results
    faults: Mapping[str, Mapping[str, Sequence[str]]]
    recovered: Sequence[Recovered]
    bars: Sequence[Judged]

    @property
    def ok(self) -> bool:
        """Whether every bar that was measured was kept, and ours came to its end everywhere."""
        return all(bar.ok is not False for bar in self.bars) and not self.faults.get(OURS.name)

    def as_json(self) -> dict[str, object]:
        """One object; the same names as here."""
        return {
            "ok": self.ok,
            "run": asdict(self.run),
            "versions": self.versions,
            "figures": {
                system: {metric: asdict(figure(samples)) for metric, samples in metrics.items()}
                for system, metrics in self.results.items()
            },
            "faults": self.faults,
            "recovery": [
                {
                    "system": row.death.system.name,
                    "lease_s": row.death.lease_s,
                    "after_s": row.after_s,
                    "bound_s": row.bound_s,
                    "fault": row.fault,
                }
                for row in self.recovered
            ],
            "bars": [asdict(bar) for bar in self.bars],
        }

    def as_text(self) -> str:
        """For a terminal of 100 columns and more."""
        return "\n".join(self._text())

    def as_markdown(self) -> str:
        """Tables of docs/queue.md."""
        return "\n".join(self._markdown())

    def _text(self) -> Iterator[str]:
        systems = [*self.versions]
        yield self._how()
        yield f"\n{'':32}" + "".join(f"{name:>15}" for name in systems)
        for metric, cells in self._rows():
            yield f"{metric:32}" + "".join(f"{cell:>15}" for cell in cells)
        yield "\nbars"
        for bar in self.bars:
            yield f"  {bar.bar:60}{_measured(bar):>18}  {_verdict(bar)}"
        yield from self._notes()

    def _markdown(self) -> Iterator[str]:
        systems = [*self.versions]
        yield f"`./run bench queue`: {self._how()}\n"
        yield "| what | bar kept |\n| --- | --- |"
        for bar in self.bars:
            yield f"| {bar.bar} | {_verdict(bar)}: {_measured(bar)} |"
        yield "\n| | " + " | ".join(systems) + " |"
        yield "| --- |" + " --: |" * len(systems)
        for metric, cells in self._rows():
            yield f"| {metric} | " + " | ".join(cells) + " |"
        yield ""
        for note in self._notes():
            yield f"- {note}" if note else ""

    def _how(self) -> str:
        run = self.run
        return (
            f"Python {run.python}, {run.server}, {run.cores} cores, load {run.load:.2f},"
            f" {run.repeats} repeats in turn, {run.distance_ms:.1f} ms to the distant server,"
            f" {run.took_s:.0f} s. Medians; compare ratios, not absolutes."
        )

    def _rows(self) -> Iterator[tuple[str, list[str]]]:
        metrics = dict.fromkeys(name for each in self.results.values() for name in each)
        for metric in sorted(metrics, key=_ORDER.index):
            found = [self.results.get(name, {}).get(metric) for name in self.versions]
            figures = [figure(samples) if samples else None for samples in found]
            if metric in LATENCIES:
                yield f"{metric}: p50", [_cell(one and one.median) for one in figures]
                yield f"{metric}: p99", [_cell(one and one.p99) for one in figures]
                continue
            yield metric, [_cell(one and one.median) for one in figures]
            if metric == scenarios.NOOP_PER_S:
                yield "  lowest to highest", [_span(one) for one in figures]
        if self.recovered:
            leases_s = sorted({row.death.lease_s for row in self.recovered})
            for lease_s in reversed(leases_s):
                title = f"recovery after kill -9, s (lease {lease_s:g})"
                yield title, [self._recovery(name, lease_s) for name in self.versions]

    def _recovery(self, name: str, lease_s: float) -> str:
        rows = [
            row
            for row in self.recovered
            if row.death.system.name == name and row.death.lease_s == lease_s
        ]
        if not rows:
            return _NONE
        if any(row.fault for row in rows):
            return "failed"
        if any(row.after_s is None for row in rows):
            return f"> {rows[0].bound_s:g}"
        taken = [row.after_s for row in rows if row.after_s is not None]
        return _cell(figure(taken).median)

    def _notes(self) -> Iterator[str]:
        yield ""
        for name, packages in self.versions.items():
            listed = ", ".join(f"{package} {release}" for package, release in packages.items())
            yield f"{name}: {listed}"
        if self.recovered:
            yield ARQ_RECOVERY
        for row in self.recovered:
            if row.fault:
                yield f"{row.death.system.name}, recovery: {row.fault}"
        for name, faults in self.faults.items():
            for scenario, texts in faults.items():
                count = f"{len(texts)} of {self.run.repeats} repeats did not end"
                yield f"{name}, {scenario}: {count}: {texts[0]}"


_ORDER = (
    scenarios.IDLE_MS,
    scenarios.LOADED_MS,
    scenarios.NOOP_PER_S,
    scenarios.DISTANT_PER_S,
    scenarios.IDEAL,
    scenarios.IDLE_MIB,
    scenarios.ABOVE_IDLE_MIB,
    scenarios.IN_TURN_PER_S,
    scenarios.AT_ONCE_PER_S,
    scenarios.BULK_PER_S,
    scenarios.ENQUEUE_TRIPS,
    scenarios.ENQUEUE_COMMANDS,
    scenarios.TRIPS,
    scenarios.COMMANDS,
    scenarios.CPU_US,
    scenarios.SPANS,
    scenarios.CANCEL_MS,
)


def _cell(value: float | None) -> str:
    if value is None:
        return _NONE
    if math.isinf(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}".rstrip("0").rstrip(".")


def _span(one: Figure | None) -> str:
    return f"{one.low:,.0f}-{one.high:,.0f}" if one else _NONE


def _measured(bar: Judged) -> str:
    return "not measured" if bar.measured is None else f"{_cell(bar.measured)} {bar.unit}"


def _verdict(bar: Judged) -> str:
    return {True: "kept", False: "MISSED", None: ""}[bar.ok]
