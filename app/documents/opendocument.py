"""ODT: the same walk as for DOCX over another vocabulary."""

from collections.abc import Iterator

from app.documents.archive import Archive, Element, attribute, damaged, local_name
from app.documents.blocks import Block, Document, Format
from app.documents.limits import Limits
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_HIDDEN = frozenset({"annotation", "tracked-changes", "desc", "title", "note-citation", "forms"})
_MANIFEST = "META-INF/manifest.xml"
_MAX_REPEATS = 100


def read_odt(data: bytes, limits: Limits) -> Parsed:
    """Page headers, body, page footers. Raises INVALID_FILE; protected files have their own line."""
    with Archive(data, limits) as archive:
        refuse_encrypted(archive)
        if "content.xml" not in archive.names:
            raise damaged()
        walk = _Walk()
        body = walk.blocks_of(_first(archive.tree("content.xml"), "body"))
        if "styles.xml" in archive.names:
            styles = archive.tree("styles.xml")
            body = [
                *walk.blocks_under(styles, "header"),
                *body,
                *walk.blocks_under(styles, "footer"),
            ]
    return Parsed(
        document=Document(
            format=Format.ODT,
            pages=1,
            blocks=tuple(body),
            links=tuple(dict.fromkeys(walk.links)),
        )
    )


def refuse_encrypted(archive: Archive) -> None:
    """Raises INVALID_FILE when the package's manifest says that its entries are encrypted."""
    if _MANIFEST in archive.names:
        manifest = archive.tree(_MANIFEST)
        if any(local_name(element) == "encryption-data" for element in manifest.iter()):
            raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_ENCRYPTED)


def _first(root: Element, name: str) -> Element:
    for element in root.iter():
        if local_name(element) == name:
            return element
    raise damaged()


class _Walk:
    def __init__(self) -> None:
        self.links: list[str] = []

    def blocks_of(self, root: Element) -> list[Block]:
        return self._container(root, depth=0)

    def blocks_under(self, root: Element, name: str) -> list[Block]:
        """The content of every element of that name."""
        return [
            block
            for element in root.iter()
            if local_name(element) == name
            for block in self.blocks_of(element)
        ]

    def _container(self, element: Element, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        starts = True
        if depth > MAX_DEPTH:
            return blocks
        for child in element:
            name = local_name(child)
            if name in ("p", "h"):
                lines = self._paragraph(child, starts=starts or name == "h", depth=depth)
                starts = not lines
                blocks += lines
            elif name == "table":
                blocks += self._table(child, depth=depth)
                starts = True
            elif name not in _HIDDEN:
                blocks += self._container(child, depth=depth + 1)
        return blocks

    def _table(self, table: Element, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        for row in _rows(table):
            cells = [
                self._container(cell, depth=depth + 1) if local_name(cell) == "table-cell" else []
                for cell in row
                if local_name(cell) in ("table-cell", "covered-table-cell")
            ]
            blocks += row_blocks(cells, starts=not blocks)
        return blocks

    def _paragraph(self, element: Element, *, starts: bool, depth: int) -> list[Block]:
        text: list[str] = []
        frames: list[Element] = []
        self._inline(element, text, frames)
        blocks = line_blocks("".join(text), starts=starts)
        for frame in frames:
            blocks += self._container(frame, depth=depth + 1)
        return blocks

    def _inline(self, element: Element, text: list[str], frames: list[Element]) -> None:
        text.append(element.text or "")
        for child in element:
            match local_name(child):
                case "tab":
                    text.append("\t")
                case "line-break":
                    text.append("\n")
                case "s":
                    count = attribute(child, "c") or "1"
                    text.append(" " * min(int(count) if count.isdecimal() else 1, _MAX_REPEATS))
                case "text-box":
                    frames.append(child)
                case "a":
                    self.links += [link for link in [attribute(child, "href")] if link]
                    self._inline(child, text, frames)
                case name if name and name not in _HIDDEN:
                    self._inline(child, text, frames)
                case _:
                    pass
            text.append(child.tail or "")


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        name = local_name(child)
        if name == "table-row":
            yield child
        elif name in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(child)
