"""ODT: the same walk as for DOCX over another vocabulary."""

from collections.abc import Iterator
from dataclasses import replace

from app.documents.archive import Archive, Element, attribute, damaged, local_name
from app.documents.blocks import Block, Document, Format, Link, unique_links
from app.documents.limits import Limits
from app.documents.looks import ANY, Look, Paint, count_hidden
from app.documents.opendocument_looks import SHAPES, Looks, is_told_hidden, looks_of
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_NO_TEXT = frozenset({"annotation", "tracked-changes", "desc", "title", "note-citation", "forms"})
_MANIFEST = "META-INF/manifest.xml"
_MAX_REPEATS = 100


def read_odt(data: bytes, limits: Limits) -> Parsed:
    """Page headers, body, page footers. Raises INVALID_FILE; protected files have their own line."""
    with Archive(data, limits) as archive:
        refuse_encrypted(archive)
        if "content.xml" not in archive.names:
            raise damaged()
        content = archive.tree("content.xml")
        styles = archive.tree("styles.xml") if "styles.xml" in archive.names else None
        trees = [content] if styles is None else [styles, content]
        walk = _Walk(looks_of(trees))
        body = walk.blocks_of(_first(content, "body"))
        if styles is not None:
            body = [
                *walk.blocks_under(styles, "header"),
                *body,
                *walk.blocks_under(styles, "footer"),
            ]
    links = unique_links(walk.links)
    return Parsed(
        document=Document(
            format=Format.ODT,
            pages=1,
            blocks=tuple(body),
            links=tuple(links),
            link_texts=tuple(links.values()),
            hidden_chars=walk.hidden_chars,
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
    """Turns body elements into blocks; keeps the links met on the way, and counts what nobody sees."""

    def __init__(self, looks: Looks) -> None:
        self._looks = looks
        self.links: list[Link] = []
        self.hidden_chars = 0

    def blocks_of(self, root: Element) -> list[Block]:
        return self._container(root, self._looks.page, depth=0)

    def blocks_under(self, root: Element, name: str) -> list[Block]:
        """The content of every element of that name."""
        return [
            block
            for element in root.iter()
            if local_name(element) == name
            for block in self.blocks_of(element)
        ]

    def _container(self, element: Element, ground: Paint, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        starts = True
        if depth > MAX_DEPTH:
            return blocks
        for child in element:
            name = local_name(child)
            if name in ("p", "h"):
                lines = self._paragraph(child, ground, starts=starts or name == "h", depth=depth)
                starts = not lines
                blocks += lines
            elif name == "table":
                blocks += self._table(child, ground, depth=depth)
                starts = True
            elif name == "section" and is_told_hidden(child):
                self._leave_out(child)
            elif name not in _NO_TEXT:
                behind = self._looks.ground_of(child, ground)
                blocks += self._container(child, behind, depth=depth + 1)
        return blocks

    def _table(self, table: Element, ground: Paint, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        of_table = self._looks.ground_of(table, ground)
        if any(attribute(column, "default-cell-style-name") for column in table.iter()):
            of_table = ANY
        for row in _rows(table):
            of_row = self._looks.ground_of(row, of_table)
            cells = [
                self._container(cell, self._looks.ground_of(cell, of_row), depth=depth + 1)
                if local_name(cell) == "table-cell"
                else []
                for cell in row
                if local_name(cell) in ("table-cell", "covered-table-cell")
            ]
            blocks += row_blocks(cells, starts=not blocks)
        return blocks

    def _paragraph(
        self, element: Element, ground: Paint, *, starts: bool, depth: int
    ) -> list[Block]:
        if any(local_name(each) == "hidden-paragraph" and is_told_hidden(each) for each in element):
            self._leave_out(element)
            return []
        text: list[str] = []
        frames: list[Element] = []
        style = self._looks.of(attribute(element, "style-name"))
        below = self._looks.defaults.over(Look(ground=ground))
        self._inline(element, style.over(below), text, frames)
        look = self._looks.of(_style_of(element))
        bold = look.bold
        blocks = line_blocks(
            "".join(text),
            font_size_pt=look.size_pt,
            bold=local_name(element) == "h" if bold is None else bold,
            starts=starts,
        )
        for frame in frames:
            behind = self._looks.ground_of(frame, self._looks.beneath_frames)
            blocks += self._container(frame, behind, depth=depth + 1)
        return blocks

    def _inline(self, element: Element, look: Look, text: list[str], frames: list[Element]) -> None:
        self._add(element.text, look, text)
        for child in element:
            match local_name(child):
                case "tab":
                    text.append("\t")
                case "line-break":
                    text.append("\n")
                case "s":
                    count = attribute(child, "c") or "1"
                    text.append(" " * min(int(count) if count.isdecimal() else 1, _MAX_REPEATS))
                case name if name == "frame" or name in SHAPES:
                    frames.append(child)
                case "hidden-text" if is_told_hidden(child):
                    self._leave_out(child)
                case name if name and name not in _NO_TEXT:
                    before = len(text)
                    own = self._looks.of(attribute(child, "style-name"))
                    ground = self._looks.ground_of(child, look.ground or ANY)
                    self._inline(child, replace(own.over(look), ground=ground), text, frames)
                    if name == "a" and (target := attribute(child, "href")):
                        self.links.append(Link(target, "".join(text[before:])))
                case _:
                    pass
            self._add(child.tail, look, text)

    def _add(self, found: str | None, look: Look, text: list[str]) -> None:
        if found and (look.is_seen or not found.strip()):
            text.append(found)
        elif found:
            self.hidden_chars += count_hidden(found)

    def _leave_out(self, element: Element) -> None:
        tail = element.tail or ""
        told = "".join((each.text or "") + (each.tail or "") for each in element.iter())
        self.hidden_chars += count_hidden(told) - count_hidden(tail)


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
