import pytest

from app.candidates.rules.tongues import speaks


@pytest.mark.parametrize("text", ["Fluent in Polish", "일본어 (상)", "TOEIC 900", "토플 100점"])
def test_spoken_languages_and_their_tests(text: str) -> None:
    assert speaks(text)


@pytest.mark.parametrize("text", ["Python, Go", "R, Julia", ""])
def test_languages_of_machines_are_not_spoken(text: str) -> None:
    assert not speaks(text)
