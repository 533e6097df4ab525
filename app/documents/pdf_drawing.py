"""What a PDF page draws besides text: ruled lines, which make cells of a form, and pictures."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from app.documents.blocks import Box
from app.documents.looks import ANY, PAPER, Color, Paint, is_paper
from app.documents.pdfium import Handle, pdfium
from app.documents.ruling import Rules

_MAX_RULES = 2_000
_MAX_OBJECTS = 50_000
_MAX_SEGMENTS = 2_000
_MAX_INNER_OBJECTS = 100
_MAX_GROUNDS = 500
_RECTANGLE_SEGMENTS = 5
_RULE_THICKNESS_PT = 2.5
_RULE_LENGTH_PT = 6.0


@dataclass(frozen=True, slots=True)
class View:
    """From the file's space (origin bottom left, unturned) to the page as it is seen."""

    left: float
    bottom: float
    right: float
    top: float
    turns: int

    @property
    def size(self) -> tuple[float, float]:
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.turns % 2 else (width, height)

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        x1, y1, x2, y2 = self.edges(left, bottom, right, top)
        return Box(left=x1, top=y1, right=x2, bottom=y2)

    def edges(
        self, left: float, bottom: float, right: float, top: float
    ) -> tuple[float, float, float, float]:
        """Left, top, right, bottom as seen: without a `Box`, for this is done for each character."""
        x1, x2 = left - self.left, right - self.left
        y1, y2 = self.top - top, self.top - bottom
        match self.turns:
            case 1:
                height = self.top - self.bottom
                return height - y2, x1, height - y1, x2
            case 2:
                width, height = self.right - self.left, self.top - self.bottom
                return width - x2, height - y2, width - x1, height - y1
            case 3:
                width = self.right - self.left
                return y1, width - x2, y2, width - x1
            case _:
                return x1, y1, x2, y2


class Ground(NamedTuple):
    """Where something lies on which white text may show; `color` is None where it has several."""

    box: Box
    color: Color | None


@dataclass(slots=True)
class Drawing:
    """`image_area` in square points; `paths` is the number of drawn shapes."""

    rules: Rules = field(default_factory=lambda: Rules([], []))
    grounds: list[Ground] = field(default_factory=list[Ground])
    image_area: float = 0.0
    paths: int = 0


def view_of(page: Handle) -> View:
    edges = [ctypes.c_float() for _ in range(4)]
    left, bottom, right, top = edges
    found = pdfium.FPDFPage_GetCropBox(page, left, bottom, right, top) or (
        pdfium.FPDFPage_GetMediaBox(page, left, bottom, right, top)
    )
    turns = max(pdfium.FPDFPage_GetRotation(page), 0)
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    if turns % 2:
        width, height = height, width
    if (
        not found
        or abs(right.value - left.value - width) > 1
        or abs(top.value - bottom.value - height) > 1
    ):
        # Inherited or clipped boxes: PDFium's own size holds, with the corner as far as it is known.
        return View(left.value, bottom.value, left.value + width, bottom.value + height, turns)
    return View(left.value, bottom.value, right.value, top.value, turns)


def load_drawing(page: Handle, view: View) -> Drawing:
    """Walk the page's objects once."""
    drawing = Drawing()
    for index in range(min(pdfium.FPDFPage_CountObjects(page), _MAX_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page, index)
        kind = pdfium.FPDFPageObj_GetType(item)
        if len(drawing.grounds) < _MAX_GROUNDS and (fill := _fill(item, kind)) != PAPER:
            drawing.grounds += [Ground(box, fill.color) for box in [_bounds(item, view)] if box]
        match kind:
            case pdfium.FPDF_PAGEOBJ_PATH:
                drawing.paths += 1
                if len(drawing.rules.flat) + len(drawing.rules.upright) < _MAX_RULES:
                    for box in _strokes(item, view):
                        _add_rules(drawing.rules, box)
            case pdfium.FPDF_PAGEOBJ_IMAGE:
                drawing.image_area += _area(item, view)
            case pdfium.FPDF_PAGEOBJ_FORM if _holds_image(item):
                drawing.image_area += _area(item, view)
            case _:
                pass
    return drawing


def _fill(item: Handle, kind: int) -> Paint:
    """What a shape, a picture, a gradient or a form fills its place with; PAPER for nothing dark."""
    if kind == pdfium.FPDF_PAGEOBJ_TEXT:
        return PAPER
    if kind != pdfium.FPDF_PAGEOBJ_PATH:
        return ANY
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not pdfium.FPDFPath_GetDrawMode(item, fill, stroke) or not fill.value:
        return PAPER
    red, green, blue, opaque = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(item, red, green, blue, opaque):
        return ANY  # a pattern
    paint = Paint((red.value, green.value, blue.value))
    return PAPER if opaque.value == 0 or is_paper(paint) else paint


def _holds_image(form: Handle) -> bool:
    count = min(max(pdfium.FPDFFormObj_CountObjects(form), 0), _MAX_INNER_OBJECTS)
    inner = (pdfium.FPDFFormObj_GetObject(form, index) for index in range(count))
    return any(pdfium.FPDFPageObj_GetType(item) == pdfium.FPDF_PAGEOBJ_IMAGE for item in inner)


def _area(item: Handle, view: View) -> float:
    box = _bounds(item, view)
    return (box.right - box.left) * (box.bottom - box.top) if box else 0.0


def _bounds(item: Handle, view: View) -> Box | None:
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if not pdfium.FPDFPageObj_GetBounds(item, left, bottom, right, top):
        return None
    return view.box(left.value, bottom.value, right.value, top.value)


def _strokes(path: Handle, view: View) -> Iterator[Box]:
    """The rectangles and straight lines of a path: some producers draw a whole grid as one."""
    count = pdfium.FPDFPath_CountSegments(path)
    matrix = pdfium.FS_MATRIX()
    if count <= _RECTANGLE_SEGMENTS or not pdfium.FPDFPageObj_GetMatrix(path, matrix):
        if box := _bounds(path, view):
            yield box
        return
    points: list[tuple[float, float, int]] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(min(count, _MAX_SEGMENTS)):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        points.append(
            (
                matrix.a * x.value + matrix.c * y.value + matrix.e,
                matrix.b * x.value + matrix.d * y.value + matrix.f,
                pdfium.FPDFPathSegment_GetType(segment),
            )
        )
    for (x1, y1, _), (x2, y2, kind) in pairwise(points):
        if kind == pdfium.FPDF_SEGMENT_LINETO and min(abs(x1 - x2), abs(y1 - y2)) < 1:
            yield view.box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _add_rules(rules: Rules, box: Box) -> None:
    """A thin path is a ruled line; a larger one counts with its four sides (a framed cell)."""
    width, height = box.right - box.left, box.bottom - box.top
    if height <= _RULE_THICKNESS_PT:
        if width >= _RULE_LENGTH_PT:
            rules.flat.append(((box.top + box.bottom) / 2, box.left, box.right))
    elif width <= _RULE_THICKNESS_PT:
        if height >= _RULE_LENGTH_PT:
            rules.upright.append(((box.left + box.right) / 2, box.top, box.bottom))
    else:
        rules.flat.extend((y, box.left, box.right) for y in (box.top, box.bottom))
        rules.upright.extend((x, box.top, box.bottom) for x in (box.left, box.right))
