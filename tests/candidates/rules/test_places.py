import pytest

from app.candidates.rules.places import is_place, without_place


@pytest.mark.parametrize(
    "text",
    [
        "Seattle, WA",
        "Istanbul, Türkiye",
        "San Francisco, California, USA",
        "서울특별시 강남구",
        "서울 강남",
        "충남 아산",
        "Boston, MA 02110",
        "Remote",
        "Coimbatore",
        "Gdańsk, Poland",
        "Red Bank, NJ",
        "College Station, TX",
        "Fredericksburg, VA United States",
        "Springfield, IL 62704 USA",
    ],
)
def test_places(text: str) -> None:
    assert is_place(text)


@pytest.mark.parametrize(
    "text",
    [
        "University of Ashford, Ashford, NC",
        "University of Nordhaven, Denmark",
        "Harbour Foods, Denmark",
        "MA, Linguistics",
        "Acme Labs",
        "가람페이",
        "서울 우유",
        "",
    ],
)
def test_other_things(text: str) -> None:
    assert not is_place(text)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Stripe San Francisco, CA", "Stripe"),
        ("Acme, Fargo, ND", "Acme"),
        ("Acme Labs", "Acme Labs"),
        ("Seattle", "Seattle"),
    ],
)
def test_a_place_is_taken_off_the_end(text: str, rest: str) -> None:
    assert without_place(text) == rest


def test_places_as_career_networks_write_them() -> None:
    assert is_place("Des Moines, Iowa, United States") is is_place("San Francisco Bay Area")
    assert is_place("Greater Manchester Area")
    assert not is_place("Glasswing Foods, New York, NY")


def test_a_city_with_the_code_of_its_country() -> None:
    assert is_place("Dublin, IE")
    assert not is_place("Marketing, SE")
    assert without_place("Acme Dublin, IE") == "Acme"
    assert without_place("Acme, IE") == "Acme, IE"


def test_places_abroad_in_korean() -> None:
    assert is_place("하노이")
    assert not is_place("하노이상사")
