"""Cells by ruled lines are tested where the lines come from: test_pdf_drawing, test_scanned_rules."""

from app.documents.pieces import TableRow
from app.documents.ruling import Rules, with_table_rows
from tests.documents.building import piece


def test_pieces_in_neighbouring_cells_become_a_row_wherever_they_were_drawn() -> None:
    rules = Rules([(95, 40, 400), (125, 40, 400)], [(x, 95, 125) for x in (40, 120, 400)])
    title, name, value = piece("form", 40, 60), piece("Name", 50, 105), piece("Ada", 130, 105)

    items = with_table_rows([name, title, value], rules)

    assert isinstance(items[0], TableRow)
    assert [[p.text for p in cell] for cell in items[0].cells] == [["Name"], ["Ada"]]
    assert items[1:] == [title]


def test_a_line_that_joins_the_years_of_a_career_makes_no_cells() -> None:
    rules = Rules([(20, 40, 400), (400, 40, 400)], [(x, 20, 400) for x in (40, 120, 400)])
    headings = [piece("Skills", 50, 100), piece("Education", 50, 320)]
    beside = piece("2016 - 2018", 130, 40)

    assert with_table_rows([*headings, beside], rules) == [*headings, beside]
