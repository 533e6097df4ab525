"""Hyperlinks of a PDF page: where they lead, and the words that they stand behind."""

import ctypes

from app.documents.characters import clean
from app.documents.pdfium import Handle, pdfium

_MAX_LINKS = 500
_URI_BYTES = 4096
_TEXT_CHARS = 100


def links_of(document: Handle, page: Handle) -> list[tuple[str, Handle]]:
    """Targets of the page's hyperlinks in their order, and where those stand."""
    found: list[tuple[str, Handle]] = []
    at = ctypes.c_int(0)
    link = pdfium.FPDF_LINK()
    while len(found) < _MAX_LINKS and pdfium.FPDFLink_Enumerate(page, at, link):
        action = pdfium.FPDFLink_GetAction(link)
        if action and pdfium.FPDFAction_GetType(action) == pdfium.PDFACTION_URI:
            uri = ctypes.create_string_buffer(_URI_BYTES)
            pdfium.FPDFAction_GetURIPath(document, action, uri, _URI_BYTES)
            target = clean(uri.value.decode("utf-8", "replace")).strip()
            place = pdfium.FS_RECTF()
            pdfium.FPDFLink_GetAnnotRect(link, place)
            found += [(target, place)] if target else []
    return found


def text_in(text_page: Handle, place: Handle) -> str:
    """The words in a rectangle of the page."""
    corners = (place.left, place.top, place.right, place.bottom)
    buffer = (ctypes.c_ushort * _TEXT_CHARS)()
    count = pdfium.FPDFText_GetBoundedText(text_page, *corners, buffer, _TEXT_CHARS)
    text = bytes(buffer)[: 2 * max(count, 0)].decode("utf-16-le", "replace")
    return " ".join(clean(text.partition("\0")[0]).split())
