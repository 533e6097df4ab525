import pytest

from app.candidates.rules.phones import digits_of, is_phone, phone_key, phones_in


@pytest.mark.parametrize(
    "text",
    [
        "010-0000-1234",
        "010.0000.1234",
        "010 0000 1234",
        "+82 10-0000-1234",
        "02-000-1234",
        "(206) 555-0111",
        "+1 (415) 555-0142",
        "512-555-0148",
        "+44 7700 900123",
    ],
)
def test_phones_are_found_as_written(text: str) -> None:
    assert phones_in(f"x {text} y") == [text]


@pytest.mark.parametrize(
    "text",
    [
        "2021.03 - 2022.02",
        "2019-2021",
        "920101-1000000",
        "계좌 110-000-000000",
        "US Patent 11,234,567",
        "10.1234/neurips.2023.1234",
        "Fax: 02-000-1234",
        "ISBN 978-0-00-000000-0",
        "12345",
    ],
)
def test_other_numbers_are_no_phones(text: str) -> None:
    assert phones_in(text) == []


def test_two_numbers_parted_by_a_slash_are_two() -> None:
    assert phones_in("010-0000-1234 / 02-000-1234") == ["010-0000-1234", "02-000-1234"]


def test_a_label_makes_foreign_forms_credible() -> None:
    assert not is_phone("0207 555 0123", labelled=False)
    assert phones_in("Phone: 0207 555 0123") == ["0207 555 0123"]


def test_keys_agree_between_national_and_international_form() -> None:
    assert phone_key("+82 10-0000-1234") == phone_key("010-0000-1234")
    assert phone_key("+1 (206) 555-0142") == phone_key("206-555-0142")
    assert digits_of("+1 (2)") == "12"


def test_what_is_left_of_an_icon_is_no_part_of_the_number() -> None:
    assert phones_in("244 / 010-0000-8126 / x@example.org") == ["010-0000-8126"]


def test_a_postal_code_before_a_number_is_no_part_of_it() -> None:
    assert phones_in("Baton Rouge, LA 70899 (225) 555-0186") == ["(225) 555-0186"]
