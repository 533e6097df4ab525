"""Korean morphemes from a dictionary, where the extra `korean` is installed (Kiwi)."""

import importlib
import threading
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
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
    """The rules by which candidates are indexed here: another dictionary gives other terms."""
    release = _release()
    return f"{terms.VERSION}+kiwi-{release}" if release else str(terms.VERSION)


@cache
def installed_morphemes() -> Morphemes | None:
    """None without the extra.

    The first call of what it gives loads the dictionary (a second or two, 310 MiB): call it in a thread.
    """
    return _Dictionary() if _release() else None


@cache
def _release() -> str | None:
    """Of the dictionary; None where there is none."""
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return None


class _Dictionary:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kiwi: _Kiwi | None = None

    def __call__(self, word: str) -> Sequence[str]:
        # An irregular stem has a mark behind its tag: VV-I of 깨닫다.
        return [
            token.form
            for token in self._loaded().tokenize(word)
            if token.tag.partition("-")[0] in _KEPT
        ]

    def _loaded(self) -> _Kiwi:
        with self._lock:
            if self._kiwi is None:
                kiwi = importlib.import_module(_PACKAGE).Kiwi
                # Names of several words and common misspellings cost another 185 MiB, and changed
                # none of 710 words of résumés, each of which comes here alone.
                made = kiwi(num_workers=1, load_multi_dict=False, load_typo_dict=False)
                self._kiwi = cast("_Kiwi", made)
            return self._kiwi
