"""Résumés of invented people as plain text, no two of them of the same person."""

import random
from collections.abc import Iterator

_FAMILIES = [
    "윤",
    "표",
    "류",
    "탁",
    "봉",
    "제갈",
    "선우",
    "마",
    "염",
    "방",
    "소",
    "옥",
    "맹",
    "빙",
    "사공",
    "편",
    "제",
    "구",
    "나",
    "도",
]
_GIVEN = [
    "가온",
    "다온",
    "라온",
    "마루",
    "바다",
    "새봄",
    "아라",
    "여름",
    "이든",
    "한별",
    "누리",
    "보람",
    "슬기",
    "참솔",
    "푸름",
    "해솔",
]
_ENGLISH = [
    "Marlow",
    "Quill",
    "Tamsin",
    "Vesper",
    "Orrin",
    "Juniper",
    "Calder",
    "Wren",
    "Thorne",
    "Isolde",
    "Bram",
    "Linnea",
]
_SURNAMES = [
    "Fenwick",
    "Ashdown",
    "Loxley",
    "Merriweather",
    "Holloway",
    "Brackwater",
    "Dunmore",
    "Pemberley",
]
_TRADES = ["백엔드", "데이터", "플랫폼", "물류", "품질", "회계", "교육", "디자인", "설비", "영업"]
_FIRMS = [
    "은토끼",
    "풀잎",
    "햇살",
    "너울",
    "구름빵",
    "바람개비",
    "달무리",
    "솔방울",
    "반딧불",
    "조약돌",
]
_SKILLS = [
    "Python",
    "Kafka",
    "PostgreSQL",
    "Kubernetes",
    "Terraform",
    "Airflow",
    "Redis",
    "Spark",
    "React",
    "TypeScript",
]


def resumes(count: int) -> Iterator[bytes]:
    """Korean and English in turn, two pages each, the same at every call."""
    chance = random.Random(count)  # noqa: S311 - invented data
    for number in range(count):
        text = _korean(number, chance) if number % 2 else _english(number, chance)
        yield text.encode()


def _korean(number: int, chance: random.Random) -> str:
    name = _FAMILIES[number % len(_FAMILIES)] + chance.choice(_GIVEN)
    careers = "\n\n".join(
        f"{chance.choice(_FIRMS)}{chance.choice(_TRADES)}  {chance.choice(_TRADES)} 담당"
        f"  {2022 - 3 * at}.03 ~ {2025 - 3 * at}.02\n"
        + "\n".join(
            f"- {chance.choice(_TRADES)} 업무 {chance.randint(3, 40)}건을 맡아 처리 시간을"
            f" {chance.randint(5, 60)}% 줄이고 {chance.choice(_SKILLS)}로 자동화했습니다."
            for _ in range(5)
        )
        for at in range(4)
    )
    return f"""{name}
{_mail(number)}
{_phone(number)}

소개
{chance.choice(_TRADES)} 분야에서 {chance.randint(4, 14)}년 동안 일하며 팀의 절차를 정리해 왔습니다.

경력
{careers}

학력
바다대학교 응용통계학과 학사  2009.03 ~ 2013.02

기술
{", ".join(["Python", "Kafka", *chance.sample(_SKILLS[2:], 4)])}
"""


def _english(number: int, chance: random.Random) -> str:
    name = f"{chance.choice(_ENGLISH)} {_SURNAMES[number % len(_SURNAMES)]}"
    careers = "\n\n".join(
        f"Engineer, {chance.choice(_SURNAMES)} Works  03/{2022 - 3 * at} - 02/{2025 - 3 * at}\n"
        + "\n".join(
            f"- Led {chance.randint(2, 30)} projects with {chance.choice(_SKILLS)} and cut the time"
            f" of a release by {chance.randint(5, 60)} percent."
            for _ in range(5)
        )
        for at in range(4)
    )
    return f"""{name}
{_mail(number)}
{_phone(number)}

Summary
An engineer of {chance.randint(4, 14)} years who likes small tools and clear words.

Experience
{careers}

Education
B.Sc. Applied Statistics, University of Lowmoor  2009 - 2013

Skills
{", ".join(["Python", "Kafka", *chance.sample(_SKILLS[2:], 4)])}
"""


def _mail(number: int) -> str:
    return f"person.{number}@example.com"


def _phone(number: int) -> str:
    return f"010-0000-{number:04d}"
