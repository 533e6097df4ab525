import pytest

from app.candidates.rules.lines import read_lines
from app.candidates.rules.names import candidates, foreign_korean_name, korean_name, latin_name
from app.candidates.rules.sections import split_sections
from tests.candidates.markup import DocumentOf


def best(document: DocumentOf, *lines: str):
    found = candidates(split_sections(read_lines(document(list(lines)))), [])
    return (found[0].name, found[0].alias) if found else None


@pytest.mark.parametrize("text", ["김서연", "남궁설", "황보라온", "이 들 판", "이 준"])
def test_korean_names(text: str) -> None:
    assert korean_name(text) == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["이력서", "개발자", "서울", "경력사항", "백엔드", "디자인", "가나다라마", "영업"]
)
def test_korean_words_that_are_no_names(text: str) -> None:
    assert korean_name(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("JOHN DOE", "John Doe"),
        ("Dr. Helena Lindqvist, Ph.D.", "Helena Lindqvist"),
        ("Ludwig van der Beispiel", "Ludwig van der Beispiel"),
        ("Grace Nakamura-Lee", "Grace Nakamura-Lee"),
        ("Chloé Dubreuil", "Chloé Dubreuil"),
    ],
)
def test_latin_names(text: str, name: str) -> None:
    assert latin_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "Software Engineer",
        "Seattle, WA",
        "Machine Learning",
        "Work Experience",
        "Westmere University",
        "jane",
    ],
)
def test_latin_words_that_are_no_names(text: str) -> None:
    assert latin_name(text) is None


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["# Ann Own", "Engineer"], ("Ann Own", None)),
        (["Engineer", "a@example.com", "# Ann Own"], ("Ann Own", None)),
        (["진아름 (Areum Jin)"], ("진아름", "Areum Jin")),
        (["임새벽 Saebyeok Lim"], ("임새벽", "Saebyeok Lim")),
        (["!plain", "이력서", "성명‖강바다"], ("강바다", None)),
        (["Resume of Farid Haddad"], ("Farid Haddad", None)),
        (["마케터 안소담"], ("안소담", None)),
        (["Jane Own | Engineer | jane@example.com"], ("Jane Own", None)),
        (["끝까지 푸는 개발자 표하람입니다"], ("표하람", None)),
    ],
)
def test_the_persons_name_is_found_in_many_settings(
    document: DocumentOf, lines: list[str], found: tuple[str, str | None]
) -> None:
    assert best(document, *lines) == found


def test_a_foreign_name_in_hangul_counts_where_it_stands_out(document: DocumentOf) -> None:
    assert best(document, "# 응우옌 티 란", "생산관리 담당자", "010-0000-0001") == (
        "응우옌 티 란",
        None,
    )
    assert best(document, "!plain", "성명‖마이클 브라운") == ("마이클 브라운", None)
    assert foreign_korean_name("책임감이 강한 사람") is None
    assert foreign_korean_name("서울 강남구") is None
    assert foreign_korean_name("백엔드 개발자") is None


@pytest.mark.parametrize(
    "line",
    ["문하린 여, 1992년 (만 33세)", "문하린 | 여자 | 1992년생", "사진‖문하린 남자 1992년생 (33세)"],
)
def test_what_job_sites_print_beside_the_name_is_left_out(document: DocumentOf, line: str) -> None:
    assert best(document, f"# {line}", "010-0000-2231", "서울 강남구", "소개") == ("문하린", None)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["# TO‖Tamsin Oyelaran", "tamsin@example.com"], "Tamsin Oyelaran"),
        (["# Corne lia B. Tre vanion", "c@example.com", "Boston, MA"], "Cornelia B. Trevanion"),
        (["# Jan van der Beispiel", "j@example.com"], "Jan van der Beispiel"),
        (["표건우 Position: CTO", "010-0000-2210"], "표건우"),
        (["## 지원서", "- 성명 : 표건우", "- 전화 : 010-0000-2210"], "표건우"),
    ],
)
def test_names_as_design_sets_them(document: DocumentOf, lines: list[str], found: str) -> None:
    name = best(document, *lines)

    assert name
    assert name[0] == found
