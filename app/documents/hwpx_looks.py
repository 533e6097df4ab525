"""How the text of an HWPX file looks: shapes of letters and paragraphs, and fills behind them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.documents.archive import Element, attribute, local_name
from app.documents.looks import ANY, PAPER, Look, Paint, is_paper, paint_of

SHAPES = frozenset({
    "rect", "ellipse", "arc", "polygon", "curve", "connectLine", "line", "pic", "ole", "container",
    "textart", "video", "chart",
})  # fmt: skip
_EFFECTS = frozenset({"emboss", "engrave"})
_TYPED_EFFECTS = frozenset({"outline", "shadow"})
_MARGINS = frozenset({"header", "footer", "masterPage"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """By the ids that the text names them by."""

    letters: Mapping[str, Look] = field(default_factory=dict[str, Look])
    paragraphs: Mapping[str, Paint] = field(default_factory=dict[str, Paint])
    fills: Mapping[str, Paint] = field(default_factory=dict[str, Paint])

    def of_run(self, run: Element) -> Look:
        return self.letters.get(attribute(run, "charPrIDRef") or "", Look())

    def of_paragraph(self, paragraph: Element) -> Paint | None:
        return self.paragraphs.get(attribute(paragraph, "paraPrIDRef") or "")

    def fill_of(self, element: Element) -> Paint | None:
        """Of a table, a cell, a page, or whatever else names a fill."""
        return self.fills.get(attribute(element, "borderFillIDRef") or "")


def looks_of(header: Element) -> Looks:
    fills: dict[str, Paint] = {}
    for element in header.iter():
        if local_name(element) == "borderFill" and (fill := _fill(element)):
            fills[attribute(element, "id") or ""] = fill
    known = Looks(fills=fills)
    letters: dict[str, Look] = {}
    paragraphs: dict[str, Paint] = {}
    for element in header.iter():
        key = attribute(element, "id") or ""
        match local_name(element):
            case "charPr":
                letters[key] = _letters(element, known)
            case "paraPr":
                for border in element.iter():
                    if local_name(border) == "border" and (fill := known.fill_of(border)):
                        paragraphs[key] = fill
            case _:
                pass
    return Looks(letters=letters, paragraphs=paragraphs, fills=fills)


def page_ground(sections: Iterable[Element], looks: Looks) -> Paint:
    """White, unless something lies where it may be under the text."""
    waiting = [(section, False) for section in sections]
    while waiting:
        element, in_margin = waiting.pop()
        name = local_name(element)
        if name == "pageBorderFill":
            fill = looks.fill_of(element)
            if fill is not None and not is_paper(fill):
                return ANY
        under = attribute(element, "textWrap") == "BEHIND_TEXT" or (in_margin and name in SHAPES)
        if name == "masterPage" or (under and not _is_as_letter(element)):
            return ANY
        waiting += [(child, in_margin or name in _MARGINS) for child in element]
    return PAPER


def _is_as_letter(element: Element) -> bool:
    return any(
        local_name(child) == "pos" and attribute(child, "treatAsChar") == "1" for child in element
    )


def _fill(border_fill: Element) -> Paint | None:
    for brush in border_fill:
        if local_name(brush) != "fillBrush":
            continue
        for kind in brush:
            if local_name(kind) != "winBrush" or attribute(kind, "hatchStyle"):
                return ANY  # a picture, a gradient, a pattern
            return paint_of(attribute(kind, "faceColor"))
    return None


def _letters(element: Element, looks: Looks) -> Look:
    height = attribute(element, "height") or ""
    relative = 100
    drawn = False
    for child in element:
        name = local_name(child)
        if name == "relSz":
            shares = [int(share) for share in child.attrib.values() if share.isdecimal()]
            relative = max(shares, default=0) or 100
        drawn = (
            drawn
            or name in _EFFECTS
            or (name in _TYPED_EFFECTS and attribute(child, "type") not in (None, "NONE"))
        )
    shade = paint_of(attribute(element, "shadeColor"))
    # White is how some programs write that there is no shade.
    own = None if shade and is_paper(shade) else shade
    return Look(
        size_pt=int(height) / 100 * relative / 100 if height.isdecimal() else None,
        ink=ANY if drawn else paint_of(attribute(element, "textColor")),
        ground=own or looks.fill_of(element),
    )
