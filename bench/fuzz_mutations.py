"""Ways to spoil a document: none of them knows a parser, all of them know a format's joints."""

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from app.documents.archive import WHAT_DAMAGE_RAISES
from tests.documents import building

_MAX_BYTES, _MAX_HONEST_BYTES = 2 * 1024 * 1024, 300_000
_NUMBER = re.compile(rb"(?<![\w.])-?\d{1,7}(?![\w.])")
_NAME = re.compile(rb"/[A-Za-z]{2,20}")
_REFERENCE = re.compile(rb"\d{1,4} 0 R")
_EXTREMES = (
    b"0",
    b"-1",
    b"1",
    b"65535",
    b"2147483647",
    b"-2147483648",
    b"99999999999999999999",
    b"1e308",
)
_DEPTHS = (50, 400, 5_000, 100_000)

Mutation = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutant(chance: random.Random, data: bytes, others: Sequence[bytes]) -> tuple[str, bytes]:
    """One to three mutations of `data`, and what they were; `others` are files of its format."""
    names: list[str] = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        name = chance.choice(_fitting(data))
        names.append(name)
        data = _MUTATIONS[name](chance, data, others)[:_MAX_BYTES]
    return "+".join(names), data


def _fitting(data: bytes) -> list[str]:
    names = ["flip", "cut", "splice", "repeat", "drop"]
    if data.startswith(b"PK"):  # hardly a spoiled byte gets past the checksums
        names = ["flip", "cut", "entry", "entry", "entry", "depth", "markup", "markup", "markup"]
    elif b"%PDF-" in data[:1024]:
        names += ["number", "number", "reference", "name", "number"]
    elif data.startswith(bytes.fromhex("D0CF11E0")):
        names += ["record", "record", "record"]
    elif data.lstrip()[:5] == b"{\\rtf":
        names += ["groups", "number"]
    return names


