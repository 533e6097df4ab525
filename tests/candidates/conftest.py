"""Builders of documents and lines."""

import pytest

from tests.candidates.markup import DocumentOf, LineOf, document_of, line_of


@pytest.fixture
def document() -> DocumentOf:
    """Builds a document from marked-up lines; see `markup.document_of`."""
    return document_of


@pytest.fixture
def line() -> LineOf:
    """Builds one line: `line("text")`, `line("a‖b")` for a row."""
    return line_of
