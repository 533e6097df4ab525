"""Ruled lines of a scanned page: recognition gives words, and a form is told by its lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from app.documents.wire import RuledLine

_STRIP_INCHES = 0.05
"""A page is looked at in strips of half a syllable: strokes of letters fill few in a row."""

_LEAST_ALONE_INCHES = 1.5
_LEAST_FLAT_INCHES, _LEAST_UPRIGHT_INCHES = 0.5, 0.25
_DARKER, _LIGHTER = 50, 28
"""By how much a line is darker than the paper, and what stands beside it is not; of 255."""

_BESIDE_INCHES = 0.03
_LINE_INCHES = 0.042
_NEAR_INCHES, _NEAR_PX = 0.2, 5
_REACH = 2
_INKED, _INKED_SHARE = 80, 0.06
_MOST_FALL_PX = 2
_MOST_LINES = 1_000
_MARKED = re.compile(b"\xff+")


@dataclass(slots=True)
class _Chain:
    first: int
    last: int
    start: float
    end: float


def ruled_lines(grey: Image.Image, dpi: int) -> tuple[list[RuledLine], list[RuledLine]]:
    """Those that run from left to right, and those that run downwards; both ends in pixels."""
    even = _evenly_lit(grey, dpi)
    flat = list(_lines(even, dpi, _LEAST_FLAT_INCHES))
    turned = _lines(_transposed(even), dpi, _LEAST_UPRIGHT_INCHES)
    upright = [(y1, x1, y2, x2) for x1, y1, x2, y2 in turned]
    reach = _STRIP_INCHES * dpi
    upright = [line for line in upright if _is_held(line, flat, reach)]
    flat = [line for line in flat if _is_frame(line, upright, reach, _LEAST_ALONE_INCHES * dpi)]
    return flat, upright


def _is_held(line: RuledLine, flat: Sequence[RuledLine], reach: float) -> bool:
    """Whether an upright line runs between two flat ones, as a stroke of a large letter does not."""
    x1, y1, x2, y2 = line
    x = (x1 + x2) / 2
    met = [
        height
        for left, one, right, two in flat
        if left - reach <= x <= right + reach
        for height in [one + (two - one) * (x - left) / max(right - left, 1)]
        if y1 - reach <= height <= y2 + reach
    ]
    return bool(met) and max(met) - min(met) > reach


def _is_frame(
    line: RuledLine, upright: Sequence[RuledLine], reach: float, least_alone: float
) -> bool:
    """Whether a flat line is long, or held by two upright ones: vowels of a word line up as well."""
    left, y1, right, y2 = line
    if right - left >= least_alone:
        return True
    top, bottom = min(y1, y2) - reach, max(y1, y2) + reach
    held = sum(
        left - reach <= (x1 + x2) / 2 <= right + reach and one <= bottom and two >= top
        for x1, one, x2, two in upright
    )
    return held > 1


def without_lines(grey: Image.Image, lines: Sequence[RuledLine], dpi: int) -> Image.Image:
    """The page with its ruled lines painted over: next to them tesseract loses whole cells."""
    paper = _paper(grey)
    pen = ImageDraw.Draw(grey)
    for line in lines:
        pen.line(line, fill=paper, width=max(round(_LINE_INCHES * dpi), 3))
    return grey


def inked_squares(grey: Image.Image, square_px: int) -> Image.Image:
    """One pixel, white or black, for each square of the page: white where something is written."""
    paper = _paper(grey)
    dark = grey.point([255 * (value < paper - _INKED) for value in range(256)])
    squares = dark.reduce(square_px)
    return squares.point([255 * (value > _INKED_SHARE * 255) for value in range(256)])


def _evenly_lit(grey: Image.Image, dpi: int) -> Image.Image:
    """What is darker than the lightest grey near it: without shadows, and without the shade of label cells."""
    shrink = max(round(_NEAR_INCHES * dpi / _NEAR_PX), 1)
    ground = grey.reduce(shrink).filter(ImageFilter.MaxFilter(_NEAR_PX))
    ground = ground.resize(grey.size, Image.Resampling.BILINEAR)
    return ImageChops.invert(ImageChops.subtract(ground, grey))


def _transposed(grey: Image.Image) -> Image.Image:
    return grey.transpose(Image.Transpose.TRANSPOSE)


def _lines(grey: Image.Image, dpi: int, least_inches: float) -> Iterator[RuledLine]:
    """Thin dark runs from left to right, some degrees of skew allowed: x1, y1, x2, y2."""
    strip = max(round(_STRIP_INCHES * dpi), 4)
    strips = grey.reduce((strip, 1))
    paper = _paper(strips)
    dark = strips.point([255 * (value < paper - _DARKER) for value in range(256)])
    light = strips.point([255 * (value > paper - _LIGHTER) for value in range(256)])
    beside = max(round(_BESIDE_INCHES * dpi), 3)
    above, below = ImageChops.offset(light, 0, beside), ImageChops.offset(light, 0, -beside)
    thin = ImageChops.darker(dark, ImageChops.darker(above, below))
    height = thin.height
    # Column after column, so that the rows of one strip stand together.
    data = _transposed(thin).tobytes()
    columns: list[list[float]] = [[] for _ in range(thin.width)]
    for found in _MARKED.finditer(data):
        x, y = divmod(found.start(), height)
        columns[x].append(y + (found.end() - found.start() - 1) / 2)
    least = least_inches * dpi / strip
    count = 0
    for chain in _chains(columns):
        if chain.last - chain.first + 1 >= least and count < _MOST_LINES:
            count += 1
            # The strips at both ends were filled in part only.
            x1, x2 = max((chain.first - 1) * strip, 0), min((chain.last + 2) * strip, grey.width)
            yield x1, max(round(chain.start), 0), x2, max(round(chain.end), 0)


def _paper(strips: Image.Image) -> int:
    """The grey of the paper: the median of a page that is mostly empty."""
    counts = strips.histogram()
    half, total = sum(counts) / 2, 0
    for value, count in enumerate(counts):
        total += count
        if total >= half:
            return value
    return 255


def _chains(columns: Sequence[Sequence[float]]) -> list[_Chain]:
    """Marks of neighbouring strips at nearly one height; where lines cross, a strip is lost."""
    done: list[_Chain] = []
    growing: list[_Chain] = []
    for x, heights in enumerate(columns):
        done += [chain for chain in growing if x - chain.last > _REACH]
        growing = [chain for chain in growing if x - chain.last <= _REACH]
        for y in heights:
            near = min(growing, key=lambda chain: abs(chain.end - y), default=None)
            if near is not None and near.last < x and abs(near.end - y) <= _MOST_FALL_PX:
                near.last, near.end = x, y
            elif len(growing) < _MOST_LINES:
                growing.append(_Chain(x, x, y, y))
    return done + growing
