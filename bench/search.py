"""Search over candidates: how well it finds, and how fast at 100,000 chunks.

    ./run bench search [--json] [--set PATH] [--chunks N] [--rounds N] [--plans] [--grid]

Quality: MRR@10 and nDCG@10 of words, meaning and both, on labelled queries of our own or on the set
in a folder (`documents.jsonl`, `queries.jsonl`; see bench/search_quality.py). Latency: generated
texts and vectors, which say nothing about quality. The embedder is that of the settings; PostgreSQL
is a temporary one. Exit code 1: a bar was missed.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np

from app.candidates.morphemes import rules_name
from app.providers.embedders import Embedder, open_embedder
from app.settings import InvalidSettings, load_settings
from app.store.keys import TenantId
from bench.search_database import temporary_database
from bench.search_latency import Latency, measure, plans, sizes
from bench.search_load import Like, Loaded, Vectors, fill
from bench.search_quality import OWN_SET, Figures, LabelledSet, grid, index, load, pools, table

_MOST_P95_MS: Final = 30.0
_MOST_BELOW: Final = 0.002
_BARRED_PARTS: Final = ("all", "other")
"""Weights were chosen on the rest; there the bar would prove nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`missed`: bars that were not kept, as sentences."""

    machine: Mapping[str, Any]
    quality: Mapping[str, Mapping[str, Figures]]
    loaded: Loaded | None
    latency: Latency | None
    disk: Mapping[str, str]
    plans: list[str]
    grid: list[str]
    missed: list[str]


async def bench(asked: LabelledSet, options: argparse.Namespace) -> Report:
    """Quality first, in a tenant of its own; then the load, in another."""
    settings = load_settings()
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="naru-bench-search-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)  # noqa: PTH101, S103 - the server may have to run as somebody else
        async with (
            temporary_database(folder) as (database, url),
            open_embedder(settings.embedding, settings.retry) as embedder,
        ):
            small, large = TenantId(uuid4()), TenantId(uuid4())
            _say(f"indexing {len(asked.documents)} labelled documents ...")
            names = await index(database, small, asked.documents, embedder)
            found = await pools(database, small, asked.queries, embedder)
            quality = table(found, names)
            loaded = latency = None
            shown: list[str] = []
            if options.chunks:
                own = load(OWN_SET)
                texts = list(own.documents.values())
                _say(f"generating {options.chunks:,} chunks ...")
                like = Like(
                    texts=texts, vectors=await _vectors(texts, embedder), model=embedder.model
                )
                loaded = await fill(url, large, like, chunks=options.chunks)
                _say("searching ...")
                queries = [query.text for query in own.queries]
                latency = await measure(database, large, queries, embedder, rounds=options.rounds)
                if options.plans:
                    shown = await plans(database, large, queries[0], embedder)
            disk = await sizes(database)
    return Report(
        machine={
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "embedder": embedder.model,
            "rules": rules_name(),
            "took_s": round(time.monotonic() - began_s),
        },
        quality=quality,
        loaded=loaded,
        latency=latency,
        disk=disk,
        plans=shown,
        grid=[
            f"meaning {blend.meaning:.2f} power {blend.power:.1f}: {figures.mrr:.4f} {figures.ndcg:.4f}"
            for blend, figures in (grid(found, names) if options.grid else ())
        ],
        missed=_missed(quality, latency),
    )


async def _vectors(texts: list[str], embedder: Embedder) -> Vectors:
    return np.array([(await embedder.embed([text]))[0] for text in texts])


def _missed(quality: Mapping[str, Mapping[str, Figures]], latency: Latency | None) -> list[str]:
    missed: list[str] = []
    for part in _BARRED_PARTS:
        arms = quality.get(part)
        if arms is None:
            continue
        for measure_name in ("mrr", "ndcg"):
            better = max(getattr(arms[arm], measure_name) for arm in ("words", "meaning"))
            fused = getattr(arms["fused"], measure_name)
            if fused < better - _MOST_BELOW:
                missed.append(f"{part}: {measure_name} {fused} is below the better arm's {better}")
    if latency is not None and latency.sql.p95 > _MOST_P95_MS:
        missed.append(f"p95 {latency.sql.p95} ms is above {_MOST_P95_MS} ms")
    return missed


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print(report: Report) -> None:
    print(" · ".join(f"{name} {value}" for name, value in report.machine.items()))
    print(
        f"\n{'':22}{'queries':>8}" + "".join(f"{arm:>18}" for arm in ("words", "meaning", "fused"))
    )
    for part, arms in report.quality.items():
        shown = "".join(f"{each.mrr:>10.4f} {each.ndcg:.4f} " for each in arms.values())
        print(f"{part:22}{arms['fused'].queries:>8}{shown}")
    print("MRR@10 and nDCG@10. `other`: the half on which no weight was chosen.")
    if report.loaded and report.latency:
        print(f"\n{report.loaded.chunks:,} chunks of {report.loaded.candidates:,} candidates")
        for name, times in {
            "search, all": report.latency.sql,
            "fastest round of each": report.latency.undisturbed,
            **report.latency.by_filter,
            "embedding the query": report.latency.embedding,
        }.items():
            print(
                f"{name:28}{times.searches:>6} times  p50 {times.p50:>6} ms  p95 {times.p95:>6} ms"
                f"  p99 {times.p99:>6} ms"
            )
        print("on disk: " + ", ".join(f"{name} {size}" for name, size in report.disk.items()))
    for line in (*report.plans, *report.grid):
        print(f"\n{line}" if "\n" in line else line)
    for line in report.missed:
        print(f"missed: {line}")


def main() -> int:
    """Run, print, and say whether every bar was kept."""
    parser = argparse.ArgumentParser(
        prog="./run bench search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--set", type=Path, default=OWN_SET, metavar="PATH", help="a labelled set")
    parser.add_argument("--chunks", type=int, default=100_000, help="0: quality alone (100000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all queries (3)")
    parser.add_argument("--plans", action="store_true", help="show how PostgreSQL answers")
    parser.add_argument("--grid", action="store_true", help="other weights, on the tuning half")
    options = parser.parse_args()
    if options.chunks < 0 or options.rounds < 1:
        parser.error("--chunks is 0 or more, --rounds 1 or more")
    try:
        asked = load(options.set)
    except (OSError, ValueError) as error:
        parser.error(f"--set {options.set}: {error}")
    try:
        report = asyncio.run(bench(asked, options))
    except InvalidSettings as error:
        print(f"naru: {error}", file=sys.stderr)
        return 3
    if options.json:
        print(json.dumps(asdict(report), ensure_ascii=False, indent=1))
    else:
        _print(report)
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
