"""How the text of a Word file looks: styles, themes, shades, and what may lie behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.documents.archive import Element, attribute, local_name
from app.documents.looks import ANY, PAPER, Look, Paint, is_paper, paint_of

Palette = Mapping[str, Paint]
"""Colours of the document's theme, by the names that text and shapes call them."""

OFF = ("0", "false", "off")
SHAPES = frozenset({"wsp", "shape", "rect", "roundrect", "oval"})
GROUPS = frozenset({"wgp", "wpc", "group"})
_VML = SHAPES - {"wsp"} | {"group", "image"}
_EFFECTS = frozenset({"outline", "shadow", "emboss", "imprint", "textOutline", "glow"})
_FILLS = frozenset({"gradFill", "blipFill", "pattFill", "grpFill"})
_MAX_STYLE_DEPTH = 12

# A theme's own names → those of shapes; `Styles` in Word call them by the third.
_THEME = {
    "dk1": ("tx1", "dark1"), "lt1": ("bg1", "light1"), "dk2": ("tx2", "dark2"), "lt2": ("bg2", "light2"),
    "hlink": ("hlink", "hyperlink"), "folHlink": ("folHlink", "followedHyperlink"),
}  # fmt: skip
_MAPPED = {"text1": "t1", "background1": "bg1", "text2": "t2", "background2": "bg2"}
_UNMAPPED = {"t1": "dark1", "bg1": "light1", "t2": "dark2", "bg2": "light2"}


def palette_of(theme: Element | None, settings: Element | None) -> Palette:
    """The theme's colours; empty without one."""
    if theme is None:
        return {}
    found: dict[str, Paint] = {}
    schemes = (each for each in theme.iter() if local_name(each) == "clrScheme")
    for named in next(schemes, ()):
        name = local_name(named)
        for color in named:
            told = attribute(color, "lastClr") or attribute(color, "val")
            for alias in (name, *_THEME.get(name, ())):
                found[alias] = paint_of(told) or ANY
    mapping = None if settings is None else child_of(settings, "clrSchemeMapping")
    for name, key in _MAPPED.items():
        real = (attribute(mapping, key) if mapping is not None else None) or _UNMAPPED[key]
        found[name] = found.get(real, ANY)
    return found


@dataclass(slots=True, kw_only=True)
class Styles:
    """Looks by the id of a style, as far as it and what it is based on tell."""

    looks: Mapping[str, Look] = field(default_factory=dict[str, Look])
    defaults: Look = field(default_factory=Look)
    shading_tables: frozenset[str] = frozenset()

    def of_paragraph(self, style_id: str) -> Look:
        return self.looks.get(style_id, Look()).over(self.defaults)

    def of_run(self, run: Element) -> Look:
        """The character style that a run names."""
        properties = child_of(run, "rPr")
        named = child_of(properties, "rStyle") if properties is not None else None
        style_id = attribute(named, "val") if named is not None else None
        return self.looks.get(style_id or "", Look())


def styles_of(root: Element, palette: Palette) -> Styles:
    own: dict[str, tuple[Look, str | None]] = {}
    defaults = Look()
    tables: set[str] = set()
    for element in root.iter():
        tag = local_name(element)
        if tag == "rPrDefault":
            defaults = look_of(element, palette)
        elif tag == "style":
            key = attribute(element, "styleId") or ""
            based_on = child_of(element, "basedOn")
            base = attribute(based_on, "val") if based_on is not None else None
            look = look_of(element, palette).over(Look(ground=shade_in(element, "pPr", palette)))
            own[key] = (look, base)
            kind = attribute(element, "type")
            if kind == "paragraph" and attribute(element, "default") == "1":
                defaults = look.over(defaults)
            elif kind == "table" and any(local_name(each) == "shd" for each in element.iter()):
                tables.add(key)
    return Styles(
        looks={key: _inherited(key, own) for key in own},
        defaults=defaults,
        shading_tables=frozenset(key for key in own if tables.intersection(_lineage(key, own))),
    )


def _inherited(key: str, own: Mapping[str, tuple[Look, str | None]]) -> Look:
    look = Look()
    for style in _lineage(key, own):
        look = look.over(own[style][0])
    return look


def _lineage(key: str, own: Mapping[str, tuple[Look, str | None]]) -> Iterator[str]:
    style: str | None = key
    for _ in range(_MAX_STYLE_DEPTH):
        if style is None or style not in own:
            break
        yield style
        style = own[style][1]


