"""One file, several résumés: where each begins and which lines are whose."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.candidates.rules.addresses import emails_in
from app.candidates.rules.headers import Header, find_headers, resume_starts, same_person
from app.candidates.rules.headings import Kind
from app.candidates.rules.names import Candidate, candidates
from app.candidates.rules.sections import Section

_HEAD_LINES = 150
NAME_FLOOR = 0.5  # below it a name is a guess that misleads more than a blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """One résumé of the file. Two of one person happen: Korean, then English."""

    header: Header | None
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A file in sections, the main person's name with all its rivals, and whose résumés it holds.

    At least one résumé.
    """

    sections: tuple[Section, ...]
    name: Candidate | None
    names: tuple[Candidate, ...]
    resumes: tuple[Resume, ...]


def main_name(sections: Sequence[Section]) -> tuple[Candidate | None, tuple[Candidate, ...]]:
    """The person's name and all its rivals."""
    heads = [s for s in sections if s.kind in (Kind.HEADER, Kind.CONTACT, Kind.TITLE)]
    emails = [v for s in heads for x in s.lines[:_HEAD_LINES] for v in emails_in(x.text, ocr=x.ocr)]
    found = tuple(candidates(sections, emails))
    return (found[0] if found and found[0].score >= NAME_FLOOR else None), found


def outline(sections: Sequence[Section]) -> Outline:
    """The file cut at every header that begins a résumé."""
    name, names = main_name(sections)
    starts = resume_starts(find_headers(sections, name), sections)
    found: list[Resume] = []
    for number, start in enumerate(starts):
        begin = None if number == 0 else start
        end = starts[number + 1] if number + 1 < len(starts) else None
        found.append(Resume(header=start, sections=tuple(_between(sections, begin, end))))
    whole = Resume(header=None, sections=tuple(sections))
    return Outline(
        sections=whole.sections, name=name, names=names, resumes=tuple(found) or (whole,)
    )


def own_sections(found: Sequence[Resume]) -> list[Section]:
    """The lines of the first person's first full résumé."""
    own: list[Section] = list(found[0].sections)
    for resume in found[1:]:
        same = (
            resume.header is None
            or found[0].header is None
            or same_person(found[0].header, resume.header)
        )
        if same and not _repeats(own, resume.sections):
            own += resume.sections  # the career told on after a cover letter or a second header
    return own


def _repeats(own: Sequence[Section], more: Sequence[Section]) -> bool:
    careers = {Kind.EXPERIENCE, Kind.EDUCATION}
    return bool({s.kind for s in own} & {s.kind for s in more} & careers)


def _between(
    sections: Sequence[Section], begin: Header | None, end: Header | None
) -> list[Section]:
    """Sections from one header to the next; a section that holds a header is cut there."""
    kept: list[Section] = []
    for at, section in enumerate(sections):
        lines = section.lines
        kinds, heading = section.kinds, section.heading
        if begin is not None:
            if at < begin.at:
                continue
            if at == begin.at and heading is not begin.line:
                lines = tuple(x for x in lines if x.index >= begin.line.index)
                kinds, heading = (Kind.HEADER,) if not begin.labelled else kinds, None
        if end is not None:
            if at > end.at or (at == end.at and heading is end.line):
                break
            if at == end.at:
                lines = tuple(x for x in lines if x.index < end.line.index)
        kept.append(replace(section, kinds=kinds, heading=heading, lines=lines))
    return kept
