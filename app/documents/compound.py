"""Compound files (OLE): the container of HWP 5, of legacy Word files and of encrypted DOCX."""

import io
from typing import Any, Self

import olefile

from app.documents.archive import damaged

_WHAT_DAMAGE_RAISES = (
    AttributeError, LookupError, OSError, OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip
# olefile raises all of these for containers whose tables point astray, or back at themselves.


def is_compound(data: bytes) -> bool:
    return data.startswith(olefile.MAGIC)


class CompoundFile:
    """Streams by path, `BodyText/Section0`. Raises INVALID_FILE where the container is damaged."""

    def __init__(self, data: bytes) -> None:
        try:
            self._ole: Any = olefile.OleFileIO(io.BytesIO(data))
            self.names: tuple[str, ...] = tuple("/".join(path) for path in self._ole.listdir())
        except _WHAT_DAMAGE_RAISES:
            raise damaged() from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ole.close()

    def read(self, name: str) -> bytes:
        try:
            return self._ole.openstream(name).read()
        except _WHAT_DAMAGE_RAISES:
            raise damaged() from None
