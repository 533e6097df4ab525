"""One PDF page as pieces of text and ruled cells, through PDFium's C interface.

The helpers of pypdfium2 give text without fonts and drawing order; both are needed here.
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, assert_never

from app.documents.looks import ANY, LEAST_SIZE_PT, PAPER, Paint, is_near, is_paper
from app.documents.pdf_drawing import Drawing, View, load_drawing, view_of
from app.documents.pdf_filled import beside_labels
from app.documents.pdf_letters import Char, pieces_of
from app.documents.pdf_links import text_in
from app.documents.pdf_proof import Proof
from app.documents.pdfium import Handle, pdfium
from app.documents.pieces import Items
from app.documents.ruling import with_table_rows

_BOLD_WEIGHT = 600
_BOLD_NAMES = ("bold", "black", "heavy", "demi")
_ICON_NAMES = (
    "awesome", "icomoon", "fontello", "glyphicons", "materialicons", "materialsymbols", "academicons",
    "ionicons", "entypo", "bootstrap-icons", "remixicon", "typicons", "octicons",
)  # fmt: skip
"""Fonts of pictures, whose codes are often those of letters that have nothing to do with them."""

_SIGNS_FROM = 0x2000
_FONT_NAME_BYTES = 256
_FORCE_BOLD = 1 << 18
_FILL_AND_STROKE, _INVISIBLE = 2, 3
_SCAN_SHARE = 0.5
_MAX_STAMPED = 200
"""Letters of a scanned page that are drawn: a stamp, a page number. More are a text layer."""

_BLANKS = frozenset({0, 9, 10, 13, 32, 0xA0, 0x3000})
_LINE_ENDS = frozenset({10, 13})
_LEADING, _TRAILING = range(0xD800, 0xDC00), range(0xDC00, 0xE000)
_UNKNOWN = 0xFFFD
_MEANINGLESS = (range(32), range(0x7F, 0xA0), range(0xE000, 0xF900), range(0xF0000, 0x110000))
"""Controls and the private areas."""

_PRINTABLE, _SYLLABLES = range(32, 0x7F), range(0xAC00, 0xD7A4)

_LINE_END_HYPHEN = 2  # what PDFium makes of a hyphen that breaks a word
_SOFT_HYPHEN, _SPACE = 0xAD, 0x20
_INKLESS_PT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`garbled` counts characters whose meaning the file does not tell; `drawn` counts paths.

    `own_chars` are those of `chars` that the page had before anything was filled in.

    `hidden` characters are those that nobody sees; they are no part of `chars`.
    """

    items: Items
    texts: tuple[str, ...]
    width_pt: float
    height_pt: float
    chars: int
    own_chars: int
    hidden: int
    garbled: int
    image_share: float
    drawn: int


class _Found(NamedTuple):
    """What is seen, or may be; how many characters are not, and how many have no code."""

    chars: list[Char]
    hidden: int
    nameless: int


def load_page(
    page: Handle,
    *,
    max_chars: int,
    filled: frozenset[int] = frozenset(),
    places: Sequence[Handle] = (),
) -> Page:
    """Everything the reader needs of an opened page.

    `filled` are the texts that were filled in, `places` those of links whose words are wanted.
    """
    view = view_of(page)
    drawing = load_drawing(page, view)
    text_page = pdfium.FPDFText_LoadPage(page)
    try:
        found = _chars(text_page, _Sight(view, drawing), max_chars)
        texts = [text_in(text_page, place) for place in places]
    finally:
        pdfium.FPDFText_ClosePage(text_page)
    chars = _proved(found.chars, Proof(page), is_scan=_is_scan(view, drawing))
    own = [char for char in chars if char.object_id not in filled] if filled else chars
    pieces = pieces_of(own, drawing.rules)
    if filled:
        typed = [char for char in chars if char.object_id in filled]
        pieces = beside_labels(pieces, pieces_of(typed, drawing.rules))
    width, height = view.size
    return Page(
        items=with_table_rows(pieces, drawing.rules),
        texts=tuple(texts),
        width_pt=width,
        height_pt=height,
        chars=len(chars),
        own_chars=len(own),
        hidden=found.hidden + len(found.chars) - len(chars),
        garbled=found.nameless + sum(char.is_garbled for char in chars),
        image_share=drawing.image_area / max(width * height, 1.0),
        drawn=drawing.paths,
    )


class _Font(NamedTuple):
    bold: bool
    icons: bool


