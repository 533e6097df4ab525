from decimal import Decimal

import pytest

from app.errors import ErrorCode, PermanentError
from app.resilience.spending import Caps, Payment, Price, Purse, Spend, units


def tokens(count: int) -> Spend:
    return Spend(input_tokens=count)


def paid(purse: Purse) -> list[int]:
    """The tokens of what nobody has saved yet, without saving it."""
    found: list[Payment] = []
    with pytest.raises(LookupError), purse.saving() as payments:
        found = list(payments)
        raise LookupError
    return [payment.spend.tokens for payment in found]


@pytest.mark.parametrize(
    ("price", "asked", "answered", "micros"),
    [
        (Price(), 1_000, 1_000, 0),
        (Price(for_input=Decimal("0.25"), for_output=Decimal(2)), 1_000_000, 500_000, 1_250_000),
        # Rounded up once, not for questions and answers apart.
        (Price(for_input=Decimal("0.3"), for_output=Decimal("0.3")), 1, 2, 1),
        (Price(for_input=Decimal("0.000001")), 1, 0, 1),
    ],
)
def test_a_cost_is_exact_and_rounded_up_to_a_millionth(
    price: Price, asked: int, answered: int, micros: int
) -> None:
    assert price.of(asked, answered) == Spend(
        input_tokens=asked, output_tokens=answered, cost_micros=micros
    )


def test_a_part_of_a_token_counts_whole() -> None:
    assert Price().of(0.1, 2.0).tokens == 3


def test_a_call_that_might_pass_the_cap_is_refused_and_one_that_reaches_it_is_not() -> None:
    purse = Purse(Caps(tokens=100), tokens(60))
    with purse.holding(tokens(40)):
        pass
    with pytest.raises(PermanentError) as raised, purse.holding(tokens(41)):
        pytest.fail("the call was made")
    assert raised.value.code is ErrorCode.SPEND_CAP
    assert raised.value.details == {"cap": "tokens", "spent": 60, "next": 41, "limit": 100}
    assert "LLM__MAX_RUN_TOKENS" in str(raised.value)


def test_the_cap_on_cost_is_told_in_units_of_the_currency() -> None:
    purse = Purse(Caps(cost_micros=50_000), Spend(cost_micros=45_001))
    with pytest.raises(PermanentError) as raised, purse.holding(Spend(cost_micros=5_000)):
        pytest.fail("the call was made")
    assert raised.value.details == {
        "cap": "cost", "spent": "0.045001", "next": "0.005000", "limit": "0.050000",
    }  # fmt: skip
    assert units(1_234_567) == "1.234567"


def test_calls_at_the_same_time_do_not_pass_the_cap_together() -> None:
    purse = Purse(Caps(tokens=100), Spend())
    with purse.holding(tokens(60)):
        with pytest.raises(PermanentError), purse.holding(tokens(60)):
            pytest.fail("the call was made")
        with purse.holding(tokens(40)):
            purse.pay("m", tokens(10))
    # What was held and not spent is free again, also after a call that failed.
    with pytest.raises(LookupError), purse.holding(tokens(90)):
        raise LookupError
    with purse.holding(tokens(90)):
        purse.pay("m", tokens(90))
    assert purse.spent == tokens(100)


def test_more_than_was_held_is_paid_and_then_nothing_more_is_asked() -> None:
    purse = Purse(Caps(tokens=100), Spend())
    with purse.holding(tokens(50)):
        purse.pay("m", tokens(120))
    assert purse.spent.tokens == 120
    with pytest.raises(PermanentError), purse.holding(tokens(1)):
        pytest.fail("the call was made")


def test_without_caps_everything_is_counted_and_nothing_refused() -> None:
    purse = Purse(Caps(), Spend())
    with purse.holding(tokens(10**12)):
        purse.pay("m", tokens(10**12))
    assert purse.spent.tokens == 10**12


def test_a_payment_is_saved_by_one_and_left_for_the_next_when_that_fails() -> None:
    purse = Purse(Caps(), Spend())
    purse.pay("a", tokens(1))
    with purse.saving() as mine:
        purse.pay("b", tokens(2))
        with purse.saving() as theirs:
            assert [payment.model for payment in theirs] == ["b"]
        assert [payment.model for payment in mine] == ["a"]
    assert paid(purse) == []

    purse.pay("c", tokens(3))
    assert paid(purse) == [3]
    assert paid(purse) == [3], "it was not lost with who failed"
    with pytest.raises(LookupError), purse.saving():
        purse.pay("d", tokens(4))
        with purse.saving() as theirs:
            assert [payment.model for payment in theirs] == ["d"]
        raise LookupError
    assert paid(purse) == [3]
