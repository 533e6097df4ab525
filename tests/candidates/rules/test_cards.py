from app.candidates.rules.cards import unfolded
from app.candidates.rules.experience import find_experience
from app.candidates.rules.lines import read_lines
from tests.candidates.markup import DocumentOf


def test_cards_beside_each_other_are_read_one_by_one(document: DocumentOf) -> None:
    lines = [
        "**두레소프트‖나루허브**",
        "기획자‖멘토",
        "2019/01 ~ 2021/09‖2020/03 ~ 2023/02",
        "구독 과금 설계‖초기 창업팀 자문",
        "일본 진출",
        "**푸른상사‖Alder Labs**",
        "대리‖Clerk",
        "2015/01 ~ 2018/12‖2012/03 ~ 2014/02",
    ]

    found = find_experience([read_lines(document(lines))])

    assert [(x.company, x.title, x.start) for x in found] == [
        ("두레소프트", "기획자", "2019-01"),
        ("나루허브", "멘토", "2020-03"),
        ("푸른상사", "대리", "2015-01"),
        ("Alder Labs", "Clerk", "2012-03"),
    ]


def test_rows_with_one_period_stay_rows(document: DocumentOf) -> None:
    lines = read_lines(document(["Alder Labs‖2019 - 2021", "2010‖2012", "Clerk‖Oslo"]))

    assert unfolded(lines) == lines
