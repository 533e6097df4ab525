import pytest

from app.candidates.rules.languages import find_languages
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import split_sections
from tests.candidates.markup import DocumentOf


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            ["## Languages", "English (native), French - B2"],
            [("English", "native"), ("French", "B2")],
        ),
        (["## 외국어", "한국어, 영어"], [("한국어", None), ("영어", None)]),
        (["## 어학", "TOEIC 905 (2023.02)"], [("영어", "TOEIC 905 (2023.02)")]),
        (["## Skills", "Languages: Python, Go"], []),
    ],
)
def test_languages_and_levels(
    document: DocumentOf, lines: list[str], found: list[tuple[str, str | None]]
) -> None:
    sections = split_sections(read_lines(document(lines)))

    assert [(x.name, x.level) for x in find_languages(sections)] == found
