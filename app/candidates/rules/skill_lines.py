# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The lines of a list of skills: which go on in the next, and which only name a category."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from app.candidates.rules.lines import Line
from app.candidates.rules.skills_table import canonical

LINE_MAX_CHARS = 3_000
_LARGER = 1.15

CATEGORY = re.compile(r"^(?P<category>[^:：,|()]{1,40}?)\s*[:：]\s*(?P<rest>.*)$")
SEPARATOR = re.compile(
    r"\s*(?:(?<!\d),|,(?!\d{3}(?!\d))|[;|•·∙、▪●■]|\t|\s{3,}|\s+[-–—]\s+|(?<!\d)\s+~\s+(?=[A-Za-z가-힣])|\n|\s/\s)\s*"
)
_KINDS = (
    r"(?:back-?end|front-?end|server|infra(?:structure)?|dev-?ops|databases?|DB|(?:programming\s)?languages?|frameworks?|librar(?:y|ies)|cloud|mobile|collaboration|programming|testing|design"
    r"|백엔드|프론트엔드|서버|인프라|데브옵스|데이터베이스|언어|프레임워크|라이브러리|클라우드|모바일|협업|협업\s?도구|협업\s?툴|디자인\s?툴|배포|테스트)"
)
# How JSON Resume and its like call the items of a category.
KEYWORDS = re.compile(r"^[,;\s]*keywords\s*:\s*", re.IGNORECASE)
# In bold before its list, where the document's text does not tell bold words from others.
BARE_CATEGORY = re.compile(rf"^{_KINDS}\s+(?=[A-Z][^\s,]*(?:\s[^\s,]+)?,)", re.IGNORECASE)
_CATEGORY_ALONE = re.compile(rf"{_KINDS}(?:\s?[/&·]\s?{_KINDS})?", re.IGNORECASE)


def less_categories(lines: Sequence[Line]) -> list[Line]:
    """Lists whose first item follows a word of another kind, line by line: 분석 SQL / Python.

    And without the lines over `Keywords: …`, which name a category.
    """
    named = {upper.index for upper, lower in pairwise(lines) if KEYWORDS.match(lower.text)} - {
        line.index for line in lines if KEYWORDS.match(line.text) or "," in line.text
    }
    lines = [line for line in lines if line.index not in named]
    cut = {
        at: len(word)
        for at, line in enumerate(lines)
        if len(pieces := SEPARATOR.split(line.text[:LINE_MAX_CHARS])) > 1
        and not (line.cells or CATEGORY.match(line.text))  # which says of itself what it is
        and len(parts := pieces[0].split(" ", 1)) > 1
        and canonical(word := parts[0]) is None
        and canonical(pieces[0]) is None
        and canonical(parts[1]) is not None
    }
    if len(cut) < 2 or 2 * len(cut) < len(lines):
        return list(lines)
    return [
        replace(line, text=line.text[cut[at] :].strip()) if at in cut else line
        for at, line in enumerate(lines)
    ]


def over_lists(lines: Sequence[Line]) -> frozenset[int]:
    """Lines without a sign between words, each over a list: categories, if there is more than one."""
    over = [
        upper.index
        for upper, lower in pairwise(lines)
        if upper.gap
        and not (lower.gap or upper.cells or lower.cells or upper.bullet)
        and "," in lower.text
        and len(SEPARATOR.split(upper.text)) == 1
    ]
    gaps = sum(line.gap for line in lines)
    return frozenset(over) if len(over) > 1 and len(over) == gaps else frozenset()


def joined(lines: Sequence[Line]) -> list[Line]:
    """Lists that were wrapped inside an item or after a comma, put together."""
    result: list[Line] = []
    width_pt = max((line.box.right - line.box.left for line in lines if line.box), default=0.0)
    for row in lines:
        if len(row.text) > LINE_MAX_CHARS:
            continue
        cells = [c for c in row.cells if c]
        named = len(cells) == 2 and cells[0].endswith(":")
        line = replace(row, cells=()) if named else row
        if result and (_goes_on(result[-1], line) or _is_wrapped(result[-1], line, width_pt)):
            result[-1] = replace(result[-1], text=f"{result[-1].text} {line.text}")
        else:
            result.append(line)
    return result


def _goes_on(upper: Line, lower: Line) -> bool:
    """Whether the lower line continues the list of the upper one."""
    if upper.cells or lower.cells or lower.bullet or len(upper.text) > 2 * LINE_MAX_CHARS:
        return False
    if upper.text.count("(") > upper.text.count(")"):
        return True
    if any(_CATEGORY_ALONE.fullmatch(line.text) for line in (upper, lower)):
        return False
    if CATEGORY.match(lower.text) or BARE_CATEGORY.match(lower.text):
        return False
    if upper.text.endswith((",", "·", "/", "&", "|", " and", " with", " of", " in", " 및")):
        return True
    if lower.gap or upper.text.count(",") < 2:
        return False
    if "," not in lower.text and len(lower.text.split()) > 3:
        return False
    return not _is_whole(upper.text.rpartition(",")[2], lower.text.partition(",")[0])


def _is_wrapped(upper: Line, lower: Line, width_pt: float) -> bool:
    """`Antimicrobial`, below it `stewardship`: a narrow column has no room for the next word."""
    if lower.gap or upper.cells or lower.cells or lower.bullet or not (upper.box and lower.box):
        return False
    if not lower.text[:1].islower() or upper.text[:1].islower() or upper.ratio != lower.ratio:
        return False
    word = lower.text.split()[0]
    letter_pt = (lower.box.right - lower.box.left) / len(lower.text)
    room_pt = width_pt - (upper.box.right - upper.box.left)
    return room_pt < (len(word) + 1) * letter_pt and "," not in upper.text


def _is_whole(last: str, first: str) -> bool:
    """Whether the line ended with a whole item, so that the next line begins a new one."""
    return (
        canonical(last) is not None
        and canonical(first) is not None
        and canonical(f"{last} {first}") is None
    )


def is_subheading(line: Line, lines: Sequence[Line]) -> bool:
    """`Frontend` in bold or larger letters over its list, or `Languages:` with nothing behind it."""
    if line.text.endswith((":", "：")) or _CATEGORY_ALONE.fullmatch(line.text):
        return True
    bolds = sum(x.bold for x in lines)
    larger = not line.ocr and line.ratio >= _LARGER * median(x.ratio for x in lines)
    return (
        ((line.bold and 0 < bolds < len(lines)) or larger)
        and all(canonical(cell) is None for cell in line.cells or (line.text,))
        and "," not in line.text
    )
