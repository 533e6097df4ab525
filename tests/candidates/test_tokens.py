"""Terms of texts: particles, compounds, names with signs, and anything at all."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.candidates.tokens import MAX_TERM_CHARS, normalised, words


def stems(text: str) -> list[str]:
    return [word.stem for word in words(text)]


@pytest.mark.parametrize(
    ("inflected", "bare"),
    [
        ("개발자를", "개발자"),
        ("파이썬으로", "파이썬"),
        ("병원에서는", "병원"),
        ("관리했던", "관리"),
        ("개발하는", "개발"),
        ("회의", "회의"),  # 의 is no particle here
        ("AWS에서", "aws"),
        ("React를", "react"),
    ],
)
def test_a_particle_or_ending_is_taken_off(inflected: str, bare: str) -> None:
    assert stems(inflected) == [bare]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C++, C#와 C", ["c++", "c#", "c"]),
        (".NET asp.net Node.js", [".net", "aspnet", "nodejs"]),
        ("CI/CD scikit-learn", ["ci", "cd", "scikitlearn"]),
        ("Python.", ["python"]),
        ("2021.03 ~ 2023", ["2021", "03", "2023"]),
        ("ＡＷＳ résumé", ["aws", "resum"]),
        ("카\u200b프카", ["카프카"]),
        ("\u1103\u1169\u110f\u1165", ["도커"]),  # decomposed, as file names of macOS are
    ],
)
def test_names_and_numbers_keep_what_tells_them_apart(text: str, expected: list[str]) -> None:
    assert stems(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("designer", "designing"),
        ("nurses", "nursing"),
        ("developed", "development"),
        ("apps", "app"),
    ],
)
def test_forms_of_an_english_word_meet(one: str, other: str) -> None:
    assert stems(one) == stems(other)


@pytest.mark.parametrize(
    ("one", "other"), [("java", "javascript"), ("c", "c++"), (".net", "net"), ("class", "clas")]
)
def test_different_words_do_not_meet(one: str, other: str) -> None:
    assert stems(one) != stems(other)


def test_a_compound_shares_its_pairs_with_its_words() -> None:
    (compound,) = words("백엔드개발자")
    apart = {term for word in words("백엔드 개발자") for term in (word.stem, *word.parts)}

    assert {"백엔", "엔드", "개발", "발자"} <= set(compound.parts) & apart


@pytest.mark.parametrize(
    "text", ["", "   ", "을 를 은 는", "the and of", "😀 🚀", "!!! -- ++", "\u200b\u200d"]
)
def test_what_carries_no_meaning_gives_no_word(text: str) -> None:
    assert stems(text) == []


def test_morphemes_of_a_dictionary_come_beside_the_pairs() -> None:
    (word,) = words("데이터분석가", lambda _: ["데이터", "분석", "가"])

    assert "데이터" in word.parts
    assert "가" not in word.parts


@given(st.text(max_size=200))
def test_any_text_gives_terms_of_bounded_length_in_order(text: str) -> None:
    found = list(words(text))

    assert [word.start for word in found] == sorted(word.start for word in found)
    for word in found:
        assert text[word.start : word.end].split() == [text[word.start : word.end]]
        assert all(0 < len(term) <= MAX_TERM_CHARS for term in (word.stem, *word.parts))


@given(st.text(max_size=100))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize("unit", ["가", "a", "a.", "a-", ".", "가a", "+", "가 "])
def test_the_longest_text_takes_linear_time(unit: str) -> None:
    started = time.perf_counter()

    list(words((unit * 200_000)[:200_000]))

    assert time.perf_counter() - started < 10
