"""A sheet of paper in a photograph, laid straight.

A phone's picture shows the sheet from an angle, on a table, and smaller than a scan would: letters
that lean and run together are recognised badly. Where the sheet is lighter than what it lies on,
its four corners tell how to lay it straight (Heckbert, Fundamentals of Texture Mapping, 1989, §2.2).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import dist

from PIL import Image, ImageDraw, ImageFilter

_SMALL_PX = 400
"""The longer side of the picture in which the sheet is looked for; letters vanish in it."""

_GAP_PX, _INWARD = 9, 0.01
_LEAST_CONTRAST = 50
_SHARE_FROM, _SHARE_TO = 0.25, 0.97
_FILL_FROM, _FILL_TO = 0.93, 1.07
_LEAST_SIDES, _LEAST_SIDE = 2, 0.3
_LIGHT, _SHEET = 255, 128
_RUN = re.compile(bytes([_SHEET]) + b"+")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The corners of a sheet of paper in pixels of its picture, and its sides' mean lengths."""

    corners: tuple[Point, Point, Point, Point]
    """Top left, top right, bottom right, bottom left."""

    @property
    def size(self) -> tuple[float, float]:
        a, b, c, d = self.corners
        return (dist(a, b) + dist(d, c)) / 2, (dist(a, d) + dist(b, c)) / 2


def find_sheet(grey: Image.Image) -> Sheet | None:
    """The sheet in the middle of the picture; None where none stands out from what it lies on.

    A sheet has four straight sides, and shows what it lies on at two of them at least: a column of
    a page on a dark ground may do so too, so what is read of a sheet must be held against the whole.
    """
    shrink = max(*grey.size, _SMALL_PX) / _SMALL_PX
    size = (max(round(grey.width / shrink), 1), max(round(grey.height / shrink), 1))
    small = grey.resize(size, Image.Resampling.BOX).filter(ImageFilter.MedianFilter(5))
    bound, contrast = _threshold(small.histogram())
    if contrast < _LEAST_CONTRAST:
        return None
    light = small.point([_LIGHT * (value > bound) for value in range(256)])
    # Letters and rules that are left are closed.
    light = light.filter(ImageFilter.MaxFilter(_GAP_PX)).filter(ImageFilter.MinFilter(_GAP_PX))
    middle = (light.width // 2, light.height // 2)
    if light.getpixel(middle) != _LIGHT or _dark_sides(light) < _LEAST_SIDES:
        return None
    ImageDraw.floodfill(light, middle, _SHEET)
    corners = _corners(light)
    if not _is_sheet(corners, light):
        return None
    a, b, c, d = [_inward(corner, corners, shrink) for corner in corners]
    return Sheet(corners=(a, b, c, d))


def _inward(corner: Point, corners: Sequence[Point], shrink: float) -> Point:
    """A corner in the picture's own pixels, and a little towards the middle: edges are frayed."""
    x, y = (
        (at + (sum(side) / 4 - at) * _INWARD + 0.5) * shrink
        for at, side in zip(corner, zip(*corners, strict=True), strict=True)
    )
    return x, y


def laid_straight(picture: Image.Image, sheet: Sheet, size: tuple[int, int]) -> Image.Image:
    """The sheet alone, seen from above."""
    coefficients = _perspective(sheet, size)
    way = Image.Transform.PERSPECTIVE
    return picture.transform(size, way, coefficients, Image.Resampling.BICUBIC)


def _threshold(counts: list[int]) -> tuple[int, float]:
    """The grey that parts dark from light best, and how far apart their means are (Otsu, 1979)."""
    total, mass = sum(counts), sum(value * count for value, count in enumerate(counts))
    best = (0.0, 0, 0.0)
    below = below_mass = 0
    for value, count in enumerate(counts):
        below += count
        below_mass += value * count
        if 0 < below < total:
            apart = (mass - below_mass) / (total - below) - below_mass / below
            best = max(best, (below * (total - below) * apart * apart, value, apart))
    return best[1], best[2]


def _dark_sides(light: Image.Image) -> int:
    """How many of the picture's four sides show what the sheet lies on."""
    right, bottom = light.width, light.height
    strips = [(0, 0, right, 1), (0, bottom - 1, right, bottom)]
    strips += [(0, 0, 1, bottom), (right - 1, 0, right, bottom)]
    counts = [light.crop(strip).histogram() for strip in strips]
    return sum(count[0] > count[_LIGHT] for count in counts)


def _corners(light: Image.Image) -> tuple[Point, Point, Point, Point]:
    """The sheet's points that lie farthest along the diagonals."""
    data, width = light.tobytes(), light.width
    ends = [
        (x, y)
        for y in range(light.height)
        for run in _RUN.finditer(data, y * width, (y + 1) * width)
        for x in (run.start() - y * width, run.end() - 1 - y * width)
    ]
    return (
        min(ends, key=lambda at: at[0] + at[1]),
        max(ends, key=lambda at: at[0] - at[1]),
        max(ends, key=lambda at: at[0] + at[1]),
        min(ends, key=lambda at: at[0] - at[1]),
    )


def _is_sheet(corners: tuple[Point, Point, Point, Point], light: Image.Image) -> bool:
    ring = [*corners, corners[0]]
    sides = [dist(one, two) for one, two in pairwise(ring)]
    if min(sides) < _LEAST_SIDE * max(sides):  # of three corners, or a strip
        return False
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))) / 2
    share, sheet = area / (light.width * light.height), light.histogram()[_SHEET]
    return _SHARE_FROM <= share <= _SHARE_TO and _FILL_FROM * area <= sheet <= _FILL_TO * area


def _perspective(sheet: Sheet, size: tuple[int, int]) -> tuple[float, ...]:
    """From a pixel of the straight picture to that of the photograph."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = sheet.corners
    width, height = size
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    determinant = dx1 * dy2 - dx2 * dy1
    g = (dx3 * dy2 - dx2 * dy3) / determinant
    h = (dx1 * dy3 - dx3 * dy1) / determinant
    return (
        (x1 - x0 + g * x1) / width, (x3 - x0 + h * x3) / height, x0,
        (y1 - y0 + g * y1) / width, (y3 - y0 + h * y3) / height, y0,
        g / width, h / height,
    )  # fmt: skip
