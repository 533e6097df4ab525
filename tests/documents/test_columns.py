from collections.abc import Iterable

import pytest

from app.documents.blocks import Box
from app.documents.columns import find_gutter, jump_share
from app.documents.layout import page_blocks
from app.documents.pieces import Item, Piece
from tests.documents.building import piece


def texts(items: Iterable[Item]) -> list[str]:
    return [block.text for block in page_blocks(list(items), page=1)]


SIDE = [
    piece(text, 40, 100 + 17 * n)
    for n, text in enumerate(["Skills", "Python", "SQL", "Go", "Redis", "Kafka"])
]
BODY = [
    piece(f"line {n} of the experience, which fills its column well", 220, 100 + 14 * n)
    for n in range(12)
]


def test_columns_drawn_one_after_the_other_stay_as_they_were_drawn() -> None:
    assert texts([*BODY, *SIDE]) == [p.text for p in [*BODY, *SIDE]]
    assert texts([*SIDE, *BODY]) == [p.text for p in [*SIDE, *BODY]]


def test_columns_drawn_row_by_row_are_read_one_after_the_other() -> None:
    drawn = sorted([*SIDE, *BODY], key=lambda p: (p.box.top, p.box.left))

    assert texts(drawn) == [p.text for p in [*SIDE, *BODY]]


def test_a_heading_across_both_columns_parts_the_page() -> None:
    wide = piece(
        "A heading that runs over both of the columns of this page, as wide as they", 40, 300
    )
    lower = [piece(p.text.upper(), p.box.left, p.box.top + 250) for p in [*SIDE, *BODY]]
    drawn = sorted([*SIDE, *BODY, wide, *lower], key=lambda p: (p.box.top, p.box.left))

    found = texts(drawn)

    assert found.index("Python") < found.index(BODY[-1].text) < found.index(wide.text)
    assert found.index(wide.text) < found.index("PYTHON") < found.index(BODY[0].text.upper())


def test_text_across_the_top_does_not_hide_the_gutter_below() -> None:
    intro = [
        piece("An introduction as wide as the page, in long lines of text. " * 2, 40, 20 + 12 * n)
        for n in range(5)
    ]
    drawn = sorted([*SIDE, *BODY], key=lambda p: (p.box.top, p.box.left))

    assert texts([*intro, *drawn])[5:11] == [p.text for p in SIDE]


def test_three_columns_drawn_row_by_row_are_told_apart() -> None:
    columns = [
        [piece(f"column {c} line {n} text", 40 + 180 * c, 100 + (13 + 2 * c) * n) for n in range(8)]
        for c in range(3)
    ]
    drawn = sorted((p for column in columns for p in column), key=lambda p: (p.box.top, p.box.left))

    assert texts(drawn) == [p.text for column in columns for p in column]


def test_dates_at_the_right_stay_with_their_entries() -> None:
    entries: list[Piece] = []
    for n in range(5):
        entries += [
            piece(f"Firm {n}", 40, 100 + 60 * n),
            piece(f"201{n} - 201{n + 1}", 480, 100 + 60 * n),
            piece("short task", 40, 115 + 60 * n),
            piece("other task", 40, 130 + 60 * n),
        ]

    assert texts(entries)[::3] == [f"Firm {n}\t201{n} - 201{n + 1}" for n in range(5)]


def test_dates_drawn_after_all_entries_are_put_beside_them() -> None:
    entries = [
        piece(t, 40, 100 + 20 * n)
        for n, t in enumerate(
            [
                "Firm A",
                "task",
                "Firm B",
                "task",
                "Firm C",
                "task",
                "Firm D",
                "task",
                "Firm E",
                "task",
            ]
        )
    ]
    dates = [piece(f"20{n}0 - 20{n}1", 480, 100 + 40 * n) for n in range(5)]
    drawn = [
        entries[0],
        dates[0],
        *entries[1:3],
        dates[1],
        *entries[3:5],
        dates[2],
        entries[5],
        dates[4],
        *entries[6:],
        dates[3],
    ]

    found = texts(drawn)

    assert found[6] == "Firm D\t2030 - 2031"
    assert found[8] == "Firm E\t2040 - 2041"


