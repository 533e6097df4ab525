"""Writes the case files and their answers.

    python -m tests.candidates.cases.generate first|second [FILE …]
    python -m tests.candidates.cases.generate recombined SEED FOLDER

PDF and scans are printed by Chromium, with Nanum fonts (Debian: chromium, fonts-nanum), and shrunk by
nothing: what is committed is what people would send. All persons are invented.
"""

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageFilter
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from tests.candidates.cases import pages, papers
from tests.candidates.cases.script import HALVES, HERE, Case, cases, expected, recombined
from tests.documents import building

_pypdfium2: Any = import_module("pypdfium2")  # it has no types
_DPI = 200
_SKEW_DEGREES = 0.5
_SHIFTED = re.compile(rb"<([0-9A-Fa-f]{4})> <([0-9A-Fa-f]{4})>")


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case ["recombined", seed, folder]:
            write(recombined(int(seed)), Path(folder))
        case [half, *only] if half in HALVES:
            write((c for c in cases(half) if not only or c.file in only), HERE / "files")
        case _:
            sys.exit(__doc__)


def write(found: Iterable[Case], folder: Path) -> None:
    (folder / "expected").mkdir(parents=True, exist_ok=True)
    for case in found:
        (folder / case.file).write_bytes(made(case))
        answer = json.dumps(expected(case), ensure_ascii=False, indent=1)
        (folder / "expected" / f"{case.file}.json").write_text(answer + "\n", encoding="utf-8")


def made(case: Case) -> bytes:
    """The bytes of one file."""
    suffix = case.file.rpartition(".")[2]
    if case.option("damage") == "word97":
        return building.compound({"WordDocument": b"\xec\xa5\xc1\x00".ljust(4096, b"\0")})
    if case.option("layout") == "weave":
        return papers.woven(case)
    if suffix not in ("pdf", "png", "jpg"):
        return papers.write(case)
    printed = _printed(pages.page(case))
    if degrees := case.option("scan"):
        return _scanned(printed, int(degrees), suffix)
    match case.option("damage"):
        case "shifted":
            return _without_meaning(printed, shift=29)
        case "password":
            return _locked(printed)
        case "unmapped":
            return _without_meaning(printed, shift=None)
        case _:
            return printed


def _printed(html: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.pdf")
        source.write_text(html, encoding="utf-8")
        subprocess.run(
            [
                shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                "--no-pdf-header-footer", f"--print-to-pdf={target}", f"file://{source}",
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip
        return target.read_bytes()


def _scanned(printed: bytes, degrees: int, suffix: str) -> bytes:
    """Each page as a grey picture, a little askew and grainy, turned clockwise."""
    pictures = [_worn(page, degrees) for page in _drawn(printed)]
    out = io.BytesIO()
    if suffix == "pdf":
        pictures[0].save(
            out, "PDF", resolution=_DPI, quality=60, save_all=True, append_images=pictures[1:]
        )
    elif suffix == "jpg":
        pictures[0].save(out, "JPEG", quality=55, dpi=(_DPI, _DPI))
    else:
        pictures[0].quantize(16).save(out, "PNG", optimize=True, dpi=(_DPI, _DPI))
    return out.getvalue()


def _drawn(printed: bytes) -> list[Image.Image]:
    document: Any = _pypdfium2.PdfDocument(printed)
    return [page.render(scale=_DPI / 72).to_pil().convert("L") for page in document]


def _worn(page: Image.Image, degrees: int) -> Image.Image:
    askew = page.rotate(
        _SKEW_DEGREES, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC
    )
    soft = askew.filter(ImageFilter.GaussianBlur(0.5))
    grain = Image.effect_noise(soft.size, 18).point([min(255, value + 118) for value in range(256)])
    return ImageChops.multiply(soft, grain).rotate(-degrees, expand=True)


def _without_meaning(printed: bytes, *, shift: int | None) -> bytes:
    """The same page whose fonts tell wrong characters, or none."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(printed)))
    objects: list[Any] = list(writer._objects)  # every font, wherever it hangs
    for item in objects:
        font: Any = {} if item is None else item.get_object()
        if not isinstance(font, DictionaryObject) or "/ToUnicode" not in font:
            continue
        if shift is None:
            del font["/ToUnicode"]
            continue
        stream: Any = font.raw_get("/ToUnicode").get_object()
        told = StreamObject()
        told.set_data(
            _SHIFTED.sub(
                lambda m: b"<%s> <%04X>" % (m[1], (int(m[2], 16) + shift) % 0xFFFF),
                stream.get_data(),
            )
        )
        font[NameObject("/ToUnicode")] = writer._add_object(told)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _locked(printed: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(printed)))
    writer.encrypt("secret", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
