"""Loop lag, memory and time of a worker while files are parsed.

    ./run bench loop_lag [--files N] [--folder DIR]

Ingests N files through embedded servers in a fresh data folder and prints: the lag of a 1 ms ticker
on the worker's loop (p50, p99, max), the resident memory of the worker with its parser processes,
and the time of one two-page text résumé alone.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from app.bootstrap import Runtime
from app.cli.ingest import Found, ingest, some_worker
from app.cli.render import Progress
from app.cli.serving import connected
from app.demo.samples import FOLDER, SAMPLES
from app.settings import load_settings
from app.settings.groups import DataSettings
from app.telemetry.logs import configure_logs

_TICK_S = 0.001


@asynccontextmanager
async def lag_of_this_loop() -> AsyncGenerator[list[float]]:
    """Milliseconds by which each tick came late, collected while the block lasts."""
    lags: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + _TICK_S
            await asyncio.sleep(_TICK_S)
            lags.append((time.perf_counter() - due) * 1000)

    ticking = asyncio.create_task(tick())
    try:
        yield lags
    finally:
        ticking.cancel()


async def measure(files: list[Path], folder: Path) -> None:
    settings = load_settings(data=DataSettings(folder=folder))
    async with connected(settings) as runtime, some_worker(runtime):
        await runtime.embedder.warm()
        two_pages = FOLDER / "ko-one-column.pdf"
        await _timed(runtime, [two_pages])  # the first file pays for what is loaded lazily
        alone = [await _timed(runtime, [two_pages]) for _ in range(5)]
        async with lag_of_this_loop() as lags:
            all_s = await _timed(runtime, files)
        rss_mib = _resident_mib()
    quantiles = statistics.quantiles(lags, n=100)
    print(f"two-page résumé alone   {statistics.median(alone):6.2f} s (median of 5)")
    print(f"{len(files)} files             {all_s:6.2f} s")
    print(f"loop lag                p50 {quantiles[49]:.1f} ms, p99 {quantiles[98]:.1f} ms, "
          f"max {max(lags):.1f} ms, {len(lags)} ticks")  # fmt: skip
    print(f"worker and parsers      {rss_mib:6.0f} MiB resident")


async def _timed(runtime: Runtime, files: list[Path]) -> float:
    started_s = time.perf_counter()
    report = await ingest(
        runtime,
        Found(files, [], []),
        reveal=False,
        once=False,
        force=True,
        progress=Progress(visible=False),
    )
    assert report.succeeded == len(files), [run.code for run in report.runs]
    return time.perf_counter() - started_s


def _resident_mib() -> float:
    """This process and its parser children; servers are not counted."""
    me = psutil.Process()
    ours = [me, *(child for child in me.children() if "python" in child.name())]
    return sum(process.memory_info().rss for process in ours) / 1024 / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="files to ingest instead of our samples")
    options = parser.parse_args()
    good = [sample.path for sample in SAMPLES if sample.code is None and not sample.needs_ocr]
    if options.folder:
        good = sorted(path for path in options.folder.iterdir() if path.is_file())
    chosen = [good[number % len(good)] for number in range(options.files)]
    configure_logs("ERROR", json=False)
    with tempfile.TemporaryDirectory(prefix="naru-bench-") as data:
        asyncio.run(measure(chosen, Path(data)))
