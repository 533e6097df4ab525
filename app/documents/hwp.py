"""HWP 5, the binary format of Korean offices; tables row by row, as forms need it.

It is a compound file whose sections are streams of tagged records: HWP Document File Formats
5.0, revision 1.3 (Hancom). Distribution documents are decoded by syhwp; where the own walk finds nothing,
unhwp is asked for a second opinion (it also reads HWP 3).
"""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.documents.archive import damaged
from app.documents.blocks import Block, Document, Format
from app.documents.characters import letters
from app.documents.compound import CompoundFile, is_compound
from app.documents.hwp_looks import Looks, is_dark, looks_of, number_at
from app.documents.limits import Limits
from app.documents.looks import ANY, PAPER, Look, Paint, count_hidden
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_FLAG_COMPRESSED, _FLAG_PASSWORD, _FLAG_DISTRIBUTION = 1, 2, 4
_FLAGS_AT = 36
_MIN_LETTERS = 20
"""Fewer letters than this, and the other parser is asked."""

_NOTICE = re.compile(r"배포용\s*문서")
_NOTICE_MAX_LETTERS = 200

_TAG_DISTRIBUTION = 28
_TAG_PARAGRAPH, _TAG_TEXT, _TAG_LETTERS, _TAG_CONTROL, _TAG_LIST = 66, 67, 68, 71, 72
_TAG_PAGE_FILL, _TAG_TABLE, _TAG_MEMOS = 75, 77, 93
_CONTROL_TABLE = b" lbt"
_CONTROL_DRAWING = b" osg"
_CONTROL_HIDDEN_COMMENT = b"tmct"
_MARGINS = frozenset({b"dces", b"daeh", b"toof"})  # master pages, page headers, page footers
_CONTROL_LINK = b"klh%"
_LINK_TEXT_AT = 11  # after the control's id, properties and one byte, with the length before it
_CONTROLS_SKIPPED = frozenset({b"deqe", b"onpa", b"pngp"})  # equations, page numbers
_LONG_CHARS = frozenset({*range(1, 10), 11, 12, *range(14, 24)})  # take 8 code units
_PARAGRAPH_SHAPE_AT, _CELL_FILL_AT, _PAGE_FILL_AT = 8, 32, 12
_ROWS_AT, _ROW_SIZES_AT = 4, 18
_AS_LETTER, _FLOW_SHIFT, _FLOW_BEHIND = 1, 21, 2
_MAX_LEVELS = 64
_TAG_BITS = 0x3FF
_SIZE_IN_NEXT_WORD = 0xFFF
_DISTRIBUTION_HEADER_BYTES = 4 + 256


def read_hwp(data: bytes, limits: Limits) -> Parsed:
    """HWP 5 by records, else by unhwp. A file with nothing but the notice of a protected document is refused."""
    blocks: list[Block] = []
    walk = _Walk(Looks(), PAPER)
    if is_compound(data):
        looks, *sections = _streams(data, limits)
        trees = [_tree(section) for section in sections]
        known = looks_of(_records(looks))
        walk = _Walk(known, _page_ground(trees, known))
        for tree in trees:
            blocks += walk.blocks_of(tree)
    # The other parser does not know what nobody sees.
    if _count(blocks) < _MIN_LETTERS and not walk.hidden_chars:
        second = _second_opinion(data)
        blocks = second if _count(second) > _count(blocks) else blocks
    text = "\n".join(block.text for block in blocks)
    if _NOTICE.search(text) and letters(text) < _NOTICE_MAX_LETTERS:
        raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_ONLY_NOTICE)
    links = tuple(dict.fromkeys(walk.links))
    document = Document(
        format=Format.HWP,
        pages=1,
        blocks=tuple(blocks),
        links=links,
        hidden_chars=walk.hidden_chars,
    )
    return Parsed(document=document)


def _count(blocks: list[Block]) -> int:
    return sum(letters(block.text) for block in blocks)


