# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""The name of a school in a line that holds more: its degree, its town, a college of it."""

import re
from collections.abc import Sequence

from app.candidates.rules.parts import TRIM, case_cut
from app.candidates.rules.places import is_place
from app.candidates.rules.vocabulary import (
    degree_word,
    find_degree,
    has_degree,
    has_school,
    is_korean_major,
    is_korean_school_word,
    school_after_degree,
    status_words,
)

AFTER_SCHOOL = re.compile(r"(?:대학원|캠퍼스|분교|본교|교육원|어학원|어학당)\)?$")
COLLEGE = re.compile(r"^[가-힣]{2,8}대학$")
_FROM = re.compile(r"\s+(?:from|at)\s+(?=[A-Z])")
_DIPLOMA = re.compile(r"\b(?:diploma|certificate|degree|bachelor|master)\b", re.IGNORECASE)
_CAMPUSES = re.compile(
    r"^(?:The )?(?:Univ\w*\.? of (?:California|Texas|Illinois|Wisconsin|Michigan|North Carolina|Maryland|Massachusetts|Colorado|Minnesota|Tennessee|Nebraska|Missouri|Hawaii|Alabama)|California State University|State University of New York|Indian Institute of (?:Technology|Science))$",
    re.IGNORECASE,
)
_TRANSLATION = re.compile(r"^\([A-Z][A-Za-z .,&'-]+\)(?:\s*,)?\s*")
"""이음대학교 (Ieum University)"""

_GENERIC = re.compile(
    r"(?:여자|남자|공업|상업|정보|외국어|과학|예술)?(?:고등학교|대학교?|대학원|전문대학|중학교|캠퍼스)"
)


def cut_school(text: str) -> tuple[str, str, str]:
    """What stands before the school's name, the name, and what stands after it."""
    if any("가" <= c <= "힣" for c in text):
        cut = _cut_korean(text)
        if cut[1]:
            return cut
    pieces = _FROM.split(text, maxsplit=1)
    if len(pieces) == 2 and has_school(pieces[1]):
        _, school, after = cut_school(pieces[1])
        return pieces[0], school, after
    segments = [s.strip() for s in text.split(",")]
    named = [i for i, s in enumerate(segments) if has_school(s)]
    # High School Diploma, Eastgate High School: the one that is no degree.
    at = next((i for i in named if not _DIPLOMA.search(segments[i])), named[0] if named else 0)
    if cut := case_cut(segments[at]):
        segments[at : at + 1] = cut
        at += 1
    before, school, after = ", ".join(segments[:at]), segments[at], segments[at + 1 :]
    if after and _CAMPUSES.match(school):
        school = f"{school}, {after.pop(0)}"
    after = _without_places(after)
    head, school, tail = _without_degree(school)
    return (
        ", ".join(p for p in (before, head) if p),
        school,
        ", ".join(p for p in (tail, *after) if p),
    )


def _without_places(segments: Sequence[str]) -> list[str]:
    """Segments less `Henderson, NV` and `Lyon`."""
    kept: list[str] = []
    at = 0
    while at < len(segments):
        if at + 1 < len(segments) and is_place(f"{segments[at]}, {segments[at + 1]}"):
            at += 2
        elif is_place(segments[at]):
            at += 1
        else:
            kept.append(segments[at])
            at += 1
    return kept


def _cut_korean(text: str) -> tuple[str, str, str]:
    words = text.replace(",", " , ").split()
    at = next((i for i, w in enumerate(words) if is_korean_school_word(w)), None)
    if at is None:
        return "", "", text
    begin = at
    if _GENERIC.fullmatch(words[at]):  # 호반 대학교, 하노이 붉은강 고등학교
        while begin and not (has_degree(words[begin - 1]) or is_korean_major(words[begin - 1])):
            begin -= 1
    end = at + 1
    while end < len(words) and (
        AFTER_SCHOOL.search(words[end]) or (words[end].startswith("(") and "캠퍼스" in words[end])
    ):
        end += 1
    rest = words[end:]
    while rest and (COLLEGE.match(rest[0]) or rest[0] == ","):
        rest = rest[1:]
    before: list[str] = []
    for word in words[:begin]:
        field = word.strip("()")  # 공학박사 (재료공학)
        told = before and word == f"({field})" and not (is_place(field) or status_words(field))
        if told or has_degree(word) or is_korean_major(field):
            before.append(word)
    after = _TRANSLATION.sub("", " ".join(rest)).replace(" , ", ", ")
    return " ".join(before), " ".join(words[begin:end]), after


def _without_degree(text: str) -> tuple[str, str, str]:
    found = find_degree(text) or degree_word(text)
    if not found:
        return "", text, ""
    if found.start() <= 1 and (begins := school_after_degree(text, found.end())):
        return text[:begins].strip(TRIM), text[begins:], ""
    if found.start() <= 1:
        rest = text[found.end() :].strip(TRIM)
        return (found[0], rest, "") if has_school(rest) else ("", text, "")
    head = text[: found.start()].strip(TRIM + "(")
    return ("", head, text[found.start() :].strip(TRIM)) if has_school(head) else ("", text, "")