def look_of(element: Element, palette: Palette) -> Look:
    """What a direct `w:rPr` child says."""
    properties = child_of(element, "rPr")
    size: float | None = None
    bold: bool | None = None
    hidden: bool | None = None
    ink: Paint | None = None
    ground: Paint | None = None
    effects = False
    for child in () if properties is None else properties:
        value = attribute(child, "val")
        match local_name(child):
            case "sz" if value and value.isdecimal():
                size = int(value) / 2  # half points
            case "b":
                bold = value not in OFF
            case "vanish":
                hidden = value not in OFF
            case "color":
                ink = _themed(child, palette, "val", "themeColor", "themeTint", "themeShade") or ANY
            case "textFill":
                ink = _filled(child, palette)
                hidden = True if ink is None else hidden  # no fill: nothing is drawn
            case "highlight":
                ground = {"white": PAPER, "none": ground}.get(value or "", ANY)
            case "shd":
                ground = ground or _shade(child, palette)
            case name if name in _EFFECTS and value not in OFF:
                effects = effects or not any(local_name(each) == "noFill" for each in child)
            case _:
                pass
    return Look(size_pt=size, bold=bold, hidden=hidden, ink=ANY if effects else ink, ground=ground)


def shade_in(element: Element, properties: str, palette: Palette) -> Paint | None:
    """The shade that the properties of a paragraph, a cell, a row or a table tell."""
    told = child_of(element, properties)
    shade = child_of(told, "shd") if told is not None else None
    return _shade(shade, palette) if shade is not None else None


def _shade(shade: Element, palette: Palette) -> Paint | None:
    match attribute(shade, "val"):
        case None | "clear" | "nil":
            return _themed(shade, palette, "fill", "themeFill", "themeFillTint", "themeFillShade")
        case "solid":
            return _themed(shade, palette, "color", "themeColor", "themeTint", "themeShade") or ANY
        case _:
            return ANY


def _themed(
    element: Element, palette: Palette, value: str, theme: str, *changes: str
) -> Paint | None:
    """A colour of the theme comes before the one that is written beside it; None for automatic."""
    named = palette.get(attribute(element, theme) or "")
    changed = any(attribute(element, change) for change in changes)
    return named if named and not changed else paint_of(attribute(element, value))


def _filled(properties: Iterable[Element], palette: Palette) -> Paint | None:
    """The fill of a shape or of letters; None for no fill."""
    for child in properties:
        name = local_name(child)
        if name == "noFill":
            return None
        if name in _FILLS:
            return ANY
        if name == "solidFill":
            for color in child:
                told = attribute(color, "val") or ""
                plain = not any(True for _ in color)  # no change of lightness, no transparency
                return (palette.get(told) or paint_of(told) or ANY) if plain else ANY
            return ANY
    return None


def ground_of_shape(shape: Element, palette: Palette) -> Paint | None:
    """What a text box is filled with; None where one looks through it."""
    if local_name(shape) != "wsp":
        # The older markup fills with white unless it says otherwise, in several ways.
        return None if attribute(shape, "filled") in ("f", "false") else ANY
    properties, style = child_of(shape, "spPr"), child_of(shape, "style")
    told = () if properties is None else properties
    if {"noFill", "solidFill", *_FILLS}.intersection(map(local_name, told)):
        return _filled(told, palette)
    fill = child_of(style, "fillRef") if style is not None else None
    return ANY if fill is not None and attribute(fill, "idx") != "0" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What stands behind the text of the page, and behind text boxes without a fill."""

    ground: Paint = PAPER
    beneath_shapes: Paint = PAPER


def page_of(main: Element, margins: Sequence[Element], palette: Palette) -> Page:
    """White, unless something lies where it may be under the text."""
    background = child_of(main, "background")
    color = attribute(background, "color") if background is not None else None
    behind = color is not None and not is_paper(paint_of(color) or PAPER)
    floating = False
    for part in (main, *margins):
        for each in _drawn(part):
            if local_name(each) == "anchor":
                covers = _covers(each, palette)
                # What page headers draw lies under the text of the page in any case.
                under = part is not main or attribute(each, "behindDoc") not in (None, *OFF)
                behind, floating = behind or (covers and under), floating or covers
            elif local_name(each) == "pict" and any(
                local_name(shape) in _VML for shape in each.iter()
            ):
                behind = floating = True
    return Page(
        ground=ANY if behind else PAPER, beneath_shapes=ANY if behind or floating else PAPER
    )


def _covers(anchor: Element, palette: Palette) -> bool:
    """Whether it is more than text boxes that are white or without a fill."""
    names = [local_name(each) for each in anchor.iter()]
    shapes = [each for each in anchor.iter() if local_name(each) == "wsp"]
    fills = [ground_of_shape(shape, palette) for shape in shapes]
    return "pic" in names or not shapes or any(fill and not is_paper(fill) for fill in fills)


def _drawn(root: Element) -> Iterator[Element]:
    """All elements but the second spelling of shapes, for readers that do not know the first."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if local_name(element) != "Fallback":
            yield element
            waiting.extend(element)


def child_of(element: Element, name: str) -> Element | None:
    return next((child for child in element if local_name(child) == name), None)
