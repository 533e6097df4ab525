from app.candidates.rules.scripts import language_of


def test_one_korean_word_makes_no_korean_document() -> None:
    assert language_of("x" * 100 + "한글") == "en"
    assert language_of("x" * 50 + "한글" * 5) == "ko"
