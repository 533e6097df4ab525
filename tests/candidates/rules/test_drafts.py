import pytest

from app.candidates.rules.experience import find_experience
from app.candidates.rules.lines import read_lines
from tests.candidates.markup import DocumentOf


def jobs(document: DocumentOf, lines: list[str]):
    return [(x.company, x.title) for x in find_experience([read_lines(document(lines))])]


def test_a_deed_below_the_firm_is_no_better_title_than_the_job_beside_the_date(
    document: DocumentOf,
) -> None:
    lines = [
        "2020 - 2023‖Associate Professor (fixed term)",
        "Fenland University",
        "Principal investigator of the marsh project",
    ]

    assert jobs(document, lines) == [("Fenland University", "Associate Professor (fixed term)")]


def test_work_on_ones_own_is_an_employer_after_at(document: DocumentOf) -> None:
    lines = ["2016 - present: Surveyor at self-employed", "Half of the week, besides other posts"]

    assert jobs(document, lines) == [("self-employed", "Surveyor")]


@pytest.mark.parametrize(
    ("line", "company", "title"),
    [
        ("HOSPITAL COOK HOSPITAL DO CARVALHO", "HOSPITAL DO CARVALHO", "HOSPITAL COOK"),
        ("Hotel Manager Hotel Alder", "Hotel Alder", "Hotel Manager"),
        ("법무법인 두레 소속 변호사", "법무법인 두레", "소속 변호사"),
        ("두레복지관 사회복지사(과장)", "두레복지관", "사회복지사(과장)"),
    ],
)
def test_a_job_and_a_firm_in_one_run(
    document: DocumentOf, line: str, company: str, title: str
) -> None:
    assert jobs(document, [f"2019.01 ~ 2021.02 {line}"]) == [(company, title)]


def test_what_follows_a_dash_is_the_field_where_the_firm_stands_below(document: DocumentOf) -> None:
    lines = ["**Registered Nurse - Day Surgery**", "Alder Hospital, Boston, MA", "2016 - 2019"]

    assert jobs(document, lines) == [("Alder Hospital", "Registered Nurse - Day Surgery")]


def test_a_dash_between_two_names_of_a_job(document: DocumentOf) -> None:
    lines = ["Summer Internship - Data Analyst, Alder Bank (Jun 2023 - Aug 2023)"]

    assert jobs(document, lines) == [("Alder Bank", "Summer Internship - Data Analyst")]


def test_a_class_in_school_is_no_employer(document: DocumentOf) -> None:
    lines = ["Sept 2011 - July 2012", "**Class Teacher, Year 4, Oak Hill Infants**"]

    assert jobs(document, lines)[0][0] == "Oak Hill Infants"


def test_a_count_of_people_is_no_title(document: DocumentOf) -> None:
    lines = ["나루모빌리티‖2021.10 ~ 현재", "피플팀 HRBP", "조직 120명 담당"]

    assert jobs(document, lines) == [("나루모빌리티", "피플팀 HRBP")]


def test_a_firm_may_be_called_a_group(document: DocumentOf) -> None:
    lines = ["Alder Forest Group, Data Scientist - Dublin, IE‖Feb 2022 - present"]

    assert jobs(document, lines) == [("Alder Forest Group", "Data Scientist")]


def test_the_field_between_job_and_firm_belongs_to_the_job(document: DocumentOf) -> None:
    lines = ["Vice President, Risk, Marsh Bank  2018 - 2023"]

    assert jobs(document, lines) == [("Marsh Bank", "Vice President, Risk")]


def test_what_a_freelancer_did_is_no_employer(document: DocumentOf) -> None:
    lines = ["Freelance Illustrator‖2018 - present", "Book covers and drawings"]

    assert jobs(document, lines) == [("Freelance", "Freelance Illustrator")]


def test_a_firm_in_brackets_before_the_job(document: DocumentOf) -> None:
    assert jobs(document, ["[두레연구소] 선임연구원", "2019.09 ~ 현재"]) == [
        ("두레연구소", "선임연구원")
    ]


