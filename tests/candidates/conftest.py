"""Documents written as marked-up lines, so that a test shows the résumé it is about."""

from collections.abc import Callable, Sequence

import pytest

from app.documents.blocks import Block, Box, Document, Format, Source

_BODY_PT, _HEADING_PT, _NAME_PT = 10.0, 13.0, 22.0
_LINE_HEIGHT_PT = 15.0


def document_of(lines: Sequence[str]) -> Document:
    """A document from lines: `# name`, `## heading`, `**bold**`, `a‖b` cells, `---` a new page.

    A first line `!plain` leaves out sizes and places, as text files do; `!ocr` marks a scan.
    """
    mode = lines[0] if lines[0] in ("!plain", "!ocr") else ""
    blocks: list[Block] = []
    page, gap, top = 1, True, 40.0
    for raw in lines[1:] if mode else lines:
        if raw == "---":
            page, gap, top = page + 1, True, 40.0
            continue
        if not raw.strip():
            gap = True
            continue
        size, bold, text = _BODY_PT, "**" in raw, raw.replace("**", "")
        if raw.startswith("## "):
            size, bold, text, gap = _HEADING_PT, True, raw[3:], True
        elif raw.startswith("# "):
            size, bold, text, gap = _NAME_PT, True, raw[2:], True
        cells = tuple(text.split("‖")) if "‖" in text else ()
        plain = bool(mode)
        blocks.append(
            Block(
                text="\t".join(cells) if cells else text,
                cells=cells,
                page=page,
                box=None if mode == "!plain" else Box(left=40, top=top, right=500, bottom=top + 10),
                font_size_pt=None if plain else size,
                bold=bold and not plain,
                source=Source.OCR if mode == "!ocr" else Source.TEXT,
                confidence=0.85 if mode == "!ocr" else None,
                starts_paragraph=gap,
            )
        )
        gap, top = False, top + _LINE_HEIGHT_PT
    return Document(
        format=Format.TEXT if mode == "!plain" else Format.PDF, pages=page, blocks=tuple(blocks)
    )


@pytest.fixture
def document() -> Callable[[Sequence[str]], Document]:
    """Builds a document from marked-up lines."""
    return document_of
