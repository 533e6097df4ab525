import pytest

from app.documents.blocks import Box
from app.documents.pieces import around, same_row


def test_the_box_around_boxes_holds_all_of_them() -> None:
    boxes = [Box(left=1, top=9, right=3, bottom=10), Box(left=2, top=5, right=8, bottom=6)]

    assert around(boxes) == Box(left=1, top=5, right=8, bottom=10)


@pytest.mark.parametrize(("top", "same"), [(100, True), (104, True), (106, False), (112, False)])
def test_boxes_that_overlap_by_half_their_height_stand_on_one_row(top: float, same: bool) -> None:
    box = Box(left=0, top=100, right=50, bottom=110)

    assert same_row(box, Box(left=60, top=top, right=90, bottom=top + 10)) is same
