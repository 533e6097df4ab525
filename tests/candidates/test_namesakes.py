import pytest

from app.candidates.namesakes import Likeness, likeness, likeness_to_all, spellings_to_find


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("윤가온", "윤 가온"),
        ("윤가온", "가온 윤"),
        ("윤가온", "윤가온 님"),
        ("남궁 도현", "남궁도현"),
        ("Gaon Yun", "YUN, Gaon"),
        ("Ga-on Yun", "Yun Gaon"),
        ("Ga On Yun", "Gaon Yun"),
        ("José Exampleton", "Jose Exampleton"),
        ("Dr. Jane Exampleton, PhD", "Jane Exampleton"),
        ("Jane O’Sample", "Jane O'Sample"),
        ("Ｊａｎｅ Ｄｏｅ", "jane doe"),
    ],
)
def test_a_name_is_the_same_however_it_is_spaced_ordered_or_adorned(one: str, other: str) -> None:
    assert likeness([one], [other]) is Likeness.SAME
    assert likeness([other], [one]) is Likeness.SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("J. Exampleton", "Jane Exampleton"),
        ("Jane A. Exampleton", "Jane Exampleton"),
        ("Jane Alice Exampleton", "Jane A. Exampleton"),
        ("Exampleton J.", "Jane Exampleton"),
        ("G. Yun", "Gaon Yun"),
        ("Yoon Ga-on", "Gaon Yun"),
        ("Jeong Seohyeon", "Suhhyun Jung"),
        ("Lee Jiyoung", "Jiyeong Yi"),
        ("Park Minjoon", "Minjun Bak"),
    ],
)
def test_initials_and_romanisations_agree_as_far_as_they_are_written(one: str, other: str) -> None:
    assert likeness([one], [other]) is Likeness.LOOSE
    assert likeness([other], [one]) is Likeness.LOOSE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("윤가온", "윤가람"),
        ("김민수", "김민서"),
        ("김민수", "박민수"),
        ("Minsu Kim", "Minseo Kim"),
        ("Min Su Kim", "Su Min Kim"),
        ("Jane Exampleton", "John Exampleton"),
        ("J. Exampleton", "Mary Exampleton"),
        ("Jane Exampleton", "Jane Sampleson"),
        ("J. E.", "Jane Exampleton"),
        ("Taehyun Kim", "Daehyun Kim"),
        ("Jieun Lee", "Jiun Lee"),
        ("Gaon", "Garam Yun"),
    ],
)
def test_another_letter_is_another_person(one: str, other: str) -> None:
    assert likeness([one], [other]) is Likeness.DIFFERENT
    assert likeness([other], [one]) is Likeness.DIFFERENT


def test_letters_of_two_scripts_a_missing_name_and_half_a_name_tell_nothing() -> None:
    assert likeness(["윤가온"], ["Gaon Yun"]) is Likeness.UNKNOWN
    assert likeness(["윤가온"], []) is Likeness.UNKNOWN
    assert likeness([], []) is Likeness.UNKNOWN
    assert likeness(["Gaon"], ["Gaon Yun"]) is Likeness.UNKNOWN
    assert likeness(["尹佳溫"], ["윤가온"]) is Likeness.UNKNOWN


def test_a_resume_that_shows_both_names_is_a_bridge() -> None:
    assert likeness(["윤가온", "Gaon Yun"], ["Gaon Yun"]) is Likeness.SAME
    assert likeness(["윤가온 (Gaon Yun)"], ["Yun Gaon"]) is Likeness.SAME
    # The script that both have decides.
    assert likeness(["윤가온", "Gaon Yun"], ["Garam Yun"]) is Likeness.DIFFERENT


def test_an_initial_is_no_bridge_from_one_person_to_another() -> None:
    assert likeness_to_all(["Jane Sample"], [["J. Sample"]]) is Likeness.LOOSE
    assert likeness_to_all(["Jane Sample"], [["J. Sample"], ["John Sample"]]) is Likeness.DIFFERENT
    assert likeness_to_all(["Jane Sample"], [["윤가온"], ["Jane Sample"]]) is Likeness.SAME
    assert likeness_to_all(["윤가온"], [["Jane Sample"]]) is Likeness.UNKNOWN
    assert likeness_to_all(["윤가온"], []) is Likeness.UNKNOWN


def test_a_name_is_looked_up_whatever_the_order_of_its_words() -> None:
    assert set(spellings_to_find("Yun, Ga-on")) & set(spellings_to_find("Gaon Yun"))
    assert set(spellings_to_find("가온 윤")) & set(spellings_to_find("윤 가온"))
    assert not set(spellings_to_find("Gaon Yun")) & set(spellings_to_find("Garam Yun"))


@pytest.mark.parametrize("odd", ["", " ", "-", "…", "님", "\ud800", "😀 😀", "A" * 10_000])
def test_what_is_no_name_is_compared_without_an_error(odd: str) -> None:
    assert likeness([odd], ["Gaon Yun"]) in set(Likeness)
    assert list(spellings_to_find(odd))
