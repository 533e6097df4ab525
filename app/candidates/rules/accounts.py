"""Positions and schools that are told in sentences, where a section has no entries.

`I worked as a clerk at Harbor Foods from 2015 to 2019.`, `해든유통에서 2014년 3월부터 영업팀 대리로 일했습니다.`
"""

import re
from collections.abc import Iterable, Iterator

from app.candidates.profile import Education, Experience
from app.candidates.rules.dates import periods
from app.candidates.rules.lines import Line
from app.candidates.rules.vocabulary import has_school, title_score

_MAX_CHARS = 20_000
_LEGAL = r"\s(?:Ltd|Inc|Co|Corp|LLC|LLP|Bhd)\b"
_GOES_ON = rf"(?=\S|\s[a-z(]|{_LEGAL})"  # Acme Pvt. Ltd. from 2012 to 2014
_SENTENCE = re.compile(rf"[^.!?\n]{{1,400}}(?:[.]{_GOES_ON}[^.!?\n]{{1,400}}){{0,8}}")
_WORD = rf"[A-Z][\w&'-]*(?:[.](?=\s[a-z(]|{_LEGAL}))?(?:,(?={_LEGAL}))?"
_FIRM = rf"(?P<firm>{_WORD}(?:\s(?:(?:of|and|the|&)\s)?{_WORD}){{0,5}})"
_JOB = r"(?:an?\s|the\s)?(?P<job>[A-Za-z][\w/&'-]*(?:\s[\w/&'-]+){0,5}?)"
_ENGLISH = (
    re.compile(rf"\b(?:as|been|was|am|become|became)\s{_JOB}\s(?:at|for|with|in)\s(?:the\s)?{_FIRM}"),
    re.compile(rf"\b(?:at|for|with|joined)\s(?:the\s)?{_FIRM}\b[.]?[^.]{{0,60}}?\bas\s{_JOB}(?=$|[,;.]|\s(?:from|since|in|until|between|for|and)\b)"),
)  # fmt: skip
_FIRM_KO = re.compile(r"(?P<firm>[^\s,.]{2,20})(?:에서|에)(?=[\s,])")
_JOB_KO = re.compile(
    r"(?P<job>[^\s,.]{1,15}?(?:\s[^\s,.]{1,12}?)?)(?:으로|로)\s?(?:서\s)?(?:근무|일하|일했|재직|활동|입사|종사)"
)
_STILL = re.compile(r"현재|지금|재직 ?중|근무하고 있|\b(?:since|currently|now|present|today)\b", re.IGNORECASE)  # fmt: skip


_SCHOOL_KO = re.compile(
    r"(?P<school>[^\s,.]{2,20}(?:대학교|대학원|대학|고등학교))(?:에서|의|를|을)?\s"
    r"(?:(?P<field>[^\s,.]{2,15}?(?:과|학부|전공|계열))(?:를|을|에서|으로|로)?\s)?(?=[^.]{0,40}(?:졸업|수료|전공|입학|학위))"
)


def told_schools(sections: Iterable[Iterable[Line]]) -> list[Education]:
    """In the order of telling; English ones read like entries and are found as such."""
    found: list[Education] = []
    for sentence in _sentences(sections):
        school = _SCHOOL_KO.search(sentence)
        if school and has_school(school["school"]):
            start, end = _span(sentence)
            row = Education(school=school["school"], degree=school["field"], start=start, end=end)
            found.append(row)
    return found


def told_positions(sections: Iterable[Iterable[Line]]) -> list[Experience]:
    """In the order of telling. A sentence counts that names job, employer and a date."""
    found: list[Experience] = []
    for sentence in _sentences(sections):
        start, end = _span(sentence)
        named = _named(sentence)
        # A lone date is the beginning of what still lasts, or of nothing that can be placed.
        if named and (start or (end and _STILL.search(sentence))):
            dates = {"start": start, "end": end} if start else {"start": end, "end": None}
            found.append(Experience(company=named[0], title=named[1], **dates))
    return found


def _sentences(sections: Iterable[Iterable[Line]]) -> Iterator[str]:
    for lines in sections:
        told = (f"\n{line.text}\n" if line.bullet else f"{line.text} " for line in lines)
        text = "".join(told)[:_MAX_CHARS]
        yield from (match[0] for match in _SENTENCE.finditer(text))


def _span(sentence: str) -> tuple[str | None, str | None]:
    """Both ends; of a single date only the second."""
    dates = periods(sentence)
    if span := next((date for date in dates if not date.single), None):
        return span.start, span.end
    values = [date.start or date.end for date in dates]
    return (values[0], values[1]) if len(values) > 1 else (None, values[0] if values else None)


def _named(sentence: str) -> tuple[str, str] | None:
    for pattern in _ENGLISH:
        for found in pattern.finditer(sentence):
            if title_score(found["job"]):
                return found["firm"], found["job"]
    job = _JOB_KO.search(sentence)
    firm = _FIRM_KO.search(sentence)
    if job and firm and title_score(job["job"]):
        return firm["firm"], job["job"]
    return None
