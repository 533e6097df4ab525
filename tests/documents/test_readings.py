import pytest

from app.documents.blocks import Box
from app.documents.readings import (
    Word,
    best_of,
    is_weak,
    is_whole,
    lies_on_its_side,
    runs,
    weight,
    words_of,
)
from app.documents.wire import Scan


def word(text: str, left: float, top: float = 10, confidence: float = 0.9, line: int = 1) -> Word:
    box = Box(left=left, top=top, right=left + 8 * len(text), bottom=top + 10)
    return Word(line=("1", "1", str(line)), text=text, box=box, confidence=confidence)


def texts(words: list[Word]) -> list[str]:
    return [word.text for word in words]


def scan(ink: bytes, columns: int) -> Scan:
    return Scan(
        dpi=72, flat=[], upright=[], ink_px=10, ink_columns=columns, ink=ink, picture=b""
    )  # fmt: skip


def test_a_row_of_the_table_becomes_a_word_in_points() -> None:
    row = "5\t1\t2\t1\t3\t1\t100\t200\t50\t20\t91.5\t경력"

    (found,) = words_of(f"level\tpage\n4\t1\t2\t1\t3\t0\t0\t0\t9\t9\t-1\t\n{row}", 144)

    assert found.line == ("2", "1", "3")
    assert found.box == Box(left=50, top=100, right=75, bottom=110)
    assert (found.text, found.confidence) == ("경력", 0.915)


@pytest.mark.parametrize(("text", "conf"), [("경력", 19), ("|", 59), ("—~", 40), ("", 99)])
def test_what_rules_and_specks_are_taken_for_is_left_out(text: str, conf: int) -> None:
    assert words_of(f"5\t1\t1\t1\t1\t1\t1\t1\t9\t9\t{conf}\t{text}", 200) == []


def test_a_line_is_parted_by_clear_gaps() -> None:
    line = [word("현재", 300), word("2019.01", 10), word("~", 70)]

    assert [texts(run) for run in runs(line)] == [["2019.01", "~"], ["현재"]]


def test_a_ruled_line_between_two_words_parts_them() -> None:
    line = [word("보유기술", 10), word("조리", 46)]

    assert [texts(run) for run in runs(line, [(44, 0, 30)])] == [["보유기술"], ["조리"]]
    assert [texts(run) for run in runs(line, [(44, 20, 90), (80, 0, 30)])] == [["보유기술", "조리"]]


@pytest.mark.parametrize("turned", [False, True])
def test_a_page_on_its_side_is_told_by_its_ink(*, turned: bool) -> None:
    rows = [b"\xff" * 9 + b"\0" if row % 3 else b"\0" * 10 for row in range(12)]
    columns = [bytes(row[at] for row in rows) for at in range(10)]
    ink = scan(b"".join(columns), 12) if turned else scan(b"".join(rows), 10)

    assert lies_on_its_side(ink) == turned
    assert not lies_on_its_side(scan(b"\0" * 120, 10))


def test_a_run_that_another_reading_has_more_surely_is_taken_from_it() -> None:
    first = [
        word("황", 10, confidence=0.9),
        word("HA", 22, confidence=0.3),
        word("변호사", 10, 40, line=2),
    ]
    second = [
        word("황", 10, confidence=0.9, line=7),
        word("보석", 20, confidence=0.8, line=7),
        word("변호", 10, 40, confidence=0.5, line=8),
    ]

    found = best_of([first, second])

    assert texts(found) == ["황", "보석", "변호사"]
    assert [w.line[2] for w in found] == ["1", "1", "2"]


def test_a_surer_reading_of_half_a_run_is_none() -> None:
    first = [word("가람물산", 10, confidence=0.6), word("영업", 50, confidence=0.6)]

    assert texts(best_of([first, [word("가람", 10, confidence=0.95)]])) == ["가람물산", "영업"]


def test_rows_that_one_reading_lost_come_from_the_heaviest() -> None:
    rows = [word("2019.01", 10, 20 * n, line=n) for n in range(4)]

    assert best_of([rows[:1], rows]) == rows


def test_the_readings_of_a_hostile_page_are_not_compared() -> None:
    many = [word("가", 10, confidence=0.3)] * 2_001

    assert best_of([many, [word("나", 10, confidence=0.9)]]) is many


def test_a_page_is_read_whole_where_its_ink_is_covered_surely() -> None:
    inked = scan(b"\xff" * 4 + b"\0" * 16, 4)

    assert is_whole([word("경력사항", 0, 0, confidence=0.95)], inked)
    assert not is_whole([word("경력사항", 0, 0, confidence=0.9)], inked)
    assert not is_whole([word("경력", 0, 0, confidence=0.95)], inked)
    assert is_whole([], scan(b"\0" * 20, 4))


def test_few_or_unsure_letters_are_weak() -> None:
    assert is_weak([word("경력", 10)])
    assert is_weak([word("가" * 40, 10, confidence=0.7)])
    assert not is_weak([word("가" * 40, 10, confidence=0.8)])
    assert weight([word("가나 1", 10, confidence=0.5)]) == 1.5