@pytest.mark.parametrize("label", ["재직기간", "Period"])
def test_the_label_of_a_period_is_no_firm(document: DocumentOf, label: str) -> None:
    lines = ["- 앞 회사의 일", "무역팀 사원", f"{label}: 2014.03 ~ 2018.01"]

    assert label not in [company for company, _ in jobs(document, lines)]


@pytest.mark.parametrize("history", ["acquired by Marsh Group in 2020", "구. 나루상사"])
def test_what_became_of_a_firm_is_no_part_of_its_name(document: DocumentOf, history: str) -> None:
    lines = [f"Merrow Retail ({history})‖Bath, UK", "Accountant‖Aug 2015 - Apr 2019"]

    assert jobs(document, lines) == [("Merrow Retail", "Accountant")]


def test_an_unknown_town_behind_the_firm_is_no_job(document: DocumentOf) -> None:
    lines = ["08/2015 - present‖MERROW RETAIL, Ashby", "Accountant"]

    assert jobs(document, lines) == [("MERROW RETAIL", "Accountant")]


def test_a_town_in_the_cell_of_the_employer(document: DocumentOf) -> None:
    lines = ["Employer: Alder Dairies, Porto", "Position: Clerk", "Period: 2015 - 2019"]

    assert jobs(document, lines) == [("Alder Dairies", "Clerk")]


def test_a_cell_with_its_label_is_read_by_it(document: DocumentOf) -> None:
    lines = ["두레도서관", "직위‖지킴이", "기간‖2018.03 - 2022.02"]

    assert jobs(document, lines) == [("두레도서관", "지킴이")]


def test_a_department_in_brackets_is_no_part_of_the_firm(document: DocumentOf) -> None:
    assert jobs(document, ["두레시청(복지과) | 주무관 | 2018.03 ~ 현재"]) == [
        ("두레시청", "주무관")
    ]


def test_a_kind_of_contract_is_no_field(document: DocumentOf) -> None:
    lines = ["UX Designer, Contract", "Alder Insurance", "02/2021 - 11/2021"]

    assert jobs(document, lines) == [("Alder Insurance", "UX Designer")]


def test_a_firm_with_its_legal_form_and_a_job_behind_it(document: DocumentOf) -> None:
    assert jobs(document, ["(주)두레푸드 R&D센터 선임연구원‖2018.01 ~ 현재"]) == [
        ("(주)두레푸드", "R&D센터 선임연구원")
    ]
    assert jobs(document, ["Fenland Teacher Training Institute‖2018 - 2019"])[0][0] == (
        "Fenland Teacher Training Institute"
    )


def test_a_duty_of_two_letters_behind_the_job(document: DocumentOf) -> None:
    assert jobs(document, ["두레초등학교 교사 (담임)", "2014.03 ~ 현재"]) == [
        ("두레초등학교", "교사")
    ]


def test_a_deed_in_the_cell_of_the_post_is_no_part_of_it(document: DocumentOf) -> None:
    lines = [
        "Dates‖Employer‖Post and responsibilities",
        "2018 – 2021‖Harrow Lane Nursery‖Deputy Manager & Room Leader Planned the days of 40 children",
    ]

    assert jobs(document, lines) == [("Harrow Lane Nursery", "Deputy Manager & Room Leader")]


def test_a_job_in_capitals_before_a_firm_with_accents(document: DocumentOf) -> None:
    lines = ["01/03/2021 – CURRENT Porto, Portugal", "WINE CELLAR ASSISTANT Adega Açor, Lda."]

    assert jobs(document, lines) == [("Adega Açor, Lda.", "WINE CELLAR ASSISTANT")]


def test_a_firm_below_a_field_behind_a_dash(document: DocumentOf) -> None:
    lines = [
        "Jan 2020 - Now‖Senior Sales Manager – Pricing",
        "Coral Tools, Inc.",
        "Opened two shops",
    ]

    assert jobs(document, lines) == [("Coral Tools, Inc.", "Senior Sales Manager – Pricing")]


