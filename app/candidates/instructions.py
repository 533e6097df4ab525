"""Sentences of a document that give orders to a machine, found by rules and kept from all who read it.

A résumé tells what a person did. A sentence that tells its reader to ignore, to answer, to rate or
to reveal something is meant for a model (prompt injection); without it the document says the same.
So it is cut out before the model, the rules and the check of the model's answer see the text, and
the profile is that of the document without it. The rules know the known ways; a false claim in plain
words is no order, and stays one person's claim.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.candidates.orders import gives_orders
from app.documents.blocks import Block, Document

Ranges = Mapping[int, Sequence[tuple[int, int]]]
"""Block of the document → what of its text is cut out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The document without such sentences; blocks that held nothing else are gone.

    `withheld` refers to the original document; `count` are the sentences.
    """

    document: Document
    withheld: Ranges
    count: int


def without_instructions(document: Document) -> Cleaned:
    """Cut them out. Raises nothing; CPU work linear in the text: call it in a thread."""
    withheld = _found(document.blocks)
    if not withheld:
        return Cleaned(document=document, withheld={}, count=0)
    blocks = tuple(_kept(document.blocks, withheld))
    return Cleaned(
        document=replace(document, blocks=blocks),
        withheld=withheld,
        count=sum(map(len, withheld.values())),
    )


_SENTENCE = re.compile(r"(?:[^\t.!?。]|[.!?。](?!\s|$))+[.!?。]*")
_WRAPPED_MIN_CHARS = 24
_SENTENCE_ENDS = (".", "!", "?", "。")
_AFTER_ITS_END = " \"'”’)]"
_DATA = re.compile(
    r'^\s*(?:[{}\[\]],?|[{\[]?\s*"[\w ]{1,30}"\s*:.{0,300})\s*$'
    r"|\b(?:name|headline|e-?mails?|phones?|links?|skills|summary|experience|education|title|company"
    r'|이름|성명|이메일|연락처|링크|기술|요약|경력|학력|회사|직함)\W{0,3}["“][^"”]{1,200}["”]',
    re.IGNORECASE,
)
"""JSON, or a field with a value in quotes: after an order it is what the order is about."""


def _found(blocks: Sequence[Block]) -> dict[int, list[tuple[int, int]]]:
    ranges: dict[int, list[tuple[int, int]]] = {}
    before: tuple[int, tuple[int, int], str] | None = None
    for index, block in enumerate(blocks):
        if block.starts_paragraph:
            before = None
        for span in _sentences(block.text):
            text = block.text[slice(*span)]
            goes_on = before is not None and before[1] in ranges.get(before[0], ())
            unfinished = goes_on and before is not None and not _has_ended(before[2])
            if (
                gives_orders(text)
                or (goes_on and _DATA.search(text))
                or (unfinished and text.lstrip()[:1].islower())
            ):
                ranges.setdefault(index, []).append(span)
            elif (
                before is not None
                and before[0] == index - 1
                and before[1] not in ranges.get(before[0], ())
                and _is_wrapped(before[2])
                and gives_orders(f"{before[2]} {text}")
            ):
                # One sentence on two lines.
                ranges.setdefault(before[0], []).append(before[1])
                ranges.setdefault(index, []).append(span)
            before = (index, span, text)
    return ranges


def _is_wrapped(line: str) -> bool:
    """Whether a sentence may go on in the next line: rows and headers are shorter."""
    return len(line) >= _WRAPPED_MIN_CHARS and "\t" not in line and not _has_ended(line)


def _has_ended(text: str) -> bool:
    return text.rstrip(_AFTER_ITS_END).endswith(_SENTENCE_ENDS)


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    for found in _SENTENCE.finditer(text):
        if found[0].strip():
            yield found.span()


def _kept(blocks: Sequence[Block], withheld: Ranges) -> Iterator[Block]:
    gap = False
    for index, block in enumerate(blocks):
        if index not in withheld:
            yield replace(block, starts_paragraph=True) if gap else block
            gap = False
            continue
        parts: list[str] = []
        position = 0
        for start, end in withheld[index]:
            parts.append(block.text[position:start])
            position = end
        text = "".join([*parts, block.text[position:]]).strip(" ")
        if text.strip():
            cells = tuple(text.split("\t")) if block.cells else ()
            yield replace(block, text=text, cells=cells, starts_paragraph=block.starts_paragraph)
        else:
            gap = gap or block.starts_paragraph
