from dataclasses import replace

from app.candidates.rules.entries import group, is_headish, is_sentence
from app.candidates.rules.experience import find_experience
from app.candidates.rules.labels import Label
from app.candidates.rules.lines import read_lines
from app.documents.blocks import Box
from tests.candidates.markup import DocumentOf, LineOf


def entries(document: DocumentOf, lines: list[str]):
    return group(read_lines(document(lines)), singles=lambda _: True)


def test_lines_over_the_date_belong_to_it_as_in_the_first_entry(document: DocumentOf) -> None:
    first, second = entries(
        document,
        ["Acme", "Engineer  2020 - 2021", "- Built a thing", "Contoso", "Clerk  2018 - 2019"],
    )

    assert [x.text for x in first.above] == ["Acme"]
    assert [x.text for x in second.above] == ["Contoso"]


def test_lines_under_the_date_belong_to_it_when_it_comes_first(document: DocumentOf) -> None:
    first, second = entries(
        document, ["2020 - 2021", "Acme", "Engineer", "2018 - 2019", "Contoso", "Clerk"]
    )

    assert [x.text for x in first.below] == ["Acme", "Engineer"]
    assert [x.text for x in second.below] == ["Contoso", "Clerk"]


def test_tables_are_read_by_their_columns(document: DocumentOf) -> None:
    (entry,) = entries(document, ["입사일‖퇴사일‖회사명‖직위", "2017.03‖2020.05‖새론화학‖사원"])

    assert entry.columns[Label.COMPANY] == "새론화학"
    assert entry.period is not None
    assert (entry.period.start, entry.period.end) == ("2017-03", "2020-05")


def test_labelled_blocks_are_entries(document: DocumentOf) -> None:
    rows = entries(
        document,
        [
            "Company: Acme",
            "Position: Clerk",
            "Period: 2018 - 2019",
            "Company: Contoso",
            "Position: Cook",
        ],
    )

    assert [e.columns[Label.TITLE] for e in rows] == ["Clerk", "Cook"]


def test_bullets_with_dates_are_entries_where_nothing_else_is(document: DocumentOf) -> None:
    rows = entries(
        document, ["- 2019.02 ~ 현재 튼튼제약 대리", "- 2016.09 ~ 2019.01 우리상조 사원"]
    )

    assert [e.period.start for e in rows if e.period] == ["2019-02", "2016-09"]


def test_descriptions_are_told_from_names(line: LineOf) -> None:
    assert is_sentence("Led a hybrid search rewrite that raised recall")
    assert is_sentence("결제 승인 API를 재작성하여 지연 480ms를 95ms로 단축")
    assert is_sentence("Direct operations for 31 stores")
    assert not is_sentence("Registered Nurse, Intensive Care")
    assert not is_sentence("Gilded Fern Events, London")
    assert is_sentence("Opened three shops, London and Leeds")
    assert not is_sentence("United States Army, 99th Invented Support Battalion")
    assert is_headish(line("가람페이 시니어 백엔드 엔지니어"))
    assert not is_headish(line("GPA: 3.9/4.0"))


def test_a_length_of_time_parts_no_firm_from_its_positions(document: DocumentOf) -> None:
    first, second = entries(
        document,
        [
            "**Saltbox**",
            "5 years",
            "Editor",
            "2021 - 2023",
            "- Cut a film",
            "Runner",
            "2019 - 2020",
        ],
    )

    assert [x.text for x in first.above] == ["Saltbox", "5 years", "Editor"]
    assert [x.text for x in second.above] == ["Runner"]


def test_a_row_that_ends_with_a_full_stop_is_an_entry(document: DocumentOf) -> None:
    (entry,) = entries(document, ["2014–2019‖Lecturer in Botany, Fenland College, Ely."])

    assert entry.head[0].text.endswith("Ely")


def test_forms_may_part_the_first_and_the_last_day(document: DocumentOf) -> None:
    found = entries(
        document,
        [
            "재직기간‖기관명‖직위",
            "부터‖까지",
            "2016.01‖현재‖나라시청‖주사보",
            "2013.03‖2015.12‖다솜재단‖대리",
        ],
    )

    assert [
        (x.period and (x.period.start, x.period.end), x.columns[Label.TITLE]) for x in found
    ] == [
        (("2016-01", None), "주사보"),
        (("2013-03", "2015-12"), "대리"),
    ]


def test_a_labelled_line_names_under_whatever_bullet(line: LineOf) -> None:
    assert is_headish(replace(line("직위 : 차장"), bullet=True))
    assert not is_headish(replace(line("교량 하부공 시공 관리"), bullet=True))


def test_what_is_set_in_under_a_position_names_nothing(document: DocumentOf) -> None:
    lines = [
        "Copy Editor‖2019 - 2021",
        "Two prizes for covers",
        "Runner‖2017 - 2018",
        "Tin kettles",
    ]
    boxes = [Box(left=left, top=0, right=200, bottom=10) for left in (40, 54, 40, 54)]
    placed = [
        replace(line, box=box) for line, box in zip(read_lines(document(lines)), boxes, strict=True)
    ]

    assert [entry.below for entry in group(placed, singles=lambda _: True)] == [(), ()]


