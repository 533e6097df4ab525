from app.candidates.rules.persons import own_sections
from app.candidates.rules.reading import outline_of
from tests.candidates.markup import DocumentOf

KOREAN = ["# 강바다", "bada@example.kr", "## 경력", "맑은샘 | 기획자 | 2020.01 ~ 현재"]
ENGLISH = [
    "# Bada Kang",
    "bada@example.kr",
    "## Experience",
    "Clear Spring | Planner | 2020 - Present",
]


def test_a_file_is_cut_where_a_resume_begins(document: DocumentOf) -> None:
    found = outline_of(document([*KOREAN, *ENGLISH])).resumes

    assert [r.header.name for r in found if r.header] == ["강바다", "Bada Kang"]


def test_the_same_career_in_a_second_language_is_left_out(document: DocumentOf) -> None:
    own = own_sections(outline_of(document([*KOREAN, *ENGLISH])).resumes)

    assert "Clear Spring" not in " ".join(x.text for s in own for x in s.lines)


def test_a_career_after_a_cover_letter_is_kept(document: DocumentOf) -> None:
    letter = ["# 강바다", "bada@example.kr", "## 지원동기", "바다가 좋습니다.", "---"]
    own = own_sections(outline_of(document([*letter, *KOREAN])).resumes)

    assert "맑은샘 | 기획자 | 2020.01 ~ 현재" in [x.text for s in own for x in s.lines]


def test_nobody_is_named_where_nothing_looks_like_a_name(document: DocumentOf) -> None:
    assert outline_of(document(["업종 적립 대상", "주유소"])).name is None
