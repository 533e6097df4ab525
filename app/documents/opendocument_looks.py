"""How the text of an ODT looks: styles with what they inherit, and what may lie behind it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.documents.archive import Element, attribute, local_name
from app.documents.looks import ANY, LEAST_SIZE_PT, PAPER, Look, Paint, is_paper, paint_of

_MAX_STYLE_DEPTH = 12
_LENGTH = re.compile(r"(\d{1,4}(?:\.\d{1,6})?)(pt|mm|cm|in|%)")
_POINTS = {"pt": 1.0, "mm": 72 / 25.4, "cm": 72 / 2.54, "in": 72.0}
_USUAL_PT = 12.0
SHAPES = frozenset({"custom-shape", "rect", "ellipse", "circle", "path", "polygon", "caption", "regular-polygon"})  # fmt: skip
"""What text can be written in. A text box of Word becomes one."""
_GROUNDS = frozenset({
    "text-properties", "paragraph-properties", "section-properties", "table-properties",
    "table-row-properties", "table-cell-properties", "graphic-properties",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """By the name of a style. `defaults` hold for paragraphs whose style does not tell."""

    styles: Mapping[str, Look]
    defaults: Look
    page: Paint = PAPER
    beneath_frames: Paint = PAPER

    def of(self, style: str | None) -> Look:
        return self.styles.get(style or "", Look())

    def ground_of(self, element: Element, below: Paint) -> Paint:
        """What stands behind the text of a cell, a frame, a section or a shape."""
        told = self.of(attribute(element, "style-name")).ground
        return told or (ANY if local_name(element) in SHAPES else below)


def looks_of(trees: Sequence[Element]) -> Looks:
    """Of these parts; the last one's styles come before those of the same name, and its shapes are the body's."""
    own: dict[str, tuple[Element, str | None]] = {}
    defaults = Look()
    dark_page = False
    for tree in trees:
        for style in tree.iter():
            match local_name(style):
                case "style" if name := attribute(style, "name"):
                    own[name] = (style, attribute(style, "parent-style-name"))
                case "default-style" if attribute(style, "family") == "paragraph":
                    defaults = _default(_own_look(style, Look()))
                case "page-layout-properties" | "header-footer-properties":
                    ground = _ground(style)
                    dark_page = dark_page or (ground is not None and not is_paper(ground))
                case _:
                    pass
    styles = {name: _inherited(name, own) for name in own}
    known = Looks(styles=styles, defaults=defaults)
    behind, floating = _drawn(trees, known, own)
    return Looks(
        styles=styles,
        defaults=defaults,
        page=ANY if behind or dark_page else PAPER,
        beneath_frames=ANY if behind or dark_page or floating else PAPER,
    )


def is_told_hidden(element: Element) -> bool:
    """Whether a field or a section says of itself that it is not shown."""
    return attribute(element, "is-hidden") == "true" or attribute(element, "display") == "none"


def _drawn(
    trees: Sequence[Element], looks: Looks, own: Mapping[str, tuple[Element, str | None]]
) -> tuple[bool, bool]:
    """Whether something dark may lie under the text, and whether under frames."""
    behind = floating = False
    for tree in trees:
        for element in tree.iter():
            if not _covers(element, looks):
                continue
            floating = True
            # What page headers draw lies under the text of the page.
            behind = behind or tree is not trees[-1] or _is_background(element, own)
    return behind, floating


def _covers(element: Element, looks: Looks) -> bool:
    name = local_name(element)
    if name in SHAPES:
        return True
    if name != "frame":
        return False
    fill = looks.of(attribute(element, "style-name")).ground
    is_box = any(local_name(child) == "text-box" for child in element)
    return not is_box or (fill is not None and not is_paper(fill))


def _is_background(element: Element, own: Mapping[str, tuple[Element, str | None]]) -> bool:
    name = attribute(element, "style-name")
    for _ in range(_MAX_STYLE_DEPTH):
        if name is None or name not in own:
            break
        style, name = own[name]
        if any(attribute(properties, "run-through") == "background" for properties in style):
            return True
    return False


def _inherited(name: str, own: Mapping[str, tuple[Element, str | None]], *, depth: int = 0) -> Look:
    style, parent = own[name]
    known = parent is not None and parent in own and depth < _MAX_STYLE_DEPTH
    below = _inherited(parent, own, depth=depth + 1) if known and parent else Look()
    return _own_look(style, below).over(below)


def _default(look: Look) -> Look:
    """Of the defaults of all text, what can hide it: sizes are told where they differ."""
    tiny = look.size_pt is not None and look.size_pt < LEAST_SIZE_PT
    return Look(size_pt=look.size_pt if tiny else None, hidden=look.hidden, ink=look.ink)


def _own_look(style: Element, below: Look) -> Look:
    look = Look()
    for properties in style:
        name = local_name(properties)
        if name == "text-properties":
            look = _of_letters(properties, below).over(look)
        elif name in _GROUNDS:
            look = look.over(Look(ground=_ground(properties)))
    return look


def _of_letters(properties: Element, below: Look) -> Look:
    size: float | None = None
    if told := _LENGTH.fullmatch(attribute(properties, "font-size") or ""):
        unit = (below.size_pt or _USUAL_PT) / 100 if told[2] == "%" else _POINTS[told[2]]
        size = float(told[1]) * unit
    weight = attribute(properties, "font-weight")
    display = attribute(properties, "display")
    automatic = attribute(properties, "use-window-font-color") == "true"
    # LibreOffice writes the automatic colour, which is seen on any ground, as one of no opacity.
    clear = attribute(properties, "opacity") == "0%" and not automatic
    drawn = (
        automatic
        or attribute(properties, "text-outline") == "true"
        or attribute(properties, "text-shadow") not in (None, "none")
        or attribute(properties, "font-relief") not in (None, "none")
    )
    return Look(
        size_pt=size,
        bold=weight in ("bold", "600", "700", "800", "900") if weight else None,
        hidden=(display == "none" or clear) if display or clear else None,
        ink=ANY if drawn else paint_of(attribute(properties, "color")),
        ground=_ground(properties),
    )


def _ground(properties: Element) -> Paint | None:
    """The colour behind; None where one looks through it."""
    pictures = (child for child in properties if local_name(child) == "background-image")
    if any(attribute(picture, "href") for picture in pictures):
        return ANY
    match attribute(properties, "fill"):
        case None | "none":
            pass
        case "solid" if attribute(properties, "opacity") in (None, "100%"):
            return paint_of(attribute(properties, "fill-color")) or ANY
        case _:
            return ANY
    return paint_of(attribute(properties, "background-color"))
