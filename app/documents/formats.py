"""What a file is, by its content alone: names and declared types are never believed.

General detectors call HWP a Word file and HWPX a spreadsheet, so the rules are our own.
"""

import io
import zipfile

from app.documents.archive import WHAT_DAMAGE_RAISES
from app.documents.blocks import Format
from app.documents.characters import decode_text
from app.documents.compound import CompoundFile, is_compound
from app.errors import ErrorCode, PermanentError
from app.messages import Message

_PROGRAMS = (
    b"MZ",
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\x00asm",
    b"dex\n",
    b"#!",
)
_PDF_MAGIC_WITHIN = 1024  # readers accept a header anywhere in the first KiB
_IMAGES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\x00",
    b"MM\x00*",
    b"BM",
    b"GIF87a",
    b"GIF89a",
)
_HWP_SIGNATURE = b"HWP Document File"
_WORD_MAIN = b"wordprocessingml.document.main+xml"
_WORD_MAIN_MACROS = b"application/vnd.ms-word.document.macroEnabled.main+xml"
_MIMETYPES = {
    "application/hwp+zip": Format.HWPX,
    "application/vnd.oasis.opendocument.text": Format.ODT,
    "application/vnd.oasis.opendocument.text-template": Format.ODT,
}
_MAX_CONTROL_SHARE = 0.01
_CONTENT_TYPES_MAX_BYTES = 1024 * 1024


def refuse_program(head: bytes) -> None:
    """Raises INVALID_FILE for anything that a computer would run."""
    if head.startswith(_PROGRAMS):
        raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_IS_PROGRAM)


def detect(data: bytes) -> Format:
    """The format by content. Raises INVALID_FILE for programs and for what no reader knows."""
    refuse_program(data[:16])
    if b"%PDF-" in data[:_PDF_MAGIC_WITHIN]:
        return Format.PDF
    if is_compound(data):
        return _in_compound_file(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_archive(data)
    if data.startswith(_HWP_SIGNATURE):  # HWP 3 says so in its first bytes
        return Format.HWP
    if data.lstrip()[:5] == b"{\\rtf":
        return Format.RTF
    if data.startswith(_IMAGES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return Format.IMAGE
    if _is_text(data):
        return Format.TEXT
    raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_UNKNOWN_TYPE)


def _in_compound_file(data: bytes) -> Format:
    with CompoundFile(data) as container:
        if "FileHeader" in container.names:
            return Format.HWP
        if "EncryptedPackage" in container.names:
            raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_ENCRYPTED)
        if "WordDocument" in container.names:
            return Format.DOC
    raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_UNKNOWN_TYPE)


def _in_archive(data: bytes) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as entry:
                    mimetype = entry.read(128).decode("ascii", "replace").strip()
                if mimetype in _MIMETYPES:
                    return _MIMETYPES[mimetype]
            if "word/document.xml" in names:
                return Format.DOCX
            if "Contents/section0.xml" in names:
                return Format.HWPX
            if "[Content_Types].xml" in names:
                with archive.open("[Content_Types].xml") as entry:
                    types = entry.read(_CONTENT_TYPES_MAX_BYTES)
                if _WORD_MAIN in types or _WORD_MAIN_MACROS in types:
                    return Format.DOCX
    except WHAT_DAMAGE_RAISES:
        raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_DAMAGED) from None
    raise PermanentError(ErrorCode.INVALID_FILE, Message.FILE_UNKNOWN_TYPE)


def _is_text(data: bytes) -> bool:
    text = decode_text(data)
    if text is None:
        return False
    controls = sum(1 for char in text if char < " " and char not in "\t\n\r\f\v")
    return controls <= len(text) * _MAX_CONTROL_SHARE
