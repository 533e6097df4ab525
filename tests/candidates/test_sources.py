"""Every value of a profile with its place."""

from app.candidates.grounding import SourceText
from app.candidates.profile import Education, Experience, Profile, SpokenLanguage
from app.candidates.sources import with_sources
from app.documents.blocks import Block

LINES = (
    "Nadia Brightwell",
    "nadia@example.com +1 (303) 555-0164",
    "Alderway Tools",
    "Product Manager 2021.03 - Present",
    "Alderway Tools",
    "Support Engineer, Jan 2019 - Feb 2021",
    "Millrace University, B.S., 2014",
    "SQL, French (fluent)",
    "Writes short specifications. Keeps long changelogs.",
)
PROFILE = Profile(
    name="Nadia Brightwell",
    headline="Product Manager · Alderway Tools",
    emails=("nadia@example.com",),
    phones=("+1 303 555 0164",),
    links=("https://not-in-the-text.example.com",),
    experience=(
        Experience(company="Alderway Tools", title="Product Manager", start="2021-03"),
        Experience(
            company="Alderway Tools", title="Support Engineer", start="2019-01", end="2021-02"
        ),
    ),
    education=(Education(school="Millrace University", degree="B.S.", end="2014"),),
    skills=("SQL",),
    languages=(SpokenLanguage(name="French", level="fluent"),),
    summary="Writes short specifications. Keeps long changelogs.",
)


def test_each_value_is_in_the_line_that_its_source_names() -> None:
    source = SourceText([Block(text=line) for line in LINES])

    found = with_sources(PROFILE, source).sources

    lines = {key: [span.block for span in spans] for key, spans in found.items()}
    assert lines == {
        "name": [0],
        "headline": [2, 3],
        "emails.0": [1],
        "phones.0": [1],
        "experience.0.company": [2],
        "experience.0.title": [3],
        "experience.0.start": [3],
        "experience.1.company": [4],
        "experience.1.title": [5],
        "experience.1.start": [5],
        "experience.1.end": [5],
        "education.0.school": [6],
        "education.0.degree": [6],
        "education.0.end": [6],
        "skills.0": [7],
        "languages.0": [7],
        "summary": [8, 8],
    }


def test_an_empty_profile_has_no_sources() -> None:
    assert with_sources(Profile(), SourceText([])).sources == {}
