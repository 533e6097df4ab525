from app.candidates.rules.wordlists import words


def test_words_are_parted_by_any_white_space() -> None:
    assert words("a b\n  c") == {"a", "b", "c"}
