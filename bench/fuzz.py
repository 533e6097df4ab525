"""Spoiled documents by the thousand: no crash of the worker, no hang, a code and a sentence for each.

    ./run fuzz --minutes N [--seed SEED] [--format SUFFIX] [--json]

Honest files (our cases, the demo's samples, ../shared/samples) are mutated and read, drawn and made
ready for recognition, as the worker does it; text recognition itself is off. The seed is printed; with
it and the number of a mutant the same bytes come again.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.documents.blocks import Document
from app.documents.children import Children
from app.documents.reader import Reader, limits_of, open_reader
from app.documents.wire import Request, Task
from app.errors import ErrorCode, PermanentError
from app.messages import Language, Message
from app.settings.groups import ExtractSettings
from bench.fuzz_mutations import mutant, seeds

ROOT = Path(__file__).parents[1]
FOLDERS = (
    ROOT / "tests" / "candidates" / "cases" / "files",
    ROOT / "app" / "demo" / "samples",
    ROOT.parent / "shared" / "samples",
)
_DRAWN = frozenset({"pdf", "png", "jpg"})
_SCANNED_EACH = 10  # a page at 300 dpi takes as long as twenty others
_SLACK_S = 5.0
"""A child that is killed at its limit is gone this much later even on a busy machine."""

_CODES = frozenset({ErrorCode.INVALID_FILE, ErrorCode.OCR_UNAVAILABLE})
_MIB = 1024 * 1024


@dataclass(slots=True)
class Outcome:
    """What became of all mutants. `faults` are what must not be; `crashes` cost a child only."""

    mutants: int = 0
    ends: Counter[str] = field(default_factory=Counter[str])
    crashes: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    slowest_s: float = 0.0
    peak_mib: float = 0.0


class Fuzzer:
    """Reads mutants one after the other through the doors that the worker uses."""

    def __init__(self, reader: Reader, scanner: Children, extract: ExtractSettings) -> None:
        self._reader = reader
        self._scanner = scanner
        self._extract = extract
        self.outcome = Outcome()

    async def attack(self, name: str, suffix: str, data: bytes) -> None:
        """Try one mutant; what must not happen is written down, nothing is raised."""
        self.outcome.mutants += 1
        await self._try(f"{name} read", self._read(data))
        if suffix in _DRAWN:
            await self._try(f"{name} drawn", self._draw(data))
            if self.outcome.mutants % _SCANNED_EACH == 0:
                await self._try(f"{name} scanned", self._scan(data))
        pids = self._reader.pids | self._scanner.pids
        self.outcome.peak_mib = max([self.outcome.peak_mib, *map(_peak_mib, pids)])

    async def _try(self, name: str, call: Awaitable[str]) -> None:
        began = time.monotonic()
        try:
            self.outcome.ends[await call] += 1
        except PermanentError as error:
            self._judge(name, error)
        except Exception as error:  # noqa: BLE001 - any other exception is the find
            self.outcome.faults.append(f"{name}: {type(error).__name__}")
        took = time.monotonic() - began
        self.outcome.slowest_s = max(self.outcome.slowest_s, took)
        # A crash is asked about twice before the file is blamed.
        if took > 2 * self._extract.timeout + _SLACK_S:
            self.outcome.faults.append(f"{name}: {took:.1f} s")

    def _judge(self, name: str, error: PermanentError) -> None:
        self.outcome.ends[f"{error.code}: {error.message}"] += 1
        if error.code not in _CODES:
            self.outcome.faults.append(f"{name}: code {error.code}")
        for language in Language:
            if not error.text(language).strip() or "{" in error.text(language):
                self.outcome.faults.append(f"{name}: no sentence in {language}")
        if error.message is Message.FILE_CRASHED_READER:
            self.outcome.crashes[str(error.details.get("reason") or error.details)] += 1

    async def _read(self, data: bytes) -> str:
        document: Document = await self._reader.read(data)
        return f"read as {document.format}"

    async def _draw(self, data: bytes) -> str:
        drawn = await self._reader.draw_first_page(data)
        return "drawn" if drawn else "nothing to draw"

    async def _scan(self, data: bytes) -> str:
        await self._scanner.ask(Request(task=Task.SCAN, page=1), data)
        straight = Request(task=Task.SCAN, page=1, turn_degrees=90, straight=True)
        await self._scanner.ask(straight, data)
        return "scanned"


def _peak_mib(pid: int) -> float:
    """The most memory that a process ever had resident; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    row = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "x 0")
    return int(row.split()[1]) / 1024


