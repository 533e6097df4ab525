"""PDFium's C interface under one name. It is made from C headers and has no types."""

from typing import Any

import pypdfium2.raw as _raw  # pyright: ignore[reportMissingTypeStubs]

pdfium: Any = _raw

Handle = Any
"""An opaque pointer to a document, a page, or something on it."""
