"""A search as it is asked for."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from app.candidates.hits import SearchOrder
from app.errors import ErrorCode, PermanentError
from app.messages import Language


def test_days_count_whole_at_both_ends() -> None:
    filters = SearchOrder(
        query="nurse", created_since=date(2024, 5, 1), created_until=date(2024, 5, 2)
    ).filters()
    assert filters.created_since == datetime(2024, 5, 1, tzinfo=UTC)
    assert filters.created_before == datetime(2024, 5, 3, tzinfo=UTC)


def test_the_last_day_there_is_can_be_asked_for() -> None:
    filters = SearchOrder(query="nurse", created_until=date.max).filters()
    assert filters.created_before == datetime(9999, 12, 31, tzinfo=UTC)


def test_an_order_without_filters_has_none() -> None:
    assert not SearchOrder(query="nurse").filters()
    assert SearchOrder(query="nurse", min_years=0).filters()


@pytest.mark.parametrize(
    "changes",
    [
        {"min_years": 5, "max_years": 4},
        {"created_since": date(2024, 5, 2), "created_until": date(2024, 5, 1)},
    ],
)
def test_a_range_that_nobody_can_be_in_is_told(changes: dict[str, object]) -> None:
    order = SearchOrder.model_validate({"query": "nurse", **changes})
    with pytest.raises(PermanentError) as caught:
        order.filters()
    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert "Swap" in caught.value.text(Language.ENGLISH)
    assert "바꾸거나" in caught.value.text(Language.KOREAN)


@pytest.mark.parametrize(
    "changes",
    [{"top_k": 0}, {"top_k": 101}, {"language": "xx"}, {"skills": ["C"]}, {"all_skills": [""]}],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SearchOrder.model_validate({"query": "nurse", **changes})
