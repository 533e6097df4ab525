"""Packed documents (DOCX, ODT, HWPX) behind a guard: no entry is read before the sums are checked."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self

from lxml import etree as _etree  # pyright: ignore[reportMissingTypeStubs, reportAttributeAccessIssue, reportUnknownVariableType]

from app.documents.limits import Limits
from app.errors import ErrorCode, PermanentError
from app.messages import Message

etree: Any = _etree  # pyright: ignore[reportUnknownVariableType]

WHAT_DAMAGE_RAISES = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, OSError, RuntimeError,
    ValueError,
)  # fmt: skip
"""What the standard library raises for archives that are broken, or packed or locked its own way."""

_SLICE_BYTES = 64 * 1024
_MIB = 1024 * 1024
_RATIO_FREE_BYTES = 1 * _MIB
"""Below this an archive may unfold by any ratio: small styles of office programs pack very well."""


class Element(Protocol):
    """The part of lxml's elements that the walks use; `tag` is a function for comments."""

    tag: object
    text: str | None
    tail: str | None

    @property
    def attrib(self) -> Mapping[str, str]: ...

    def __iter__(self) -> Iterator["Element"]: ...

    def iter(self, *tags: str) -> Iterator["Element"]: ...


def damaged() -> PermanentError:
    return PermanentError(ErrorCode.INVALID_FILE, Message.FILE_DAMAGED)


class Archive:
    """A ZIP file that is known to stay within the limits, also where its headers lie."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Raises INVALID_FILE when it is damaged or would unfold to more than is accepted."""
        self._most_bytes = limits.max_unpacked_bytes
        self._left_bytes = limits.max_unpacked_bytes
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except WHAT_DAMAGE_RAISES:
            raise damaged() from None
        entries = self._zip.infolist()
        declared = sum(entry.file_size for entry in entries)
        allowed = max(len(data) * limits.max_unpacked_ratio, _RATIO_FREE_BYTES)
        if declared > min(self._most_bytes, allowed) or len(entries) > limits.max_zip_entries:
            raise self._bomb(declared, len(entries))
        self.names = frozenset(entry.filename for entry in entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """One entry. The sum over all reads counts what really came out, not what was declared."""
        parts: list[bytes] = []
        try:
            entry = self._zip.getinfo(name)
            if entry.flag_bits & 1:
                raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_ENCRYPTED)
            with self._zip.open(entry) as stream:
                # The reader of the standard library stops at the declared size; the checksum
                # then tells that there was more.
                while part := stream.read(_SLICE_BYTES):
                    self._left_bytes -= len(part)
                    if self._left_bytes < 0:
                        raise self._bomb(self._most_bytes - self._left_bytes, len(self.names))
                    parts.append(part)
        except WHAT_DAMAGE_RAISES:
            raise damaged() from None
        return b"".join(parts)

    def tree(self, name: str) -> Element:
        """One entry as a tree. Raises INVALID_FILE for entity definitions or broken markup."""
        return parse_markup(self.read(name))

    def _bomb(self, unpacked_bytes: int, entries: int) -> PermanentError:
        return PermanentError(
            ErrorCode.INVALID_FILE,
            Message.FILE_EXPANDS_TOO_MUCH,
            details={
                "unpacked_mib": unpacked_bytes // _MIB,
                "limit_mib": self._most_bytes // _MIB,
                "entries": entries,
            },
        )


def parse_markup(data: bytes) -> Element:
    """Parse without entities, DTD, network or the relaxed limits for huge trees."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )
    unsafe = PermanentError(ErrorCode.INVALID_FILE, Message.FILE_UNSAFE_MARKUP)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        # Zeros are dropped to find the word in UTF-16 as well.
        raise (unsafe if b"<!ENTITY" in data.replace(b"\0", b"") else damaged()) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise unsafe
    return root


def local_name(element: Element) -> str:
    """The tag without its namespace; empty for comments, entities and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str | None:
    """An attribute by its name without namespace: producers differ in prefixes and versions."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None
