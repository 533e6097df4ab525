from app.candidates.rules import analyze
from tests.candidates.markup import DocumentOf


def test_a_rival_name_lowers_the_confidence_of_the_name(document: DocumentOf) -> None:
    alone = analyze(document(["# Ann Own", "ann.own@example.com"]))
    rivals = analyze(document(["!plain", "Cedar Brook", "Ann Own", "box@example.com"]))

    assert alone.confidence["name"] > rivals.confidence["name"]


def test_rows_with_gaps_and_without_headings_are_less_sure(document: DocumentOf) -> None:
    full = analyze(document(["## Experience", "Acme | Clerk | 2015 - 2019"]))
    unheaded = analyze(document(["Acme | Clerk | 2015 - 2019"]))

    assert full.confidence["experience"] > unheaded.confidence["experience"]
