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
