"""Two résumés that rules and models read alike, and a model that recites what a test gives it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from app.candidates import rules
from app.candidates.analysis import Analysis, History, analyze_by_model
from app.candidates.profile import Profile
from app.candidates.reading import Reading
from app.documents.work import Question, Result, Work
from app.providers.answers import Answer
from tests.candidates.markup import document_of

KOREAN = (
    "# 윤가온",
    "서버 개발자",
    "gaon.yun@example.kr | 010-0000-2101",
    "## 경력",
    "해오름모빌리티 | 서버 개발자 | 2021.03 ~ 현재",
    "물결로지스 | 선임 개발자 | 2017.09 ~ 2021.02",
    "## 학력",
    "너울대학교 | 컴퓨터공학 학사 | 2010.03 ~ 2014.02",
    "## 기술",
    "Python, Go, PostgreSQL, Kafka",
)
ENGLISH = (
    "# Maya Fairweather",
    "Data Engineer",
    "maya@example.com | 415-555-0121",
    "## Experience",
    "Juniper Grid Analytics | Senior Data Engineer | Oct 2020 - Present",
    "Harborline Transit | Data Engineer | Jun 2017 - Sep 2020",
    "## Education",
    "Thornfield University | M.S. in Data Science | 2013 - 2015",
    "## Skills",
    "Python, SQL, Spark, Airflow",
)
RESUMES = {"ko": KOREAN, "en": ENGLISH}


class Recited:
    """A model that gives the next of these answers, and remembers what it was asked."""

    def __init__(self, *answers: str | Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, History]] = []

    async def __call__(self, item: str, user: str, history: History) -> Answer:
        self.asked.append((item, user, history))
        given = self.answers.pop(0)
        return given if isinstance(given, Answer) else answer(given)


def answer(text: str, finish_reason: str = "stop") -> Answer:
    return Answer(
        text=text, model="m", input_tokens=1, output_tokens=1, finish_reason=finish_reason
    )


async def honest(lines: tuple[str, ...]) -> dict[str, Any]:
    """What a good model answers; on these résumés the rules are as good."""
    profile = read_by_rules(lines)
    given = profile.model_dump(mode="json", exclude={"confidence", "sources", "notes", "language"})
    contacts = {"emails": ["[EMAIL_1]"], "phones": ["[PHONE_1]"], "links": []}
    return {**given, **contacts}


@cache
def read_by_rules(lines: tuple[str, ...]) -> Profile:
    return rules.analyze(document_of(lines))


def told(profile: Profile) -> dict[str, Any]:
    """All that the profile says of the person."""
    return profile.model_dump(exclude={"confidence", "sources", "notes"})


def reading_of(lines: Sequence[str], *, hidden_chars: int = 0) -> Reading:
    return Reading(replace(document_of(lines), hidden_chars=hidden_chars), in_this_process)


async def in_this_process(work: Work[Question, Result], question: Question, /) -> Result:
    """What a parser process does, JSON and all."""
    answered = work.carry_out(work.question.dump_json(question))
    return work.result.validate_json(answered)


async def by_model(lines: Sequence[str], *answers: str | Answer) -> Analysis:
    return await analyze_by_model(reading_of(lines), Recited(*answers), parse_tries=2)
