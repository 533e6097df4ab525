"""DOCX, by an own walk over the markup: page headers, text boxes and tables included.

Ready-made libraries leave out headers or text boxes, where résumés keep mail and phone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from posixpath import dirname, join, normpath

from app.documents.archive import Archive, Element, attribute, damaged, local_name
from app.documents.blocks import Block, Document, Format
from app.documents.characters import letters
from app.documents.limits import Limits
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed

_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_MAIN_TYPE = "/officeDocument"
_HIDDEN = frozenset({"del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "rPr", "sectPr"})
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_SETTINGS = re.compile(r"/(?:settings|styles|fontTable|webSettings|theme\d*|numbering)\.xml$")
_FIELD_LINK = re.compile(r'HYPERLINK\s+"([^"]+)"')
_OFF = ("0", "false", "off")
_LEAST_SIZE_PT = 1.5
_MIN_LETTERS = 20
_MAX_STYLE_DEPTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    size_pt: float | None = None
    bold: bool | None = None
    hidden: bool | None = None

    def over(self, below: "_Look") -> "_Look":
        return _Look(
            size_pt=self.size_pt if self.size_pt is not None else below.size_pt,
            bold=self.bold if self.bold is not None else below.bold,
            hidden=self.hidden if self.hidden is not None else below.hidden,
        )


@dataclass(slots=True, kw_only=True)
class _Paragraph:
    text: list[str] = field(default_factory=list[str])
    sizes: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    bold_chars: int = 0
    chars: int = 0
    frames: list[Element] = field(default_factory=list[Element])


def read_docx(data: bytes, limits: Limits) -> Parsed:
    """Headers, body, footers; raises INVALID_FILE as `Archive` does."""
    with Archive(data, limits) as archive:
        main = _main_part(archive)
        targets = _relationships(archive, main)
        walk = _Walk(_styles(archive, main, targets))
        blocks: list[Block] = []
        for name in _parts(archive, main, targets, "header"):
            blocks += _unseen(walk.blocks_of(archive.tree(name)), blocks)
        blocks += walk.blocks_of(archive.tree(main))
        for name in _parts(archive, main, targets, "footer"):
            blocks += _unseen(walk.blocks_of(archive.tree(name)), blocks)
        if (found := _count(blocks)) < _MIN_LETTERS:
            more = _second_opinion(archive)
            blocks = more if _count(more) > max(2 * found, _MIN_LETTERS) else blocks
        links = [targets[key][1] for key in walk.link_ids if key in targets] + walk.links
    document = Document(
        format=Format.DOCX, pages=1, blocks=tuple(blocks), links=tuple(dict.fromkeys(links))
    )
    return Parsed(document=document)


def _count(blocks: list[Block]) -> int:
    return sum(letters(block.text) for block in blocks)


def _second_opinion(archive: Archive) -> list[Block]:
    """The text of all parts, paragraph by paragraph, where the walk finds none in its place.

    Diagrams, charts, notes and parts that no relation names: better without order than not at all.
    """
    blocks: list[Block] = []
    for name in sorted(archive.names):
        if name.startswith("word/") and name.endswith(".xml") and not _SETTINGS.search(name):
            for paragraph in archive.tree(name).iter():
                if local_name(paragraph) == "p":
                    runs = (e.text or "" for e in paragraph.iter() if local_name(e) == "t")
                    blocks += _unseen(line_blocks("".join(runs)), blocks)
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


def _styles(
    archive: Archive, main: str, targets: Mapping[str, tuple[str, str]]
) -> Mapping[str, _Look]:
    """Style id → look, with what it inherits; the key '' holds the document's defaults."""
    name = next(iter(_parts(archive, main, targets, "styles")), None)
    if name is None:
        return {}
    root = archive.tree(name)
    own: dict[str, tuple[_Look, str | None]] = {}
    defaults = _Look()
    for element in root.iter():
        tag = local_name(element)
        if tag == "rPrDefault":
            defaults = _look(element)
        elif tag == "style":
            based_on = next((e for e in element if local_name(e) == "basedOn"), None)
            base = attribute(based_on, "val") if based_on is not None else None
            own[attribute(element, "styleId") or ""] = (_look(element), base)
            if attribute(element, "type") == "paragraph" and attribute(element, "default") == "1":
                defaults = _look(element).over(defaults)
    looks = {key: _inherited(key, own).over(defaults) for key in own}
    return {**looks, "": defaults}


