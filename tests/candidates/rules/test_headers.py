from app.candidates.rules.headers import find_headers, name_key, resume_starts, same_person
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import split_sections
from tests.candidates.markup import DocumentOf


def headers(document: DocumentOf, *lines: str):
    sections = split_sections(read_lines(document(list(lines))))
    return sections, find_headers(sections, None)


def test_a_header_is_a_name_with_contact_data_near(document: DocumentOf) -> None:
    _, found = headers(document, "# Ann Own", "Engineer", "ann@example.com | 206-555-0100")

    assert [h.name for h in found] == ["Ann Own"]
    assert found[0].keys == {"ann@example.com", "2065550100"}


def test_only_a_header_that_begins_a_career_anew_is_a_resume(document: DocumentOf) -> None:
    lines = [
        "# Ann Own",
        "ann@example.com",
        "## Experience",
        "Acme | Clerk | 2020 - 2021",
        "## Contact person",
    ]
    sections, found = headers(document, *lines, "**Bob Other**", "bob@example.com")

    assert [h.name for h in resume_starts(found, sections)] == ["Ann Own"]


def test_the_order_of_given_and_family_name_does_not_matter(document: DocumentOf) -> None:
    _, found = headers(
        document,
        "# Kim Seoyeon",
        "a@example.com",
        "## Skills",
        "Go",
        "# Seoyeon Kim",
        "b@example.com",
    )

    assert name_key("Kim Seo-yeon") == name_key("Seoyeon Kim")
    assert same_person(found[0], found[1])
