"""What was filled in on a PDF page: form fields, and text typed over it.

Neither is in the page's contents. PDFium draws into these what a viewer shows of them (which a file
may leave to the viewer: PDF 1.7 §12.7.3.3), so it is read, and judged as seen or hidden, like all other text.
"""

import ctypes
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from app.documents.blocks import Box
from app.documents.pdfium import Handle, pdfium
from app.documents.pieces import Piece, same_row

_MAX_ANNOTATIONS = 2_000
_MAX_DEPTH = 8
_MAX_OBJECTS = 20_000
_MAX_PLACED = 500
_SLACK_PT = 2.0


@contextmanager
def opened_form(document: Handle) -> Generator[Handle | None]:
    """PDFium's view of a document's form; None where there is none, as in most."""
    if pdfium.FPDF_GetFormType(document) == pdfium.FORMTYPE_NONE:
        yield None
        return
    # No callbacks: nothing is asked, opened or sent. PDFium keeps its address until the end.
    info = pdfium.FPDF_FORMFILLINFO(version=2)
    form = pdfium.FPDFDOC_InitFormFillEnvironment(document, info)
    try:
        yield form or None
    finally:
        if form:
            pdfium.FPDFDOC_ExitFormFillEnvironment(form)


def flatten(page: Handle, form: Handle | None) -> int | None:
    """Make what was filled in a part of the page; None where nothing was, as on most pages.

    Else how many objects are the page's own: when it has been opened again, those behind them were
    filled in. Its annotations are gone then, so read its links before.
    """
    if not any(_filled_in(page)):
        return None
    if form is not None:
        pdfium.FORM_OnAfterLoadPage(page, form)
        pdfium.FORM_OnBeforeClosePage(page, form)
    own = max(pdfium.FPDFPage_CountObjects(page), 0)
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    return own


def texts_from(page: Handle, first: int) -> frozenset[int]:
    """The addresses of the text objects of a page's objects from this one on."""
    count = min(max(pdfium.FPDFPage_CountObjects(page), 0), first + _MAX_OBJECTS)
    drawn = (pdfium.FPDFPage_GetObject(page, at) for at in range(first, count))
    return frozenset(address for item in drawn for address in _texts(item, _MAX_DEPTH))


def beside_labels(pieces: Sequence[Piece], filled: Sequence[Piece]) -> list[Piece]:
    """Content order, with each filled-in piece behind what it stands beside, else below."""
    found = list(pieces)
    ordered = sorted(filled, key=lambda one: (one.box.top, one.box.left))
    for piece in ordered[:_MAX_PLACED]:
        found.insert(_place(found, piece.box), piece)
    return [*found, *ordered[_MAX_PLACED:]]


def _filled_in(page: Handle) -> Iterator[bool]:
    kinds = (pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT)
    for index in range(min(max(pdfium.FPDFPage_GetAnnotCount(page), 0), _MAX_ANNOTATIONS)):
        if annotation := pdfium.FPDFPage_GetAnnot(page, index):
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            pdfium.FPDFPage_CloseAnnot(annotation)
            yield kind in kinds


def _texts(item: Handle, depth: int) -> Iterator[int]:
    match pdfium.FPDFPageObj_GetType(item):
        case pdfium.FPDF_PAGEOBJ_TEXT:
            yield ctypes.addressof(item.contents)
        case pdfium.FPDF_PAGEOBJ_FORM if depth:
            count = min(max(pdfium.FPDFFormObj_CountObjects(item), 0), _MAX_OBJECTS)
            for index in range(count):
                yield from _texts(pdfium.FPDFFormObj_GetObject(item, index), depth - 1)
        case _:
            return


def _place(pieces: Sequence[Piece], box: Box) -> int:
    """The index at which a piece is read: behind its label, or below the row of what is above."""
    beside = [
        (piece.box.right, at)
        for at, piece in enumerate(pieces)
        if same_row(piece.box, box) and piece.box.right <= box.left + _SLACK_PT
    ]
    if beside:
        return max(beside)[1] + 1
    above = [
        (_overlaps(piece.box, box), piece.box.bottom, at)
        for at, piece in enumerate(pieces)
        if piece.box.bottom <= box.top + _SLACK_PT
    ]
    if not above:
        return 0
    at = max(above)[2]
    while at + 1 < len(pieces) and same_row(pieces[at].box, pieces[at + 1].box):
        at += 1
    return at + 1


def _overlaps(one: Box, two: Box) -> bool:
    return one.left < two.right and two.left < one.right
