from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pipeline.cron import check_cron, last_due, next_due

BERLIN, SEOUL = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Seoul")

ZONES = (
    "UTC",
    "Asia/Seoul",
    "Asia/Kathmandu",  # 5:45 ahead
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # clocks change at midnight
    "Africa/Casablanca",  # around Ramadan
)
# cronsim steps through an interval by whole hours: where clocks change by half an hour, it may miss
# due times on that day. A time on the wall is right there too.
HALF_AN_HOUR = "Australia/Lord_Howe"

INSTANTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2034, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
EXPRESSIONS = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["*", "*/7", "0", "17", "0,30", "50-59"]),
    st.sampled_from(["*", "*/2", "0", "2", "1-3", "23"]),
    st.sampled_from(["*", "1", "31", "L", "*/5"]),
    st.sampled_from(["*", "3,10", "1-12/2"]),
    st.sampled_from(["*", "SUN", "1-5", "MON#1", "5L"]),
)


def times(cron: str, zone: ZoneInfo, after: datetime, count: int) -> list[str]:
    """The next due times on the wall, with their distance from UTC."""
    found: list[str] = []
    for _ in range(count):
        after = next_due(cron, zone, after)
        found.append(f"{after.astimezone(zone):%d %H:%M %z}")
    return found


def walked(cron: str, zone: ZoneInfo, first: datetime, until: datetime) -> list[datetime]:
    """Every due time after `first`, up to `until`, one by one."""
    found: list[datetime] = []
    while (first := next_due(cron, zone, first)) <= until:
        found.append(first)
    return found


def test_a_time_that_spring_leaves_out_is_due_when_the_clocks_have_jumped() -> None:
    before = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert times("30 2 * * *", BERLIN, before, 3) == [
        "28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200",
    ]  # fmt: skip


def test_a_time_that_autumn_repeats_is_due_the_first_time_only() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times("30 2 * * *", BERLIN, before, 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_a_look_within_the_repeated_hour_does_not_find_the_first_pass_again() -> None:
    second_pass = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time
    assert times("30 2 * * *", BERLIN, second_pass, 1) == ["26 02:30 +0100"]
    day_before = datetime(2026, 10, 24, 0, 30, tzinfo=UTC)
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert last_due("30 2 * * *", BERLIN, day_before, second_pass) == first_pass


def test_an_interval_follows_the_time_that_passes() -> None:
    evening = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert times("0 * * * *", BERLIN, evening, 3) == [
        "25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100",
    ]  # fmt: skip


def test_a_zone_without_summer_time_keeps_its_rhythm() -> None:
    dues = walked(
        "30 2 * * *", SEOUL, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert len(dues) == 365
    assert {later - earlier for earlier, later in pairwise(dues)} == {timedelta(days=1)}
    assert {f"{due.astimezone(SEOUL):%H:%M}" for due in dues} == {"02:30"}


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    year=st.integers(2020, 2034),
    zone=st.sampled_from([*ZONES, HALF_AN_HOUR]),
)
def test_a_time_on_the_wall_comes_once_on_each_day(
    hour: int, minute: int, year: int, zone: str
) -> None:
    there, instant = ZoneInfo(zone), timedelta(microseconds=1)
    start, end = (datetime(each, 1, 1, tzinfo=there).astimezone(UTC) for each in (year, year + 1))
    dues = walked(f"{minute} {hour} * * *", there, start - instant, end - instant)
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    assert [due.astimezone(there).date() for due in dues] == [
        first + timedelta(days=day) for day in range((after - first).days)
    ]


@given(
    cron=EXPRESSIONS,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    start=INSTANTS,
    away=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)),
)
def test_the_last_due_time_is_that_of_a_walk_through_all(
    cron: str, zone: ZoneInfo, start: datetime, away: timedelta
) -> None:
    first = next_due(cron, zone, start)
    assert first > start
    now = first + away
    assert last_due(cron, zone, first, now) == [first, *walked(cron, zone, first, now)][-1]


@given(
    cron=EXPRESSIONS,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    start=INSTANTS,
    away=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4_000)),
)
def test_however_long_it_was_away_no_due_time_lies_between_the_last_and_the_next(
    cron: str, zone: ZoneInfo, start: datetime, away: timedelta
) -> None:
    first = next_due(cron, zone, start)
    now = first + away
    last, coming = last_due(cron, zone, first, now), next_due(cron, zone, now)
    assert first <= last <= now < coming
    assert next_due(cron, zone, last) == coming


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("@daily", "it has not 5 fields"),
        ("0 17 3 * * *", "it has not 5 fields"),
        ("61 * * * *", "Bad minute"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 * * someday", "Bad day-of-week"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_reason(cron: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        check_cron(cron)
    assert "17 3 * * *" in str(refused.value)


def test_the_twenty_ninth_of_february_is_a_date() -> None:
    check_cron("0 0 29 2 *")
    assert next_due("0 0 29 2 *", SEOUL, datetime(2026, 1, 1, tzinfo=UTC)).year == 2028
