from dataclasses import replace

import pytest

from app.candidates.rules.headings import Kind
from app.candidates.rules.lines import read_lines
from app.candidates.rules.rows import whole_rows
from app.candidates.rules.sections import split_sections
from app.documents.blocks import Box
from tests.candidates.markup import DocumentOf


def whole(document: DocumentOf, *lines: str):
    found = whole_rows(read_lines(document(list(lines))))
    return [line.cells or line.text for line in found]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (
            ["2016년 03월 ~‖나루무역", "2019년 02월‖수출입 서류"],
            [("2016년 03월 ~ 2019년 02월", "나루무역"), "수출입 서류"],
        ),
        (["Gatehouse Ltd‖Jan 2020 –", "Present"], [("Gatehouse Ltd", "Jan 2020 – Present")]),
        (["2021.04 ~", "현재", "누리상사"], ["2021.04 ~ 현재", "누리상사"]),
    ],
)
def test_a_period_that_its_cell_broke_is_whole(
    document: DocumentOf, lines: list[str], wanted: list[object]
) -> None:
    assert whole(document, *lines) == wanted


def test_an_earlier_date_below_begins_an_entry_of_its_own(document: DocumentOf) -> None:
    lines = ["2021.03 ~‖나루무역", "2018.01‖한빛상사"]

    assert whole(document, *lines) == [("2021.03 ~", "나루무역"), ("2018.01", "한빛상사")]


def test_a_label_over_two_lines_names_the_value_beside_its_first(document: DocumentOf) -> None:
    found = whole(document, "Name and address of‖Dockside Cranes NV", "employer‖Ghent, Belgium")

    assert found == [("Name and address of employer", "Dockside Cranes NV"), "Ghent, Belgium"]


def test_a_heading_that_ends_in_a_conjunction_goes_on(document: DocumentOf) -> None:
    found = whole(document, "Technical skills and", "competences", "Welding, CAD")

    assert found == ["Technical skills and competences", "Welding, CAD"]


def test_two_display_lines_of_a_name_are_one(document: DocumentOf) -> None:
    body = ["Weddings", "Funerals", "Shop windows"]

    assert whole(document, "# PERPETUA", "# LANGSTROTH", *body)[0] == "PERPETUA LANGSTROTH"
    assert whole(document, "# Perpetua Langstroth", "# Florist", *body)[1] == "Florist"


def test_a_year_may_stand_below_its_month(document: DocumentOf) -> None:
    lines = ["Jan. 2012–Aug.", "2019", "Lecturer, Fenland University"]

    assert whole_rows(read_lines(document(lines)))[0].text == "Jan. 2012–Aug. 2019"


def test_two_words_in_the_margin_are_one_heading(document: DocumentOf) -> None:
    drawn = document(
        [
            "Academic‖Harrow Point Institute, Dorchester",
            "Experience‖Postdoctoral Fellow‖September 2021 – present",
            "Teaching Assistant‖January 2016 – May 2017",
            "Dates‖10/2014 → 07/2016",
        ]
    )
    inset = Box(left=170, top=200, right=500, bottom=210)
    placed = [
        replace(block, box=inset) if block.text.startswith("Teaching") else block
        for block in drawn.blocks
    ]

    found, _ = split_sections(read_lines(replace(drawn, blocks=tuple(placed))))

    assert found.kind is Kind.EXPERIENCE
    assert [line.text for line in found.lines] == [
        "Harrow Point Institute, Dorchester",
        "Postdoctoral Fellow\tSeptember 2021 – present",
        "Teaching Assistant January 2016 – May 2017",
    ]
