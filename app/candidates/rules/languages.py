# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Spoken languages and their levels."""

import re
from collections.abc import Sequence

from app.candidates.profile import SpokenLanguage
from app.candidates.rules.headings import Kind
from app.candidates.rules.lines import Line
from app.candidates.rules.sections import Section
from app.candidates.rules.tongues import TONGUE

_TESTS = {
    "영어": re.compile(
        r"\b(?:TOEIC|TOEFL|OPIc|IELTS|TEPS|G-?TELP)\b|토익|토플|오픽|텝스|토스\b|토익스피킹",
        re.IGNORECASE,
    ),
    "일본어": re.compile(r"\bJLPT\b|\bJPT\b", re.IGNORECASE),
    "중국어": re.compile(r"\bHSK\b", re.IGNORECASE),
}
_TRIM = " \t,;:|/·•-–—.()[]"
_LEVEL_MAX_CHARS = 60


def find_languages(sections: Sequence[Section]) -> list[SpokenLanguage]:
    """Languages of the language sections and of `Languages: …` lines among skills."""
    found: dict[str, SpokenLanguage] = {}
    for section in sections:
        if Kind.LANGUAGES in section.kinds:
            for line in section.lines:
                _read(line, found)
        elif section.kind in (Kind.SKILLS, Kind.OTHER, Kind.CERTIFICATES):
            for line in section.lines:
                if re.match(r"(?:외국어|어학|언어|languages?)\s*[:：]", line.text, re.IGNORECASE):
                    _read(line, found)
    return list(found.values())


def _read(line: Line, found: dict[str, SpokenLanguage]) -> None:
    text = " ".join(line.cells) if line.cells else line.text
    if len(text) > 400:
        return
    matches = list(TONGUE.finditer(text))
    for number, match in enumerate(matches):
        stop = matches[number + 1].start() if number + 1 < len(matches) else len(text)
        level = " ".join(text[match.end() : stop].split()).strip(_TRIM)
        level += ")" * (level.count("(") > level.count(")"))
        name = match[1] if "가" <= match[1][0] <= "힣" else match[1].capitalize()
        if name not in found or (level and not found[name].level):
            found[name] = SpokenLanguage(name=name, level=level[:_LEVEL_MAX_CHARS] or None)
    if not matches:
        for name, test in _TESTS.items():
            if test.search(text):
                previous = found.get(name)
                if previous is None or previous.level is None:
                    found[name] = SpokenLanguage(name=name, level=text[:_LEVEL_MAX_CHARS])
