import pytest

from app.documents.blocks import Format
from app.documents.formats import detect
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from tests.documents.building import (
    Page,
    compound,
    docx,
    hp,
    hwp,
    hwpx,
    odt,
    p,
    packed,
    paragraph,
    pdf,
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pdf([Page()]), Format.PDF),
        (b"junk before the header\n" + pdf([Page()]), Format.PDF),
        (docx(p("text")), Format.DOCX),
        (
            packed(
                {
                    "[Content_Types].xml": "<Override ContentType='application/vnd.openxmlformats-"
                    "officedocument.wordprocessingml.document.main+xml'/>",
                    "word/document2.xml": "<x/>",
                }
            ),
            Format.DOCX,
        ),
        (odt("<text:p>text</text:p>"), Format.ODT),
        (hwpx([hp("text")]), Format.HWPX),
        (packed({"Contents/section0.xml": "<x/>"}), Format.HWPX),
        (hwp(paragraph("text")), Format.HWP),
        (b"HWP Document File V3.00 \x1a\x01\x02\x03\x04\x05", Format.HWP),
        (compound({"WordDocument": b"text"}), Format.DOC),
        (b"  {\\rtf1 text}", Format.RTF),
        (b"\x89PNG\r\n\x1a\n", Format.IMAGE),
        (b"\xff\xd8\xff\xe0", Format.IMAGE),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Format.IMAGE),
        ("이력서".encode("cp949"), Format.TEXT),
        ("이력서".encode("utf-16"), Format.TEXT),
    ],
)
def test_the_content_tells_the_format(data: bytes, expected: Format) -> None:
    assert detect(data) is expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"MZ\x90\x00" + b"\x00" * 60, Message.FILE_IS_PROGRAM),
        (b"\x7fELF\x02\x01\x01", Message.FILE_IS_PROGRAM),
        (b"#!/bin/sh\necho text\n", Message.FILE_IS_PROGRAM),
        (b"\x01\x02\x03\x04 not text", Message.FILE_UNKNOWN_TYPE),
        (packed({"xl/workbook.xml": "<x/>"}), Message.FILE_UNKNOWN_TYPE),
        (compound({"Workbook": b"text"}), Message.FILE_UNKNOWN_TYPE),
        (compound({"EncryptedPackage": b"text"}), Message.FILE_ENCRYPTED),
        (b"PK\x03\x04 and then nothing", Message.FILE_DAMAGED),
        (bytes.fromhex("D0CF11E0A1B11AE1") + b"and then nothing", Message.FILE_DAMAGED),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(data: bytes, message: Message) -> None:
    with pytest.raises(PermanentError) as caught:
        detect(data)

    assert (caught.value.code, caught.value.message) == (ErrorCode.INVALID_FILE, message)
