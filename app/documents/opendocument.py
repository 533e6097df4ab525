"""ODT: the same walk as for DOCX over another vocabulary."""

import re
from collections.abc import Iterator, Mapping

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
_MAX_STYLE_DEPTH = 12
_POINTS = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)pt")


def read_odt(data: bytes, limits: Limits) -> Parsed:
    """Page headers, body, page footers. Raises INVALID_FILE; protected files have their own line."""
    with Archive(data, limits) as archive:
        refuse_encrypted(archive)
        if "content.xml" not in archive.names:
            raise damaged()
        content = archive.tree("content.xml")
        styles = archive.tree("styles.xml") if "styles.xml" in archive.names else None
        walk = _Walk(_looks(content if styles is None else styles, content))
        body = walk.blocks_of(_first(content, "body"))
        if styles is not None:
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


_Look = tuple[float | None, bool | None]
"""Font size in points and weight, as far as a style tells them."""


def _looks(*trees: Element) -> Mapping[str, _Look]:
    """Style name → look with what it inherits."""
    own: dict[str, tuple[_Look, str | None]] = {}
    for tree in trees:
        for style in tree.iter():
            if local_name(style) == "style" and (name := attribute(style, "name")):
                own[name] = (_own_look(style), attribute(style, "parent-style-name"))
    return {name: _inherited(name, own) for name in own}


def _own_look(style: Element) -> _Look:
    size: float | None = None
    bold: bool | None = None
    for properties in style:
        if local_name(properties) == "text-properties":
            told = _POINTS.fullmatch(attribute(properties, "font-size") or "")
            size = float(told[1]) if told else size
            weight = attribute(properties, "font-weight")
            bold = weight in ("bold", "600", "700", "800", "900") if weight else bold
    return size, bold


def _inherited(name: str, own: Mapping[str, tuple[_Look, str | None]]) -> _Look:
    size: float | None = None
    bold: bool | None = None
    style: str | None = name
    for _ in range(_MAX_STYLE_DEPTH):
        if style is None or style not in own:
            break
        (more_size, more_bold), style = own[style]
        size = more_size if size is None else size
        bold = more_bold if bold is None else bold
    return size, bold


class _Walk:
    """Turns body elements into blocks and keeps the links met on the way."""

    def __init__(self, looks: Mapping[str, _Look]) -> None:
        self._looks = looks
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
        size, bold = self._looks.get(_style_of(element), (None, None))
        blocks = line_blocks(
            "".join(text),
            font_size_pt=size,
            bold=local_name(element) == "h" if bold is None else bold,
            starts=starts,
        )
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


def _style_of(paragraph: Element) -> str:
    """The style of a paragraph, or of the one run that holds all its text."""
    runs = [child for child in paragraph if local_name(child) == "span"]
    whole = not (paragraph.text or "").strip() and not any((r.tail or "").strip() for r in runs)
    run = runs[0] if len(runs) == 1 and whole else paragraph
    return attribute(run, "style-name") or ""


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        name = local_name(child)
        if name == "table-row":
            yield child
        elif name in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(child)