def _second_opinion(data: bytes) -> list[Block]:
    import unhwp  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs] - hardly any file needs this native library

    try:
        with unhwp.parse_bytes(data) as result:
            text = result.text
    except unhwp.UnhwpError:
        return []
    return [block for line in text.splitlines() for block in line_blocks(line)]


def _streams(data: bytes, limits: Limits) -> Iterator[bytes]:
    """The unpacked records of looks, empty without any, and those of each section. Raises INVALID_FILE."""
    left_bytes = limits.max_unpacked_bytes
    with CompoundFile(data) as container:
        flags = _flags(container.read("FileHeader"))
        if flags & _FLAG_PASSWORD:
            raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_ENCRYPTED)
        looks = _look_records(container, flags, left_bytes)
        left_bytes -= len(looks)
        yield looks
        folder = "ViewText/" if flags & _FLAG_DISTRIBUTION else "BodyText/"
        names = [name for name in container.names if name.startswith(folder)]
        for name in sorted(names, key=_number):
            raw = container.read(name)
            if flags & _FLAG_DISTRIBUTION:
                raw = _undistribute(raw)
            section = _inflate(raw, left_bytes) if flags & _FLAG_COMPRESSED else raw
            left_bytes -= len(section)
            yield section


def _look_records(container: CompoundFile, flags: int, most_bytes: int) -> bytes:
    """The text can be read without them, so that damage does not matter."""
    try:
        looks = container.read("DocInfo") if "DocInfo" in container.names else b""
        return _inflate(looks, most_bytes) if looks and flags & _FLAG_COMPRESSED else looks
    except PermanentError as refusal:
        if refusal.message is not Message.FILE_DAMAGED:
            raise
        return b""


def _flags(header: bytes) -> int:
    if len(header) < _FLAGS_AT + 4:
        raise damaged()
    (flags,) = struct.unpack_from("<I", header, _FLAGS_AT)
    return flags


def _number(name: str) -> int:
    digits = re.sub(r"\D", "", name)
    return int(digits) if digits else 0


