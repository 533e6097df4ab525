"""Korean morphemes from a dictionary, where the extra `korean` is installed (Kiwi)."""

import importlib
import importlib.util
import threading
from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol, cast

from app.candidates import terms
from app.candidates.tokens import Morphemes

_PACKAGE: Final = "kiwipiepy"
_KEPT: Final = ("NNG", "NNP", "NR", "SL", "XR", "VV", "VA")
"""Nouns, roots and the stems of verbs and adjectives; no particles, endings or signs."""


class _Token(Protocol):
    @property
    def form(self) -> str: ...
    @property
    def tag(self) -> str: ...


class _Kiwi(Protocol):
    def tokenize(self, text: str) -> Sequence[_Token]: ...


def rules_name() -> str:
    """The rules by which candidates are indexed here; with a dictionary there are more terms."""
    return f"{terms.VERSION}+kiwi" if _is_installed() else str(terms.VERSION)


@cache
def installed_morphemes() -> Morphemes | None:
    """None without the extra. The first call of what it gives loads the dictionary: seconds."""
    return _Dictionary() if _is_installed() else None


@cache
def _is_installed() -> bool:
    return importlib.util.find_spec(_PACKAGE) is not None


class _Dictionary:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kiwi: _Kiwi | None = None

    def __call__(self, word: str) -> Sequence[str]:
        return [token.form for token in self._loaded().tokenize(word) if token.tag in _KEPT]

    def _loaded(self) -> _Kiwi:
        with self._lock:
            if self._kiwi is None:
                kiwi = importlib.import_module(_PACKAGE).Kiwi
                self._kiwi = cast("_Kiwi", kiwi(num_workers=1))
            return self._kiwi
