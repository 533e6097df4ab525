from app.documents.grids import with_grid_rows
from app.documents.pieces import Piece, TableRow
from tests.documents.building import piece


def test_rows_of_three_aligned_cells_are_a_table_though_no_line_is_ruled() -> None:
    rows = [
        piece(text, x, 100 + 18 * n)
        for n, cells in enumerate(
            [("Dates", "Employer", "Position"), ("2019", "Firm A", "Clerk"), ("2015", "Firm B", "Cook")]
        )
        for x, text in zip((40, 160, 300), cells, strict=True)
    ]  # fmt: skip

    items = with_grid_rows([piece("Heading", 40, 70), *rows])

    assert isinstance(items[0], Piece)
    tables = [item for item in items if isinstance(item, TableRow)]
    assert [[p.text for cell in row.cells for p in cell] for row in tables] == [
        ["Dates", "Employer", "Position"], ["2019", "Firm A", "Clerk"], ["2015", "Firm B", "Cook"],
    ]  # fmt: skip


def test_two_columns_of_text_and_uneven_rows_are_no_table() -> None:
    two = [piece(f"line {n} {x}", x, 100 + 14 * n) for n in range(4) for x in (40, 300)]
    uneven = [piece("a", 40, 300), piece("b", 90, 300), piece("c", 200, 300), piece("d", 40, 318)]

    assert with_grid_rows([*two, *uneven]) == [*two, *uneven]


def test_a_date_over_a_remark_is_the_first_cell_of_the_row_beside_it() -> None:
    header = [
        piece(text, x, 100)
        for text, x in (("Dates", 40), ("Firm", 160), ("Unit", 260), ("Post", 360))
    ]
    first = [piece("2019.03 ~ 현재", 40, 120), piece("재직중", 45, 133)]
    beside = [piece(text, x, 120) for text, x in (("Firm A", 160), ("Sales", 260), ("Clerk", 360))]
    spanning = [piece("2015.01 ~ 2019.02", 40, 182), piece("퇴사", 45, 195)]
    above = [piece(text, x, 160) for text, x in (("Firm B", 160), ("Stock", 260), ("Cook", 360))]
    told = [piece("What was done there", 160, 182), piece("And more", 160, 195)]

    items = with_grid_rows([*header, *first, *beside, *spanning, *above, *told])

    rows = [item for item in items if isinstance(item, TableRow)]
    assert [[[p.text for p in cell] for cell in row.cells] for row in rows] == [
        [["2019.03 ~ 현재", "재직중"], ["Firm A"], ["Sales"], ["Clerk"]],
        [["2015.01 ~ 2019.02", "퇴사"], ["Firm B"], ["Stock"], ["Cook"]],
    ]
    assert items[-2:] == told


def test_a_date_in_a_margin_beside_running_text_stays_one() -> None:
    date = [piece("2019.03 ~ 2021.04", 40, 100), piece("Seoul", 40, 113)]
    text = [piece("Firm A", 160, 100), piece("Clerk", 400, 100), piece("What was done", 160, 113)]

    assert with_grid_rows([*date, *text]) == [*date, *text]
