"""Makes small documents, honest and hostile, without any library that reads them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.documents.blocks import Box
from app.documents.pieces import Piece

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def packed(entries: Mapping[str, str | bytes]) -> bytes:
    """A ZIP file with these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


# --- DOCX ----------------------------------------------------------------------------------------


def docx(body: str, more: Mapping[str, str | bytes] | None = None, *, rels: str = "") -> bytes:
    """A Word file with this content of `w:body`; `rels` are relationships of the main part."""
    entries: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
        f'Type="{R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}">{rels}</Relationships>',
        "word/document.xml": word_part("document", f"<w:body>{body}</w:body>"),
    }
    return packed({**entries, **(more or {})})


def word_part(root: str, content: str) -> str:
    return (
        f'<w:{root} xmlns:w="{W}" xmlns:r="{R}" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"{content}</w:{root}>"
    )


def p(text: str, properties: str = "") -> str:
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Cells hold ready markup, such as `p("…")`."""
    lines = "".join(
        "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in row) + "</w:tr>" for row in rows
    )
    return f"<w:tbl>{lines}</w:tbl>"


# --- ODT, HWPX -----------------------------------------------------------------------------------

ODF = "urn:oasis:names:tc:opendocument:xmlns"


def odt(body: str, more: Mapping[str, str | bytes] | None = None) -> bytes:
    content = (
        f'<o:document-content xmlns:o="{ODF}:office:1.0" xmlns:text="{ODF}:text:1.0" '
        f'xmlns:table="{ODF}:table:1.0" xmlns:draw="{ODF}:drawing:1.0" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<o:body><o:text>{body}</o:text></o:body></o:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.text"
    return packed({"mimetype": mimetype, "content.xml": content, **(more or {})})


def hwpx(sections: Sequence[str], more: Mapping[str, str | bytes] | None = None) -> bytes:
    entries: dict[str, str | bytes] = {"mimetype": "application/hwp+zip"}
    for number, section in enumerate(sections):
        entries[f"Contents/section{number}.xml"] = (
            '<hs:sec xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section" '
            f'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph">{section}</hs:sec>'
        )
    return packed({**entries, **(more or {})})


def hp(text: str) -> str:
    return f"<hp:p><hp:run><hp:t>{text}</hp:t></hp:run></hp:p>"


# --- PDF -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page by its content stream; `extra` goes into its dictionary, `xobjects` into resources."""

    content: str = ""
    extra: str = ""
    xobjects: str = ""
    width: int = 595
    height: int = 842


def shown(x: float, y_from_top: float, text: str, *, size: float = 10, bold: bool = False) -> str:
    """One text object in Helvetica on an A4 page; the place is that of its baseline."""
    font = "FB" if bold else "F"
    return f"BT /{font} {size} Tf 1 0 0 1 {x} {842 - y_from_top} Tm ({text}) Tj ET\n"


def line(x1: float, top1: float, x2: float, top2: float) -> str:
    return f"{x1} {842 - top1} m {x2} {842 - top2} l S\n"


def pdf(pages: Sequence[Page], objects: Mapping[int, bytes] | None = None) -> bytes:
    """A PDF with these pages; `objects` are further ones, numbered from 1000."""
    numbers = [10 + 2 * index for index in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in numbers)
    found: dict[int, bytes] = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>",
    }
    for number, page in zip(numbers, pages, strict=True):
        found[number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {page.width} {page.height}] "
            f"/Contents {number + 1} 0 R /Resources << /Font << /F 3 0 R /FB 4 0 R >> "
            f"/XObject << {page.xobjects} >> >> {page.extra} >>"
        ).encode()
        found[number + 1] = stream(page.content.encode("latin-1"))
    found.update(objects or {})
    return _assembled(found)


def stream(data: bytes, entries: str = "") -> bytes:
    head = f"<< /Length {len(data)} {entries} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def image(grey: bytes, width: int, height: int) -> bytes:
    """An image object."""
    return stream(
        zlib.compress(grey),
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} "
        "/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode",
    )