def test_a_description_in_the_line_of_the_names_is_left_out(document: DocumentOf) -> None:
    lines = ["May 2016–May 2019", "Research Fellow, Institute of Tides. Field work on two coasts"]

    assert jobs(document, lines) == [("Institute of Tides", "Research Fellow")]
    lines[1] = "Research Fellow, Harbor Data Inc. Boston"
    assert jobs(document, lines) == [("Harbor Data Inc. Boston", "Research Fellow")]


def test_work_on_ones_own_below_the_job(document: DocumentOf) -> None:
    lines = [
        *("2015 - 2018‖Buyer", "Acme Labs", "- Bought parts"),
        *("2013 - 2015‖UX Writer", "Freelance", "- Wrote for shops"),
    ]

    assert jobs(document, lines) == [("Acme Labs", "Buyer"), ("Freelance", "UX Writer")]


def test_a_deed_without_a_bullet_is_no_firm(document: DocumentOf) -> None:
    lines = [
        "**The Brass Kettle‖May, 2018 - Present**",
        "Head Chef",
        "Kitchen brigade of 12 and two outlets",
        "Food cost kept within the plan",
    ]

    assert jobs(document, lines) == [("The Brass Kettle", "Head Chef")]


def test_one_position_may_be_two_jobs(document: DocumentOf) -> None:
    lines = ["Elm Wiring Co.‖Summers 2004 to 2006", "Electrician / Foreman"]

    assert jobs(document, lines) == [("Elm Wiring Co.", "Electrician / Foreman")]


def test_a_department_of_a_university_is_no_employer(document: DocumentOf) -> None:
    lines = ["Lecturer, Department of Botany, University of Ashford, 2017 - 2021"]

    assert jobs(document, lines) == [("University of Ashford", "Lecturer")]
    lines = ["Clerk, Department of Harbors", "2017 - 2021"]
    assert jobs(document, lines) == [("Department of Harbors", "Clerk")]


def test_a_slash_within_a_field_cuts_nothing(document: DocumentOf) -> None:
    lines = ["Registered Nurse, Med/Surg (PRN)", "Elm Hospital", "07/2017 – 08/2019"]

    assert jobs(document, lines) == [("Elm Hospital", "Registered Nurse, Med/Surg (PRN)")]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["Wedding Cake Designer | Freelance | 2014 to 2016"], ("Freelance", "Wedding Cake Designer")),
        (["프리랜서‖2018 – 2019", "일러스트레이터"], ("프리랜서", "일러스트레이터")),
        (["Aug 2015 - May 2018", "**Harbor Staffing**", "Travel Nurse (contract, 13 weeks)"], ("Harbor Staffing", "Travel Nurse (contract, 13 weeks)")),
        (["**가람찬**", "2018 – 2019", "**웹 개발자**", "새벽 배송 반찬 구독 서비스"], ("가람찬", "웹 개발자")),
        (["**스튜디오 모래**", "2018 – 2019", "**웹 퍼블리셔**", "웹 에이전시"], ("스튜디오 모래", "웹 퍼블리셔")),
    ],
)  # fmt: skip
def test_firms_and_jobs_that_look_like_something_else(
    document: DocumentOf, lines: list[str], found: tuple[str, str]
) -> None:
    assert jobs(document, lines) == [found]


def test_a_firm_before_its_state_is_no_town(document: DocumentOf) -> None:
    lines = [
        "**Ironwood Controls, Texas**‖02/2020 - Present", "Regional Sales Manager", "- deeds",
        "**Austin, Texas**‖02/2019 - 01/2020", "Sales Engineer", "- deeds",
    ]  # fmt: skip

    assert jobs(document, lines) == [
        ("Ironwood Controls", "Regional Sales Manager"),
        ("Ironwood Controls", "Sales Engineer"),
    ]
