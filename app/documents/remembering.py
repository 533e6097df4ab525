"""Answers about pieces of a text that many rules ask for: found once while the text is at work."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

_MOST: Final = 4_096
_FORGETTING: Final[list[Callable[[], None]]] = []


def remembered(find: Callable[P, T]) -> Callable[P, T]:
    """Make a function keep its answers until `forget`.

    Arguments must be hashable, and nobody may change an answer: a tuple, not a list.
    """
    kept = lru_cache(maxsize=_MOST)(find)
    _FORGETTING.append(kept.cache_clear)
    return cast("Callable[P, T]", kept)


def forget() -> None:
    """Keep nothing of one document while the next one is waited for."""
    for each in _FORGETTING:
        each()