def _inherited(key: str, own: Mapping[str, tuple[_Look, str | None]]) -> _Look:
    look = _Look()
    style: str | None = key
    for _ in range(_MAX_STYLE_DEPTH):
        if style is None or style not in own:
            break
        mine, style = own[style]
        look = look.over(mine)
    return look


def _look(element: Element) -> _Look:
    """What a direct `w:rPr` child says about size and weight."""
    properties = next((child for child in element if local_name(child) == "rPr"), None)
    if properties is None:
        return _Look()
    size: float | None = None
    bold: bool | None = None
    hidden: bool | None = None
    for child in properties:
        value = attribute(child, "val")
        match local_name(child):
            case "sz" if value and value.isdecimal():
                size = int(value) / 2  # half points
                hidden = True if size < _LEAST_SIZE_PT else hidden
            case "b":
                bold = value not in _OFF
            case "vanish":
                hidden = value not in _OFF
            case _:
                pass
    return _Look(size_pt=size, bold=bold, hidden=hidden)


class _Walk:
    """Turns body elements into blocks and keeps the links met on the way."""

    def __init__(self, styles: Mapping[str, _Look]) -> None:
        self._styles = styles
        self.link_ids: list[str] = []
        self.links: list[str] = []

    def blocks_of(self, root: Element) -> list[Block]:
        return self._container(root, depth=0)

    def _container(self, element: Element, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        starts = True
        if depth > MAX_DEPTH:
            return blocks
        for child in element:
            match local_name(child):
                case "p":
                    lines = self._paragraph(child, starts=starts, depth=depth)
                    # An empty paragraph is a visible gap.
                    starts = not lines
                    blocks += lines
                case "tbl":
                    blocks += self._table(child, depth=depth)
                    starts = True
                case name if name not in _HIDDEN:
                    blocks += self._container(child, depth=depth + 1)
                case _:
                    pass
        return blocks

    def _table(self, table: Element, *, depth: int) -> list[Block]:
        blocks: list[Block] = []
        for row in _children(table, "tr"):
            cells = [
                [] if _continues(cell) else self._container(cell, depth=depth + 1)
                for cell in _children(row, "tc")
            ]
            blocks += row_blocks(cells, starts=not blocks)
        return blocks

    def _paragraph(self, element: Element, *, starts: bool, depth: int) -> list[Block]:
        style_id, heading = _style_of(element)
        base = self._styles.get(style_id, self._styles.get("", _Look()))
        paragraph = _Paragraph()
        self._inline(element, paragraph, base)
        most = max(paragraph.sizes, default=(0, base.size_pt or 0.0))[1]
        blocks = line_blocks(
            "".join(paragraph.text),
            font_size_pt=most or None,
            bold=paragraph.chars > 0 and paragraph.bold_chars == paragraph.chars,
            starts=starts or heading,
        )
        for frame in paragraph.frames:
            inside = self._container(frame, depth=depth + 1)
            blocks += [replace(inside[0], starts_paragraph=True), *inside[1:]] if inside else []
        return blocks

    def _inline(self, element: Element, paragraph: _Paragraph, look: _Look) -> None:
        for child in element:
            name = local_name(child)
            if name == "t":
                _add_text(paragraph, child.text or "", look)
            elif name in _BREAKS:
                paragraph.text.append(_BREAKS[name])
            elif name == "txbxContent":
                paragraph.frames.append(child)
            elif name == "instrText":
                self.links += _FIELD_LINK.findall(child.text or "")
            elif name == "hyperlink":
                self.link_ids += [key for key in [attribute(child, "id")] if key]
                self._inline(child, paragraph, look)
            elif name == "r":
                self._inline(child, paragraph, _look(child).over(look))
            elif name not in _HIDDEN:
                self._inline(child, paragraph, look)


def _add_text(paragraph: _Paragraph, text: str, look: _Look) -> None:
    if look.hidden:  # text that the reader of the page does not see
        return
    paragraph.text.append(text)
    chars = len(text.strip())
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