def test_labels_and_values_of_a_form_without_lines_stay_together() -> None:
    labels = ["Name", "Mail", "Phone", "Address", "Site", "Born"]
    values = ["Ada", "a@example.com", "555-0100", "Elsewhere 1", "example.com", "1990"]
    drawn = [
        part
        for n, (label, value) in enumerate(zip(labels, values, strict=True))
        for part in (piece(label, 40, 100 + 20 * n), piece(value, 250, 100 + 20 * n))
    ]

    assert texts(drawn) == [f"{a}\t{b}" for a, b in zip(labels, values, strict=True)]


def test_a_word_that_reaches_into_the_gutter_stays_in_its_column() -> None:
    link = piece("https://example.com/a-long-one", 40, 210)
    side = [*SIDE, Piece(text=link.text, box=Box(left=40, top=210, right=224, bottom=220))]
    drawn = sorted([*side, *BODY], key=lambda p: (p.box.top, p.box.left))

    assert texts(drawn)[6] == link.text


def test_the_largest_text_at_the_top_comes_first_however_late_it_was_drawn() -> None:
    name = piece("Ada Example", 40, 30, size=24)

    assert texts([*BODY, name])[0] == "Ada Example"
    assert texts([*BODY, piece("Ada Example", 40, 600, size=24)])[-1] == "Ada Example"


def test_a_few_lines_have_no_gutter_and_columns_have_one_that_content_order_crosses() -> None:
    drawn = sorted([*SIDE, *BODY], key=lambda p: (p.box.top, p.box.left))

    gutter = find_gutter(drawn)

    assert find_gutter(SIDE[:3]) is None
    assert gutter is not None
    assert 80 < gutter < 220
    assert jump_share(drawn, gutter) > 0.5
    assert jump_share([*SIDE, *BODY], gutter) < 0.1


def test_dates_in_a_left_margin_stay_with_their_entries() -> None:
    drawn: list[Piece] = []
    for section in range(3):
        top = 100 + 90 * section
        drawn.append(piece(f"HEADING {section}", 40, top, size=13))
        for n in range(2):
            drawn += [
                piece(f"201{n} - 201{n + 1}", 40, top + 22 + 32 * n),
                piece(f"Firm {section}{n}", 160, top + 22 + 32 * n),
                piece("what was done", 160, top + 36 + 32 * n),
            ]

    found = texts(drawn)

    assert found[:3] == ["HEADING 0", "2010 - 2011\tFirm 00", "what was done"]


def test_four_labels_and_their_values_are_no_gutter_of_the_page() -> None:
    drawn = [
        part
        for n, (label, value) in enumerate(
            [
                ("Phone", "555-0100"),
                ("Mail", "a@example.com"),
                ("Site", "example.com"),
                ("Town", "X"),
            ]
        )
        for part in (piece(label, 120, 40 + 16 * n), piece(value, 175, 40 + 16 * n))
    ]
    for n in range(8):
        top = 140 + 50 * n
        drawn += [
            piece(f"20{n:02}.01 - 20{n:02}.12", 40, top),
            piece(f"Firm number {n}, which has a long name", 150, top),
            piece("what was done there", 150, top + 14),
            piece("and what came of it", 150, top + 28),
        ]

    found = texts(drawn)

    assert found[4:8] == [
        "2000.01 - 2000.12\tFirm number 0, which has a long name",
        "what was done there",
        "and what came of it",
        "2001.01 - 2001.12\tFirm number 1, which has a long name",
    ]


