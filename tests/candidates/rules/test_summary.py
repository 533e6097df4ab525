from app.candidates.profile import Experience
from app.candidates.rules.lines import read_lines
from app.candidates.rules.sections import split_sections
from app.candidates.rules.summary import find_headline, find_summary, is_private
from tests.candidates.markup import DocumentOf


def test_the_headline_is_the_line_under_the_name_or_the_present_position(
    document: DocumentOf,
) -> None:
    titled = split_sections(read_lines(document(["# Ann Own", "Data Engineer"])))
    bare = split_sections(read_lines(document(["# Ann Own"])))
    now = Experience(company="Acme", title="Clerk", start="2020")

    assert find_headline(titled, None, [now]) == "Data Engineer"
    assert find_headline(bare, None, [now]) == "Clerk · Acme"
    assert find_headline(bare, None, []) is None


def test_the_summary_is_the_text_of_its_section_cut_at_a_sentence(document: DocumentOf) -> None:
    sections = split_sections(
        read_lines(document(["## Summary", *["A sentence of some length, told again."] * 60]))
    )
    summary = find_summary(sections)

    assert summary is not None
    assert len(summary) <= 800
    assert summary.endswith(".")


def test_private_lines() -> None:
    assert is_private("주민등록번호 920101-1******")
    assert not is_private("Builds pipelines since 2019.")
