"""What every reader answers with: lines of text in reading order, with where they stood."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Format(StrEnum):
    """Document types that are recognised by content; `DOC` is recognised and refused."""

    PDF = "pdf"
    DOCX = "docx"
    HWP = "hwp"
    HWPX = "hwpx"
    ODT = "odt"
    RTF = "rtf"
    TEXT = "text"
    IMAGE = "image"
    DOC = "doc"


DOCUMENT_SUFFIXES = frozenset(
    [
        ".pdf",
        ".doc",
        ".docx",
        ".hwp",
        ".hwpx",
        ".odt",
        ".rtf",
        ".txt",
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".tiff",
        ".bmp",
        ".webp",
    ]
)
"""How documents are named, which says nothing of what they are: their content does."""


class Source(StrEnum):
    """Where the characters come from."""

    TEXT = "text"
    OCR = "ocr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle on the page in points (1/72 inch), origin at the top left."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One line of text, or one table row.

    `text` has no line break; the cells of a row are joined by one tab. `cells` is empty for plain
    lines and holds the cells' texts for rows. `page` starts at 1 (1 for formats without pages).
    `box`, `font_size_pt` are None where the format does not tell. `confidence` is OCR's mean word
    confidence from 0 to 1, None for a text layer. `starts_paragraph` is True after a visible gap, a
    blank line, or a new column, page, frame or section.
    """

    text: str
    page: int = 1
    box: Box | None = None
    font_size_pt: float | None = None
    bold: bool = False
    source: Source = Source.TEXT
    confidence: float | None = None
    cells: tuple[str, ...] = ()
    starts_paragraph: bool = False


class Link(NamedTuple):
    """A hyperlink: where it leads, and the words that it stands behind."""

    target: str
    text: str


def unique_links(found: Iterable[Link]) -> dict[str, str]:
    """Targets in their order, each with the first words that it stands behind."""
    unique: dict[str, str] = {}
    for target, text in found:
        unique[target] = unique.get(target) or text
    return unique


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Document:
    """A whole file as text. `links` are hyperlink targets (mailto: and http) in document order.

    `link_texts` are the words that each of them stands behind, "" for none; empty where the format's
    reader does not tell.
    `hidden_chars` counts the characters that were left out because nobody sees them (`looks`).
    """

    format: Format
    pages: int
    blocks: tuple[Block, ...]
    links: tuple[str, ...] = ()
    hidden_chars: int = 0
    link_texts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All lines, one per row, in reading order."""
        return "\n".join(block.text for block in self.blocks)