def test_dates_at_the_right_of_a_column_do_not_hide_the_sidebar() -> None:
    drawn: list[Piece] = []
    for n in range(6):
        top = 100 + 30 * n
        date = f"201{n} - 201{n + 1}" if n % 2 else f"Mar 201{n} - Apr 201{n + 1}"
        drawn += [
            piece(f"Title {n}", 40, top),
            piece(date, 350 - 5 * len(date), top),
            piece(f"Firm number {n}", 40, top + 13),
        ]
    drawn += [piece(f"skill {n}", 400, 96 + 17 * n) for n in range(8)]

    found = texts(drawn)

    assert found[0] == "Title 0\tMar 2010 - Apr 2011"
    assert found[-8:] == [f"skill {n}" for n in range(8)]


def drawn_apart(left: list[Piece], right: list[Piece]) -> list[list[str]]:
    blocks = page_blocks([*left, *right], page=1)
    return [list(block.cells) or [block.text] for block in blocks]


def test_a_margin_of_dates_with_a_status_under_them_belongs_to_its_entries() -> None:
    left = [
        piece(text, 45, 100 + 15 * at)
        for at, text in [
            (0, "2019.05 ~ 재직중"),
            (1, "4년 2개월"),
            (7, "2015.02 ~ 2019.04"),
            (8, "퇴사"),
        ]
    ]
    right = [
        piece(text, 164, 100 + 15 * at)
        for at, text in enumerate(
            [
                "나루제지",
                "회계팀 과장",
                "월 결산",
                "외부 감사 대응",
                "원가 계산",
                "연말 정산",
                "",
                "솔빛상사",
                "사원",
                "기장",
                "신고",
                "자료 정리",
            ]
        )
        if text
    ]

    found = drawn_apart(left, right)

    assert ["2019.05 ~ 재직중", "나루제지"] in found
    assert ["2015.02 ~ 2019.04", "솔빛상사"] in found


def test_labels_set_to_the_right_edge_belong_to_the_values_beside_them() -> None:
    labels = ["Dates", "Occupation or position held", "Main activities and", "responsibilities"]
    values = ["2019 – 2021", "Harbour Pilot", "Berthing of tankers", "Training of trainees"]
    left = [
        Piece(text=text, box=Box(left=198 - 4.6 * len(text), top=top, right=198, bottom=top + 10))
        for n in range(2)
        for top, text in zip(range(100 + 120 * n, 180 + 120 * n, 16), labels, strict=False)
    ]
    right = [
        piece(text, 215, top)
        for n in range(2)
        for top, text in zip(range(100 + 120 * n, 180 + 120 * n, 16), values, strict=False)
    ]
    drawn = [item for pair in zip(left, right, strict=True) for item in pair]

    found = [list(block.cells) for block in page_blocks(drawn, page=1)]

    assert found[:2] == [["Dates", "2019 – 2021"], ["Occupation or position held", "Harbour Pilot"]]


def test_ratings_at_the_right_stay_with_what_they_rate() -> None:
    names = ["Etching", "Lithography", "Screen printing", "Binding", "Paper", "Gilding"]
    skills = [piece(text, 361, 100 + 15 * n) for n, text in enumerate(names)]
    dots = [piece("●●●○○", 514, 100 + 15 * n) for n in range(len(names))]
    rated = [p for pair in zip(skills, dots, strict=True) for p in pair]
    school = [piece("Fenland", 361, 220 + 15 * n) for n in range(3)]
    jobs = [
        piece("what was done in a job, told at length, all over and again", 50, 100 + 15 * n)
        for n in range(14)
    ]
    head = [piece("Career", 40, 80), piece("Expertise", 361, 80)]

    found = texts([*head, *rated, *school, *jobs])

    assert all(f"{name}\t●●●○○" in found for name in names)
    assert found.index("Career") < found.index(jobs[-1].text) < found.index("Expertise")


