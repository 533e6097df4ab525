"""Answers that are kept while one text is at work."""

import pytest

from app.documents.remembering import forget, remembered
from app.documents.work import work

asked: list[str] = []


@remembered
def length(text: str, *, doubled: bool = False) -> int:
    """How long it is; notes who asks."""
    asked.append(text)
    return len(text) * (2 if doubled else 1)


@work
def measured(text: str) -> int:
    if not text:
        raise ValueError
    return length(text) + length(text)


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()
    forget()


def test_the_same_question_is_worked_out_once() -> None:
    assert [length("ab"), length("ab"), length("ab", doubled=True)] == [2, 2, 4]
    assert asked == ["ab", "ab"]


def test_nothing_is_kept_once_work_is_done() -> None:
    assert measured.carry_out(b'"abc"') == b"6"
    assert measured.carry_out(b'"abc"') == b"6"
    assert asked == ["abc", "abc"]


def test_nothing_is_kept_once_work_has_failed() -> None:
    length("abc")
    with pytest.raises(ValueError):  # noqa: PT011 - its own
        measured.carry_out(b'""')
    length("abc")
    assert asked == ["abc", "abc"]
