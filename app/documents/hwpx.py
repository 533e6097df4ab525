"""HWPX, the packed successor of HWP: sections of paragraphs, in which tables and boxes are anchored."""

import re
from dataclasses import dataclass, field

from app.documents.archive import Archive, Element, attribute, damaged, local_name
from app.documents.blocks import Block, Document, Format
from app.documents.hwpx_looks import SHAPES, Looks, looks_of, page_ground
from app.documents.limits import Limits
from app.documents.looks import ANY, Look, Paint, count_hidden
from app.documents.opendocument import refuse_encrypted
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed

_SECTION = re.compile(r"(?:^|/)section(\d+)\.xml$", re.IGNORECASE)
_HEADER = re.compile(r"(?:^|/)header\.xml$", re.IGNORECASE)
_MASTER_PAGE = re.compile(r"(?:^|/)masterpage\d*\.xml$", re.IGNORECASE)
# The beginning of a field holds its parameters, and the text of a memo beside the page.
_HWPX_HIDDEN = frozenset(
    {"equation", "fieldBegin", "fieldEnd", "secPr", "shapeComment", "hiddenComment"}
)
_HWPX_CHARS = {"tab": "\t", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}


def read_hwpx(data: bytes, limits: Limits) -> Parsed:
    """Sections in order. Raises INVALID_FILE as `Archive` does."""
    with Archive(data, limits) as archive:
        refuse_encrypted(archive)
        sections = sorted(
            (int(match[1]), name) for name in archive.names if (match := _SECTION.search(name))
        )
        if not sections:
            raise damaged()
        header = next((name for name in sorted(archive.names) if _HEADER.search(name)), None)
        looks = Looks() if header is None else looks_of(archive.tree(header))
        trees = [archive.tree(name) for _, name in sections]
        walk = _Walk(looks)
        page = ANY if any(map(_MASTER_PAGE.search, archive.names)) else page_ground(trees, looks)
        blocks = [block for tree in trees for block in walk.container(tree, page, depth=0)]
    return Parsed(
        document=Document(
            format=Format.HWPX,
            pages=1,
            blocks=tuple(blocks),
            links=tuple(dict.fromkeys(walk.links)),
            hidden_chars=walk.hidden_chars,
        )
    )


@dataclass(slots=True)
class _Paragraph:
    """`objects` are tables and lists of other objects, and what is behind their text."""

    text: list[str] = field(default_factory=list[str])
    objects: list[tuple[Element, Paint]] = field(default_factory=list[tuple[Element, Paint]])


class _Walk:
    """Turns sections into blocks; keeps the links met on the way, and counts what nobody sees."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self.links: list[str] = []
        self.hidden_chars = 0

    def container(self, element: Element, ground: Paint, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        starts = True
        if depth > MAX_DEPTH:
            return blocks
        for child in element:
            name = local_name(child)
            if name == "p":
                paragraph = _Paragraph()
                shade = self._looks.of_paragraph(child)
                self._inline(child, Look(ground=shade or ground), paragraph, ground)
                lines = line_blocks("".join(paragraph.text), starts=starts)
                starts = not lines
                blocks += lines
                for found, behind in paragraph.objects:
                    blocks += (
                        self._table(found, behind, depth=depth + 1)
                        if local_name(found) == "tbl"
                        else self.container(found, behind, depth=depth + 1)
                    )
            elif name == "tbl":
                blocks += self._table(child, ground, depth=depth + 1)
            elif name not in _HWPX_HIDDEN:
                blocks += self.container(child, ground, depth=depth + 1)
        return blocks

    def _inline(self, element: Element, look: Look, paragraph: _Paragraph, ground: Paint) -> None:
        for child in element:
            name = local_name(child)
            if name == "t":
                self._add(child.text, look, paragraph)
                for inner in child:
                    known = _HWPX_CHARS.get(local_name(inner))
                    self._add(inner.text if known is None else known, look, paragraph)
                    self._add(inner.tail, look, paragraph)
            elif name in ("tbl", "subList"):
                paragraph.objects.append((child, ground))
            elif name == "hiddenComment":
                self.hidden_chars += sum(count_hidden(each.text or "") for each in child.iter())
            elif name == "fieldBegin" and attribute(child, "type") == "HYPERLINK":
                self.links += _hwpx_link(child)
            elif name == "run":
                self._inline(child, self._looks.of_run(child).over(look), paragraph, ground)
            elif name not in _HWPX_HIDDEN:
                # How a shape is filled is not read, nor which shapes it lies over.
                self._inline(child, look, paragraph, ANY if name in SHAPES else ground)

    def _add(self, text: str | None, look: Look, paragraph: _Paragraph) -> None:
        if text and (look.is_seen or not text.strip()):
            paragraph.text.append(text)
        elif text:
            self.hidden_chars += count_hidden(text)

    def _table(self, table: Element, ground: Paint, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        for child in table:
            if local_name(child) == "caption":
                blocks += self.container(child, ground, depth=depth + 1)
        of_table = self._looks.fill_of(table) or ground
        if any(local_name(child) == "cellzoneList" for child in table):
            of_table = ANY  # zones of cells have fills of their own
        for row in (child for child in table if local_name(child) == "tr"):
            cells = [
                self.container(cell, self._looks.fill_of(cell) or of_table, depth=depth + 1)
                for cell in row
                if local_name(cell) == "tc"
            ]
            blocks += row_blocks(cells, starts=not blocks)
        return blocks


def _hwpx_link(field_begin: Element) -> list[str]:
    for parameter in field_begin.iter():
        if attribute(parameter, "name") in ("Path", "Command") and parameter.text:
            return [parameter.text.replace("\\:", ":").split(";", 1)[0]]
    return []
