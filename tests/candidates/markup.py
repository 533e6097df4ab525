"""Documents written as marked-up lines, so that a test shows the résumé it is about."""

from collections.abc import Callable, Sequence

from app.candidates.rules.lines import Line
from app.documents.blocks import Block, Box, Document, Format, Source

BODY_PT, HEADING_PT, NAME_PT = 10.0, 13.0, 22.0
LINE_HEIGHT_PT = 15.0

DocumentOf = Callable[[Sequence[str]], Document]
LineOf = Callable[[str], Line]


def document_of(lines: Sequence[str]) -> Document:
    """A document from lines: `# name`, `## heading`, `**bold**`, `a‖b` cells, `---` a new page.

    A first line `!plain` leaves out sizes and places, as text files do; `!ocr` marks a scan.
    """
    mode = lines[0] if lines and lines[0] in ("!plain", "!ocr") else ""
    blocks: list[Block] = []
    page, gap, top = 1, True, 40.0
    for raw in lines[1:] if mode else lines:
        if raw == "---":
            page, gap, top = page + 1, True, 40.0
            continue
        if not raw.strip():
            gap = True
            continue
        size, bold, text = BODY_PT, "**" in raw, raw.replace("**", "")
        if raw.startswith("## "):
            size, bold, text, gap = HEADING_PT, True, raw[3:], True
        elif raw.startswith("# "):
            size, bold, text, gap = NAME_PT, True, raw[2:], True
        cells = tuple(text.split("‖")) if "‖" in text else ()
        blocks.append(
            Block(
                text="\t".join(cells) if cells else text,
                cells=cells,
                page=page,
                box=None if mode else Box(left=40, top=top, right=500, bottom=top + 10),
                font_size_pt=None if mode else size,
                bold=bold and not mode,
                source=Source.OCR if mode == "!ocr" else Source.TEXT,
                confidence=0.85 if mode == "!ocr" else None,
                starts_paragraph=gap,
            )
        )
        gap, top = False, top + LINE_HEIGHT_PT
    kind = Format.TEXT if mode == "!plain" else Format.PDF
    return Document(format=kind, pages=page, blocks=tuple(blocks))


def line_of(text: str, *, bullet: bool = False) -> Line:
    """One line; `a‖b` is a row of cells."""
    cells = tuple(text.split("‖")) if "‖" in text else ()
    return Line(index=0, text=text.replace("‖", " "), cells=cells, bullet=bullet)
