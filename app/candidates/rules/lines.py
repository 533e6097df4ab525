# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The document as clean lines: characters unified, bullets and page furniture taken off."""

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.candidates.rules.dates import periods, without_periods
from app.candidates.rules.places import is_place
from app.documents.blocks import Block, Box, Document, Source
from app.documents.remembering import remembered

# The Hangul letter araea and the katakana dot serve as list dots in Korean documents, but their
# compatibility forms decompose into something else. Soft hyphens, zero-width characters and
# PDFium's mark for a hyphen at a line end carry no text; icon fonts use the private area.
_BEFORE_NFKC = str.maketrans(
    {chr(0x2460 + n): f"{n + 1}. " for n in range(20)}  # ① 학력
    | {"ㆍ": "·", "・": "·", "･": "·", "\u00ad": "", "\ufffe": "", "\ufeff": ""}
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff\ufff0-\uffff]")
_BAR = re.compile(r"(?<=\s)[ㅣᅵ│┃¦](?=\s)")  # a vowel or a ruled line typed as a bar
# `성      명 : …`, typed with blanks until it is as wide as the labels above and below.
_SPREAD_LABEL = re.compile(
    r"(?<![^\s.)○•■])[가-힣](?:[^\S\t\n]{2,10}[가-힣]){1,5}(?=[^\S\n]*(?:[:：|]|$|[^\S\n]{2}))"
    r"|(?<![^\s.)○•■])[가-힣](?:\s{1,10}[가-힣]){1,5}(?=\s*[:：])"
)
_MARKDOWN = re.compile(r"^#{1,6}\s+(?=\S)")
_SPACES = re.compile(r"[^\S\t]+")
_WIDE_GAP = re.compile(r"\t+|[^\S\t]{3,}")
_BULLET = re.compile(
    r"^(?:[ㅇㅁᄋᄆ](?=\s)|[•·▪▫■□◦○●◎※*►▶▷✓✔➢➤→‣⁃∙◆◇★☆o∘⦁]|[-–—−](?=\s))\s*(?=\S)"
)
# How recognition reads round bullets and small pictures.
_OCR_BULLET = re.compile(r"^(?:[를을](?=\s)|[¢©®«»°¤§*+=~]|[eо](?=\s))\s+(?=\S)")
_SIGN_BETWEEN = re.compile(r"^[:：/|·]$")  # `Organization | : | …`, a column of signs
_BULLET_LETTER = re.compile(r"^o(?!\s)")
_PAGE_NUMBER = re.compile(
    r"^(?:.{0,40}[-–—|·]\s*)?(?:page\s*)?[-–—]?\s*\d{1,3}\s*(?:/|of|중)?\s*\d{0,3}\s*[-–—]?$",
    re.IGNORECASE,
)
_NOT_WORD = re.compile(r"[^\w+#]|_")
_DIGITS = re.compile(r"\d+")
# What is left of Markdown in exported notes: `code`, **bold**, *italic*; masks of numbers stay.
_MARKUP = re.compile(r"`+|(?<![\d*\w])[*_]{1,3}(?=[^\s*_])|(?<=[^\s\d*_])[*]{1,3}(?![\w*])")
_LETTER_SPACED = re.compile(r"(?<![가-힣] )(?<![가-힣])[가-힣](?: [가-힣]){2,11}(?! ?[가-힣])")
_SIDE_MAX_CHARS = 40
_TOLD_MIN_CHARS = 20
_HOIST_MAX_LINES = 4

FURNITURE_MAX_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line or row. `ratio` is its font size over the body's (1.0 where sizes are unknown).

    `mark` is the sign that was taken off as its bullet.
    """

    index: int
    text: str
    cells: tuple[str, ...] = ()
    bullet: bool = False
    mark: str = ""
    page: int = 1
    box: Box | None = None
    ratio: float = 1.0
    bold: bool = False
    gap: bool = False
    confidence: float | None = None

    @property
    def ocr(self) -> bool:
        """Whether the characters were recognised from a picture."""
        return self.confidence is not None

    @property
    def look(self) -> tuple[float, bool]:
        """Size and weight: lines that do one thing in a document share them."""
        return round(self.ratio, 2), self.bold


@remembered
def clean(text: str) -> str:
    """Unified characters, single spaces; tabs survive, for they part cells."""
    text = unicodedata.normalize("NFKC", text.translate(_BEFORE_NFKC))
    text = _SPACES.sub(" ", _INVISIBLE.sub(" ", text)).strip()
    text = _BAR.sub("|", _MARKUP.sub("", text))
    return _LETTER_SPACED.sub(lambda m: m[0].replace(" ", ""), text)


@remembered
def squeeze(text: str) -> str:
    """Lower case without white space or punctuation: for comparing words however they are set."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _NOT_WORD.sub("", text.casefold())


