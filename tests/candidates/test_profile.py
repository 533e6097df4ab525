from datetime import date

import pytest
from pydantic import ValidationError

from app.candidates.profile import Experience, Profile, experience_years

TODAY = date(2026, 11, 21)


def years(*spans: tuple[str | None, str | None]) -> float:
    experience = tuple(Experience(company="C", start=start, end=end) for start, end in spans)
    return experience_years(Profile(experience=experience), TODAY)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ((), 0),
        ((("2020-01", "2022-01"),), 2),
        ((("2020-01", "2022-01"), ("2021-01", "2023-01")), 3),  # overlaps count once
        ((("2021-01", "2023-01"), ("2020-01", "2022-01")), 3),  # in any order
        ((("2020-01", "2026-01"), ("2021-01", "2022-01")), 6),  # one inside another
        ((("2024-11", None),), 2),  # an open end counts to today
        ((("2019", "2021"),), 2),
        (((None, "2021"),), 0),
        ((("2022-01", "2020-01"),), 0),  # a wrong order is no negative life
    ],
)
def test_years_of_work(spans: tuple[tuple[str | None, str | None], ...], expected: float) -> None:
    assert years(*spans) == expected


@pytest.mark.parametrize("wrong", ["2021-13", "21-03", "2021-3", "2021-03-01", "now", ""])
def test_a_date_is_a_year_or_a_month_of_a_year(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Experience(company="C", start=wrong)


def test_a_profile_of_an_older_and_of_a_later_version_can_be_read() -> None:
    older = Profile.model_validate_json('{"name": "Ann Own", "emails": ["ann@example.com"]}')
    later = Profile.model_validate_json(
        '{"name": "Ann Own", "notes": ["new"], "photo": 1,'
        ' "sources": {"name": [{"page": 1, "block": 0, "start": 0, "end": 7, "glyphs": [1]}]}}'
    )

    assert (older.sources, older.notes) == ({}, ())
    assert later.sources["name"][0].end == 7
    assert later.notes == ("new",)
