"""Names told from deeds by the kind of their bullets."""

from app.candidates.rules.lines import read_lines
from app.candidates.rules.marks import with_marks
from tests.candidates.markup import DocumentOf


def test_a_bullet_over_a_labelled_period_is_a_name(document: DocumentOf) -> None:
    lines = [
        "■ 가람물산",
        "- 기간: 2019.03 ~ 현재",
        "- 직책: 과장",
        "■ 구매 절차 개선",
        "- 원가 절감",
    ]

    found = with_marks(read_lines(document(lines)))

    assert [line.bullet for line in found] == [False, True, True, True, True]


def test_bullets_of_one_kind_stay_bullets(document: DocumentOf) -> None:
    lines = ["- 가람물산", "- 기간: 2019.03 ~ 현재", "- 직책: 과장"]

    assert all(line.bullet for line in with_marks(read_lines(document(lines))))