def test_what_is_drawn_late_goes_on_in_its_column_behind_the_head_of_the_page() -> None:
    name, heading = piece("Wren Abara", 40, 40), piece("Career", 40, 80)
    link = piece("wren.example.com", 330, 56)
    side = [piece(p.text, 330, 80 + 17 * n) for n, p in enumerate(SIDE)]
    late = [piece(f"line {n} of the experience", 40, 100 + 14 * n) for n in range(6)]

    found = texts([name, heading, link, *side, *late])

    assert found == [p.text for p in [name, link, heading, *late, *side]]


def _entry(top: float, name: str, dates: str) -> list[Piece]:
    left = [piece(name, 40, top), piece(dates, 40, top + 22)]
    told = [
        f"Post at {name}",
        f"What {name} sells",
        "A deed in a line of some length, as deeds are",
    ]
    return [*left, *(piece(text, 180, top + 15 * n) for n, text in enumerate(told))]


def test_firms_with_what_was_done_there_beside_them_are_read_one_by_one() -> None:
    drawn = [
        one for n in range(4) for one in _entry(100 + 80 * n, f"Firm {n}", f"201{n}.01 ~ 201{n}.12")
    ]

    found = texts(drawn)

    for n in range(4):
        of_firm = found[5 * n : 5 * n + 5]
        assert of_firm[0] == f"Firm {n}"
        assert of_firm[2:4] == [f"Post at Firm {n}", f"What Firm {n} sells"]


@pytest.mark.parametrize("lines", [3, 6])
def test_a_table_that_lays_out_two_columns_is_read_column_by_column(lines: int) -> None:
    heights = (100, 220, 340)
    left = [
        [
            piece(f"left {row} line {n}, as wide as its column", 40, top + 14 * n)
            for n in range(lines)
        ]
        for row, top in enumerate(heights)
    ]
    right = [
        [
            piece(f"Heading {row}", 400, top - 1, size=13),
            *(piece(f"right {row} line {n}", 400, top + 24 + 17 * n) for n in range(lines - 1)),
        ]
        for row, top in enumerate(heights)
    ]
    drawn = [one for pair in zip(left, right, strict=True) for cell in pair for one in cell]

    assert texts(drawn) == [p.text for side in (left, right) for cell in side for p in cell]


def test_two_columns_of_lines_that_stand_level_are_two_when_drawn_by_turns() -> None:
    left = [
        piece(f"left line {n}, as long as its column is wide", 40, 100 + 14 * n) for n in range(6)
    ]
    right = [piece(f"right line {n}, no shorter than those", 300, 100 + 14 * n) for n in range(6)]
    drawn = [one for pair in zip(left, right, strict=True) for one in pair]

    assert texts(drawn) == [p.text for p in [*left, *right]]


def test_labels_set_to_a_gutter_stand_before_answers_that_were_read_after_all_of_them() -> None:
    labels = "Form,Name,Address,Telephone,Occupation held,Employer,Skills,Nationality,Remarks"
    answers = ",Ada Example,1 Some Street,206-555-0143,Engineer,Acme Labs of some town,Mathematics"
    left = [piece(t, 200 - 5 * len(t), 100 + 30 * n) for n, t in enumerate(labels.split(","))]
    right = [piece(t, 215, 100 + 30 * n) for n, t in enumerate(answers.split(",")) if t]
    more = piece("and of another", 215, 100 + 30 * 5 + 13)

    found = texts([*left, *right[:5], more, *right[5:]])

    assert found[5:8] == [
        "Employer\tAcme Labs of some town",
        "and of another",
        "Skills\tMathematics",
    ]


def test_headings_and_times_left_of_what_they_belong_to_are_no_column() -> None:
    labels = ["Work", "2014-02 to Present", "2009-05 to 2014-01", "2004-08 to 2009-04", "School"]
    drawn = [
        part
        for n, label in enumerate(labels)
        for part in (
            piece(label, 60, 105 + 60 * n),
            *(piece(f"{label}: line {m} of what is told", 220, 100 + 60 * n + 12 * m) for m in range(4)),
        )
    ]  # fmt: skip

    assert texts(drawn) == [p.text for p in drawn]
