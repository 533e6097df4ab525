from uuid import uuid4

import pytest

from app.candidates.anonymous import Keep, anonymous, pseudonym
from app.candidates.profile import Education, Experience, Profile, SpokenLanguage
from app.store.crypto import BlindIndex

NAMES = ("윤가온", "Gaon Yun")
CONTACTS = "gaonyun@example.com 010-0000-4321 https://github.com/gaonyun"
WHO = f"윤가온 Gaon Yun {CONTACTS} 950315-2345678"

PROFILE = Profile(
    name="윤가온",
    headline=f"{WHO} Backend engineer",
    emails=("gaonyun@example.com",),
    phones=("010-0000-4321",),
    links=("https://github.com/gaonyun", "https://canary-link.example.org/me"),
    education=(
        Education(
            school="한빛가상대학교", degree=f"컴퓨터공학 학사 {WHO}", start="2010-03", end="2014"
        ),
        Education(school="누리여자고등학교", degree=None, start="2007", end="2010"),
    ),
    experience=(
        Experience(company="주식회사 마루가상", title=f"팀장 {WHO}", start="2016-03", end=None),
        Experience(company="대한민국 육군", title="병장 canary", start="2014-03", end="2015-12"),
        Experience(company="Canary Systems Inc.", title="Engineer", start="2015", end="2016"),
    ),
    skills=("Python", "Kafka", "gaonyun@example.com", "윤가온", "1990년생"),
    languages=(
        SpokenLanguage(name="English", level=f"TOEIC 900 {WHO}"),
        SpokenLanguage(name=WHO, level=None),
    ),
    summary=(
        f"Python으로 결제 서버를 10년 만들었습니다. {WHO}\n"
        "1990년 3월 15일 출생입니다. 만 34세이고 남성입니다. 육군 병장 만기 전역했습니다. "
        "두 자녀의 아버지입니다. 증명사진 첨부. 마루가상에서 팀을 이끌었고 Canary Systems 시절 Kafka를 썼습니다. "
        "카톡은 gaon_90 입니다. My GitHub ID is gaonstack. 가온은 조용한 사람입니다. He is a married man. She led a team of 5; contact: "
        + CONTACTS
    ),
    language="ko",
    confidence={"name": 0.9},
)

PERSONAL = (
    "윤가온", "가온", "Gaon", "Yun", "gaonyun", "example.com", "0000-4321", "github", "950315",
    "2345678", "canary-link", "1990", "34세", "남성", "육군", "병장", "자녀", "아버지", "증명사진", "married",
    "She", "여자", "gaon_90", "gaonstack",
)  # fmt: skip
ORGANISATIONS = ("마루가상", "한빛가상", "Canary Systems", "누리")


def test_nothing_that_says_or_hints_at_who_it_is_comes_through_any_field() -> None:
    shown = anonymous(PROFILE, NAMES, Keep(), years=9.5).model_dump_json()
    for value in (*PERSONAL, *ORGANISATIONS):
        assert value not in shown, value


def test_what_the_person_can_do_comes_through() -> None:
    shown = anonymous(PROFILE, NAMES, Keep(), years=9.5)
    assert shown.skills == ["Python", "Kafka"]
    assert (shown.years, shown.language) == (9.5, "ko")
    assert shown.headline is not None
    assert "Backend engineer" in shown.headline
    assert [(entry.start, entry.end) for entry in shown.experience] == [
        ("2016-03", None),
        ("2015", "2016"),
    ]
    assert shown.experience[1].title == "Engineer"
    assert [entry.company for entry in shown.experience] == [None, None]
    assert shown.education[0].degree is not None
    assert "컴퓨터공학 학사" in shown.education[0].degree
    assert shown.languages[0].name == "English"
    assert shown.summary is not None
    assert "결제 서버를 10년" in shown.summary
    assert "[EMPLOYER_1]에서 팀을 이끌었고 [EMPLOYER_3] 시절 Kafka" in shown.summary
    assert "They led a team of 5" in shown.summary


def test_employers_and_schools_are_told_when_they_are_kept_but_no_hint_with_them() -> None:
    keep = Keep(employers=True, schools=True)
    shown = anonymous(PROFILE, NAMES, keep, years=9.5)
    assert [entry.company for entry in shown.experience] == [
        "주식회사 마루가상",
        "Canary Systems Inc.",
    ]
    assert [entry.school for entry in shown.education] == ["한빛가상대학교", None]
    for value in PERSONAL:
        assert value not in shown.model_dump_json(), value


@pytest.mark.parametrize(
    "hint",
    [
        "생년월일: 1990.03.15", "1990년생입니다", "만 34세", "Date of birth: 15 March 1990",
        "I was born in Seoul", "34 years old", "성별 여", "Female candidate", "군필", "병역특례로 근무",
        "Served in the army", "Military service completed", "결혼 8년차", "두 아이의 엄마이자 아내",
        "Married with two children", "증명사진 첨부", "Photo attached on request", "국적: 대한민국",
    ],
)  # fmt: skip
def test_a_sentence_with_a_hint_goes_whole_and_the_others_stay(hint: str) -> None:
    profile = Profile(summary=f"Kafka를 운영했습니다. {hint}. Redis를 썼습니다.")
    shown = anonymous(profile, (), Keep(), years=1)
    assert shown.summary == "Kafka를 운영했습니다. Redis를 썼습니다."


@pytest.mark.parametrize(
    "innocent",
    [
        "서버 장애 대응을 이끌었습니다.",
        "사진 편집 앱을 만들었습니다.",
        "Wrote a single-page app.",
        "딸기 농장 관제 시스템",
    ],
)
def test_a_sentence_without_a_hint_stays(innocent: str) -> None:
    assert anonymous(Profile(summary=innocent), (), Keep(), years=1).summary == innocent


def test_an_empty_profile_gives_an_empty_export() -> None:
    shown = anonymous(Profile(language="<script>"), (), Keep(), years=0)
    assert (shown.headline, shown.summary, shown.language) == (None, None, None)
    assert (shown.skills, shown.experience, shown.education, shown.languages) == ([], [], [], [])


def test_a_pseudonym_is_stable_and_of_its_candidate_and_tenant() -> None:
    one, other = BlindIndex(b"one" * 11), BlindIndex(b"two" * 11)
    first, second = uuid4(), uuid4()
    assert pseudonym(one, first) == pseudonym(one, first)
    assert len({pseudonym(one, first), pseudonym(one, second), pseudonym(other, first)}) == 3
    assert first.hex[:8] not in pseudonym(one, first).lower()
