"""Text that a file draws in layers: what stands between the lines of an earlier layer goes there.

Browsers draw what has a position of its own after all other text of the page, and LaTeX's boxes may
come last too: headings after the entries that they open, entries of a time line after the headings.
"""

from bisect import bisect_left
from collections.abc import Sequence
from statistics import median

from app.documents.blocks import Box
from app.documents.pieces import Item, Items

_UPWARDS = 0.5
_MIN_LINES = 3
_MOST_LAYERS = 50
"""A page of more is drawn in no order that could be mended, and each is compared with each."""

_TOUCHING = 0.25
"""Boxes of lines that follow each other closely overlap by so much of their height."""


def merged_layers(items: Items) -> list[Item]:
    """Items in content order, but for layers that fit into the gaps of the ones before them."""
    layers = _layers(items)
    if len(layers) > _MOST_LAYERS:
        return list(items)
    merged: list[list[Item]] = []
    for layer in layers:
        into = next((at for at, lower in enumerate(merged) if _fits(layer, lower)), None)
        if into is None:
            merged.append(layer)
        else:
            merged[into] = _woven(merged[into], layer)
    return [item for layer in merged for item in layer]


def _layers(items: Items) -> list[list[Item]]:
    """Content order, cut where it goes back up the page."""
    layers: list[list[Item]] = [[]]
    for item in items:
        before = layers[-1][-1].box if layers[-1] else item.box
        if item.box.bottom < before.top + _UPWARDS * _height(item.box):
            layers.append([])
        layers[-1].append(item)
    return layers


def _fits(layer: Sequence[Item], lower: Sequence[Item]) -> bool:
    """Whether a layer lies over the same column and beside nothing of it, and begins within it."""
    if len(lower) < _MIN_LINES or layer[0].box.top >= max(item.box.bottom for item in lower):
        return False
    left = median(item.box.left for item in lower)
    right = median(item.box.right for item in lower)
    if any(item.box.left >= right or item.box.right <= left for item in layer):
        return False
    ordered = sorted(lower, key=lambda item: item.box.top)
    tops = [item.box.top for item in ordered]
    tallest = max(_height(item.box) for item in lower)
    return not any(_has_neighbour(item.box, ordered, tops, tallest) for item in layer)


def _has_neighbour(box: Box, ordered: Sequence[Item], tops: list[float], tallest: float) -> bool:
    for other in ordered[bisect_left(tops, box.top - tallest) : bisect_left(tops, box.bottom)]:
        overlap = min(box.bottom, other.box.bottom) - max(box.top, other.box.top)
        if overlap > _TOUCHING * min(_height(box), _height(other.box)):
            return True
    return False


def _woven(lower: Sequence[Item], layer: Sequence[Item]) -> list[Item]:
    """Each item of the layer before the first one of the other that stands below it."""
    result: list[Item] = []
    waiting = list(layer)
    floor = 0
    for item in lower:
        while floor < len(waiting) and waiting[floor].box.top < item.box.top:
            result.append(waiting[floor])
            floor += 1
        result.append(item)
    return [*result, *waiting[floor:]]


def _height(box: Box) -> float:
    return box.bottom - box.top
