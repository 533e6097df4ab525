import pytest

from app.resilience.budget import Budget, BudgetConfig


@pytest.mark.parametrize(
    ("under_way", "retrying", "spent"),
    [(1, 0, False), (1, 2, False), (1, 3, True), (100, 19, False), (100, 20, True)],
)
def test_a_share_of_the_calls_under_way_may_be_retries_and_three_in_any_case(
    under_way: int, retrying: int, *, spent: bool
) -> None:
    budget = Budget(BudgetConfig())
    budget.under_way, budget.retrying = under_way, retrying
    assert budget.spent is spent


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (BudgetConfig(share_percent=0), "share_percent is 0"),
        (BudgetConfig(share_percent=101), "share_percent is 101"),
        (BudgetConfig(share_percent=float("nan")), "share_percent is nan"),
        (BudgetConfig(least=-1), "least is -1"),
    ],
)
def test_wrong_numbers_have_a_sentence(config: BudgetConfig, told: str) -> None:
    (fault,) = config.faults()
    assert told in fault
