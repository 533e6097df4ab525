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
        ("Gareth Prosser ACA MCIPD", "Gareth Prosser"),
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


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("☺ 라은우", "라은우"),
        ("라은우 👋", "라은우"),
        ("라은우 羅恩宇", "라은우"),
        ("라은우 포트폴리오", "라은우"),
        ("나도담빛", "나도담빛"),
        ("Žofie Łącka", "Žofie Łącka"),
        ("Ottoline Fairburn- Achebe", "Ottoline Fairburn-Achebe"),
        ("Hi, I'm Ottoline Fairburn", "Ottoline Fairburn"),
        ("Ottoline Fairburn's CV", "Ottoline Fairburn"),
        ("Wren Cook", "Wren Cook"),
    ],
)
def test_names_in_display_size_with_what_design_adds(
    document: DocumentOf, line: str, name: str
) -> None:
    found = best(document, f"# {line}", "mail@example.org", "010-0000-1122", "a line of text")

    assert found is not None
    assert found[0] == name


def test_a_form_may_give_the_characters_behind_the_name(document: DocumentOf) -> None:
    found = best(document, "!plain", "성명‖(한글) 라은우 (한자) 羅 恩 宇", "연락처‖010-0000-1122")

    assert found is not None
    assert found[0] == "라은우"


def test_a_label_beats_the_title_of_the_document(document: DocumentOf) -> None:
    found = best(document, "# 이력서 - 경비직", "이름 : 라은우", "연락처 : 010-0000-1122")

    assert found is not None
    assert found[0] == "라은우"


def test_first_name_and_surname_may_be_asked_for_one_by_one(document: DocumentOf) -> None:
    found = best(document, "First name‖Ottoline", "Surname‖Fairburn", "Phone‖020 7946 0111")

    assert found is not None
    assert found[0] == "Ottoline Fairburn"


def test_the_mail_address_tells_a_name_from_other_words(document: DocumentOf) -> None:
    lines = ["!plain", "june page", "june.page@example.org"]
    sections = split_sections(read_lines(document(lines)))

    assert [c.name for c in candidates(sections, ["june.page@example.org"])] == ["June Page"]
    assert candidates(sections, ["office@example.org"]) == []


def test_a_form_may_have_the_surname_first(document: DocumentOf) -> None:
    assert best(document, "Full Name‖Tan Mei Hua, Alice") == ("Tan Mei Hua, Alice", None)
    assert best(document, "Full Name‖Moreau, Alice") == ("Alice Moreau", None)


def test_letters_behind_a_name_are_no_given_name(document: DocumentOf) -> None:
    assert best(document, "# ADAEZE OKORO, ACA") == ("Adaeze Okoro", None)
    assert best(document, "# Adaeze Okoro, LCSW, MSW") == ("Adaeze Okoro", None)


def test_who_signs_at_the_end_is_the_person(document: DocumentOf) -> None:
    lines = [
        "# 이력서", "성명‖뚜은의", "연락처‖010-0000-3078", "## 자기소개", "꼼꼼함을 가장 중요하게 생각합니다.",
        "위 기재 사항은 사실과 틀림이 없습니다.", "노은희 (인)",
    ]  # fmt: skip

    assert best(document, *lines) == ("노은희", None)
