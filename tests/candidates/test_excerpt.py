"""Cutting a long text."""

import pytest

from app.candidates.excerpt import excerpt

LINES = "\n".join(f"line {number:04}" for number in range(1_000))


def test_a_text_that_fits_is_whole() -> None:
    assert excerpt("abc", 3).text == "abc"
    assert excerpt("abc", 3).left_out_chars == 0


@pytest.mark.parametrize("max_chars", [100, 1_000, 5_000])
def test_beginning_and_end_stay_in_whole_lines(max_chars: int) -> None:
    cut = excerpt(LINES, max_chars)

    shown = cut.text.split("\n")
    assert len(cut.text) <= max_chars
    assert (shown[0], shown[-1]) == ("line 0000", "line 0999")
    assert set(shown) - {"[…]"} <= set(LINES.split("\n"))
    assert cut.left_out_chars > 0


@pytest.mark.parametrize("max_chars", [10, 11, 100])
def test_one_long_line_is_cut_within(max_chars: int) -> None:
    cut = excerpt("x" * 1_000, max_chars)

    assert len(cut.text) <= max_chars
    assert cut.text.count("x") + cut.left_out_chars == 1_000