def _assembled(objects: Mapping[int, bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, content in sorted(objects.items()):
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 1\n0000000000 65535 f \n")
    for number, place in places.items():
        out.write(b"%d 1\n%010d 00000 n \n" % (number, place))
    size = max(objects) + 1
    out.write(b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n" % (size, start))
    return out.getvalue()


# --- pieces of a page ---------------------------------------------------------------------------


def piece(text: str, left: float, top: float, *, size: float = 10, em: float = 0.5) -> Piece:
    box = Box(left=left, top=top, right=left + len(text) * size * em, bottom=top + size)
    return Piece(text=text, box=box, size_pt=size)


# --- compound files and HWP 5 --------------------------------------------------------------------

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file; `a/b` puts b into the storage a. Streams are padded out of the mini stream."""
    names: list[tuple[str, int, int]] = [("Root Entry", 5, -1)]
    for path in streams:
        storage, _, name = path.rpartition("/")
        if storage and not any(found[:2] == (storage, 1) for found in names):
            names.append((storage, 1, 0))
        parent = next((i for i, n in enumerate(names) if storage and n[:2] == (storage, 1)), 0)
        names.append((name, 2, parent))
    contents = [content.ljust(4096, b"\0") for content in streams.values()]
    directory_sectors = -(-len(names) * 128 // _SECTOR)
    starts: list[int] = []
    at = 1 + directory_sectors
    for content in contents:
        starts.append(at)
        at += -(-len(content) // _SECTOR)
    assert at <= 128, "one sector of the allocation table is enough for tests"
    fat = [_FAT, *_chain(1, directory_sectors)]
    for start, content in zip(starts, contents, strict=True):
        fat += _chain(start, -(-len(content) // _SECTOR))
    fat += [_FREE] * (128 - len(fat))
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, _END, 0, _END, 0
    )
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    body = b"".join(c.ljust(-(-len(c) // _SECTOR) * _SECTOR, b"\0") for c in contents)
    directory = b"".join(_entries(names, starts, contents))
    directory = directory.ljust(directory_sectors * _SECTOR, b"\0")
    return header + struct.pack("<128I", *fat) + directory + body


def _chain(start: int, count: int) -> list[int]:
    return [*range(start + 1, start + count), _END]


def _entries(
    names: Sequence[tuple[str, int, int]], starts: Sequence[int], contents: Sequence[bytes]
) -> list[bytes]:
    """Directory entries; the children of a storage hang below each other to the right."""
    entries: list[bytes] = []
    files = 0
    for index, (name, kind, parent) in enumerate(names):
        siblings = [i for i, n in enumerate(names) if n[2] == parent]
        after = [i for i in siblings if i > index]
        children = [i for i, n in enumerate(names) if n[2] == index]
        start, size = _END, 0
        if kind == 2:
            start, size = starts[files], len(contents[files])
            files += 1
        raw = (name + "\0").encode("utf-16-le")
        entries.append(
            raw.ljust(64, b"\0")
            + struct.pack("<HBB", len(raw), kind, 1)
            + struct.pack(
                "<III", _FREE, after[0] if after else _FREE, children[0] if children else _FREE
            )
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )
    return entries


def hwp(
    section: bytes,
    *,
    looks: bytes = b"",
    flags: int = 1,
    folder: str = "BodyText",
    pack: bool = True,
) -> bytes:
    """An HWP 5 file with one section of records; `looks` are those of fills and shapes."""
    more = {"DocInfo": deflated(looks) if pack else looks} if looks else {}
    return compound(
        {
            **more,
            "FileHeader": b"HWP Document File".ljust(32, b"\0")
            + struct.pack("<II", 0x05000300, flags).ljust(224, b"\0"),
            f"{folder}/Section0": deflated(section) if pack else section,
        }
    )


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def record(tag: int, level: int, payload: bytes = b"") -> bytes:
    size = min(len(payload), 0xFFF)
    head = struct.pack("<I", tag | level << 10 | size << 20)
    return head + (struct.pack("<I", len(payload)) if size == 0xFFF else b"") + payload


def paragraph(
    text: str, level: int = 0, *, shape: int = 0, letters: Sequence[tuple[int, int]] = ()
) -> bytes:
    """`shape` is that of the paragraph; `letters` from which code unit on which shape holds."""
    head = struct.pack("<IIH", len(text) + 1, 0, shape).ljust(22, b"\0")
    out = record(66, level, head) + record(67, level + 1, (text + "\r").encode("utf-16-le"))
    shapes = b"".join(struct.pack("<II", *each) for each in letters)
    return out + (record(68, level + 1, shapes) if shapes else b"")


def hwp_table(
    rows: Sequence[Sequence[bytes]],
    level: int = 0,
    *,
    fill: int = 0,
    cell_fill: int = 0,
    zones: int = 0,
) -> bytes:
    """A paragraph with a table; cells are records of paragraphs one level below its own."""
    out = record(66, level, bytes(22)) + record(71, level + 1, b" lbt")
    head = struct.pack("<IHH", 0, len(rows), len(rows[0])) + bytes(10)
    out += record(77, level + 2, head + bytes(2 * len(rows)) + struct.pack("<HH", fill, zones))
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            place = struct.pack("<HIHHHHH", 1, 0, 0, c, r, 1, 1)
            out += (
                record(72, level + 2, place.ljust(32, b"\0") + struct.pack("<H", cell_fill)) + cell
            )
    return out


def hwp_fill(color: int | None = None, *, kind: int = 1, pattern: int = 0xFFFFFFFF) -> bytes:
    """A frame with a fill; `color` is 0xBBGGRR, None for no fill."""
    if color is None:
        return record(20, 0, bytes(40))
    return record(20, 0, bytes(32) + struct.pack("<IIII", kind, color, 0, pattern))


def hwp_letters(
    ink: int = 0, *, size: int = 1000, shade: int = 0xFFFFFFFF, relative: int = 100, fill: int = 0,
    attributes: int = 0,
) -> bytes:  # fmt: skip
    """A shape of letters; `ink` and `shade` are 0xBBGGRR, `size` is in hundredths of a point."""
    head = bytes(28) + bytes([relative] * 7) + bytes(7)
    return record(
        21, 0, head + struct.pack("<iIHIIIIH", size, attributes, 0, ink, 0, shade, 0, fill)
    )


def hwp_shape(fill: int) -> bytes:
    """A shape of paragraphs."""
    return record(25, 0, bytes(32) + struct.pack("<H", fill))
