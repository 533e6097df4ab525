import pytest

from app.candidates.rules.headings import (
    Kind,
    heading_kinds,
    is_decorated,
    is_duty,
    is_numbered,
    kinds_by_ending,
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("경 력 사 항", (Kind.EXPERIENCE,)),
        ("Career so far", (Kind.EXPERIENCE,)),
        ("무엇을 할 수 있나요?", (Kind.SKILLS,)),
        ("어디서 배웠나요?", (Kind.EDUCATION,)),
        ("▍What I bring", (Kind.SKILLS,)),
        ("$ cat skills.md", (Kind.SKILLS,)),
        ("> ls Education/", (Kind.EDUCATION,)),
        ("보유 술기", (Kind.SKILLS,)),
        ("LINK", (Kind.LINKS,)),
        ("■ 학력사항", (Kind.EDUCATION,)),
        ("2. 경력사항", (Kind.EXPERIENCE,)),
        ("[보유 기술]", (Kind.SKILLS,)),
        ("경력 총 8년 2개월", (Kind.EXPERIENCE,)),
        ("EXPERIENCE 경력", (Kind.EXPERIENCE,)),
        ("2. 경력 요약", (Kind.SUMMARY,)),
        ("핵심 보유 스킬", (Kind.SKILLS,)),
        ("활용 가능한 도구", (Kind.SKILLS,)),
        ("아르바이트 및 인턴 경험", (Kind.EXPERIENCE,)),
        ("저역서", (Kind.PUBLICATIONS,)),
        ("AWA R D S", (Kind.OTHER,)),
        ("WORK EXPERIENCE:", (Kind.EXPERIENCE,)),
        ("Relevant Experience", (Kind.EXPERIENCE,)),
        ("Certifications & Activities", (Kind.CERTIFICATES, Kind.OTHER)),
        ("Skills and Languages", (Kind.SKILLS, Kind.LANGUAGES)),
        ("학력 및 경력", (Kind.EDUCATION, Kind.EXPERIENCE)),
        ("Senior Software Engineer", ()),
        ("가람페이 | 백엔드 개발자 | 2021.03 ~ 현재", ()),
        ("경력기술서 | 윤가온", (Kind.TITLE,)),
        ("I have ten years of experience in education.", ()),
    ],
)
def test_headings_name_their_section(text: str, kinds: tuple[Kind, ...]) -> None:
    assert heading_kinds(text) == kinds


def test_a_wrong_letter_is_forgiven_in_scans_only() -> None:
    assert heading_kinds("Experlence", ocr=True) == (Kind.EXPERIENCE,)
    assert heading_kinds("Experlence") == ()


def test_an_unknown_heading_is_understood_by_its_last_word() -> None:
    assert kinds_by_ending("다룰 수 있는 프로그램") == (Kind.SKILLS,)
    assert kinds_by_ending("Hospital Volunteer Experience") == (Kind.OTHER,)
    assert kinds_by_ending("Skills: a, b") == ()


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("[일한 경험]", (Kind.EXPERIENCE,)),
        ("연구 기법 및 도구", (Kind.SKILLS,)),
        ("What I Do Well", (Kind.SKILLS,)),
        ("Where I've Worked", (Kind.EXPERIENCE,)),
        ("What I wore yesterday", ()),
    ],
)
def test_headings_in_peoples_own_words(text: str, kinds: tuple[Kind, ...]) -> None:
    assert (heading_kinds(text) or kinds_by_ending(text)) == kinds


def test_a_degree_in_education_opens_no_section() -> None:
    assert kinds_by_ending("PGCE PRIMARY EDUCATION") == ()


def test_signs_set_a_heading_off() -> None:
    assert is_decorated("[일한 경험]")
    assert is_decorated("== Work ==")
    assert not is_decorated("일한 경험")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Where I’ve studied", Kind.EDUCATION),
        ("Places I have worked", Kind.EXPERIENCE),
        ("What I'm good at", Kind.SKILLS),
        ("Things I've built", Kind.PROJECTS),
        ("Say hello!", Kind.CONTACT),
        ("Fun", Kind.OTHER),
        ("일해온 곳", Kind.EXPERIENCE),
        ("공부한 곳", Kind.EDUCATION),
        ("Top Skills", Kind.SKILLS),
        ("Academic Qualification", Kind.EDUCATION),
        ("학력사항 (최종학력 : 대학교 졸업)", Kind.EDUCATION),
    ],
)
def test_headings_in_words_of_ones_own(text: str, kind: Kind) -> None:
    assert heading_kinds(text) == (kind,)


def test_a_bracket_in_the_same_language_names_no_section() -> None:
    assert heading_kinds("Bachelor of Nursing (Honours)") == ()


def test_numbers_and_duties() -> None:
    assert is_numbered("IV. Awards")
    assert not is_numbered("Awards 2019")
    assert is_duty("담당 업무")
    assert not is_duty("경력")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("03 보유 기술", Kind.SKILLS),
        ("② 학력", Kind.EDUCATION),
        ("▣ 학력사항", Kind.EDUCATION),
        ("쓸 줄 아는 도구", Kind.SKILLS),
        ("할 수 있는 일들", Kind.SKILLS),
        ("인턴 및 실습 경력", Kind.EXPERIENCE),
        ("I speak", Kind.LANGUAGES),
        ("Mother tongue(s)", Kind.LANGUAGES),
        ("Board Memberships", Kind.OTHER),
        ("Positions of Responsibility", Kind.OTHER),
    ],
)
def test_headings_with_bare_numbers_and_in_the_words_of_forms(text: str, kind: Kind) -> None:
    assert heading_kinds(text) == (kind,)


def test_a_year_is_no_number_of_a_heading() -> None:
    assert heading_kinds("21 경력") == ()
    assert heading_kinds("인턴") == ()  # a job's title