def test_the_bulleted_line_above_a_bare_date_names_its_entry(document: DocumentOf) -> None:
    lines = [
        "- 나루병원 / 간호사",
        "2020-06 ~ 현재",
        "- 신규 교육",
        "- 솔의원 / 간호사",
        "2017-03 ~ 2020-05",
    ]

    found = entries(document, [*lines, "- 인공호흡기 환자 간호"])

    assert [[x.text for x in entry.above] for entry in found] == [
        ["나루병원 / 간호사"],
        ["솔의원 / 간호사"],
    ]


def test_a_length_of_time_under_the_date_hides_no_name(document: DocumentOf) -> None:
    (entry,) = entries(document, ["2022.02 ~ 현재", "2년 8개월", "나루상사", "사서"])

    assert [x.text for x in entry.below] == ["나루상사", "사서"]


def test_a_degree_that_ends_with_a_full_stop_is_no_sentence() -> None:
    assert not is_sentence("Ph.D. in Soil Science, Fenland University.")
    assert is_sentence("Mapped the soils of three counties.")


def test_deeds_with_dates_of_their_own_are_no_entries_where_dates_stand_apart(
    document: DocumentOf,
) -> None:
    lines = [
        "Charge Nurse, Alder Hospital",
        "02/2019 - Present",
        "Teaching of new nurses; 19 of them since 2020",
        "Chair of the ward council (2021 - 2023)",
        "Ward Nurse, Oak Hospital",
        "06/2016 - 01/2019",
        "Head Nurse (06/2017 - 01/2019)",
        "Student Nurse, Elm Hospital",
        "08/2013 - 05/2016",
    ]

    found = [e.period.start for e in entries(document, lines) if e.period]

    assert found == ["2019-02", "2016-06", "2017-06", "2013-08"]


def test_a_row_of_names_may_end_with_a_full_stop(document: DocumentOf) -> None:
    (entry,) = entries(document, ["10.2016 - today", "Head of Testing, Kronberg Motors, Kassel."])

    assert [x.text for x in entry.below] == ["Head of Testing, Kronberg Motors, Kassel."]
    assert is_sentence("Registered Nurse, who worked in two wards.")


def test_a_deed_that_looks_like_no_name_belongs_to_the_entry_before(document: DocumentOf) -> None:
    lines = ["**Merrow**", "**Manager** (2020 - now)", "Great shops", "**Clerk** (2015 - 2019)"]

    assert [[x.text for x in e.above] for e in entries(document, lines)] == [["Merrow"], []]


def test_two_words_may_be_a_deed() -> None:
    assert is_sentence("Closed books")
    assert not is_sentence("Closed Books")


def test_the_year_of_a_promotion_begins_no_entry(document: DocumentOf) -> None:
    lines = [
        "08/2015 - present‖Merrow, Bath",
        "Accountant, promoted to Head Accountant (2020)",
        "01/2012 - 07/2015‖Osprey, York",
        "Bookkeeper",
    ]

    first, _ = entries(document, lines)

    assert [x.text for x in first.below] == [lines[1]]


def test_the_period_of_a_project_begins_no_entry(document: DocumentOf) -> None:
    lines = [
        "두레로지스 2019.11 ~ 현재 | 파트장",
        "프로젝트명‖주문 허브 구축",
        "수행기간‖2021.02 ~ 2022.08",
        "푸른상사 2016.05 ~ 2019.10 | 사원",
        "프로젝트명‖쿠폰 분리",
        "수행기간‖2017.01 ~ 2018.03",
    ]

    assert [e.head[0].text for e in entries(document, lines)] == [lines[0], lines[3]]


def test_a_town_behind_the_firm_without_room_for_the_dash(document: DocumentOf) -> None:
    lines = ["**Delivery Driver**", "Fast Crate-Akron, OH", "August 2020 to Present", "- Rounds"]

    found = find_experience([read_lines(document(lines))])

    assert [(x.company, x.title) for x in found] == [("Fast Crate", "Delivery Driver")]


def test_a_break_told_in_brackets_is_no_entry(document: DocumentOf) -> None:
    lines = [
        "▶ 나루상사 / 점장 / 2022년 9월 ~ 현재", "- 근무표 작성",
        "▶ 다온커피 / 점장 / 2018년 4월 ~ 2020년 1월", "- 발주",
        "(2020년 2월 ~ 2022년 8월 : 출산 및 육아)",
    ]  # fmt: skip

    assert [x.company for x in find_experience([read_lines(document(lines))])] == [
        "나루상사",
        "다온커피",
    ]


def test_a_job_told_in_brackets_is_an_entry(document: DocumentOf) -> None:
    (entry,) = entries(document, ["(Acme Foods, Clerk, 2020 - 2021)"])

    assert entry.period is not None


def test_what_is_expected_is_a_date_and_no_sentence(document: DocumentOf) -> None:
    first, second = entries(
        document,
        ["Tarheel Institute", "Expected May 2027 | Raleigh, NC", "", "Alder College", "May 2024"],
    )

    assert [x.text for x in (*first.above, *second.above)] == ["Tarheel Institute", "Alder College"]
