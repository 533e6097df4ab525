import pytest

from app.documents.layout import page_blocks
from app.documents.margins import (
    are_cards,
    are_dates_drawn_first,
    bind_dates,
    is_date,
    with_whole_dates,
)
from app.documents.pieces import Item, Piece
from tests.documents.building import piece


def texts(items: list[Piece]) -> list[str]:
    return [block.text for block in page_blocks(items, page=1)]


def whole(*items: Item) -> list[str]:
    return [item.text for item in with_whole_dates(items) if isinstance(item, Piece)]


@pytest.mark.parametrize(
    "text", ["2020/03 – 현재", "Feb 2021 → now", "2019. 4. ~ 지금까지", "2022"]
)
def test_periods_are_dates(text: str) -> None:
    assert is_date(piece(text, 0, 0))


@pytest.mark.parametrize("text", ["3 people", "since my studies in 2020", "12", "010-0000-0000"])
def test_other_texts_with_numbers_are_none(text: str) -> None:
    assert not is_date(piece(text, 0, 0))


def test_a_period_that_goes_on_in_the_next_line_is_one() -> None:
    assert whole(piece("2018/01 –", 40, 100), piece("현재", 40, 113)) == ["2018/01 – 현재"]
    assert whole(piece("May 2015–Feb.", 40, 100), piece("2018", 41, 113)) == ["May 2015–Feb. 2018"]
    assert whole(piece("2018", 60, 100), piece("– 2020", 50, 113)) == ["2018 – 2020"]


def test_two_dates_under_each_other_stay_two() -> None:
    assert whole(piece("2018", 40, 100), piece("2020", 40, 113)) == ["2018", "2020"]
    assert whole(piece("2018 –", 40, 100), piece("2020", 40, 190)) == ["2018 –", "2020"]
    assert whole(piece("2018 –", 40, 100), piece("2020", 240, 113)) == ["2018 –", "2020"]


def test_a_period_drawn_in_three_parts_is_one() -> None:
    start, dash, end = (
        piece("2019. 08", 480, 100),
        piece("–", 522, 103, size=4),
        piece("현재", 526, 100),
    )

    assert whole(start, dash, end) == ["2019. 08 – 현재"]
    assert whole(start, piece("2020. 01", 526, 100)) == ["2019. 08", "2020. 01"]


def test_a_date_drawn_after_its_entry_comes_before_it() -> None:
    entry = [piece("나루정밀, 설계 담당", 160, 100), piece("금형 도면을 그렸습니다", 160, 115)]

    assert whole(*entry, piece("2016 - 2018", 80, 100)) == ["2016 - 2018", *(p.text for p in entry)]
    # At no line's height, or right of it, it stays where it was drawn.
    assert whole(*entry, piece("2016 - 2018", 80, 87))[-1] == "2016 - 2018"
    assert whole(*entry, piece("2016 - 2018", 400, 100))[-1] == "2016 - 2018"


def test_lists_at_the_same_edge_do_not_hide_a_margin_of_dates() -> None:
    drawn = [
        piece("WREN COOK", 45, 40, size=20),
        piece("T 020 7946 0111", 48, 83),
        piece("wren@example.org", 158, 83),
        piece("Leeds, UK", 48, 99),
        *(piece(text, 45, top, size=12) for text, top in (("PROFILE", 140), ("SKILLS", 190))),
    ]
    for n, name in enumerate(["Milling", "Turning", "Welding", "Gauging", "Lathe work"]):
        drawn.append(piece(f"• {name}", 45 + 175 * (n % 3), 210 + 14 * (n // 3)))
    drawn.append(piece("WORK", 45, 250, size=12))
    for n, firm in enumerate(["Brightforge Tools", "Osier Works", "Tallow & Sons"]):
        top = 280 + 70 * n
        drawn.append(piece(f"MAY 201{n} — 201{n + 1}", 45, top))
        drawn.append(piece(f"{firm} · Machinist", 158, top))
        drawn += [piece(f"what was done there {k}", 169, top + 13 + 12 * k) for k in range(4)]

    left = [item for item in drawn if item.box.right < 150]
    right = [item for item in drawn if item.box.left > 150]

    assert "MAY 2010 — 2011\tBrightforge Tools · Machinist" in texts(drawn)
    assert are_dates_drawn_first(drawn, left, right)
    assert not are_dates_drawn_first([*left, *right], left, right)


def test_dates_that_an_icon_sets_in_belong_to_the_school_over_them() -> None:
    deed = piece("Amphibian surveys, invasive plant control", 35, 407)
    school = piece("Puget Lowland State University", 369, 393)
    dates = piece("Sept 2015 - June 2017", 382, 407)

    assert bind_dates([deed, school, dates]) == ([deed, school, dates], {})

    bound, stands_for = bind_dates([deed, dates])
    assert [id(item) for item in bound] == [*stands_for]


def card(left: float, top: float, firm: str) -> list[Piece]:
    return [
        piece(firm, left, top, size=12),
        piece("담당 업무와 직함", left, top + 18),
        piece("2018/03 ~ 2020/02", left, top + 32),
    ]


def test_boxes_side_by_side_are_read_one_after_the_other() -> None:
    boxes = [
        line
        for row in range(4)
        for side in range(2)
        for line in card(50 + 270 * side, 100 + 120 * row, f"회사 {row}{side}")
    ]
    left = [box for box in boxes if box.box.left < 200]

    assert texts(boxes) == [box.text for box in boxes]
    assert are_cards(boxes, left, [box for box in boxes if box not in left])


def test_labels_drawn_before_their_values_are_no_boxes() -> None:
    labels = [piece(name, 50, 100 + 15 * n) for n, name in enumerate(["성명", "생년월일", "주소"])]
    values = [piece(v, 320, 100 + 15 * n) for n, v in enumerate(["고운별", "1991-02-03", "서울"])]

    assert not are_cards([*labels, *values], labels, values)
