"""Time and memory of reading documents, format by format, beside pypdf and docling-parse.

    ./run bench extract [--rounds N] [--json]

Each reader reads all files of a format in a fresh process: median milliseconds per page over files
and rounds, and the most memory that the process had. The peers read PDF alone. Scans go through the
whole reader with tesseract; theirs is the time for a page on a machine that does nothing else.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.documents.ocr import ocr_available
from app.documents.reader import open_reader
from app.errors import PermanentError
from app.settings.groups import ExtractSettings

ROOT = Path(__file__).parents[1]
_FOLDERS = (
    ROOT / "tests" / "candidates" / "cases" / "files",
    ROOT / "app" / "demo" / "samples",
    ROOT.parent / "shared" / "samples",
)
_FORMATS = ("pdf", "docx", "hwp", "hwpx", "odt", "rtf", "txt")
_PEERS = ROOT / ".venv-bench" / "extract" / "bin" / "python"
_PEER_NAMES = ("pypdf", "docling-parse")
_MAX_SCANS = 6

Row = Mapping[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./run bench extract", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        {"reader": "naru", "format": suffix, **_measured(sys.executable, "naru", files, options.rounds)}
        for suffix in _FORMATS
        if (files := _files(suffix))
    ]  # fmt: skip
    if _PEERS.exists():
        rows += [
            {"reader": peer, "format": "pdf", **_measured(str(_PEERS), peer, _files("pdf"), options.rounds)}
            for peer in _PEER_NAMES
        ]  # fmt: skip
    else:
        print(
            "bench extract: the peers are not installed; use ./run bench extract.", file=sys.stderr
        )
    with asyncio.Runner() as runner:
        rows += runner.run(_scans())
    if options.json:
        print(json.dumps(rows, indent=1))
    else:
        _print(rows)
    return 0


def _files(suffix: str) -> list[Path]:
    """Honest files with text; what is refused on purpose would only make the mean look good."""
    found = [path for folder in _FOLDERS for path in sorted(folder.glob(f"*.{suffix}"))]
    return [
        path for path in found if not path.name.startswith("bad-") and "locked" not in path.name
    ]


def _measured(python: str, reader: str, files: Sequence[Path], rounds: int) -> Row:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    results: list[Row] = []
    for _ in range(rounds):
        printed = subprocess.run(
            [python, str(ROOT / "bench" / "extract_peer.py"), reader, *map(str, files)],
            env=environment,
            capture_output=True,
            check=True,
        ).stdout
        results.append(json.loads(printed))
    last = results[-1]
    return {
        "files": last["files"],
        "failed": last["failed"],
        "pages": last["pages"],
        "letters": last["letters"],
        "ms_per_page": round(statistics.median(r["ms_per_page"] for r in results), 2),
        "import_ms": round(statistics.median(r["import_ms"] for r in results)),
        "peak_mib": round(max(r["peak_mib"] for r in results)),
    }


async def _scans() -> list[Row]:
    if not await ocr_available():
        return []
    files = [path for suffix in ("jpg", "png") for path in _files(suffix)][:_MAX_SCANS]
    took: list[float] = []
    letters = 0
    async with open_reader(ExtractSettings(processes=1)) as reader:
        for path in files:
            data = await asyncio.to_thread(path.read_bytes)
            began = time.perf_counter()
            try:
                document = await reader.read(data)
            except PermanentError:
                continue
            took.append((time.perf_counter() - began) * 1000 / max(document.pages, 1))
            letters += sum(map(str.isalnum, document.text))
    if not took:
        return []
    row = {
        "reader": "naru",
        "format": "scan",
        "files": len(files),
        "failed": len(files) - len(took),
    }
    more = {"pages": len(took), "letters": letters, "import_ms": 0, "peak_mib": None}
    return [{**row, **more, "ms_per_page": round(statistics.median(took), 2)}]


def _print(rows: Sequence[Row]) -> None:
    print(f"{'reader':14} {'format':6} {'files':>6} {'failed':>6} {'pages':>6} {'letters':>9} "
          f"{'ms/page':>9} {'import ms':>9} {'peak MiB':>9}")  # fmt: skip
    for row in rows:
        peak = "-" if row["peak_mib"] is None else row["peak_mib"]
        print(f"{row['reader']:14} {row['format']:6} {row['files']:6} {row['failed']:6} {row['pages']:6} "
              f"{row['letters']:9} {row['ms_per_page']:9.2f} {row['import_ms']:9} {peak:>9}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
