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


def test_a_mark_that_stands_over_times_alone_is_that_of_names(document: DocumentOf) -> None:
    lines = [
        "▶ 가람물산 (무역, 임직원 80명)",
        "2019.03 ~ 현재 | 구매팀 | 과장",
        "- 원가 절감",
        "2015.03 ~ 2019.02 | 구매팀 | 대리",
        "- 단가 체계 정비",
        "▶ 나루전기",
        "2007.02 ~ 2013.02 | 자재팀 | 사원",
        "- 재고 실사",
    ]

    found = with_marks(read_lines(document(lines)))

    assert [line.text for line in found if line.bullet] == [
        "원가 절감",
        "단가 체계 정비",
        "재고 실사",
    ]
