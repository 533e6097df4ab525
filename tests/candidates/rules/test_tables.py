from app.candidates.rules.education import find_education
from app.candidates.rules.experience import find_experience
from app.candidates.rules.labels import Label
from app.candidates.rules.lines import read_lines
from app.candidates.rules.tables import header_row, labelled
from tests.candidates.markup import DocumentOf, LineOf


def test_a_label_of_ones_own_among_known_ones(document: DocumentOf) -> None:
    lines = [
        "근무기간‖병원명‖부서‖직위‖그만둔 까닭",
        "2015.05 ~ 2019.12‖푸른언덕‖외과계 병동‖조무‖먼 곳",
    ]

    (job,) = find_experience([read_lines(document(lines))])

    assert (job.company, job.title, job.start) == ("푸른언덕", "조무", "2015-05")


def test_a_row_of_values_is_no_header(line: LineOf) -> None:
    assert header_row(line("기간‖나루상사‖과장‖영업‖2부")) is None
    assert header_row(line("나루상사‖과장‖영업부‖직위")) is None


def test_rows_wider_than_their_header_begin_with_what_it_lost(document: DocumentOf) -> None:
    jobs = ["직급(직위)‖근무기간‖담당업무", "두레상회‖경리‖2011.03 ~ 2014.08‖매입 매출"]
    schools = ["School‖Year‖Result", "Class X (Science)‖Oak Mandir Secondary‖2006‖91%"]

    (job,) = find_experience([read_lines(document(jobs))])
    (school,) = find_education([read_lines(document(schools))])

    assert (job.company, job.title) == ("두레상회", "경리")
    assert (school.school, school.degree) == ("Oak Mandir Secondary", "Class X (Science)")


def test_the_column_with_the_degree_is_that_of_degrees(document: DocumentOf) -> None:
    lines = ["구분‖기간‖학교명‖전공 및 학위", "정규‖2012.3 ~ 2019.2‖나루대학교‖토목공학과 학사"]

    (school,) = find_education([read_lines(document(lines))])

    assert school.degree == "토목공학과 학사"


def test_a_role_in_a_project_begins_no_block(document: DocumentOf) -> None:
    block = ["Designation: {}", "Duration: {}", "Project 1: Billing", "Role: Tester"]
    lines = [
        "Company: Alder Systems",
        *(x.format(y) for x, y in zip(block, ("Engineer", "2019 - 2021", "", ""), strict=True)),
        "Company: Osprey Labs",
        *(x.format(y) for x, y in zip(block, ("Trainee", "2016 - 2018", "", ""), strict=True)),
    ]

    found = find_experience([read_lines(document(lines))])

    assert [(x.company, x.title, x.start) for x in found] == [
        ("Alder Systems", "Engineer", "2019"),
        ("Osprey Labs", "Trainee", "2016"),
    ]


def test_a_title_stands_over_a_block_of_labels(document: DocumentOf) -> None:
    lines = [
        *("Sales Executive", "Company: Brightway Motors Ltd", "Dates: Jan 2019 to Present"),
        *("Valet", "Company: Parkside Cars", "Dates: May 2016 to Dec 2018"),
    ]

    found = labelled(read_lines(document(lines)))

    assert [entry.columns.get(Label.TITLE) for entry in found] == ["Sales Executive", "Valet"]


def test_a_table_without_a_column_for_firms_stands_under_the_firm(document: DocumentOf) -> None:
    lines = [
        "▶ 나루식품", "기간‖부서‖직위", "2014년 1월 ~ 2018년 12월‖영업본부‖이사",
        "2008년 3월 ~ 2013년 12월‖영업팀‖과장", "연 매출 380억 원에서 910억 원으로 확대",
        "▶ ㈜다온유통", "기간‖부서‖직위", "2002년 5월 ~ 2008년 2월‖영업소‖주임",
    ]  # fmt: skip

    found = find_experience([read_lines(document(lines))])

    assert [(x.company, x.title) for x in found] == [
        ("나루식품", "이사"),
        ("나루식품", "과장"),
        ("(주)다온유통", "주임"),
    ]


def test_the_cells_tell_where_a_label_is_missing(document: DocumentOf) -> None:
    lines = [
        "기간‖직위",
        "2017년 3월 ~ 현재‖은빛마루요양원‖선임 요양보호사",
        "1995년 4월 ~ 2008년 12월‖광산식품‖조리원",
    ]

    found = find_experience([read_lines(document(lines))])

    assert [(job.company, job.title, job.start) for job in found] == [
        ("은빛마루요양원", "선임 요양보호사", "2017-03"),
        ("광산식품", "조리원", "1995-04"),
    ]
