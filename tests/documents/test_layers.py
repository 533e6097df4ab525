from app.documents.layers import merged_layers
from app.documents.layout import page_blocks
from tests.documents.building import piece

LINES = [
    piece(f"line {n} of a column of text, as wide as it is", 60, 100 + 40 * n) for n in range(6)
]


def test_headings_drawn_last_stand_over_what_they_open() -> None:
    headings = [piece("Experience", 60, 122), piece("Education", 60, 202)]

    found = [block.text for block in page_blocks([*LINES, *headings], page=1)]

    assert found.index("Experience") == 1
    assert found.index("Education") == 4
    assert len(found) == 8


def test_a_sidebar_in_the_gaps_of_a_column_stays_where_it_was_drawn() -> None:
    side = [piece("Skills", 420, 122), piece("Go", 420, 202)]

    assert merged_layers([*LINES, *side]) == [*LINES, *side]


def test_a_page_drawn_upwards_takes_no_time() -> None:
    drawn = [piece("word", 60, 40_000 - n) for n in range(0, 40_000, 11)]

    assert merged_layers(drawn) == drawn


def test_a_layer_beside_lines_is_another_column() -> None:
    beside = [piece("2019", 30, 100), piece("2021", 30, 140)]

    assert merged_layers([*LINES, *beside]) == [*LINES, *beside]