def _flip(chance: random.Random, data: bytes, __: Sequence[bytes]) -> bytes:
    spoiled = bytearray(data)
    for _ in range(chance.choice((1, 4, 16, 64))):
        if spoiled:
            spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def _cut(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _drop(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice((1, 16, 256, 4096)) :]


def _splice(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    start, at = chance.randrange(len(other) + 1), chance.randrange(len(data) + 1)
    return data[:at] + other[start : start + chance.choice((16, 512, 8192))] + data[at:]


def _repeat(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start = chance.randrange(len(data) + 1)
    piece = data[start : start + chance.choice((1, 8, 64, 512))]
    return data[:start] + piece * chance.choice((2, 50, 2_000)) + data[start:]


# --- packed documents ----------------------------------------------------------------------------


def _repacked(data: bytes, change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The archive with changed entries and right checksums; None leaves an entry out."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
            for entry in old.infolist():
                content = change(entry.filename, old.read(entry))
                if content is not None:
                    new.writestr(entry.filename, content, zipfile.ZIP_DEFLATED)
    except WHAT_DAMAGE_RAISES:
        return data  # spoiled before
    return out.getvalue()


def _markup_names(data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [name for name in archive.namelist() if name.endswith((".xml", ".rels"))]
    except WHAT_DAMAGE_RAISES:
        return []


def _entry(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """An entry is lost, emptied, spoiled, or holds another's content."""
    names = _markup_names(data)
    if not names:
        return data
    victim = chance.choice(names)
    how = chance.randrange(4)

    def change(name: str, content: bytes) -> bytes | None:
        if name != victim:
            return content
        if how == 0:
            return None
        if how == 1:
            return b""
        return _flip(chance, content, others) if how == 2 else _repeat(chance, content, others)

    return _repacked(data, change)


def _depth(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Elements nested far deeper than any writer nests them."""
    levels = chance.choice(_DEPTHS)

    def change(name: str, content: bytes) -> bytes:
        tags = re.findall(rb"<(\w+:(?:p|r|tbl|tc|tr|span|run|subList))[ >]", content)
        if not tags or not name.endswith(".xml"):
            return content
        tag = chance.choice(tags)
        at = content.find(b"<" + tag)
        return content[:at] + (b"<%s>" % tag) * levels + (b"</%s>" % tag) * levels + content[at:]

    return _repacked(data, change)


def _markup(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Numbers and names inside of the markup become others."""

    def change(_: str, content: bytes) -> bytes:
        if chance.random() < 0.5:
            return content
        content = _NUMBER.sub(
            lambda m: chance.choice(_EXTREMES) if chance.random() < 0.05 else m[0], content
        )
        tags = re.findall(rb"</?([\w:]+)", content)
        return content.replace(chance.choice(tags), chance.choice(tags), 3) if tags else content

    return _repacked(data, change)


# --- PDF, RTF, HWP -------------------------------------------------------------------------------


def _one(chance: random.Random, pattern: re.Pattern[bytes], data: bytes, by: bytes) -> bytes:
    found = list(pattern.finditer(data))
    if not found:
        return data
    match = chance.choice(found)
    return data[: match.start()] + by + data[match.end() :]


def _number(chance: random.Random, data: bytes, __: Sequence[bytes]) -> bytes:
    for _ in range(chance.choice((1, 3, 10))):
        data = _one(chance, _NUMBER, data, chance.choice(_EXTREMES))
    return data


def _name(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    names = _NAME.findall(data)
    return _one(chance, _NAME, data, chance.choice(names)) if names else data


def _reference(chance: random.Random, data: bytes, __: Sequence[bytes]) -> bytes:
    """An object refers to another one, perhaps to itself or to its parent."""
    references = _REFERENCE.findall(data)
    for _ in range(3):
        data = _one(chance, _REFERENCE, data, chance.choice(references)) if references else data
    return data


def _groups(chance: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return (
        data[:at]
        + chance.choice((b"{", b"}", b"{\\*\\x", b"\\bin99999 ")) * chance.choice(_DEPTHS)
        + data[at:]
    )


def _record(chance: random.Random, _: bytes, others: Sequence[bytes]) -> bytes:
    """A fresh HWP file whose records are spoiled below the packing, where bit flips do not reach."""
    rows = [[building.paragraph("성명", 2), building.paragraph("값", 2)] for _ in range(3)]
    section = (
        building.paragraph("이력서") + building.hwp_table(rows) + building.paragraph("끝" * 40)
    )
    for _turn in range(chance.choice((1, 3, 9))):
        change = chance.choice((_flip, _cut, _drop, _repeat))
        section = change(chance, section, others)
    flags = chance.choice((1, 1, 1, 0, 2, 4, 5, 0xFFFFFFFF))
    folder = "ViewText" if flags & 4 else "BodyText"
    return building.hwp(section[:50_000], flags=flags, folder=folder, pack=chance.random() < 0.9)


_MUTATIONS: dict[str, Mutation] = {
    "flip": _flip,
    "cut": _cut,
    "drop": _drop,
    "splice": _splice,
    "repeat": _repeat,
    "entry": _entry,
    "depth": _depth,
    "markup": _markup,
    "number": _number,
    "name": _name,
    "reference": _reference,
    "groups": _groups,
    "record": _record,
}


def seeds(*folders: Path) -> dict[str, list[bytes]]:
    """Honest files by suffix, the small ones: a mutant of a large file costs no more insight."""
    found: dict[str, list[bytes]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.*")) if folder.is_dir() else ():
            made_bad = path.name.startswith(
                "bad-"
            )  # refused at the door, whatever is changed in it
            if path.is_file() and path.suffix not in (".md", ".py", ".json") and not made_bad:
                data = path.read_bytes()
                if 0 < len(data) <= _MAX_HONEST_BYTES:
                    found.setdefault(path.suffix.lstrip("."), []).append(data)
    return found
