"""Functions that a parser process is given to carry out."""

import time

from app.documents.blocks import Document
from app.documents.work import work


@work
def lines(document: Document) -> list[str]:
    return [block.text for block in document.blocks]


@work
def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@work
def fail(text: str) -> str:
    raise RuntimeError(text)


@work
def grow(count: int) -> int:
    return len(bytearray(count))
