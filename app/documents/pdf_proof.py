"""Whether letters show on a PDF page as it is drawn: pixels decide where its objects leave a doubt."""

from PIL import Image

from app.documents.pdf_rendering import pixels_of, rendered, size_pt
from app.documents.pdfium import Handle

_MAX_SIDE_PX = 2_000
_LEAST_CONTRAST = 16
"""Of 255, in any of the three colours, between the lightest and the darkest pixel."""


class Proof:
    """The page's pixels, drawn when they are first asked for: that takes some ten milliseconds."""

    def __init__(self, page: Handle) -> None:
        self._page = page
        self._drawn: tuple[Image.Image, float] | None = None

    def shows(self, left: float, top: float, right: float, bottom: float) -> bool:
        """Whether anything stands out in this place, given in points from the top left."""
        picture, scale = self._picture()
        edges = [round(edge * scale) for edge in (left, top, right, bottom)]
        x1, y1 = max(edges[0], 0), max(edges[1], 0)
        x2, y2 = (
            min(max(edges[2], x1 + 1), picture.width),
            min(max(edges[3], y1 + 1), picture.height),
        )
        if x1 >= x2 or y1 >= y2:
            return False
        pixels = picture.crop((x1, y1, x2, y2)).tobytes()
        bands = (pixels[0::3], pixels[1::3], pixels[2::3])
        return any(max(band) - min(band) >= _LEAST_CONTRAST for band in bands)

    def _picture(self) -> tuple[Image.Image, float]:
        if self._drawn is None:
            scale = min(1.0, _MAX_SIDE_PX / max(*size_pt(self._page), 1.0))
            with rendered(self._page, scale) as bitmap:
                pixels, width, height = pixels_of(bitmap)
            self._drawn = Image.frombytes("RGB", (width, height), pixels, "raw", "BGR"), scale
        return self._drawn
