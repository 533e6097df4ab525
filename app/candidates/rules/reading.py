"""A document as its outline: what everything that reads a résumé begins with."""

from typing import Final
from weakref import WeakKeyDictionary

from app.candidates.rules.labels import as_row
from app.candidates.rules.lines import read_lines
from app.candidates.rules.persons import Outline, outline
from app.candidates.rules.sections import split_sections
from app.candidates.rules.side_headings import beside_their_sections, sections_across_pages
from app.documents.blocks import Document

_KNOWN: Final = WeakKeyDictionary[Document, Outline]()


def outline_of(document: Document) -> Outline:
    """Its outline, found once for as long as the document is in use. CPU work."""
    if (known := _KNOWN.get(document)) is None:
        lines = sections_across_pages(beside_their_sections(read_lines(document)))
        known = _KNOWN[document] = outline(split_sections([as_row(line) for line in lines]))
    return known
