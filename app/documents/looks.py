"""How text looks, as far as a format tells, and whether anybody sees it.

One rule for all formats. Text is hidden when the file says so, when it is smaller than `LEAST_SIZE_PT`,
or when its colour is that of the ground it stands on. In doubt it is seen: many résumés are
white on a dark cell, and a ground that cannot be told hides nothing.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

Color = tuple[int, int, int]
"""Red, green, blue, each of 255."""

LEAST_SIZE_PT: Final = 1.5
NEAR: Final = 15
"""Colours that differ by no more of 255 in any part cannot be told from each other by reading."""

_HEX = re.compile(r"#?([0-9A-Fa-f]{6})")


class Paint(NamedTuple):
    """What a file says of a colour; None where that cannot be known: a picture, a pattern, a theme."""

    color: Color | None


PAPER: Final = Paint((255, 255, 255))
ANY: Final = Paint(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """None where nothing is told, and what lies below holds. `hidden` is what the file says itself."""

    size_pt: float | None = None
    bold: bool | None = None
    hidden: bool | None = None
    ink: Paint | None = None
    ground: Paint | None = None

    def over(self, below: "Look") -> "Look":
        return Look(
            size_pt=self.size_pt if self.size_pt is not None else below.size_pt,
            bold=self.bold if self.bold is not None else below.bold,
            hidden=self.hidden if self.hidden is not None else below.hidden,
            ink=self.ink or below.ink,
            ground=self.ground or below.ground,
        )

    @property
    def is_seen(self) -> bool:
        if self.hidden or (self.size_pt is not None and 0 < self.size_pt < LEAST_SIZE_PT):
            return False
        return not (self.ink and self.ground and _is_same(self.ink, self.ground))


def paint_of(text: str | None) -> Paint | None:
    """The paint that six hexadecimal digits name, with `#` or without."""
    found = _HEX.fullmatch(text or "")
    if found is None:
        return None
    red, green, blue = bytes.fromhex(found[1])
    return Paint((red, green, blue))


def is_near(one: Color, other: Color) -> bool:
    """Whether nobody can read the one on the other."""
    return all(abs(a - b) <= NEAR for a, b in zip(one, other, strict=True))


def is_paper(paint: Paint) -> bool:
    """Whether it is known to be white."""
    return _is_same(paint, PAPER)


def _is_same(one: Paint, other: Paint) -> bool:
    return one.color is not None and other.color is not None and is_near(one.color, other.color)


def count_hidden(text: str) -> int:
    """How many characters nobody sees: blanks are seen by nobody anywhere."""
    return sum(1 for char in text if not char.isspace())
