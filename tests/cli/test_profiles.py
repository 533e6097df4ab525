"""A profile as people see it."""

import io

from rich.console import Console

from app.candidates.profile import Experience, Profile, Span
from app.cli.profiles import print_notes, print_profile

PROFILE = Profile(
    name="Nadia [b]Brightwell",
    experience=(Experience(company="Alderway Tools", title="Manager", start="2021-03"),),
    skills=("SQL", "Figma"),
    confidence={"name": 0.97, "experience": 0.8},
    sources={
        "name": (Span(page=1, block=0, start=0, end=3, box=(72, 36.5, 200, 50)),),
        "experience.0.company": (Span(page=2, block=4, start=0, end=3, box=(72, 10, 90, 20)),),
        "experience.0.start": (Span(page=2, block=5, start=0, end=3, box=(60, 20, 80, 30)),),
        "experience.0.title": (Span(page=2, block=5, start=9, end=12, box=(60, 20, 80, 30)),),
    },
)


def shown(profile: Profile, *, sources: bool) -> list[list[str]]:
    out = Console(file=io.StringIO(), width=200, color_system=None)
    print_profile(out, profile, sources=sources)
    assert isinstance(out.file, io.StringIO)
    return [line.split() for line in out.file.getvalue().splitlines()]


def test_each_value_has_a_line_and_each_field_its_confidence() -> None:
    lines = shown(PROFILE, sources=False)

    assert lines[:5] == [
        ["field", "value", "sure"],
        ["name", "Nadia", "[b]Brightwell", "97%"],
        ["experience", "Alderway", "Tools", "Manager", "2021-03", "80%"],
        ["skills", "SQL"],
        ["Figma"],
    ]


def test_with_sources_it_says_page_line_and_box() -> None:
    lines = shown(PROFILE, sources=True)

    assert lines[1][-6:] == ["1", "1", "72,", "36.5,", "200,", "50"]
    assert lines[2][-6:] == ["2", "5-6", "60,", "10,", "90,", "30"]
    assert lines[3] == ["skills", "SQL"]


def test_notes_are_told_also_those_of_a_later_version() -> None:
    out = Console(file=io.StringIO(), width=200, color_system=None)
    print_notes(out, ("truncated", "names_nobody", "of a later version"))
    assert isinstance(out.file, io.StringIO)
    first, second, third = out.file.getvalue().splitlines()

    assert "longer than it reads" in first
    assert "no résumé" in second
    assert third == "of a later version"
