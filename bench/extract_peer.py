"""One reader in a process of its own: python extract_peer.py READER FILE …; prints one JSON line.

Runs in our environment for `naru` and in that of the peers for the others, so it imports neither at
the top.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Read = Callable[[bytes], tuple[int, int]]
"""Bytes of a file to its pages and letters."""


def _naru() -> Read:
    from app.documents.formats import detect  # noqa: PLC0415 - one reader a process
    from app.documents.parsing import READERS  # noqa: PLC0415
    from app.documents.reader import limits_of  # noqa: PLC0415
    from app.settings.groups import ExtractSettings  # noqa: PLC0415

    limits = limits_of(ExtractSettings())

    def read(data: bytes) -> tuple[int, int]:
        document = READERS[detect(data)](data, limits).document
        return document.pages, sum(map(str.isalnum, document.text))

    return read


def _pypdf() -> Read:
    import io  # noqa: PLC0415

    from pypdf import PdfReader  # noqa: PLC0415

    def read(data: bytes) -> tuple[int, int]:
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
        return len(pages), sum(map(str.isalnum, "".join(pages)))

    return read


def _docling_parse() -> Read:
    import io  # noqa: PLC0415
    from importlib import import_module  # noqa: PLC0415 - it has no types here

    pdf_parser: Any = import_module("docling_parse.pdf_parser")
    parser = pdf_parser.DoclingPdfParser(loglevel="fatal")

    def read(data: bytes) -> tuple[int, int]:
        document = parser.load(path_or_stream=io.BytesIO(data))
        pages = letters = 0
        for _, page in document.iterate_pages():
            pages += 1
            letters += sum(map(str.isalnum, "".join(cell.text for cell in page.textline_cells)))
        document.unload()
        return pages, letters

    return read


READERS: dict[str, Callable[[], Read]] = {
    "naru": _naru,
    "pypdf": _pypdf,
    "docling-parse": _docling_parse,
}


def main(arguments: Sequence[str]) -> None:
    name, *paths = arguments
    began = time.perf_counter()
    read = READERS[name]()
    import_s = time.perf_counter() - began
    pages = letters = failed = 0
    took: list[float] = []
    for path in paths:
        data = Path(path).read_bytes()
        began = time.perf_counter()
        try:
            more_pages, more_letters = read(data)
        except Exception:  # noqa: BLE001 - a peer's own way to refuse
            failed += 1
            continue
        took.append((time.perf_counter() - began) * 1000 / max(more_pages, 1))
        pages += more_pages
        letters += more_letters
    result = {
        "files": len(paths),
        "failed": failed,
        "pages": pages,
        "letters": letters,
        "ms_per_page": sorted(took)[len(took) // 2] if took else None,
        "import_ms": import_s * 1000,
        "peak_mib": _peak_mib(),
    }
    print(json.dumps(result))


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    row = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(row.split()[1]) / 1024


if __name__ == "__main__":
    main(sys.argv[1:])
