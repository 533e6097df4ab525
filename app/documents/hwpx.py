"""HWPX, the packed successor of HWP: sections of paragraphs, in which tables and boxes are anchored."""

import re

from app.documents.archive import Archive, Element, attribute, damaged, local_name
from app.documents.blocks import Block, Document, Format
from app.documents.limits import Limits
from app.documents.opendocument import refuse_encrypted
from app.documents.rows import MAX_DEPTH, line_blocks, row_blocks
from app.documents.wire import Parsed

_SECTION = re.compile(r"(?:^|/)section(\d+)\.xml$", re.IGNORECASE)
_HWPX_HIDDEN = frozenset({"equation", "fieldEnd", "secPr", "hiddenComment", "shapeComment"})
_HWPX_CHARS = {"tab": "\t", "lineBreak": "\n", "nbSpace": " ", "fwSpace": " ", "hyphen": "-"}


def read_hwpx(data: bytes, limits: Limits) -> Parsed:
    """Sections in order. Raises INVALID_FILE as `Archive` does."""
    with Archive(data, limits) as archive:
        refuse_encrypted(archive)
        sections = sorted(
            (int(match[1]), name) for name in archive.names if (match := _SECTION.search(name))
        )
        links: list[str] = []
        blocks = [
            block
            for _, name in sections
            for block in _hwpx_container(archive.tree(name), links, depth=0)
        ]
    if not sections:
        raise damaged()
    return Parsed(
        document=Document(
            format=Format.HWPX,
            pages=1,
            blocks=tuple(blocks),
            links=tuple(dict.fromkeys(links)),
        )
    )


def _hwpx_container(element: Element, links: list[str], *, depth: int) -> list[Block]:
    blocks: list[Block] = []
    starts = True
    if depth > MAX_DEPTH:
        return blocks
    for child in element:
        name = local_name(child)
        if name == "p":
            text: list[str] = []
            objects: list[Element] = []
            _hwpx_inline(child, text, objects, links)
            lines = line_blocks("".join(text), starts=starts)
            starts = not lines
            blocks += lines
            for found in objects:
                blocks += (
                    _hwpx_table(found, links, depth=depth + 1)
                    if local_name(found) == "tbl"
                    else _hwpx_container(found, links, depth=depth + 1)
                )
        elif name == "tbl":
            blocks += _hwpx_table(child, links, depth=depth + 1)
        elif name not in _HWPX_HIDDEN:
            blocks += _hwpx_container(child, links, depth=depth + 1)
    return blocks


def _hwpx_inline(
    element: Element, text: list[str], objects: list[Element], links: list[str]
) -> None:
    """Text of a paragraph; tables and lists of other objects are put aside."""
    for child in element:
        name = local_name(child)
        if name == "t":
            text.append(child.text or "")
            for inner in child:
                text.append(_HWPX_CHARS.get(local_name(inner), inner.text or ""))
                text.append(inner.tail or "")
        elif name in ("tbl", "subList"):
            objects.append(child)
        elif name == "fieldBegin" and attribute(child, "type") == "HYPERLINK":
            links += _hwpx_link(child)
        elif name not in _HWPX_HIDDEN:
            _hwpx_inline(child, text, objects, links)


def _hwpx_link(field_begin: Element) -> list[str]:
    for parameter in field_begin.iter():
        if attribute(parameter, "name") in ("Path", "Command") and parameter.text:
            return [parameter.text.replace("\\:", ":").split(";", 1)[0]]
    return []


def _hwpx_table(table: Element, links: list[str], *, depth: int) -> list[Block]:
    blocks: list[Block] = []
    for child in table:
        if local_name(child) == "caption":
            blocks += _hwpx_container(child, links, depth=depth + 1)
    for row in (child for child in table if local_name(child) == "tr"):
        cells = [
            _hwpx_container(cell, links, depth=depth + 1)
            for cell in row
            if local_name(cell) == "tc"
        ]
        blocks += row_blocks(cells, starts=not blocks)
    return blocks