def _inflate(raw: bytes, most_bytes: int) -> bytes:
    try:
        section = zlib.decompressobj(-15).decompress(raw, most_bytes + 1)
    except zlib.error:
        raise damaged() from None
    if len(section) > most_bytes:
        mib = 1024 * 1024
        raise PermanentError(
            ErrorCode.INVALID_FILE,
            Message.FILE_EXPANDS_TOO_MUCH,
            details={"unpacked_mib": len(section) // mib, "limit_mib": most_bytes // mib},
        )
    return section


def _undistribute(raw: bytes) -> bytes:
    # Private names of a pinned package: its public door takes only a path, and a parser process
    # may not write files.
    from syhwp._crypt import decrypt_section, section_key  # noqa: PLC0415 - hardly any file needs it

    if len(raw) < _DISTRIBUTION_HEADER_BYTES:
        raise damaged()
    (header,) = struct.unpack_from("<I", raw)
    if header & _TAG_BITS != _TAG_DISTRIBUTION:
        raise damaged()
    return decrypt_section(
        raw[_DISTRIBUTION_HEADER_BYTES:], section_key(raw[4:_DISTRIBUTION_HEADER_BYTES])
    )


@dataclass(slots=True)
class _Node:
    tag: int
    payload: bytes
    children: "list[_Node]" = field(default_factory=list["_Node"])


def _records(section: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Tag, level, payload. A header: 10 bits tag, 10 bits level, 12 bits size."""
    at, end = 0, len(section)
    while at + 4 <= end:
        (header,) = struct.unpack_from("<I", section, at)
        at += 4
        size = header >> 20
        if size == _SIZE_IN_NEXT_WORD:
            if at + 4 > end:
                return
            (size,) = struct.unpack_from("<I", section, at)
            at += 4
        yield header & _TAG_BITS, (header >> 10) & _TAG_BITS, section[at : at + size]
        at += size


def _tree(section: bytes) -> _Node:
    root = _Node(-1, b"")
    path = [root]
    for tag, level, payload in _records(section):
        del path[min(level, _MAX_LEVELS) + 1 :]  # a level that jumps is taken as one deeper
        node = _Node(tag, payload)
        path[-1].children.append(node)
        path.append(node)
    return root


def _page_ground(trees: Sequence[_Node], looks: Looks) -> Paint:
    """White, unless something lies where it may be under the text."""
    waiting = [(node, False) for node in trees]
    while waiting:
        node, in_margin = waiting.pop()
        kind = node.payload[:4] if node.tag == _TAG_CONTROL else b""
        if kind in (_CONTROL_DRAWING, _CONTROL_TABLE) and len(node.payload) >= 8:  # noqa: PLR2004 - the numbers are the format's own
            (told,) = struct.unpack_from("<I", node.payload, 4)
            over = kind == _CONTROL_DRAWING and in_margin
            if not told & _AS_LETTER and (over or told >> _FLOW_SHIFT & 0b111 == _FLOW_BEHIND):
                return ANY
        if node.tag == _TAG_PAGE_FILL and is_dark(
            looks.fill(number_at(node.payload, _PAGE_FILL_AT))
        ):
            return ANY
        waiting += [(child, in_margin or kind in _MARGINS) for child in node.children]
    return PAPER


def _paragraph_text(payload: bytes, looks: Sequence[tuple[int, bool]]) -> tuple[str, str]:
    """What is seen and what is not of UTF-16 with inline control codes, of which some take eight code units.

    `looks` tells from which code unit on letters are seen, or not.
    """
    units = struct.unpack_from(f"<{len(payload) // 2}H", payload)
    pieces: list[tuple[bool, list[int]]] = [(True, [])]
    coming = [*reversed(looks)]
    at = 0
    while at < len(units):
        while coming and coming[-1][0] <= at:
            pieces.append((coming.pop()[1], []))
        out = pieces[-1][1]
        unit = units[at]
        if unit in _LONG_CHARS:
            if unit == 9:  # noqa: PLR2004 - tab
                out.append(unit)
            at += 8
            continue
        if unit in (10, 13):
            out.append(10)
        elif unit in (30, 31):  # spaces of fixed or no-break width
            out.append(32)
        elif unit == 24:  # noqa: PLR2004 - hyphen
            out.append(45)
        elif unit >= 32:  # noqa: PLR2004 - the numbers are the format's own
            out.append(unit)
        at += 1
    told = [(is_seen, _decoded(piece)) for is_seen, piece in pieces]
    # Tabs and ends of lines part what stands around them, whatever their look.
    seen = [piece if is_seen or not piece.strip() else _gaps(piece) for is_seen, piece in told]
    return "".join(seen), "".join(piece for is_seen, piece in told if not is_seen)


def _gaps(text: str) -> str:
    return "".join(char for char in text if char in "\t\n")


def _decoded(units: Sequence[int]) -> str:
    return struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "replace")


class _Walk:
    """Turns records into blocks; keeps the links met on the way, and counts what nobody sees."""

    def __init__(self, looks: Looks, page: Paint) -> None:
        self._looks = looks
        self._page = page
        self.links: list[str] = []
        self.hidden_chars = 0

    def blocks_of(self, root: _Node) -> list[Block]:
        return self._content(root.children, self._page, depth=0)

    def _content(self, nodes: list[_Node], ground: Paint, *, depth: int) -> list[Block]:
        """Paragraphs of a list, each followed by what is anchored in it."""
        blocks: list[Block] = []
        starts = True
        if depth > MAX_DEPTH:
            return blocks
        for node in nodes:
            if node.tag == _TAG_PARAGRAPH:
                lines = line_blocks(self._text(node, ground), starts=starts)
                starts = not lines
                blocks += lines
                for child in node.children:
                    if child.tag == _TAG_CONTROL:
                        blocks += self._control(child, ground, depth=depth + 1)
            elif node.tag not in (_TAG_CONTROL, _TAG_TEXT, _TAG_MEMOS):
                blocks += self._content(node.children, ground, depth=depth + 1)
        return blocks

    def _text(self, paragraph: _Node, ground: Paint) -> str:
        own = self._looks.of_paragraph(number_at(paragraph.payload, _PARAGRAPH_SHAPE_AT))
        below = Look(ground=own or ground)
        looks: list[tuple[int, bool]] = []
        for node in paragraph.children:
            if node.tag == _TAG_LETTERS:
                whole = node.payload[: len(node.payload) // 8 * 8]
                for start, number in struct.iter_unpack("<II", whole):
                    looks.append((start, self._looks.of_letters(number).over(below).is_seen))
        text = ""
        for node in paragraph.children:
            if node.tag == _TAG_TEXT:
                seen, hidden = _paragraph_text(node.payload, looks)
                text += seen
                self.hidden_chars += count_hidden(hidden)
        return text

    def _control(self, control: _Node, ground: Paint, *, depth: int) -> list[Block]:
        kind = control.payload[:4]
        if kind == _CONTROL_TABLE:
            return self._table(control, ground, depth=depth)
        if kind == _CONTROL_LINK:
            self.links += _link(control.payload)
        if kind in _CONTROLS_SKIPPED:
            return []
        if kind == _CONTROL_HIDDEN_COMMENT:
            self._leave_out(control, depth=depth)
            return []
        # How a shape is filled is not read, nor which shapes it lies over.
        behind = ANY if kind == _CONTROL_DRAWING else ground
        return self._content(control.children, behind, depth=depth + 1)

    def _leave_out(self, control: _Node, *, depth: int) -> None:
        blocks = self._content(control.children, ANY, depth=depth + 1)
        self.hidden_chars += sum(count_hidden(block.text) for block in blocks)

    def _table(self, control: _Node, ground: Paint, *, depth: int) -> list[Block]:
        """Cells follow the table record; each is a list header and then its paragraphs."""
        blocks: list[Block] = []
        rows: dict[int, list[tuple[int, Paint, list[_Node]]]] = {}
        in_table = False
        cell: list[_Node] | None = None
        caption: list[_Node] = []
        behind = ground
        for node in control.children:
            if node.tag == _TAG_TABLE:
                in_table = True
                behind = self._ground_of_table(node.payload) or ground
            elif in_table and node.tag == _TAG_LIST and len(node.payload) >= 16:  # noqa: PLR2004 - the numbers are the format's own
                column, row = struct.unpack_from("<HH", node.payload, 8)
                fill = self._looks.fill(number_at(node.payload, _CELL_FILL_AT))
                cell = [*node.children]  # some programs nest its paragraphs
                rows.setdefault(row, []).append((column, fill or behind, cell))
            elif cell is not None:
                cell.append(node)
            elif node.tag == _TAG_PARAGRAPH:
                caption.append(node)
        blocks += self._content(caption, ground, depth=depth + 1)
        for row in sorted(rows):
            ordered = sorted(rows[row], key=lambda found: found[0])
            cells = [self._content(nodes, paint, depth=depth + 1) for _, paint, nodes in ordered]
            blocks += row_blocks(cells, starts=row == min(rows))
        return blocks

    def _ground_of_table(self, payload: bytes) -> Paint | None:
        """Its fill; zones of cells may have fills of their own."""
        fill_at = _ROW_SIZES_AT + 2 * (number_at(payload, _ROWS_AT) or 0)
        return (
            ANY
            if number_at(payload, fill_at + 2)
            else self._looks.fill(number_at(payload, fill_at))
        )


def _link(payload: bytes) -> list[str]:
    """The target of a hyperlink field; options follow it behind a semicolon."""
    if len(payload) < _LINK_TEXT_AT:
        return []
    (length,) = struct.unpack_from("<H", payload, _LINK_TEXT_AT - 2)
    text = payload[_LINK_TEXT_AT : _LINK_TEXT_AT + 2 * length].decode("utf-16-le", "replace")
    target = text.replace("\\:", ":").split(";", 1)[0].strip()
    return [target] if target else []
