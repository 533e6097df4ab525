import pytest

from app.candidates.views import mask_name


@pytest.mark.parametrize(
    ("name", "masked"),
    [("김서연", "김**"), ("Jane Exampleton", "J***"), ("A", "A"), ("", ""), (None, None)],
)
def test_a_name_is_masked_to_its_first_letter(name: str | None, masked: str | None) -> None:
    assert mask_name(name) == masked
