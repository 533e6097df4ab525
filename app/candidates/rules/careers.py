"""Experience and education of a whole résumé, with and without headings."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from app.candidates.profile import Education, Experience
from app.candidates.rules.accounts import told_positions, told_schools
from app.candidates.rules.chronicle import told_in_events
from app.candidates.rules.dates import periods, without_periods
from app.candidates.rules.education import find_education, is_school_entry, schools
from app.candidates.rules.entries import group
from app.candidates.rules.experience import find_experience, is_career_entry, positions
from app.candidates.rules.headings import Kind, heading_kinds, is_decorated
from app.candidates.rules.labels import Label, pairs
from app.candidates.rules.lines import Line, squeeze
from app.candidates.rules.names import korean_name, latin_name
from app.candidates.rules.parts import SEPARATOR, tidy
from app.candidates.rules.sections import Section
from app.candidates.rules.sentences import is_headish
from app.candidates.rules.tables import Entry, header_row
from app.candidates.rules.vocabulary import has_school, title_score

_PERSONAL = frozenset(
    {
        Label.NAME,
        Label.EMAIL,
        Label.PHONE,
        Label.LINK,
        Label.PERSONAL,
        Label.SENSITIVE,
        Label.OTHERS,
        Label.HEADLINE,
    }
)
_NAME_WITHIN = 5
_DATED_WITHIN = 2
_TRAINING = re.compile(
    r"(?:교육|연수|배움|수료)(?:사항|이력|과정|훈련|이수|이수사항)?|training|trainings|courses|schooling"
)
_OF_COURSES = re.compile(r"\bcourse(?:s|work):?$", re.IGNORECASE)
_CLEARLY_LARGE = 1.1
_LEAST_ENTRIES = 2
_DISPLAY_RATIO = 1.5  # larger text is the person's name
_OF_OTHERS = (Kind.FAMILY, Kind.REFERENCES)
_UNHEADED = (Kind.HEADER, Kind.OTHER, Kind.SUMMARY, Kind.CONTACT, Kind.TITLE)


def find_careers(sections: Sequence[Section]) -> tuple[list[Experience], list[Education]]:
    """Positions and schools in reading order."""
    sections = _with_firms(sections)
    experience = find_experience(_lines(sections, Kind.EXPERIENCE)) or find_experience(
        _lines(sections, Kind.CAREER_DETAIL)
    )
    education = find_education(_lines(sections, Kind.EDUCATION))
    for section in sections:
        if {Kind.EXPERIENCE, Kind.EDUCATION} <= set(section.kinds):
            more, schooling = _mixed(section.lines)
            experience += more
            education += schooling
    if not education:
        education = find_education(s.lines for s in sections if _is_training(s))
    jobs, learning = told_in_events(
        line for s in sections if s.kind not in _OF_OTHERS for line in s.lines
    )
    # A row for each beginning and each end is not yet a position.
    experience = jobs if len(jobs) >= len({squeeze(x.company) for x in experience}) else experience
    education = (
        learning if len(learning) >= len({squeeze(x.school) for x in education}) else education
    )
    told = told_positions(_lines(sections, Kind.EXPERIENCE) or _lines(sections, Kind.CAREER_DETAIL))
    experience = told if len(told) > len(experience) else experience
    education = education or told_schools(_lines(sections, Kind.EDUCATION))
    if not experience or not education:
        found = [_mixed(_unheaded(s)) for s in sections if s.kind in _UNHEADED]
        experience = experience or [row for more, _ in found for row in more]
        education = education or [row for _, schooling in found for row in schooling]
    return experience, education


def _with_firms(sections: Sequence[Section]) -> list[Section]:
    """Sections less the headings that are the firm or school of an entry of the section above."""
    result: list[Section] = []
    for section in sections:
        above = result[-1] if result else None
        if above and section.heading and _goes_on(section, above, section.heading):
            lines = (*above.lines, section.heading, *section.lines)
            result[-1] = replace(above, lines=lines)
        else:
            result.append(section)
    return result


def _goes_on(section: Section, above: Section, heading: Line) -> bool:
    if section.kind is Kind.OTHER and above.kind is Kind.EDUCATION:
        return _goes_on_with_schools(section, above, heading)
    return _names_an_entry(section, above)


def _names_an_entry(section: Section, above: Section) -> bool:
    """Whether a heading that no list knows stands over a dated job, and looks as firms do there."""
    heading = section.heading
    if section.kind is not Kind.OTHER or above.kind is not Kind.EXPERIENCE or heading is None:
        return False
    if not any(not p.single for x in section.lines[:_DATED_WITHIN] for p in periods(x.text)):
        return False
    if heading.cells or heading_kinds(heading.text) or not is_headish(heading):
        return False
    if section.lines and header_row(section.lines[0]):
        return False  # 교내 활동 over 기간 | 활동명 | 내용
    if above.heading and is_decorated(heading.text) and heading.text[0] == above.heading.text[0]:
        return False  # 【 경력 】 … 【 주요 현장 】
    if above.lines and above.lines[0].look != heading.look:
        return False
    if above.lines and above.heading and above.heading.look != heading.look:
        return True
    texts = (p for x in section.lines[:_DATED_WITHIN] for p in SEPARATOR.split(x.text))
    return any(title_score(tidy(without_periods(t))) for t in texts)


def _goes_on_with_schools(section: Section, above: Section, heading: Line) -> bool:
    """A school that is set as headings are, or `Notable courses:` of one school above the next one."""
    if has_school(heading.text) and not heading_kinds(heading.text):
        return any(periods(line.text) for line in section.lines[:_DATED_WITHIN])
    alike = above.heading is not None and above.heading.look == heading.look  # a section of its own
    told = not alike and _OF_COURSES.search(heading.text) is not None
    return told and any(has_school(line.text) for line in section.lines)


def _is_training(section: Section) -> bool:
    """교육 over a school, where nothing is called 학력: there it is what others call so."""
    heading = section.heading
    return (
        section.kind is Kind.OTHER
        and heading is not None
        and _TRAINING.fullmatch(squeeze(heading.text)) is not None
        and any(has_school(line.text) for line in section.lines)
    )


def _first_told(section: Section) -> int:
    """Where a header's own lines end: the person's name is no employer."""
    if section.kind is not Kind.HEADER:
        return 0
    named = (n for n, line in enumerate(section.lines[:_NAME_WITHIN]) if _is_name(line))
    return next(named, -1) + 1


def _is_name(line: Line) -> bool:
    return (korean_name(line.text) or latin_name(line.text)) is not None


def _told(lines: Sequence[Line]) -> list[Line]:
    """Lines less the name and `label: value` ones."""
    return [x for x in lines if x.ratio < _DISPLAY_RATIO and not _is_personal(x)]


def _unheaded(section: Section) -> list[Line]:
    """What a section that is called nothing of the kind may tell of a career."""
    lines = _told(section.lines[_first_told(section) :])
    dated = [at for at, x in enumerate(lines) if any(not p.single for p in periods(x.text))]
    if section.kind is not Kind.HEADER or len(dated) < _LEAST_ENTRIES:
        return lines
    # A firm's look comes again with the next firm. That of a heading, which no list knows, does not.
    looks = Counter(line.look for line in lines)
    alone = [at for at, x in enumerate(lines[: dated[0]]) if looks[x.look] == 1 and _is_set_off(x)]
    return lines[alone[-1] + 1 :] if alone else lines


def _is_set_off(line: Line) -> bool:
    large = line.ratio > _CLEARLY_LARGE and not line.ocr  # recognised sizes vary
    return not line.cells and (line.bold or large)


def _is_personal(line: Line) -> bool:
    return any(labels & _PERSONAL for labels, _ in pairs(line))


def _lines(sections: Sequence[Section], kind: Kind) -> list[Sequence[Line]]:
    both = {Kind.EXPERIENCE, Kind.EDUCATION}
    return [s.lines for s in sections if kind in s.kinds and not both <= set(s.kinds)]


def _mixed(lines: Sequence[Line]) -> tuple[list[Experience], list[Education]]:
    """Entries told apart by what they name."""
    jobs: list[Entry] = []
    learning: list[Entry] = []
    for entry in group(lines, singles=lambda _: False):
        if is_career_entry(entry):
            jobs.append(entry)
        elif entry.period and is_school_entry(entry):
            learning.append(entry)
    return positions(jobs), schools(learning)
