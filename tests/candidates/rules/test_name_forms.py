import pytest

from app.candidates.rules.name_forms import korean_name, latin_name, long_korean_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Maura St. Aubyn-Finch", "Maura St. Aubyn-Finch"),
        ("R.J. Abernathy", "R.J. Abernathy"),
        ("Trần Thị Hạnh", "Trần Thị Hạnh"),
        ("Odile d'Aubigny", "Odile d'Aubigny"),
        ("Yusuf al-Rashidi", "Yusuf al-Rashidi"),
        ("KOWAL, Bronisława", "Bronisława KOWAL"),
    ],
)
def test_names_in_many_writings(text: str, name: str) -> None:
    assert latin_name(text) == name


@pytest.mark.parametrize(
    "text", ["St. Aubyn Street", "Main St", "First Name Odile", "Surname Kowal"]
)
def test_streets_and_labels_are_no_names(text: str) -> None:
    assert latin_name(text) is None


@pytest.mark.parametrize("text", ["June Page", "Wren Cook", "Victoria London", "Mark Place"])
def test_words_with_another_meaning_need_to_be_sure(text: str) -> None:
    assert latin_name(text) is None
    assert latin_name(text, sure=True) == text


@pytest.mark.parametrize("text", ["Senior Product Designer", "Machine Learning", "Work Experience"])
def test_jobs_and_headings_are_never_names(text: str) -> None:
    assert latin_name(text, sure=True) is None


def test_given_names_of_three_syllables_are_believed_where_something_says_so() -> None:
    assert korean_name("문가람빛") is None
    assert long_korean_name("문가람빛") == "문가람빛"
    assert long_korean_name("서울지사") is None
    assert long_korean_name("경력사항") is None


@pytest.mark.parametrize("text", ["도성우", "남연수"])
def test_given_names_that_mean_something_else_as_well_are_names(text: str) -> None:
    assert korean_name(text) == text
    assert korean_name(text[1:]) is None


def test_a_credential_stands_apart_from_the_name() -> None:
    assert latin_name("Jane Doe MS") == latin_name("Jane Doe,PhD") == "Jane Doe"
    assert latin_name("Opera PMS") != "Opera P"
