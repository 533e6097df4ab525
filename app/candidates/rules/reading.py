"""A document as its sections: what everything that reads a résumé begins with."""

from typing import Final
from weakref import WeakKeyDictionary

from app.candidates.rules.labels import as_row
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import Section, split_sections
from app.candidates.rules.side_headings import beside_their_sections
from app.documents.blocks import Document

_KNOWN: Final = WeakKeyDictionary[Document, tuple[Section, ...]]()


def sections_of(document: Document) -> tuple[Section, ...]:
    """Its sections, found once for as long as the document is in use. CPU work: in a thread."""
    if (known := _KNOWN.get(document)) is None:
        lines = beside_their_sections(read_lines(document))
        known = _KNOWN[document] = tuple(split_sections([as_row(line) for line in lines]))
    return known
