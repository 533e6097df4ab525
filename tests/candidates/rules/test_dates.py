from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.candidates.rules.dates import periods, without_periods

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2021.03 ~ 현재", "2021-03", None),
        ("2021년 3월 - 2022년 2월", "2021-03", "2022-02"),
        ("21년 3월 ~ 22년 2월", "2021-03", "2022-02"),
        ("'21.03 ~ '22.02", "2021-03", "2022-02"),
        ("21.03 ~ 22.02", "2021-03", "2022-02"),
        ("2021. 3. 2. ~ 2022. 2. 28.", "2021-03", "2022-02"),
        ("1991. 3, ~ 1993. 2.", "1991-03", "1993-02"),
        ("2020.03 ~ 08", "2020-03", "2020-08"),
        ("10월 2019 – 현재", "2019-10", None),
        ("3월 2015 – 9월 2019", "2015-03", "2019-09"),
        ("2014.03 입학 ~ 2018.02 졸업", "2014-03", "2018-02"),
        ("2021년 3월부터 현재까지", "2021-03", None),
        ("2020.03 – 재직중", "2020-03", None),
        ("Mar 2021 – Present", "2021-03", None),
        ("September 1, 2019 - October 3, 2020", "2019-09", "2020-10"),
        ("1 Sept 2019 – 3 Oct 2020", "2019-09", "2020-10"),
        ("Jan '19 – Dec '20", "2019-01", "2020-12"),
        ("Jun – Aug 2020", "2020-06", "2020-08"),
        ("03/2021 - 02/2022", "2021-03", "2022-02"),
        ("15/03/2019 - 20/04/2020", "2019-03", "2020-04"),
        ("Fall 2017 – Spring 2021", "2017", "2021"),
        ("2018–19", "2018", "2019"),
        ("2018 - 2021", "2018", "2021"),
        ("Since 2019", "2019", None),
    ],
)
def test_spans_are_read_as_written(text: str, start: str, end: str | None) -> None:
    (period,) = periods(text)

    assert (period.start, period.end) == (start, end)
    assert period.ongoing is (end is None)


@pytest.mark.parametrize(
    "text",
    [
        "GPA 3.97/4.00",
        "99.5% to 99.99%",
        "10.1234/abc",
        "2000명",
        "5+ years",
        "10년 경력",
        "0.71 to 0.86",
        "",
    ],
)
def test_other_numbers_are_no_dates(text: str) -> None:
    assert periods(text) == ()


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("2021.03 ~ 현재 (3년 2개월) 가람페이", "가람페이"),
        ("(주)바른물류 2013.03 ~ 2018.03", "(주)바른물류"),
        ("Acme Corp (2019 - present)", "Acme Corp"),
        ("03/2019 – Present · 2 yrs 3 mos", ""),
    ],
)
def test_text_without_its_dates(text: str, rest: str) -> None:
    assert without_periods(text) == rest


@given(
    year=st.integers(1950, 2045),
    month=st.integers(1, 12),
    form=st.sampled_from(
        ["{y}.{m:02}", "{y}-{m:02}", "{y}/{m:02}", "{m:02}/{y}", "{y}년 {m}월", "{n} {y}"]
    ),
)
def test_dates_survive_being_written_down(year: int, month: int, form: str) -> None:
    text = form.format(y=year, m=month, n=MONTHS[month - 1])

    (period,) = periods(text)
    assert period.end == f"{year}-{month:02}"


@given(st.text(alphabet="0123456789.-/~ '년월MarJan현재 present", max_size=80))
def test_periods_stand_in_order_inside_the_text(text: str) -> None:
    found = periods(text)

    assert all(0 <= p.begin < p.stop <= len(text) for p in found)
    assert all(a.stop <= b.begin for a, b in pairwise(found))


def test_words_of_beginning_and_lasting_belong_to_the_period() -> None:
    (since,) = periods("Since July 2018")
    (lasting,) = periods("June 2019 to till date")

    assert (since.start, since.begin, since.ongoing) == ("2018-07", 0, True)
    assert (lasting.start, lasting.end, lasting.ongoing) == ("2019-06", None, True)
    assert without_periods("건축학사 (5년제)") == "건축학사 (5년제)"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2022년 9월 - 지금까지", "2022-09", None),
        ("03.2021 – date", "2021-03", None),
        ("Sep 18 – March 21", "2018-09", "2021-03"),
        ("Jun-17 - Sept-19", "2017-06", "2019-09"),
        ("20200302 ~ 20230228", "2020-03", "2023-02"),
        ("2018-Sep to 2021-Aug", "2018-09", "2021-08"),
        ("2012/2015", "2012", "2015"),
        ("(2019 - )", "2019", None),
        ("Oct. 2018 – heden", "2018-10", None),
        ("2015년 01월부터 2021년 05월까지", "2015-01", "2021-05"),
        ("2010년 03월 입학, 2014년 08월 졸업", "2010-03", "2014-08"),
    ],
)
def test_spans_in_words(text: str, start: str, end: str | None) -> None:
    (found,) = periods(text)

    assert (found.start, found.end) == (start, end)
    assert without_periods(text) in ("", "졸업")


@pytest.mark.parametrize("text", ["May 12 at noon", "Bus 20200302", "Sep 18: harvest"])
def test_days_and_numbers_are_no_periods(text: str) -> None:
    assert periods(text) == ()


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("3/19 — 1/23", ("2019-03", "2023-01")), ("03/19-01/23", ("2019-03", "2023-01")), ("2/23 - now", ("2023-02", None)),
        ("19/03 - 21/02", ("2019-03", "2021-02")),
    ],
)  # fmt: skip
def test_months_and_two_digits_of_a_year(text: str, span: tuple[str, str | None]) -> None:
    (found,) = periods(text)

    assert (found.start, found.end) == span


@pytest.mark.parametrize("text", ["24/7 - 365", "1/2 or 3/4", "open 24/7", "9/11 and 3/20"])
def test_fractions_are_no_months(text: str) -> None:
    assert not periods(text)