class _Look(NamedTuple):
    """What the letters of a text object share. The colour matters only to those that are drawn."""

    size_pt: float
    bold: bool
    icons: bool
    ink: "_Ink"
    paint: Paint


class _Looks:
    """Those of each text object and font, asked once: a page has thousands of characters."""

    def __init__(self) -> None:
        self._known: dict[int, _Look] = {}
        self._fonts: dict[int, _Font] = {}

    def look(self, text_page: Handle, index: int, key: int, handle: object) -> _Look:
        if key not in self._known:
            self._known[key] = self._ask(text_page, index, handle)
        return self._known[key]

    def _ask(self, text_page: Handle, index: int, handle: object) -> _Look:
        matrix = pdfium.FS_MATRIX()
        size_pt = pdfium.FPDFText_GetFontSize(text_page, index)
        if pdfium.FPDFText_GetMatrix(text_page, index, matrix):
            size_pt *= (matrix.c**2 + matrix.d**2) ** 0.5 or 1.0
        ink, paint = _ink(text_page, index, handle, size_pt)
        font = pdfium.FPDFTextObj_GetFont(handle) if handle else None
        if not font:
            return _Look(size_pt, bold=False, icons=False, ink=ink, paint=paint)
        key = ctypes.addressof(font.contents)
        if (known := self._fonts.get(key)) is None:
            known = self._fonts[key] = _font(font)
        bold = known.bold or pdfium.FPDFTextObj_GetTextRenderMode(handle) == _FILL_AND_STROKE
        return _Look(size_pt, bold=bold, icons=known.icons, ink=ink, paint=paint)


def _font(font: Handle) -> _Font:
    name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
    pdfium.FPDFFont_GetBaseFontName(font, name, _FONT_NAME_BYTES)
    known = name.value.decode("latin-1").lower()
    bold = (
        any(word in known for word in _BOLD_NAMES)
        or pdfium.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT
        or bool(max(pdfium.FPDFFont_GetFlags(font), 0) & _FORCE_BOLD)
    )
    return _Font(bold, icons=any(word in known.replace(" ", "") for word in _ICON_NAMES))


class _Ink(Enum):
    """How the letters of a text object show on the page."""

    DRAWN = "drawn"
    UNSEEN = "unseen"
    OVER_SCAN = "over scan"


def _ink(text_page: Handle, index: int, handle: object, size_pt: float) -> tuple[_Ink, Paint]:
    if 0 < size_pt < LEAST_SIZE_PT:
        return _Ink.UNSEEN, PAPER
    if handle and pdfium.FPDFTextObj_GetTextRenderMode(handle) == _INVISIBLE:
        return _Ink.OVER_SCAN, PAPER
    red, green, blue, opaque = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFText_GetFillColor(text_page, index, red, green, blue, opaque):
        return _Ink.DRAWN, ANY
    ink = _Ink.DRAWN if opaque.value else _Ink.UNSEEN
    return ink, Paint((red.value, green.value, blue.value))


def _is_scan(view: View, drawing: Drawing) -> bool:
    """Whether pictures cover the page: recognised text lies unseen over the scan it was read from."""
    width, height = view.size
    return drawing.image_area > _SCAN_SHARE * width * height


class _Verdict(Enum):
    """Whether a reader of the page sees a letter: résumés are salted with text that none sees."""

    SEEN = "seen"
    HIDDEN = "hidden"
    DOUBTFUL = "doubtful"


class _Sight:
    def __init__(self, view: View, drawing: Drawing) -> None:
        self.view = view
        self._size = view.size
        self._grounds = drawing.grounds
        self._is_scan = _is_scan(view, drawing)
        self._alike: dict[Paint, tuple[bool, list[tuple[float, float, float, float]]]] = {}
        """By the colour of letters, of which thousands have few: whether it is white, and where it
        may not show, or white may."""

    def judge(
        self, ink: _Ink, paint: Paint, left: float, top: float, right: float, bottom: float
    ) -> _Verdict:
        x, y = (left + right) / 2, (top + bottom) / 2
        if not (0 <= x <= self._size[0] and 0 <= y <= self._size[1]):
            return _Verdict.HIDDEN
        match ink:
            case _Ink.DRAWN:
                return self._on_its_ground(paint, x, y)
            case _Ink.UNSEEN:
                return _Verdict.HIDDEN
            case _Ink.OVER_SCAN:
                return _Verdict.DOUBTFUL if self._is_scan else _Verdict.HIDDEN
            case _:
                assert_never(ink)

    def _on_its_ground(self, paint: Paint, x: float, y: float) -> _Verdict:
        known = self._alike.get(paint)
        if known is None:
            white = is_paper(paint)
            known = self._alike[paint] = (white, [*self._like(paint, white=white)])
        white, alike = known
        for left, top, right, bottom in alike:
            if left <= x <= right and top <= y <= bottom:
                # Its true shape may lie beside the text, or be covered itself.
                return _Verdict.DOUBTFUL
        return _Verdict.HIDDEN if white else _Verdict.SEEN

    def _like(self, paint: Paint, *, white: bool) -> Iterator[tuple[float, float, float, float]]:
        if paint.color is None:
            return
        for box, color in self._grounds:
            if white or (color is not None and is_near(paint.color, color)):
                yield box.left, box.top, box.right, box.bottom


