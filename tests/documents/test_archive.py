import io
import struct
import zipfile
from dataclasses import replace

import pytest

from app.documents.archive import Archive, attribute, local_name, parse_markup
from app.documents.limits import Limits
from app.errors import ErrorCode, PermanentError
from app.messages import Message
from tests.documents.building import packed


def test_entries_are_read_as_they_were_packed(limits: Limits) -> None:
    with Archive(packed({"a.txt": "text", "b.xml": "<r k='v'/>"}), limits) as archive:
        assert archive.names == {"a.txt", "b.xml"}
        assert archive.read("a.txt") == b"text"
        root = archive.tree("b.xml")

    assert (local_name(root), attribute(root, "k"), attribute(root, "x")) == ("r", "v", None)


@pytest.mark.parametrize(
    "tight",
    [
        {"max_unpacked_bytes": 5_000_000},
        {"max_unpacked_ratio": 10},
        {"max_zip_entries": 1},
    ],
)
def test_a_bomb_is_refused_before_anything_is_unpacked(
    limits: Limits, tight: dict[str, int]
) -> None:
    bomb = packed({"a": b"\0" * 6_000_000, "b": b""})

    with pytest.raises(PermanentError) as caught:
        Archive(bomb, replace(limits, **tight))

    assert caught.value.code is ErrorCode.INVALID_FILE
    assert caught.value.message is Message.FILE_EXPANDS_TOO_MUCH
    assert caught.value.details["entries"] == 2


def test_what_comes_out_is_counted_over_all_entries(limits: Limits) -> None:
    # Two entries share one packed body, as overlapping bombs do; each alone is within the limit.
    data = packed({"a": b"\0" * 300_000, "b": b"\0" * 300_000})
    with Archive(data, replace(limits, max_unpacked_bytes=700_000)) as archive:
        archive.read("a")
        archive.read("b")

        with pytest.raises(PermanentError) as caught:
            archive.read("a")

    assert caught.value.message is Message.FILE_EXPANDS_TOO_MUCH


def test_an_entry_that_lies_about_its_size_is_never_unpacked_beyond_it(limits: Limits) -> None:
    data = bytearray(packed({"a": b"\0" * 50_000_000}))
    directory = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, 1000)
    struct.pack_into("<I", data, 22, 1000)

    with Archive(bytes(data), limits) as archive, pytest.raises(PermanentError) as caught:
        archive.read("a")

    assert caught.value.message is Message.FILE_DAMAGED


def test_an_encrypted_entry_asks_for_the_password_to_be_removed(limits: Limits) -> None:
    data = bytearray(packed({"a": b"text"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1

    with Archive(bytes(data), limits) as archive, pytest.raises(PermanentError) as caught:
        archive.read("a")

    assert caught.value.message is Message.FILE_ENCRYPTED


@pytest.mark.parametrize("cut", [10, 60])
def test_a_truncated_archive_is_damaged(limits: Limits, cut: int) -> None:
    with pytest.raises(PermanentError) as caught:
        Archive(packed({"a": b"text" * 100})[:cut], limits)

    assert caught.value.message is Message.FILE_DAMAGED


def test_a_broken_entry_or_an_unknown_packing_is_damaged(limits: Limits) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", b"text of the entry")
    changed = out.getvalue().replace(b"text of", b"TEXT OF", 1)
    unknown = bytearray(out.getvalue())
    struct.pack_into("<H", unknown, unknown.rindex(b"PK\x01\x02") + 10, 97)

    for data in (changed, bytes(unknown)):
        with Archive(data, limits) as opened, pytest.raises(PermanentError) as caught:
            opened.read("a")
        assert caught.value.message is Message.FILE_DAMAGED


@pytest.mark.parametrize(
    "markup",
    [
        "<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>",
        "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>",
        "<!DOCTYPE r SYSTEM 'http://127.0.0.1:9/x.dtd'><r/>",
        "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY a{n} '{f'&a{n - 1 or str()};' * 10}'>" for n in range(1, 12))
        + "]><r>&a11;</r>",
    ],
    ids=["entity", "external", "dtd", "bomb"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_markup_with_definitions_of_its_own_is_refused(markup: str, encoding: str) -> None:
    with pytest.raises(PermanentError) as caught:
        parse_markup(f"<?xml version='1.0' encoding='{encoding}'?>{markup}".encode(encoding))

    assert caught.value.message is Message.FILE_UNSAFE_MARKUP


@pytest.mark.parametrize("markup", [b"", b"<a><b></a>", b"<a>" * 5000 + b"</a>" * 5000])
def test_broken_or_absurdly_nested_markup_is_damaged(markup: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        parse_markup(markup)

    assert caught.value.message is Message.FILE_DAMAGED
