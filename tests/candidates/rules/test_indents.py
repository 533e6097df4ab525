from app.candidates.rules.indents import with_indents
from app.candidates.rules.lines import Line
from app.documents.blocks import Box


def line(text: str, left: float, right: float = 200.0, *cells: str) -> Line:
    return Line(index=0, text=text, cells=cells, box=Box(left=left, top=0, right=right, bottom=10))


def deeds(*lines: Line) -> list[str]:
    return [x.text for x in with_indents(lines) if x.bullet]


def test_lines_set_in_under_names_are_deeds() -> None:
    found = deeds(
        line("Salt Marsh Media", 40),
        line("Copy Editor", 40),
        line("Checked ten titles a month", 54),
        line("Tin Kettle Press", 40),
        line("Two prizes for covers", 54),
    )

    assert found == ["Checked ten titles a month", "Two prizes for covers"]


def test_centred_lines_are_none() -> None:
    assert not deeds(
        line("The Copper Ladle", 80, 220),
        line("Pastry kitchen", 92, 208),
        line("The Old Granary, Bath", 70, 230),
        line("Sauces and larder", 91, 209),
    )


def test_dates_titles_and_a_single_line_set_in_stay_what_they_are() -> None:
    assert not deeds(
        line("Salt Marsh Media", 40),
        line("Copy Editor", 54),
        line("2019 - 2021", 54),
        line("Tin Kettle Press", 40),
    )
    assert not deeds(line("A", 40), line("B", 40), line("Only this is set in", 54))


def test_degrees_set_in_below_their_subject_are_no_deeds() -> None:
    assert not deeds(
        line("Taxation", 40), line("M.S.", 58), line("Accounting", 40), line("B.S.", 58)
    )
