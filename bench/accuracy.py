"""How right the profiles are: labelled résumés through the whole flow, by rules and by a model.

    ./run bench accuracy [PATH --expected PATH] [--analyst rules|model] [--worst] [--json]

Without a PATH: our own cases, the demo's samples, and ../shared/samples where that lies beside the
clone. Each set goes through `./run ingest` with servers and data of its own. The model is the scripted
one, which recites the demo's answers: its table shows that the plumbing holds, and nothing else.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo.provider import scripted_provider
from app.demo.wire import MODEL
from bench.accuracy_score import Score, Tally, score

ROOT = Path(__file__).parents[1]
_SETS = (
    ("own cases", ROOT / "tests" / "candidates" / "cases" / "files"),
    ("demo samples", ROOT / "app" / "demo" / "samples"),
    ("shared samples", ROOT.parent / "shared" / "samples"),
)
_BARS: Mapping[str, float] = {
    "name": 0.95,
    "emails": 0.97,
    "phones": 0.97,
    "links": 0.97,
    "experience.company": 0.85,
    "experience.title": 0.80,
    "experience.dates": 0.80,
    "education.school": 0.85,
    "education.dates": 0.80,
    "skills": 0.80,
}
"""F1 that files not seen before must reach by rules alone (issue 5)."""

_STATES_BAR = 1.0
_ANALYSTS = {
    "rules": "rules alone",
    "model": "the scripted model: it knows the demo's answers by heart, so this shows plumbing only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Files with an answer each."""

    name: str
    folder: Path
    answers: Mapping[str, Mapping[str, Any]]


def main() -> int:
    options = _options()
    if (options.path is None) != (options.expected is None):
        print("bench accuracy: PATH and --expected belong together.", file=sys.stderr)
        return 2
    sets = _sets(options.path, options.expected)
    if not any(found.answers for found in sets):
        print("bench accuracy: no expected/NAME.json was found.", file=sys.stderr)
        return 2
    analysts = [options.analyst] if options.analyst else list(_ANALYSTS)
    results = {
        analyst: {found.name: _measured(found, analyst) for found in sets} for analyst in analysts
    }
    if options.json:
        print(json.dumps(_as_json(results), ensure_ascii=False, indent=1))
    else:
        for analyst, scores in results.items():
            print(f"\n# {_ANALYSTS[analyst]}")
            for name, result in scores.items():
                _print(name, result, worst=options.worst)
    by_rules = results.get("rules", {})
    return int(any(_missed(result) for result in by_rules.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench accuracy", description=__doc__)
    parser.add_argument("path", type=Path, nargs="?", help="a folder of files")
    parser.add_argument("--expected", type=Path, help="its folder of NAME.json")
    parser.add_argument("--analyst", choices=sorted(_ANALYSTS))
    parser.add_argument("--worst", action="store_true", help="what is missing or wrong, by file")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _sets(path: Path | None, expected: Path | None) -> list[Set]:
    if path is not None and expected is not None:
        return [Set(name=path.name, folder=path.resolve(), answers=_answers(expected))]
    return [
        Set(name=name, folder=folder, answers=_answers(folder / "expected"))
        for name, folder in _SETS
        if (folder / "expected").is_dir()
    ]


def _answers(folder: Path) -> dict[str, Mapping[str, Any]]:
    return {
        path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def _measured(found: Set, analyst: str) -> Score:
    files = [found.folder / name for name in found.answers if (found.folder / name).exists()]
    with asyncio.Runner() as runner:
        report = runner.run(_ingested(files, analyst))
    return score({Path(run["file"]).name: run for run in report["runs"]}, found.answers)


async def _ingested(files: Sequence[Path], analyst: str) -> Mapping[str, Any]:
    if analyst == "rules":
        return await _ingest(files, {})
    async with scripted_provider() as provider:
        told = {
            "LLM__BASE_URL": provider.base_url,
            "LLM__API_KEY": "scripted",
            "LLM__MODEL": MODEL,
        }
        return await _ingest(files, told)


async def _ingest(files: Sequence[Path], more: Mapping[str, str]) -> Mapping[str, Any]:
    """`./run ingest … --json --reveal --once` in a data folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="naru-accuracy-") as folder:
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
        environment = {**kept, "PYTHONPATH": str(ROOT), "DATA__FOLDER": folder, **more}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app", "ingest", *map(str, files)),
            *("--json", "--reveal", "--once"),
            env=environment,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
    if not printed:
        raise SystemExit(f"bench accuracy: ./run ingest ended with {process.returncode}.")
    return json.loads(printed)


def _missed(result: Score) -> list[str]:
    """The bars that were not reached."""
    missed = [
        f"{key} {tally.f1:.3f} < {_BARS[key]}"
        for key, tally in result.fields.items()
        if key in _BARS and tally.expected and tally.f1 < _BARS[key]
    ]
    if result.state_share < _STATES_BAR:
        missed.append(f"final states {result.state_share:.3f} < {_STATES_BAR}")
    return missed


def _print(name: str, result: Score, *, worst: bool) -> None:
    print(f"\n{name}\n{'field':22} precision  recall      f1   right/expected/found")
    for key, tally in sorted(result.fields.items()):
        print(
            f"{key:22} {tally.precision:9.3f} {tally.recall:7.3f} {tally.f1:7.3f}   "
            f"{tally.right}/{tally.expected}/{tally.found}"
        )
    total = result.states_right + len(result.states_wrong)
    print(f"final states right: {result.states_right} of {total}; not run: {len(result.not_run)}")
    for line in result.states_wrong + (result.notes if worst else []):
        print(f"  {line}")
    missed = _missed(result)
    print(f"bars missed: {', '.join(missed)}" if missed else "all bars reached")


def _as_json(results: Mapping[str, Mapping[str, Score]]) -> dict[str, Any]:
    return {
        analyst: {
            "meaning": _ANALYSTS[analyst],
            "sets": {name: _score_as_json(result) for name, result in scores.items()},
        }
        for analyst, scores in results.items()
    }


def _score_as_json(result: Score) -> dict[str, Any]:
    return {
        "fields": {key: _tally_as_json(tally) for key, tally in sorted(result.fields.items())},
        "states_right": result.states_right,
        "states_wrong": result.states_wrong,
        "not_run": result.not_run,
        "bars_missed": _missed(result),
    }


def _tally_as_json(tally: Tally) -> dict[str, float]:
    return {
        "precision": round(tally.precision, 4),
        "recall": round(tally.recall, 4),
        "f1": round(tally.f1, 4),
        "expected": tally.expected,
        "found": tally.found,
        "right": tally.right,
    }


if __name__ == "__main__":
    sys.exit(main())
