import pytest

from app.documents.blocks import Block
from app.documents.rows import line_blocks, row_blocks


def test_lines_of_a_paragraph_are_blocks_and_tabs_part_cells() -> None:
    blocks = line_blocks("one\n\n  \nCompany\t2020 - 2021\n\tindented", starts=True, bold=True)

    assert [block.text for block in blocks] == ["one", "Company\t2020 - 2021", "indented"]
    assert [block.cells for block in blocks] == [(), ("Company", "2020 - 2021"), ()]
    assert [block.starts_paragraph for block in blocks] == [True, False, False]


def test_a_row_of_short_cells_is_one_block_that_keeps_empty_cells() -> None:
    row = row_blocks([line_blocks("label"), [], line_blocks("a\nb"), []])

    assert len(row) == 1
    assert row[0].cells == ("label", "", "a b", "")
    assert row[0].text == "label\t\ta b"


def test_a_row_that_lays_out_a_page_is_read_cell_by_cell() -> None:
    left = line_blocks("Skills\nPython\nSQL\nGo")
    right = line_blocks("Experience")

    assert [block.text for block in row_blocks([left, right])] == [
        "Skills", "Python", "SQL", "Go", "Experience",
    ]  # fmt: skip


def test_a_table_inside_a_cell_keeps_its_rows() -> None:
    inner = [Block(text="a\tb", cells=("a", "b")), Block(text="c\td", cells=("c", "d"))]

    blocks = row_blocks([line_blocks("label"), inner])

    assert [block.cells for block in blocks] == [(), ("a", "b"), ("c", "d")]


def test_a_single_cell_and_an_empty_row_are_no_rows() -> None:
    assert row_blocks([line_blocks("frame")])[0].cells == ()
    assert row_blocks([[], []]) == []


@pytest.mark.parametrize(
    "dates", ["2019.03 ~ 2022.08", "Mar 2019 – present", "2020년 3월 ~ 재직중"]
)
def test_an_entry_of_several_lines_beside_its_dates_keeps_its_lines(dates: str) -> None:
    entry = line_blocks("너울물류\n운영팀 대리\n- 재고 실사")

    assert [block.text for block in row_blocks([line_blocks(dates), entry])] == [
        f"{dates}\t너울물류", "운영팀 대리", "- 재고 실사",
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["주소", "now" + "." * 300 + "2019x"])
def test_a_label_beside_several_lines_stays_a_label(label: str) -> None:
    row = row_blocks([line_blocks(label), line_blocks("one\ntwo")])

    assert len(row) == 1
    assert row[0].cells[1] == "one two"


def test_a_label_that_is_written_downwards_is_one_word() -> None:
    row = row_blocks([line_blocks("학\n력\n사\n항"), line_blocks("기간"), line_blocks("학교명")])

    assert [block.cells for block in row] == [("학력사항", "기간", "학교명")]
