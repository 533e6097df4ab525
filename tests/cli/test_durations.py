"""Times as people type them."""

import pytest
import typer

from app.cli.durations import duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30s", 30), (" 5m ", 300), ("2h", 7_200), ("7d", 604_800), ("0.5h", 1_800)],
)
def test_a_time_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5m", "5 m", "m", "5w", "1e3", "٣s", "nan", "1h5m"]
)
def test_anything_else_is_wrong_usage(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 30s, 5m, 2h or 7d"):
        duration_s(text)
