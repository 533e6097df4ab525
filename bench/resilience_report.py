"""The results as text for a terminal, as one JSON object, and as a section of docs/measurements.md."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby

from bench.resilience_probes import PROBES
from bench.resilience_timing import Case, Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`case` costs at most `most` times what `of` costs; without `of`, at most so many µs."""

    case: str
    most: float
    of: str | None

    def judge(self, figures: Mapping[str, Figure]) -> "Judged":
        """Hold the figures against it."""
        found = figures[self.case].us / (figures[self.of].us if self.of else 1)
        return Judged(bar=self, measured=round(found, 3), ok=found <= self.most)

    def __str__(self) -> str:
        return f"≤ {self.most:g} × {self.of}" if self.of else f"≤ {self.most:g} µs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A bar, and what was measured."""

    bar: Bar
    measured: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What the probes found wrong with one breaker, by letter; None where nothing is."""

    peer: str
    package: str | None
    faults: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How it was measured. `load` is that of the machine in the minute before."""

    python: str
    load: float
    rounds: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All results. `lock` and `timeout` are the figures that the others are shown as multiples of."""

    run: Run
    cases: list[Case]
    figures: Mapping[str, Figure]
    lock: Figure
    timeout: Figure
    bars: list[Judged]
    probes: list[Probed]

    @property
    def ok(self) -> bool:
        """Whether every bar was kept, and no probe found fault with ours."""
        ours = [row for row in self.probes if row.package is None]
        return all(one.ok for one in self.bars) and not any(
            fault for row in ours for fault in row.faults.values()
        )

    def as_json(self) -> dict[str, object]:
        """One object; the same names as here."""
        cases = [
            {
                "name": case.name,
                "group": case.group,
                "less": case.less,
                **{name: round(us, 4) for name, us in asdict(self.figures[case.name]).items()},
                "times_lock": round(self.figures[case.name].us / self.lock.us, 3),
                "times_timeout": round(self.figures[case.name].us / self.timeout.us, 3),
            }
            for case in self.cases
        ]
        return {
            "ok": self.ok,
            "run": asdict(self.run),
            "cases": cases,
            "bars": [asdict(one) for one in self.bars],
            "probes": [asdict(row) for row in self.probes],
        }

    def as_text(self) -> str:
        """For a terminal of 100 columns."""
        return "\n".join([*self._head(), *self._text_of_figures(), *self._text_of_probes()])

    def as_markdown(self) -> str:
        """A section of docs/measurements.md."""
        return "\n".join([*self._markdown_of_figures(), *self._markdown_of_probes()])

    def _head(self) -> Iterator[str]:
        run = self.run
        yield f"Python {run.python}, load {run.load:.2f}, {run.rounds} rounds of {run.calls} calls"
        yield "Medians of processor time over the quieter half, less the bare await."
        yield "Compare ratios, not microseconds."

    def _text_of_figures(self) -> Iterator[str]:
        yield f"\n{'µs a call':46}{'median':>8}{'middle half':>19}{'× Lock':>9}{'× timeout':>11}"
        for group, members in groupby(self.cases, key=lambda case: case.group):
            yield group
            for case in members:
                one = self.figures[case.name]
                half = f"{one.low_us:.2f} to {one.high_us:.2f}"
                times = f"{one.us / self.lock.us:9.2f}{one.us / self.timeout.us:11.2f}"
                yield f"  {case.name:44}{one.us:8.2f}{half:>19}{times}"
        yield "\nbars"
        for judged in self.bars:
            mark = "pass" if judged.ok else "MISSED"
            yield f"  {judged.bar.case:40}{judged.bar!s:42}{judged.measured:6.2f}  {mark}"

    def _text_of_probes(self) -> Iterator[str]:
        yield f"\n{'probes':28}" + "".join(f"{letter:>6}" for letter in PROBES)
        for row in self.probes:
            marks = "".join(f"{_mark(fault):>6}" for fault in row.faults.values())
            yield f"  {row.peer:26}{marks}    {row.package or 'this project'}"
        for letter, question in _QUESTIONS.items():
            yield f"  {letter}  {question}"
        yield ""
        for row in self.probes:
            for letter, fault in row.faults.items():
                if fault is not None:
                    yield f"  {row.peer}, {letter}: {fault}"

    def _markdown_of_figures(self) -> Iterator[str]:
        yield "## Resilience beside its peers\n"
        run = self.run
        yield f"`./run bench resilience`: Python {run.python}, one process, {run.rounds} rounds of"
        yield f"{run.calls:,} calls of an async no-op, the order shuffled each round; medians of"
        yield "processor time over the quieter half of the rounds, less the bare await. Compare ratios,"
        yield "not microseconds.\n"
        yield "| what | bar | measured | |\n| --- | --- | --- | --- |"
        for judged in self.bars:
            unit = "×" if judged.bar.of else "µs"
            mark = "kept" if judged.ok else "**missed**"
            yield f"| {judged.bar.case} | {judged.bar} | {judged.measured:.2f} {unit} | {mark} |"
        yield "\n| one call | µs | × asyncio.Lock | × asyncio.timeout |\n| --- | --: | --: | --: |"
        for group, members in groupby(self.cases, key=lambda case: case.group):
            yield f"| **{group}** | | | |"
            for case in members:
                one = self.figures[case.name]
                times = f"{one.us / self.lock.us:.2f} | {one.us / self.timeout.us:.2f}"
                yield f"| {case.name} | {one.us:.2f} | {times} |"

    def _markdown_of_probes(self) -> Iterator[str]:
        yield "\nSix questions to each circuit breaker, asked from outside:\n"
        for letter, question in _QUESTIONS.items():
            yield f"- {letter}: {question}"
        yield f"\n| breaker | {' | '.join(PROBES)} | what was wrong |"
        yield "| --- |" + " --- |" * (len(PROBES) + 1)
        for row in self.probes:
            name = f"{row.peer}, {row.package.split()[-1]}" if row.package else row.peer
            marks = " | ".join(_mark(fault) for fault in row.faults.values())
            wrong = "; ".join(f"{letter}: {fault}" for letter, fault in row.faults.items() if fault)
            yield f"| {name} | {marks} | {wrong} |"


def _mark(fault: str | None) -> str:
    return "ok" if fault is None else "FAIL"


def _question(docstring: str | None) -> str:
    return (docstring or "").partition(") ")[2].partition("\n")[0]


_QUESTIONS = {letter: _question(ask.__doc__) for letter, ask in PROBES.items()}
