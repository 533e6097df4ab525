import pytest

from app.candidates.rules import vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "Senior Software Engineer",
        "Co-Founder & CTO",
        "시니어 백엔드 엔지니어",
        "과장",
        "선임연구원",
        "UX/UI 디자이너",
    ],
)
def test_titles(text: str) -> None:
    assert vocabulary.title_score(text) > 0.8


@pytest.mark.parametrize(
    "text",
    [
        "Social Worker", "Senior Care Worker", "Audit Senior", "Physiotherapist", "Tour Guide", "Server", "PhD Student",
        "Chief of Staff", "Home Health Aide", "행정직원", "공무원", "통번역사", "피부관리사", "네일아티스트", "교장", "여행 가이드",
        "Hospital Corpsman", "Electrician's Mate",
    ],
)  # fmt: skip
def test_jobs_of_all_walks_of_life(text: str) -> None:
    assert vocabulary.title_score(text) > 0.6


@pytest.mark.parametrize("text", ["PhD", "server", "Senior Living"])
def test_words_of_jobs_may_mean_something_else(text: str) -> None:
    assert vocabulary.title_score(f"{text} of all") < 0.6


@pytest.mark.parametrize(
    "text",
    [
        "가람페이",
        "Northwind Search",
        "한국가상과학연구원",
        "(주)기획자들",
        "Acme Engineer, Inc.",
        "The Alder Courier",
    ],
)
def test_names_of_firms_are_no_titles(text: str) -> None:
    assert vocabulary.title_score(text) == 0


def test_marks_of_organisations() -> None:
    assert vocabulary.company_score("(주)가람") == 1
    assert vocabulary.company_score("Contoso Labs") > 0.5
    assert vocabulary.company_score("United States Navy") > 0.5
    assert vocabulary.company_score("Office of Ann Own") > 0.5
    assert vocabulary.company_score("Alder General Infirmary") > 0.5
    assert vocabulary.company_score("Pennywort & Daughters") > 0.5
    assert vocabulary.company_score("Data Engineer") == 0
    assert vocabulary.company_score("Rotational Pharmacist") == 0
    assert vocabulary.is_legal_form("Inc.")
    assert vocabulary.is_department("물류기획팀")
    assert vocabulary.is_employment_type("(정규직)")
    assert vocabulary.is_rank("과장")
    assert vocabulary.is_title_head("개발자")
    assert vocabulary.is_title_word("시니어")


def test_schools_and_degrees() -> None:
    assert vocabulary.has_school("한빛대학교")
    assert vocabulary.has_school("Harbour Training Centre")
    assert vocabulary.has_degree("Electrical Apprenticeship")
    assert vocabulary.has_school("UC Berkeley")
    assert not vocabulary.has_school("가람페이")
    assert vocabulary.is_korean_school_word("한빛대학교(서울캠퍼스)")
    assert vocabulary.has_korean_degree("통계학과 석사")
    assert vocabulary.is_korean_major("간호학")
    assert not vocabulary.is_korean_major("재학")


def test_a_state_is_no_degree() -> None:
    assert vocabulary.find_degree("Boston, MA") is None
    assert vocabulary.find_degree("MA in History") is not None
    assert vocabulary.degree_word("Bachelor of Arts") is not None
    assert vocabulary.status_words("졸업 예정") is not None


def test_unknown_jobs_are_told_from_firms_by_their_ending() -> None:
    assert vocabulary.ends_like_a_job("용접 기능사")
    assert vocabulary.ends_like_a_job("Glassblower")
    assert not vocabulary.ends_like_a_job("가나출판사")
    assert not vocabulary.ends_like_a_job("한빛병원")
    assert not vocabulary.ends_like_a_job("Acme")


def test_groups_that_are_firms_and_groups_that_are_departments() -> None:
    assert vocabulary.is_department("Platform Group")
    assert not vocabulary.is_department("Alder Forest Group")


def test_marks_of_firms() -> None:
    assert vocabulary.is_legal_prefix("법무법인")
    assert vocabulary.company_score("법무법인 두레") == 1.0
    assert vocabulary.company_score("ALDER HOSPITAL") == vocabulary.company_score("Alder Hospital")
    assert not vocabulary.company_score("전기공")


@pytest.mark.parametrize("text", ["Projektleiter", "Verkoopadviseur", "외과 전공의"])
def test_jobs_in_other_words(text: str) -> None:
    assert vocabulary.title_score(text)


def test_a_school_whose_name_begins_with_what_it_is() -> None:
    assert vocabulary.is_korean_school_word("방송통신대학교")


@pytest.mark.parametrize("text", ["소자기술 책임연구원", "학생연구원"])
def test_researchers_are_no_institutes(text: str) -> None:
    assert vocabulary.company_score(text) == 0
    assert vocabulary.company_score("한국소자연구원") > 0


@pytest.mark.parametrize(
    "text", ["경리", "쿡", "용접기능 반장", "전기공", "총지배인", "기간제근로자", "HRBP"]
)
def test_jobs_of_few_syllables(text: str) -> None:
    assert vocabulary.title_score(text) > 0
