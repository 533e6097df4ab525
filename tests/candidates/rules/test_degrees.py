import pytest

from app.candidates.rules.degrees import degree_of, is_bare


@pytest.mark.parametrize(
    ("cells", "degree", "subject", "told"),
    [
        (["BSc - Chemistry"], "BSc", "Chemistry", "BSc - Chemistry"),
        (["Chemistry (BSc)"], "BSc", "Chemistry", "Chemistry (BSc)"),
        (["학사 - 시각디자인과"], "학사", "시각디자인과", "학사 - 시각디자인과"),
        (["M.S.", "Taxation"], "M.S.", "Taxation", "M.S., Taxation"),
        (["Taxation", "M.S."], "M.S.", "Taxation", "Taxation, M.S."),
        (["학사", "통계 데이터"], "학사", "통계 데이터", "통계 데이터 학사"),
        (
            ["Structural Engineering", "Master of Science"],
            "Master of Science",
            "Structural Engineering",
            "Structural Engineering, Master of Science",
        ),
    ],
)
def test_a_degree_and_its_subject_are_told_as_printed(
    cells: list[str], degree: str, subject: str, told: str
) -> None:
    assert degree_of([degree], [subject], cells) == told


def test_no_note_is_a_subject() -> None:
    assert degree_of(["BSc"], ["Thesis: on tides"], ["BSc", "Thesis: on tides"]) == "BSc"
    assert degree_of(["BSc"], ["ranked 2nd of 40"], ["BSc", "ranked 2nd of 40"]) == "BSc"


@pytest.mark.parametrize("text", ["PhD", "Bachelor of Arts", "Master’s degree", "공학석사"])
def test_a_degree_without_its_subject(text: str) -> None:
    assert is_bare(text)


@pytest.mark.parametrize("text", ["BSc Chemistry", "Bachelor of Laws", "컴퓨터공학 석사"])
def test_a_degree_with_its_subject(text: str) -> None:
    assert not is_bare(text)
