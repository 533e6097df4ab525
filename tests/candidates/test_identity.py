import pytest

from app.candidates.identity import only_person, people
from app.documents.blocks import Document
from app.errors import ErrorCode, Language, PermanentError
from tests.candidates.markup import DocumentOf

KIM = """# 강바다
기획자
bada.kang@example.kr | 010-0000-1001
## 경력사항
맑은샘 | 기획자 | 2020.01 ~ 현재
## 학력사항
가람대학교 | 경영학과 학사 | 2014.03 ~ 2018.02"""
LEE = """# 이들판
개발자
deulpan.lee@example.kr | 010-0000-1002
## 경력사항
밝은샘 | 개발자 | 2019.01 ~ 현재
## 학력사항
나루대학교 | 전산학과 학사 | 2012.03 ~ 2018.02"""


def test_two_resumes_in_one_file_are_refused_with_both_names_kept_private(
    document: DocumentOf,
) -> None:
    with pytest.raises(PermanentError) as refusal:
        only_person(people(document([*KIM.split("\n"), "---", *LEE.split("\n")])))

    assert refusal.value.code is ErrorCode.MULTI_IDENTITY
    assert refusal.value.details == {"count": 2}
    assert refusal.value.private == {"names": ["강바다", "이들판"]}
    assert "강바다" not in refusal.value.text(Language.KOREAN)


def test_two_resumes_without_sizes_or_page_breaks_are_told_apart_too(document: DocumentOf) -> None:
    plain = [x.removeprefix("# ").removeprefix("## ") for x in KIM.split("\n")]
    more = [x.removeprefix("# ").removeprefix("## ") for x in LEE.split("\n")]
    found = people(document(["!plain", *plain, *more]))

    assert [p.name for p in found] == ["강바다", "이들판"]
    assert found[1].emails == ("deulpan.lee@example.kr",)
    assert found[1].phones == ("010-0000-1002",)


def test_one_person_comes_with_all_mails_and_phones(document: DocumentOf) -> None:
    person = only_person(
        people(document([*KIM.split("\n")[:2], "bada@example.kr, kang@example.com"]))
    )

    assert person is not None
    assert person.name == "강바다"
    assert person.emails == ("bada@example.kr", "kang@example.com")


def test_a_file_without_a_person_is_nobody(document: DocumentOf) -> None:
    assert only_person(people(document(["포인트 적립 안내", "전월 이용금액 40만원 이상"]))) is None
    assert people(Document(format=document([]).format, pages=1, blocks=())) == ()


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(
            "---|# Bada Kang|Planner|bada.kang@example.kr|## Experience|Clear Spring | Planner | 2020 - Present",
            id="the same mail in another language",
        ),
        pytest.param(
            "---|# 강바다|planner@example.com|## 경력사항|맑은샘 | 기획자 | 2020.01 ~ 현재",
            id="a page header with a second mail",
        ),
        pytest.param(
            "---|# 자기소개서|강바다|bada.kang@example.kr|## 성장과정|바닷가에서 자랐습니다.",
            id="a cover letter",
        ),
        pytest.param(
            "## 추천인|**문가람**|부장|garam.moon@example.com|010-0000-2002|**백로하**|roha@example.com",
            id="referees",
        ),
        pytest.param(
            "---|## References|# Dr. Ruth Ellery|ruth@example.org|+1 206 555 0111|Head of Research",
            id="a referee in large letters",
        ),
        pytest.param(
            "## 가족사항|관계‖성명‖연락처|부‖강호수‖010-0000-3003|모‖윤달래‖010-0000-3004",
            id="a family table",
        ),
        pytest.param(
            "## Publications|Bada Kang, Sora Hahn|sora.hahn@example.org|Waves, 2021",
            id="co-authors",
        ),
    ],
)
def test_other_peoples_names_are_no_second_resume(document: DocumentOf, more: str) -> None:
    found = people(document([*KIM.split("\n"), *more.replace(" | ", " ¦ ").split("|")]))

    assert [p.name for p in found] == ["강바다"]
    assert "010-0000-2002" not in found[0].phones
