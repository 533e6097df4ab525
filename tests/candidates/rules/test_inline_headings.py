import pytest

from app.candidates.rules.headings import Kind
from app.candidates.rules.inline_headings import inline_heading
from app.candidates.rules.lines import Line


def line(*cells: str) -> Line:
    return Line(index=0, text=" ".join(cells), cells=cells if len(cells) > 1 else ())


def test_a_heading_and_what_it_opens_stand_in_one_line() -> None:
    found = inline_heading(line("Skills: Welding, Rigging"), (Kind.SUMMARY,))

    assert found
    assert found[0] == (Kind.SKILLS,)
    assert found[1].text == "Welding, Rigging"


@pytest.mark.parametrize("rest", ["기타", "Others"])
def test_the_rest_of_a_list_of_skills_are_skills(rest: str) -> None:
    assert inline_heading(line(rest, "거래처 관리, 입찰 제안"), (Kind.SKILLS,)) is None
    assert inline_heading(line("기타", "봉사활동 30시간"), (Kind.SKILLS,))
    assert inline_heading(line("기타", "거래처 관리, 입찰 제안"), (Kind.CONTACT,))


def test_a_label_within_an_entry_opens_nothing() -> None:
    assert inline_heading(line("근무처", "가람물산"), (Kind.EXPERIENCE,)) is None
    assert inline_heading(line("Organization", "Harbor Foods"), (Kind.EXPERIENCE,)) is None
