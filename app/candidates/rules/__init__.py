"""The rule-based analyst: a document's lines become a profile, without any model.

Four steps, after OpenResume's reading of PDF files: blocks → lines → sections → for every field
the best of its candidates. Rules are about words and looks, never about one template.
"""

from collections.abc import Sequence
from functools import reduce

from app.candidates.profile import Profile
from app.candidates.rules.careers import find_careers
from app.candidates.rules.confidence import confidences
from app.candidates.rules.contacts import find_contacts
from app.candidates.rules.headings import Kind
from app.candidates.rules.languages import find_languages
from app.candidates.rules.persons import main_name, own_sections
from app.candidates.rules.reading import outline_of
from app.candidates.rules.scripts import language_of
from app.candidates.rules.sections import Section
from app.candidates.rules.skills import section_skills, text_skills
from app.candidates.rules.summary import find_headline, find_summary
from app.documents.blocks import Document

__all__ = ["analyze", "language_of"]

_CAREERS = (Kind.EXPERIENCE, Kind.CAREER_DETAIL, Kind.PROJECTS)
_TOLD_IN = (Kind.HEADER, Kind.SUMMARY, *_CAREERS)


def analyze(document: Document) -> Profile:
    """The profile of the file's main person; fields stay empty where nothing was found.

    Raises nothing, whatever the text; time is linear in its length. CPU work of some 20 ms for
    two pages: call it in a thread.
    """
    outline = outline_of(document)
    sections = own_sections(outline.resumes)
    several = len(outline.resumes) > 1
    name, names = main_name(sections) if several else (outline.name, outline.names)
    contacts = find_contacts(sections, document.links, document.link_texts)
    experience, education = find_careers(sections)
    profile = Profile(
        name=name.name if name else None,
        headline=find_headline(sections, name, experience),
        emails=tuple(f.value for f in contacts.emails),
        phones=tuple(f.value for f in contacts.phones),
        links=tuple(f.value for f in contacts.links),
        education=tuple(education),
        experience=tuple(experience),
        skills=tuple(
            _skills(sections, names=[e.company for e in experience] + [e.school for e in education])
        ),
        languages=tuple(find_languages(sections)),
        summary=find_summary(sections),
        language=language_of("\n".join(line.text for s in sections for line in s.lines)),
    )
    return profile.model_copy(
        update={"confidence": confidences(profile, sections, names, contacts)}
    )


def _skills(sections: Sequence[Section], *, names: Sequence[str]) -> list[str]:
    """The person's own list first; only a file without one is searched for known names.

    Names of employers and schools are no skills: Juniper Foods, Oracle High School.
    """
    skilled = [s for s in sections if Kind.SKILLS in s.kinds]
    own = [s.lines for s in skilled if s.within not in _CAREERS] or [s.lines for s in skilled]
    listed = list(dict.fromkeys(item for lines in own for item in section_skills(lines)))
    if listed:
        return listed
    told = (line.text for s in sections if s.kind in _TOLD_IN for line in s.lines)
    return text_skills(reduce(lambda text, name: text.replace(name, " "), names, t) for t in told)
