"""How sure the rules are of each field, from 0 to 1."""

from collections.abc import Sequence

from app.candidates.profile import Education, Experience, Profile
from app.candidates.rules.contacts import Contacts, Found, Place
from app.candidates.rules.headings import Kind
from app.candidates.rules.names import Candidate
from app.candidates.rules.sections import Section

_SURE, _LIKELY, _GUESS = 0.95, 0.8, 0.5


def confidences(
    profile: Profile, sections: Sequence[Section], names: Sequence[Candidate], contacts: Contacts
) -> dict[str, float]:
    """One number per field that was found; OCR's own confidence lowers each."""
    kinds = {k for s in sections for k in s.kinds}
    seen = [x.confidence for s in sections for x in s.lines[:400] if x.confidence is not None]
    legible = sum(seen) / len(seen) if seen else 1.0
    values: dict[str, float] = {}
    if profile.name:
        rival = next((c.score for c in names if c.name != profile.name), 0.0)
        margin = min(1.0, max(0.0, names[0].score - rival))
        values["name"] = min(0.99, 0.45 + 0.3 * min(1.0, names[0].score) + 0.25 * margin)
    for field, found in (
        ("emails", contacts.emails),
        ("phones", contacts.phones),
        ("links", contacts.links),
    ):
        if found:
            values[field] = _contact(found)
    if profile.education:
        values["education"] = _rows(profile.education, headed=Kind.EDUCATION in kinds)
    if profile.experience:
        values["experience"] = _rows(profile.experience, headed=Kind.EXPERIENCE in kinds)
    if profile.skills:
        values["skills"] = 0.9 if Kind.SKILLS in kinds else _GUESS
    if profile.languages:
        values["languages"] = _LIKELY
    if profile.summary:
        values["summary"] = _LIKELY if Kind.SUMMARY in kinds else _GUESS
    if profile.headline:
        values["headline"] = 0.7
    values["language"] = _SURE
    return {field: round(min(1.0, value * legible), 2) for field, value in values.items()}


def _contact(found: Sequence[Found]) -> float:
    return sum(_SURE if f.place is Place.OWN else 0.6 for f in found) / len(found)


def _rows(rows: Sequence[Education] | Sequence[Experience], *, headed: bool) -> float:
    """The share of filled cells, less when no heading stood over the rows."""
    filled = 0
    for row in rows:
        role = row.degree if isinstance(row, Education) else row.title
        filled += 1 + bool(role) + bool(row.start or row.end)
    return (0.4 + 0.5 * filled / (3 * len(rows))) * (1.0 if headed else 0.7)