def read_lines(document: Document) -> list[Line]:
    """All lines with text, without page numbers and repeated page headers."""
    body = _body_size(document.blocks)
    furniture = _repeated(document)
    lines: list[Line] = []
    seen: set[str] = set()
    gap = False
    for block in document.blocks:
        gap = gap or block.starts_paragraph
        key = _furniture_key(block)
        if key in furniture:
            if key in seen:
                continue
            seen.add(key)
        line = _line(block, index=len(lines), body=body, gap=gap)
        if line.text and not (document.pages > 1 and _is_page_number(line.text)):
            _append(lines, line)
            gap = False
        elif not line.text:
            gap = True
    return [replace(line, index=at) for at, line in enumerate(lines)]


def _append(lines: list[Line], line: Line) -> None:
    """Add a line; a date or place set in the margin beside a description goes above that."""
    side = line.cells[-1] if len(line.cells) == 2 else ""
    first = line.cells[0] if line.cells else ""
    told = (line.bullet and len(first) >= _TOLD_MIN_CHARS) or (first[:1].islower() and " " in first)
    if not (told and side and len(side) <= _SIDE_MAX_CHARS and _is_margin(side)):
        lines.append(line)
        return
    at = len(lines)
    while at and lines[at - 1].bullet and len(lines) - at < _HOIST_MAX_LINES:
        at -= 1
    lines.insert(at, replace(line, text=side, cells=(), bullet=False, gap=False))
    lines.append(replace(line, text=first, cells=(), gap=False))


def _is_margin(text: str) -> bool:
    return not without_periods(text) or is_place(text)


def _line(block: Block, *, index: int, body: float | None, gap: bool) -> Line:
    raw = unicodedata.normalize("NFKC", block.text.translate(_BEFORE_NFKC)).strip()
    titled = _MARKDOWN.match(raw) is not None
    raw, spread = _SPREAD_LABEL.subn(lambda m: "".join(m[0].split()), _MARKDOWN.sub("", raw))
    found = raw.split("\t") if spread and block.cells else block.cells
    cells = tuple(_BULLET.sub("", clean(c)).replace("\t", " ") for c in found)
    if not any(cells):
        pieces = [clean(piece) for piece in _WIDE_GAP.split(raw)] if len(raw) < 2_000 else []
        cells = tuple(p for p in pieces if p)
    text = clean(raw).replace("\t", " ").strip()
    ocr = block.source is Source.OCR
    marked = _BULLET.match(text) or (_OCR_BULLET.match(text) if ocr else None)
    if marked and not _BULLET_LETTER.match(text):
        text = text[marked.end() :]
        first = cells[0] if cells else ""
        head = _BULLET.match(first) or (_OCR_BULLET.match(first) if ocr else None)
        rest = first[head.end() :] if head else first.lstrip("•·▪■□◦○●-–—* ")
        cells = ((rest,) if rest else ()) + cells[1:]
    else:
        marked = None
    cells = tuple(c for c in cells if not _SIGN_BETWEEN.match(c))
    ratio = block.font_size_pt / body if block.font_size_pt and body else 1.0
    return Line(
        index=index,
        text=text,
        cells=cells if len(cells) > 1 else (),
        bullet=marked is not None,
        mark=marked[0].strip() if marked else "",
        page=block.page,
        box=block.box,
        ratio=ratio,
        bold=block.bold or titled,
        gap=gap or titled,
        confidence=(0.8 if block.confidence is None else block.confidence) if ocr else None,
    )


def _body_size(blocks: Sequence[Block]) -> float | None:
    """The median size, each block counted once per 20 characters."""
    sizes = [
        b.font_size_pt
        for b in blocks
        if b.font_size_pt
        for _ in range(1 + min(len(b.text), 400) // 20)
    ]
    return statistics.median(sizes) if sizes else None


def _furniture_key(block: Block) -> str:
    """The same for the headers of all pages, not for a title and a job that is called like it."""
    if len(block.text) > FURNITURE_MAX_CHARS:
        return ""
    # Recognition finds another size on each page.
    size_pt = round(block.font_size_pt or 0) if block.source is Source.TEXT else 0
    return f"{size_pt} {_DIGITS.sub('#', clean(block.text))}"


def _is_page_number(text: str) -> bool:
    return (
        len(text) <= FURNITURE_MAX_CHARS
        and _PAGE_NUMBER.match(text) is not None
        # A year alone on its line is none, and no month behind a firm or a certificate.
        and any(map(str.isdigit, without_periods(text)))
        and sum(c.isdigit() for c in text) <= 6
    )


def _repeated(document: Document) -> set[str]:
    """Texts that stand among the first or last three lines of two pages or more."""
    pages: dict[int, list[str]] = {}
    for block in document.blocks:
        # The dates of an entry at a page's end are no footer for looking like others.
        dated = any(not period.single for period in periods(block.text[:FURNITURE_MAX_CHARS]))
        pages.setdefault(block.page, []).append("" if dated else _furniture_key(block))
    counts: Counter[str] = Counter()
    for keys in pages.values():
        counts.update({*keys[:3], *keys[-3:]} - {""})
    return {key for key, count in counts.items() if count > 1}
