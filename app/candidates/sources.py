"""Where each value of a profile stands in its document."""

import re
from collections.abc import Iterator

from app.candidates.grounding import SourceText, by_line
from app.candidates.profile import Education, Experience, Profile, Span

_SENTENCE_END = re.compile(r"(?<=[.!?。])\s+")
_PARTS = re.compile(r"\s+[·|]\s+")


def with_sources(profile: Profile, source: SourceText) -> Profile:
    """The profile with the places of its values; a value that is not found has none."""
    found = {key: spans for key, spans in _located(profile, source) if spans}
    return profile.model_copy(update={"sources": found})


def _located(profile: Profile, source: SourceText) -> Iterator[tuple[str, tuple[Span, ...]]]:
    if profile.name:
        yield "name", source.find_words(profile.name)
    if profile.headline:
        yield "headline", _of_parts(profile.headline, source)
    for kind in ("emails", "phones", "links"):
        for number, value in enumerate(getattr(profile, kind)):
            yield f"{kind}.{number}", source.find(value)
    for number, row in enumerate(profile.experience):
        yield from _row(f"experience.{number}", row, source)
    for number, row in enumerate(profile.education):
        yield from _row(f"education.{number}", row, source)
    for number, skill in enumerate(profile.skills):
        yield f"skills.{number}", source.find_words(skill)
    for number, language in enumerate(profile.languages):
        at = source.find_words(language.name)
        near = at[0].block if at else None
        level = source.find_words(language.level, near=near) if language.level else ()
        yield f"languages.{number}", by_line((*at, *level))
    if profile.summary:
        sentences = _SENTENCE_END.split(profile.summary)
        yield "summary", tuple(span for each in sentences for span in source.find(each))


def _row(
    key: str, row: Experience | Education, source: SourceText
) -> Iterator[tuple[str, tuple[Span, ...]]]:
    if isinstance(row, Experience):
        cells = ("company", row.company), ("title", row.title)
    else:
        cells = ("school", row.school), ("degree", row.degree)
    first = row.start or row.end
    dated = source.find_date(first) if first else ()
    near = dated[0].block if dated else None
    for name, value in cells:
        if value:
            spans = source.find_words(value, near=near)
            near = spans[0].block if spans else near
            yield f"{key}.{name}", spans
    for name, date in (("start", row.start), ("end", row.end)):
        if date:
            yield f"{key}.{name}", source.find_date(date, near=near)


def _of_parts(text: str, source: SourceText) -> tuple[Span, ...]:
    """A headline may be put together of a title and an employer."""
    if whole := source.find_words(text):
        return whole
    parts = [source.find_words(part) for part in _PARTS.split(text)]
    return by_line([span for spans in parts for span in spans]) if all(parts) else ()
