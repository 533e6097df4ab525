"""DOCX, by an own walk over the markup: page headers, text boxes and tables included.

Ready-made libraries leave out headers or text boxes, where résumés keep mail and phone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from posixpath import dirname, join, normpath

from app.documents.archive import Archive, Element, attribute, damaged, local_name
from app.documents.blocks import Block, Document, Format, Link, unique_links
from app.documents.characters import letters
from app.documents.limits import Limits
from app.documents.looks import ANY, Look, Paint, count_hidden
from app.documents.office_looks import (
    GROUPS,
    SHAPES,
    Page,
    Palette,
    Styles,
    child_of,
    ground_of_shape,
    look_of,
    page_of,
    palette_of,
    shade_in,
    styles_of,
)
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed

_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAIN_TYPE = "/officeDocument"
_HIDDEN = frozenset({"del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "rPr", "sectPr"})
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_SETTINGS = re.compile(r"/(?:settings|styles|fontTable|webSettings|theme\d*|numbering)\.xml$")
_DRAWINGS = frozenset({"drawing", "pict", "object"})
_FIELD_LINK = re.compile(r'HYPERLINK\s+"([^"]+)"')
_MIN_LETTERS = 20


@dataclass(slots=True, kw_only=True)
class _Paragraph:
    text: list[str] = field(default_factory=list[str])
    sizes: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    bold_chars: int = 0
    chars: int = 0
    frames: list[tuple[Element, Paint]] = field(default_factory=list[tuple[Element, Paint]])


def read_docx(data: bytes, limits: Limits) -> Parsed:
    """Headers, body, footers; raises INVALID_FILE as `Archive` does."""
    with Archive(data, limits) as archive:
        main = _main_part(archive)
        targets = _relationships(archive, main)
        body = archive.tree(main)
        headers, footers = (
            {name: archive.tree(name) for name in _parts(archive, main, targets, kind)}
            for kind in ("header", "footer")
        )
        theme, settings, styles = (
            _only_part(archive, main, targets, kind) for kind in ("theme", "settings", "styles")
        )
        palette = palette_of(theme, settings)
        walk = _Walk(
            Styles() if styles is None else styles_of(styles, palette),
            page_of(body, [*headers.values(), *footers.values()], palette),
            palette,
        )
        blocks: list[Block] = []
        for name, part in (headers | {main: body} | footers).items():
            # Ids of links are those of the part that they stand in.
            own = targets if name == main else _relationships(archive, name)
            found = walk.blocks_of(part, own)
            blocks += found if name == main else _unseen(found, blocks)
        hidden = walk.hidden_chars
        if (count := _count(blocks)) < _MIN_LETTERS:
            more = _second_opinion(archive, walk)
            blocks = more if _count(more) > max(2 * count, _MIN_LETTERS) else blocks
        links = unique_links(walk.links)
    document = Document(
        format=Format.DOCX,
        pages=1,
        blocks=tuple(blocks),
        links=tuple(links),
        link_texts=tuple(links.values()),
        hidden_chars=hidden,
    )
    return Parsed(document=document)


def _count(blocks: list[Block]) -> int:
    return sum(letters(block.text) for block in blocks)


def _second_opinion(archive: Archive, walk: "_Walk") -> list[Block]:
    """The text of all parts, paragraph by paragraph, where the walk finds none in its place.

    Diagrams, charts, notes and parts that no relation names: better without order than not at all.
    """
    blocks: list[Block] = []
    for name in sorted(archive.names):
        if name.startswith("word/") and name.endswith(".xml") and not _SETTINGS.search(name):
            targets = _relationships(archive, name)
            for paragraph in archive.tree(name).iter():
                if local_name(paragraph) == "p":
                    blocks += _unseen(walk.lines_of(paragraph, targets), blocks)
    return blocks


def _unseen(blocks: list[Block], before: list[Block]) -> list[Block]:
    """First, even and usual headers mostly repeat one text."""
    seen = {block.text for block in before}
    return [block for block in blocks if block.text not in seen]


def _main_part(archive: Archive) -> str:
    if "_rels/.rels" in archive.names:
        for relation in archive.tree("_rels/.rels").iter(_RELATIONSHIPS):
            target = (attribute(relation, "Target") or "").lstrip("/")
            if (attribute(relation, "Type") or "").endswith(_MAIN_TYPE) and target in archive.names:
                return target
    if "word/document.xml" in archive.names:
        return "word/document.xml"
    raise damaged()


def _relationships(archive: Archive, part: str) -> Mapping[str, tuple[str, str]]:
    """Id → (last word of the type, target)."""
    folder, _, name = part.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels"
    if rels not in archive.names:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for relation in archive.tree(rels).iter(_RELATIONSHIPS):
        key, target = attribute(relation, "Id"), attribute(relation, "Target")
        if key and target:
            kind = (attribute(relation, "Type") or "").rpartition("/")[2]
            found[key] = (kind, target)
    return found


def _parts(
    archive: Archive, main: str, targets: Mapping[str, tuple[str, str]], kind: str
) -> Iterator[str]:
    for found, target in targets.values():
        name = (
            target.lstrip("/") if target.startswith("/") else normpath(join(dirname(main), target))
        )
        if found == kind and name in archive.names:
            yield name


def _only_part(
    archive: Archive, main: str, targets: Mapping[str, tuple[str, str]], kind: str
) -> Element | None:
    name = next(_parts(archive, main, targets, kind), None)
    return None if name is None else archive.tree(name)


class _Walk:
    """Turns body elements into blocks; keeps the links met on the way, and counts what nobody sees."""

    def __init__(self, styles: Styles, page: Page, palette: Palette) -> None:
        self._styles = styles
        self._page = page
        self._palette = palette
        self._targets: Mapping[str, tuple[str, str]] = {}
        self.links: list[Link] = []
        self.hidden_chars = 0

    def blocks_of(self, root: Element, targets: Mapping[str, tuple[str, str]]) -> list[Block]:
        """Of one part; `targets` are its relationships."""
        self._targets = targets
        return self._container(root, self._page.ground, depth=0)

    def lines_of(self, element: Element, targets: Mapping[str, tuple[str, str]]) -> list[Block]:
        """One paragraph, wherever it stands, without what is anchored in it."""
        self._targets = targets
        return line_blocks("".join(self._read(element, self._page.ground)[0].text))

    def _container(self, element: Element, ground: Paint, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        starts = True
        if depth > MAX_DEPTH:
            return blocks
        for child in element:
            match local_name(child):
                case "p":
                    lines = self._paragraph(child, ground, starts=starts, depth=depth)
                    # An empty paragraph is a visible gap.
                    starts = not lines
                    blocks += lines
                case "tbl":
                    blocks += self._table(child, ground, depth=depth)
                    starts = True
                case name if name not in _HIDDEN:
                    blocks += self._container(child, ground, depth=depth + 1)
                case _:
                    pass
        return blocks

    def _table(self, table: Element, ground: Paint, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        properties = child_of(table, "tblPr")
        style = child_of(properties, "tblStyle") if properties is not None else None
        style_id = attribute(style, "val") if style is not None else None
        if style_id in self._styles.shading_tables:
            ground = ANY  # which of its cells are shaded depends on their place
        ground = shade_in(table, "tblPr", self._palette) or ground
        for row in _children(table, "tr"):
            of_row = shade_in(row, "tblPrEx", self._palette) or ground
            cells = [
                []
                if _continues(cell)
                else self._container(
                    cell, shade_in(cell, "tcPr", self._palette) or of_row, depth=depth + 1
                )
                for cell in _children(row, "tc")
            ]
            blocks += row_blocks(cells, starts=not blocks)
        return blocks

    def _paragraph(
        self, element: Element, ground: Paint, *, starts: bool, depth: int
    ) -> list[Block]:
        paragraph, base, heading = self._read(element, ground)
        most = max(paragraph.sizes, default=(0, base.size_pt or 0.0))[1]
        blocks = line_blocks(
            "".join(paragraph.text),
            font_size_pt=most or None,
            bold=paragraph.chars > 0 and paragraph.bold_chars == paragraph.chars,
            starts=starts or heading,
        )
        for frame, behind in paragraph.frames:
            inside = self._container(frame, behind, depth=depth + 1)
            blocks += [replace(inside[0], starts_paragraph=True), *inside[1:]] if inside else []
        return blocks

    def _read(self, element: Element, ground: Paint) -> tuple[_Paragraph, Look, bool]:
        """The paragraph, its style's look, and whether that is of a heading."""
        style_id, heading = _style_of(element)
        shade = Look(ground=shade_in(element, "pPr", self._palette))
        base = shade.over(self._styles.of_paragraph(style_id)).over(Look(ground=ground))
        paragraph = _Paragraph()
        self._inline(element, paragraph, base)
        return paragraph, base, heading

    def _inline(self, element: Element, paragraph: _Paragraph, look: Look) -> None:
        for child in element:
            name = local_name(child)
            if name == "t":
                self._add_text(paragraph, child.text or "", look)
            elif name in _BREAKS:
                paragraph.text.append(_BREAKS[name])
            elif name == "txbxContent":
                paragraph.frames.append((child, look.ground or ANY))
            elif name == "instrText":
                self.links += [Link(found, "") for found in _FIELD_LINK.findall(child.text or "")]
            elif name == "hyperlink":
                before = len(paragraph.text)
                self._inline(child, paragraph, look)
                _, target = self._targets.get(attribute(child, "id") or "", ("", ""))
                self.links += [Link(target, "".join(paragraph.text[before:]))] if target else []
            elif name == "r":
                own = look_of(child, self._palette).over(self._styles.of_run(child))
                self._inline(child, paragraph, own.over(look))
            elif name not in _HIDDEN:
                self._inline(child, paragraph, self._drawn_on(child, name) or look)

    def _drawn_on(self, element: Element, name: str) -> Look | None:
        """What text stands on that is drawn in a shape; None for no change."""
        if name in _DRAWINGS:
            return Look(ground=self._page.beneath_shapes)
        if name in GROUPS:  # its shapes may lie one over the other
            return Look(ground=ANY)
        fill = ground_of_shape(element, self._palette) if name in SHAPES else None
        return Look(ground=fill) if fill else None

    def _add_text(self, paragraph: _Paragraph, text: str, look: Look) -> None:
        chars = len(text.strip())
        if chars and not look.is_seen:
            self.hidden_chars += count_hidden(text)
            return
        paragraph.text.append(text)
        paragraph.chars += chars
        paragraph.bold_chars += chars if look.bold else 0
        if look.size_pt and chars:
            paragraph.sizes.append((chars, look.size_pt))


def _style_of(paragraph: Element) -> tuple[str, bool]:
    """The style id, and whether it is that of a heading."""
    for properties in paragraph:
        if local_name(properties) == "pPr":
            for child in properties:
                if local_name(child) == "pStyle":
                    style = attribute(child, "val") or ""
                    return style, style.lower().startswith(("heading", "title"))
    return "", False


def _children(element: Element, name: str) -> Iterator[Element]:
    """Children of that name, also inside content controls and tracked changes, not deeper."""
    for child in element:
        tag = local_name(child)
        if tag == name:
            yield child
        elif tag in ("sdt", "sdtContent", "ins", "customXml", "AlternateContent", "Choice"):
            yield from _children(child, name)


def _continues(cell: Element) -> bool:
    """Whether the cell only continues one above it (a vertical merge)."""
    for properties in cell:
        if local_name(properties) == "tcPr":
            for child in properties:
                if local_name(child) == "vMerge":
                    return attribute(child, "val") != "restart"
    return False