def _proved(chars: Sequence[Char], proof: Proof, *, is_scan: bool) -> list[Char]:
    """Those that are seen without doubt, or show on the page as it is drawn.

    Recognised text over a scan is believed, unless the page has a text layer of its own.
    """
    doubtful = [char for char in chars if not char.is_sure]
    if not doubtful or (is_scan and len(chars) - len(doubtful) <= _MAX_STAMPED):
        return [*chars]
    boxes: dict[int, list[Char]] = {}
    for char in doubtful:
        boxes.setdefault(char.object_id, []).append(char)
    shown = {
        key
        for key, found in boxes.items()
        if any(proof.shows(char.left, char.top, char.right, char.bottom) for char in found)
    }
    return [char for char in chars if char.is_sure or char.object_id in shown]


def _chars(text_page: Handle, sight: _Sight, most: int) -> _Found:
    """Characters in content order."""
    looks = _Looks()
    code_at, box_at, object_at, is_generated = (
        pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox, pdfium.FPDFText_GetTextObject,
        pdfium.FPDFText_IsGenerated,
    )  # fmt: skip
    rect = pdfium.FS_RECTF()
    chars: list[Char] = []
    hidden = 0
    spaced = False
    nameless = 0
    lead = 0
    for index in range(max(pdfium.FPDFText_CountChars(text_page), 0)):
        code = code_at(text_page, index)
        if code in _BLANKS:
            # PDFium breaks lines as it sees fit: between any two letters where each is set on its own.
            spaced = spaced or code not in _LINE_ENDS or is_generated(text_page, index) != 1
            nameless += code == 0
            continue
        if code in _LEADING:
            lead = code
            continue
        code = _whole(lead, code)
        if not box_at(text_page, index, rect):
            continue
        handle = object_at(text_page, index)
        key = ctypes.addressof(handle.contents) if handle else 0
        look = looks.look(text_page, index, key, handle)
        if look.icons and code < _SIGNS_FROM:  # what is a sign by its code as well is kept: bullets
            spaced = True
            continue
        if code < _SPACE and _is_inkless(text_page, index):
            spaced = True  # printed once more from a page, a blank may have lost its name
            continue
        edges = sight.view.edges(rect.left, rect.bottom, rect.right, rect.top)
        verdict = sight.judge(look.ink, look.paint, *edges)
        if verdict is _Verdict.HIDDEN:
            hidden += 1
            continue
        garbled = _is_garbled(code) or pdfium.FPDFText_HasUnicodeMapError(text_page, index) == 1
        is_sure = verdict is _Verdict.SEEN
        chars.append(
            Char(chr(code), *edges, key, look.size_pt, look.bold, spaced, is_sure, garbled)
        )
        spaced = False
        if len(chars) >= most:
            break
    return _Found(chars, hidden, nameless)


def _is_inkless(text_page: Handle, index: int) -> bool:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    known = pdfium.FPDFText_GetCharBox(text_page, index, left, right, bottom, top)
    return bool(known) and top.value - bottom.value < _INKLESS_PT


def _whole(lead: int, code: int) -> int:
    """The character that two UTF-16 halves make; other codes stay, hyphens return.

    One at a line's end has a code of PDFium's. A soft one is drawn, or it would not be there: fonts
    have one glyph for both, and some programs name the wrong one.
    """
    if code in (_LINE_END_HYPHEN, _SOFT_HYPHEN):
        return ord("-")
    if code not in _TRAILING:
        return code
    return 0x10000 + ((lead - _LEADING.start) << 10) + code - _TRAILING.start if lead else _UNKNOWN


def _is_garbled(code: int) -> bool:
    if code in _PRINTABLE or code in _SYLLABLES:
        return False
    return code == _UNKNOWN or any(code in codes for codes in _MEANINGLESS)