@asynccontextmanager
async def opened_fuzzer(extract: ExtractSettings) -> AsyncGenerator[Fuzzer]:
    """With parser processes that are gone on exit."""
    scanner = Children(
        limits_of(extract), processes=1, timeout_s=extract.timeout, files_per_process=50
    )
    async with open_reader(extract) as reader:
        try:
            await scanner.start()
            yield Fuzzer(reader, scanner, extract)
        finally:
            await scanner.stop()


def mutants(
    honest: Mapping[str, Sequence[bytes]], seed: int, *, first: int = 0
) -> Iterator[tuple[str, str, bytes]]:
    """Name, suffix and bytes of mutant after mutant, without end; each depends on seed and number."""
    suffixes = sorted(honest)
    number = first
    while True:
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - chance, no secret
        suffix = suffixes[number % len(suffixes)]
        files = honest[suffix]
        how, data = mutant(chance, chance.choice(files), files)
        yield f"{seed}/{number} {suffix} {how}", suffix, data
        number += 1


async def _run(options: argparse.Namespace, seed: int) -> Outcome:
    os.environ["PATH"] = ""
    honest = seeds(*FOLDERS)
    if options.format:
        honest = {options.format: honest[options.format]}
    extract = ExtractSettings(processes=1, max_pages=20, ocr_max_pages=1)
    async with opened_fuzzer(extract) as fuzzer:
        ends_at = time.monotonic() + options.minutes * 60
        for name, suffix, data in mutants(honest, seed):
            await fuzzer.attack(name, suffix, data)
            if time.monotonic() >= ends_at:
                break
            if not options.json and fuzzer.outcome.mutants % 500 == 0:
                print(f"{fuzzer.outcome.mutants} mutants ...", file=sys.stderr)
    if fuzzer.outcome.peak_mib > extract.memory_mib:
        fuzzer.outcome.faults.append(f"memory: {fuzzer.outcome.peak_mib:.0f} MiB")
    return fuzzer.outcome


def main() -> int:
    suffixes = sorted(seeds(*FOLDERS))
    parser = argparse.ArgumentParser(prog="./run fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, help="of an earlier run; else a new one")
    parser.add_argument("--format", choices=suffixes, help="only files with this suffix")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(10**9)  # noqa: S311
    print(f"seed {seed}", file=sys.stderr)
    with asyncio.Runner() as runner:
        outcome = runner.run(_run(options, seed))
    if options.json:
        print(json.dumps({"seed": seed, **_as_json(outcome)}, indent=1))
    else:
        _print(outcome)
    return int(bool(outcome.faults))


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "mutants": outcome.mutants,
        "slowest_s": round(outcome.slowest_s, 2),
        "peak_mib": round(outcome.peak_mib),
        "ends": dict(outcome.ends.most_common()),
        "crashes_of_parser_processes": dict(outcome.crashes.most_common()),
        "faults": outcome.faults,
    }


def _print(outcome: Outcome) -> None:
    print(f"{outcome.mutants} mutants; slowest {outcome.slowest_s:.1f} s; "
          f"a parser process had at most {outcome.peak_mib:.0f} MiB")  # fmt: skip
    for end, count in outcome.ends.most_common():
        print(f"{count:7} {end}")
    print(f"parser processes that had to be replaced: {sum(outcome.crashes.values())}")
    for reason, count in outcome.crashes.most_common():
        print(f"{count:7} {reason}")
    print(f"what must not be: {len(outcome.faults)}")
    for fault in outcome.faults[:50]:
        print(f"  {fault}")


if __name__ == "__main__":
    sys.exit(main())
