"""A dictionary is an extra: without it nothing is missing but its terms."""

import importlib.util

import pytest

from app.candidates.morphemes import installed_morphemes, rules_name
from app.candidates.tokens import words

INSTALLED = importlib.util.find_spec("kiwipiepy") is not None


@pytest.mark.skipif(INSTALLED, reason="the extra `korean` is installed")
def test_without_the_extra_the_rules_are_named_by_their_version_alone() -> None:
    assert installed_morphemes() is None
    assert rules_name().isdecimal()


@pytest.mark.skipif(not INSTALLED, reason="needs the extra `korean`")
def test_with_the_extra_morphemes_come_beside_the_pairs() -> None:
    (word,) = words("데이터베이스설계경험", installed_morphemes())
    assert "설계" in word.parts
    assert rules_name().endswith("+kiwi")
