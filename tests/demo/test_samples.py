"""The shipped files are what their table and their expected JSON say."""

import json
import re
from typing import Any
from zipfile import ZipFile

import pypdf
import pypdfium2  # pyright: ignore[reportMissingTypeStubs]
import pytest
from pypdf.errors import PyPdfError

from app.demo.samples import FOLDER, SAMPLES, Sample, sample_bytes
from app.errors import ErrorCode

GOOD = [sample for sample in SAMPLES if sample.code is None]
BAD = [sample for sample in SAMPLES if sample.code is not None]


def expected(sample: Sample) -> dict[str, Any]:
    return json.loads(sample.expected_path.read_text(encoding="utf-8"))


def by_name(name: str) -> Sample:
    return next(sample for sample in SAMPLES if sample.file == name)


def test_every_file_of_the_folder_is_in_the_table() -> None:
    files = {path.name for path in FOLDER.iterdir() if path.is_file()} - {"README.md"}
    described = {path.name for path in (FOLDER / "expected").iterdir()}

    assert files == {sample.file for sample in SAMPLES}
    assert described == {f"{sample.file}.json" for sample in SAMPLES}


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 1_500_000


@pytest.mark.parametrize("sample", GOOD, ids=lambda sample: sample.file)
def test_a_good_sample_agrees_with_its_expected_profile(sample: Sample) -> None:
    profile = expected(sample)

    assert sample.status == "succeeded"
    assert profile["name"] == sample.name
    assert profile["emails"] == list(sample.emails)
    assert profile["phones"] == list(sample.phones)
    assert profile["experience"][0]["company"] == sample.phrase
    assert profile["language"] == sample.file[:2]


@pytest.mark.parametrize("sample", BAD, ids=lambda sample: sample.file)
def test_a_bad_sample_agrees_with_its_expected_error(sample: Sample) -> None:
    error = expected(sample)

    assert sample.status == "failed"
    assert error["error"] == sample.code
    assert tuple(error.get("names", ())) == sample.names
    assert bool(sample.names) == (sample.code is ErrorCode.MULTI_IDENTITY)


def test_persons_are_invented() -> None:
    for sample in GOOD:
        for mail in sample.emails:
            assert re.search(r"[@.]example\.(com|kr|org)$", mail)
        for phone in sample.phones:
            assert re.fullmatch(r"010-0000-\d{4}|\+1 .*555-01\d\d", phone)


@pytest.mark.parametrize(
    "sample", [s for s in GOOD if s.file.endswith(".pdf")], ids=lambda s: s.file
)
def test_a_pdf_carries_its_text_and_the_fonts_it_uses(sample: Sample) -> None:
    with pypdfium2.PdfDocument(sample.path) as document:
        text = "".join(page.get_textpage().get_text_range() for page in document)

    if sample.needs_ocr:
        assert not text.strip()
        return
    for wanted in (sample.name, sample.phrase, *sample.emails, *sample.phones):
        assert wanted is not None
        assert wanted in text
    assert all(_embedded(font) for font in _used_fonts(sample))


def test_the_longest_sample_has_two_pages_of_text() -> None:
    with pypdfium2.PdfDocument(by_name("ko-one-column.pdf").path) as document:
        assert len(document) == 2
        assert all(len(page.get_textpage().get_text_range()) > 300 for page in document)


def test_the_truncated_file_opens_in_no_reader() -> None:
    sample = by_name("bad-truncated.pdf")

    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(sample.path)
    with pytest.raises(PyPdfError):
        pypdf.PdfReader(sample.path, strict=True)
    assert sample_bytes(sample).startswith(b"%PDF-")


def test_the_zip_bomb_unfolds_to_far_more_than_it_weighs() -> None:
    sample = by_name("bad-zip-bomb.docx")

    with ZipFile(sample.path) as archive:
        unfolded = sum(entry.file_size for entry in archive.infolist())
    assert unfolded > 250_000_000
    assert len(sample_bytes(sample)) < 400_000


def _used_fonts(sample: Sample) -> list[Any]:
    """The fonts of all pages; Helvetica stands in the resources, but nothing is written in it."""
    pages: list[Any] = list(pypdf.PdfReader(sample.path).pages)
    fonts = [font.get_object() for page in pages for font in page["/Resources"]["/Font"].values()]
    return [font for font in fonts if font["/BaseFont"] != "/Helvetica"]


def _embedded(font: Any) -> bool:
    return "/FontFile2" in font["/FontDescriptor"]
