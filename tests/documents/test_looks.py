import pytest

from app.documents.looks import ANY, PAPER, Look, Paint, count_hidden, paint_of

DARK = Paint((31, 56, 100))


@pytest.mark.parametrize(
    ("look", "is_seen"),
    [
        (Look(), True),
        (Look(hidden=True), False),
        (Look(size_pt=1), False),
        (Look(size_pt=1.5), True),
        (Look(size_pt=0), True),  # nothing is told by it
        (Look(ink=PAPER, ground=PAPER), False),
        (Look(ink=paint_of("#F4F4F4"), ground=PAPER), False),
        (Look(ink=paint_of("D9D9D9"), ground=PAPER), True),
        (Look(ink=PAPER, ground=DARK), True),
        (Look(ink=DARK, ground=DARK), False),
        (Look(ink=PAPER, ground=ANY), True),
        (Look(ink=ANY, ground=PAPER), True),
        (Look(ink=PAPER), True),
    ],
)
def test_text_is_hidden_only_where_that_is_sure(look: Look, *, is_seen: bool) -> None:
    assert look.is_seen is is_seen


def test_what_is_told_comes_before_what_lies_below() -> None:
    below = Look(size_pt=10, bold=True, hidden=True, ink=DARK, ground=PAPER)

    assert Look().over(below) == below
    assert Look(hidden=False, ink=ANY).over(below) == Look(
        size_pt=10, bold=True, hidden=False, ink=ANY, ground=PAPER
    )


@pytest.mark.parametrize("text", [None, "", "auto", "none", "#FFF", "FFFFFFFF", "#GGGGGG"])
def test_what_names_no_colour_is_none(text: str | None) -> None:
    assert paint_of(text) is None


def test_blanks_are_not_counted() -> None:
    assert count_hidden(" a b\t가 ") == 3
