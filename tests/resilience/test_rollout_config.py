"""How far a rollout goes, as it is said and written; what a declaration may not say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError
from app.resilience.rollout_config import OFF, Extent, Limits, RolloutSpec, parse_share_bp
from tests.resilience.rollout_paths import EVERYONE, SHADOW, quietly


@pytest.mark.parametrize(
    ("text", "extent"),
    [
        ("off", OFF),
        (" OFF ", OFF),
        ("0%", OFF),
        ("shadow", SHADOW),
        ("10%", Extent(share_bp=1_000)),
        ("12.5 %", Extent(share_bp=1_250)),
        ("0.01%", Extent(share_bp=1)),
        ("99.99%", Extent(share_bp=9_999)),
        ("100.00%", EVERYONE),
    ],
)
def test_an_extent_is_read_as_it_is_said(text: str, extent: Extent) -> None:
    assert Extent.parse(text) == extent


@pytest.mark.parametrize(
    "text",
    ["", "10", "on", "-1%", "100.01%", "101%", "0.001%", "nan%", "1e1%", "٣%", "10%%", "%", ".5%"],
)
def test_a_wrong_share_is_refused_with_a_sentence(text: str) -> None:
    for parse in (Extent.parse, parse_share_bp):
        with pytest.raises(PermanentError) as raised:
            parse(text)
        assert raised.value.code is ErrorCode.VALIDATION_ERROR
        assert "0% to 100% in steps of 0.01%" in str(raised.value)


@quietly
@given(st.integers(0, 10_000), st.booleans())
def test_a_share_is_written_as_it_is_read(share_bp: int, shadow: bool) -> None:
    extent = Extent(share_bp=share_bp, shadow=shadow)
    assert parse_share_bp(extent.share) == share_bp
    if not (shadow and share_bp):
        assert Extent.parse(str(extent)) == extent


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"max_mismatch_rate": 1.01}, "max_mismatch_rate must be from 0 to 1"),
        ({"max_mismatch_rate": float("nan")}, "max_mismatch_rate must be from 0 to 1"),
        ({"max_error_rate": -0.1}, "max_error_rate must be from 0 to 1"),
        ({"min_samples": 0}, "min_samples must be at least 1"),
        ({"window": 5}, "window must be at least min_samples"),
        ({"shadow_timeout_s": 0}, "shadow_timeout_s must be above 0"),
        ({"shadow_timeout_s": float("inf")}, "shadow_timeout_s must be above 0"),
        ({"shadows_at_once": 0}, "shadows_at_once must be at least 1"),
    ],
)
def test_wrong_limits_stop_the_start(wrong: dict[str, float], sentence: str) -> None:
    limits = Limits(**({"min_samples": 10} | wrong))  # pyright: ignore[reportArgumentType] - wrong on purpose
    with pytest.raises(ValueError, match=sentence):
        RolloutSpec(name="reader", description="", limits=limits)


def test_every_fault_of_a_declaration_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="lower-case") as raised:
        RolloutSpec(
            name="New Reader!",
            description="",
            default=Extent(share_bp=10_001),
            limits=Limits(window=0, min_samples=0),
        )
    assert len(str(raised.value).splitlines()) == 3
