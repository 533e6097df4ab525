"""Prices of models, and what a run may spend, as settings."""

import json
from decimal import Decimal

import pytest

from app.settings import InvalidSettings, load_settings

BASE = {"LLM__BASE_URL": "https://models.example.com/v1", "LLM__MODEL": "first"}
PRICES = {"LLM__INPUT_PRICE": "0.25", "LLM__OUTPUT_PRICE": "2"}


def given(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in (BASE | variables).items():
        monkeypatch.setenv(name, value)


def test_each_model_has_prices_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    further = [
        {"model": "second", "input_price": "0.1", "output_price": 1},
        {"model": "third", "base_url": "http://127.0.0.1:9/v1"},
    ]
    given(monkeypatch, **PRICES, LLM__FALLBACKS=json.dumps(further))
    chain = load_settings().llm.chain()
    assert [(each.input_price, each.output_price) for each in chain] == [
        (Decimal("0.25"), Decimal(2)),
        (Decimal("0.1"), Decimal(1)),
        (None, None),
    ]


def test_a_run_has_a_cap_on_tokens_that_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    assert load_settings().llm.max_run_tokens == 200_000
    given(monkeypatch, LLM__MAX_RUN_TOKENS="", LLM__MAX_RUN_COST="")
    assert load_settings().llm.max_run_tokens is None
    assert load_settings().llm.max_run_cost is None


def test_a_cap_on_cost_needs_every_price(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PRICES, LLM__MAX_RUN_COST="0.05")
    assert load_settings().llm.max_run_cost == Decimal("0.05")
    given(monkeypatch, LLM__FALLBACKS='[{"model": "second"}]')
    with pytest.raises(InvalidSettings, match="LLM: max_run_cost needs the prices of second"):
        load_settings()


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"LLM__INPUT_PRICE": "0.25"}, "LLM: input_price and output_price belong together"),
        (
            {"LLM__FALLBACKS": '[{"model": "m", "output_price": 1}]'},
            "LLM__FALLBACKS: model 1: input_price and output_price belong together",
        ),
        (
            {"LLM__INPUT_PRICE": "-1", "LLM__OUTPUT_PRICE": "1"},
            "LLM__INPUT_PRICE: Input should be greater than or equal to 0",
        ),
        (
            {"LLM__INPUT_PRICE": "NaN", "LLM__OUTPUT_PRICE": "1"},
            "LLM__INPUT_PRICE: Input should be a finite number",
        ),
        (
            PRICES | {"LLM__MAX_RUN_COST": "0"},
            "LLM__MAX_RUN_COST: Input should be greater than 0",
        ),
        (
            {"LLM__MAX_RUN_TOKENS": "0"},
            "LLM__MAX_RUN_TOKENS: Input should be greater than or equal to 1",
        ),
        ({"CREDITS__PER_FILE": "-1"}, "CREDITS__PER_FILE: Input should be greater than"),
    ],
)
def test_what_makes_no_sense_stops_the_start_with_a_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], line: str
) -> None:
    given(monkeypatch, **variables)
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    (said,) = raised.value.lines
    assert said.startswith(line)
