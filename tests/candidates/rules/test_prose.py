import pytest

from app.candidates.rules.prose import english_items, korean_items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (
            "Bread, laminated dough, stock control and staff rotas.",
            ["Bread", "laminated dough", "stock control", "staff rotas"],
        ),
        (
            "Contract review, notarial deeds and filings; experienced user of Clio and Outlook.",
            ["Contract review", "notarial deeds", "filings", "Clio", "Outlook"],
        ),
        ("Proficient in Revit and Rhino.", ["Revit", "Rhino"]),
        ("I am able to lead teams, to listen and to deliver.", []),
        ("Strong communicator.", []),
    ],
)
def test_english_lists_that_end_with_a_full_stop(text: str, items: list[str]) -> None:
    assert english_items(text) == items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (
            "캐드와 SketchUp, Lumion을 능숙하게 다루며 Enscape도 쓸 수 있습니다.",
            ["캐드", "SketchUp", "Lumion", "Enscape"],
        ),
        ("고객의 마음을 먼저 살피고 문제를 끝까지 해결합니다.", []),
    ],
)
def test_objects_of_korean_verbs(text: str, items: list[str]) -> None:
    assert korean_items(text) == items


def test_a_list_behind_a_verb_and_what_one_is_good_at() -> None:
    assert english_items("My practice covers moorings, dredging and pile design.") == [
        "moorings",
        "dredging",
        "pile design",
    ]
    assert korean_items("상담과 모금 기획, 자원봉사자 관리, 행사 진행에 능숙합니다.") == [
        "상담",
        "모금 기획",
        "자원봉사자 관리",
    ]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Conveyancing; Title checks; Clio.", ["Conveyancing", "Title checks", "Clio"]),
        (
            "I am comfortable with Revit and Rhino, use Excel daily and know some Lua.",
            ["Revit", "Rhino", "Excel", "Lua"],
        ),
        (
            "Ticketing, boarding and deicing; also trained in the Galileo booking system.",
            ["Ticketing", "boarding", "deicing", "Galileo"],
        ),
    ],
)
def test_english_clauses_of_a_list(text: str, items: list[str]) -> None:
    assert english_items(text) == items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        (
            "상담기록과 사례회의에 익숙하고, 행복이음과 한글, 엑셀을 매일 사용합니다.",
            ["상담기록", "사례회의", "행복이음", "한글", "엑셀"],
        ),
        (
            "더존 Smart A를 능숙하게 다루며, 엑셀은 VBA까지 사용합니다.",
            ["더존 Smart A", "엑셀", "VBA"],
        ),
        (
            "급여계산에 익숙하고, 엑셀과 한글로 결산 자료를 만드는 일이 능숙합니다.",
            ["급여계산", "엑셀", "한글"],
        ),
    ],
)
def test_korean_objects_of_verbs_that_tell_what_is_used(text: str, items: list[str]) -> None:
    assert korean_items(text) == items
